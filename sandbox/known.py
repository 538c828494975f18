"""The tables of the made-up universe: who is listed where, and how each venue spells it."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

SPOT = "binance_spot"
FUTURES = "binance_futures"
OKX = "okx"
BYBIT = "bybit"
KRAKEN = "kraken"
COINBASE = "coinbase"
KUCOIN = "kucoin"
COINGECKO = "coingecko"
GECKOTERMINAL = "geckoterminal"
CRYPTOCOMPARE = "cryptocompare"
BOTH = (FUTURES, SPOT)

# CoinGecko's id, ticker, name, about what it costs, where it is listed against USDT.
KNOWN: Sequence[tuple[str, str, str, float, Sequence[str]]] = (
    ("bitcoin", "btc", "Bitcoin", 61_000.0, BOTH),
    ("ethereum", "eth", "Ethereum", 2_900.0, BOTH),
    ("tether", "usdt", "Tether", 1.0, ()),
    ("ripple", "xrp", "XRP", 1.4, BOTH),
    ("binancecoin", "bnb", "BNB", 540.0, BOTH),
    ("solana", "sol", "Solana", 140.0, BOTH),
    ("usd-coin", "usdc", "USDC", 1.0, (SPOT,)),
    ("pepe", "pepe", "Pepe", 0.000011, BOTH),
    ("shiba-inu", "shib", "Shiba Inu", 0.000014, BOTH),
    ("monero", "xmr", "Monero", 190.0, (FUTURES,)),
    ("nexo", "nexo", "NEXO", 1.1, (SPOT,)),
    ("leo-token", "leo", "LEO Token", 8.8, ()),
    ("ethereum-made-up-twin", "eth", "Ethereum Twin (made up)", 0.02, ()),
    ("dogecoin", "doge", "Dogecoin", 0.16, BOTH),
    ("tron", "trx", "TRON", 0.21, BOTH),
    ("cardano", "ada", "Cardano", 0.6, BOTH),
    ("chainlink", "link", "Chainlink", 15.0, BOTH),
    ("litecoin", "ltc", "Litecoin", 90.0, BOTH),
    ("avalanche-2", "avax", "Avalanche", 28.0, BOTH),
    ("polkadot", "dot", "Polkadot", 5.5, BOTH),
)

# The coins of a network itself: they have no contract.
NATIVE = (
    *("bitcoin", "ethereum", "ripple", "binancecoin", "solana", "monero", "dogecoin", "tron"),
    *("cardano", "litecoin", "avalanche-2", "polkadot"),
)

# Where a known coin trades beside Binance: on all of these, unless it is named here.
EVERYWHERE = (OKX, BYBIT, KRAKEN, COINBASE, KUCOIN)
ELSEWHERE: Mapping[str, Sequence[str]] = {
    "tether": (),
    "binancecoin": (BYBIT,),
    "usd-coin": (OKX,),
    "monero": (BYBIT, KRAKEN),
    "nexo": (),
    "leo-token": (OKX,),
    "ethereum-made-up-twin": (),
    "tron": (OKX, BYBIT, KRAKEN),
}

# Where an invented coin trades, by its rank; of those not at Binance, one in three is nowhere.
INVENTED: Sequence[Sequence[str]] = (
    BOTH,
    (*BOTH, OKX),
    (FUTURES, BYBIT),
    (SPOT, OKX, KUCOIN),
    (*BOTH, BYBIT),
    (),
    (*BOTH, OKX, BYBIT),
)
NOT_AT_BINANCE: Sequence[Sequence[str]] = ((OKX,), (BYBIT,), ())

# What trades beside the coins, but for what venues say themselves (FACTS):
# symbol, base, quote, contract, underlying, coin, sources.
EXTRA = (
    ("BTCUSDC", "BTC", "USDC", "PERPETUAL", "COIN", "bitcoin", BOTH),
    ("ETHUSDC", "ETH", "USDC", "PERPETUAL", "COIN", "ethereum", BOTH),
    ("ETHBTC", "ETH", "BTC", "PERPETUAL", "COIN", "ethereum", (SPOT,)),
    ("BTCDOMUSDT", "BTCDOM", "USDT", "PERPETUAL", "INDEX", None, (FUTURES,)),
    ("AAPLUSDT", "AAPL", "USDT", "TRADIFI_PERPETUAL", "EQUITY", None, (FUTURES, BYBIT)),
    ("BTC-USDC", "BTC", "USDC", "PERPETUAL", "COIN", "bitcoin", (OKX,)),
    ("ETH-BTC", "ETH", "BTC", "PERPETUAL", "COIN", "ethereum", (OKX,)),
    ("AAPL-USDT", "AAPL", "USDT", "PERPETUAL", "EQUITY", None, (OKX,)),
    ("BTCPERP", "BTC", "USDC", "PERPETUAL", "COIN", "bitcoin", (BYBIT,)),
)
PRICES = {"ETHBTC": 0.047, "BTCDOMUSDT": 4_300.0, "AAPLUSDT": 240.0}

# How a symbol is spelled, and against what a coin trades; what costs less than a hundredth of a
# cent is traded by the thousand where there are contracts, and one of those is spelled backwards.
SPELLED = {
    SPOT: "{base}{quote}",
    FUTURES: "{base}{quote}",
    OKX: "{base}-{quote}",
    BYBIT: "{base}{quote}",
    KRAKEN: "{base}{quote}",
    COINBASE: "{base}-{quote}",
    KUCOIN: "{base}-{quote}",
}
QUOTES = {KRAKEN: "USD", COINBASE: "USD"}
TICKERS = {(KRAKEN, "BTC"): "XBT", (KRAKEN, "DOGE"): "XDG"}
BY_THE_THOUSAND = (FUTURES, BYBIT)
THOUSANDS = 0.0001
BACKWARDS = {(BYBIT, "SHIB")}

# When a venue opened: what bitcoin and ethereum are listed since.
OPENED = {
    SPOT: 1_502_942_400_000,
    FUTURES: 1_567_965_600_000,
    OKX: 1_548_133_413_000,
    BYBIT: 1_585_526_400_000,
    KRAKEN: 1_380_585_600_000,
    COINBASE: 1_437_428_040_000,
    KUCOIN: 1_508_112_000_000,
    COINGECKO: 1_367_107_200_000,
}


def thousand(source: str, ticker: str) -> str:
    """Return how a venue calls a thousand of a coin."""
    return f"{ticker}1000" if (source, ticker) in BACKWARDS else f"1000{ticker}"


def address(*words: str) -> str:
    """Return an address on Ethereum, made up from words."""
    return "0x" + sha256(" ".join(words).encode()).hexdigest()[:40]


def contract(coin: str | None) -> str:
    """Return the address of a coin's token, by its id; empty where it is a network's own coin."""
    return "" if coin is None or coin in NATIVE else address("token", coin)


def is_pooled(coin: str, rank: int) -> bool:
    """Tell whether a coin that trades nowhere else has a pool: the twin, and half of the others."""
    return coin == "ethereum-made-up-twin" or (rank > len(KNOWN) and rank % 2 == 1)


def pool(coin: str) -> str:
    """Return the pool of a coin, by its id: network, address, and which side the coin is."""
    return f"eth/{address('pool', coin)}/base"
