"""Delisted symbols whose coin is known: what no API tells, with the evidence for it.

CoinGecko names the coins behind symbols that trade, and no others. Without this a symbol that is
over is kept under an id of its venue's own, as `unmapped:binance_spot:SRM`. A ticker alone is no
evidence: coins come and go under the same one. "List of 2023": CoinGecko's /coins/list as it was
recorded then, with the ids and names that it had.
"""

from typing import NamedTuple


class DelistedSymbol(NamedTuple):
    """A symbol at a source that was this coin for all of its life."""

    source: str
    symbol: str
    coin: str  # CoinGecko's id
    ticker: str
    name: str
    evidence: str


SPOT = "binance_spot"
ONCE = "the only one of that ticker in the list of 2023; listed by Binance under that name"

DELISTED = (
    DelistedSymbol(SPOT, "ANCUSDT", "anchor-protocol", "ANC", "Anchor Protocol", ONCE),
    DelistedSymbol(
        SPOT,
        "BCCUSDT",
        "bitcoin-cash",
        "BCH",
        "Bitcoin Cash",
        "Binance called Bitcoin Cash BCC until its split of 2018-11-15",
    ),
    DelistedSymbol(
        SPOT,
        "BCHABCUSDT",
        "bitcoin-cash",
        "BCH",
        "Bitcoin Cash",
        "Binance called it BCHABC after the split of 2018-11-15, and BCH from 2019-11 on",
    ),
    DelistedSymbol(
        SPOT,
        "BCHSVUSDT",
        "bitcoin-cash-sv",
        "BSV",
        "Bitcoin SV",
        "the other coin of the split of 2018-11-15; Binance delisted it on 2019-04-22",
    ),
    DelistedSymbol(
        SPOT,
        "BTCSTUSDT",
        "btc-standard-hashrate-token",
        "BTCST",
        "BTC Standard Hashrate Token",
        ONCE,
    ),
    DelistedSymbol(
        SPOT,
        "BTTUSDT",
        "bittorrent-old",
        "BTT",
        "BitTorrent [OLD]",
        "its 1h candles end on 2022-01-17, as it was swapped 1:1,000 for BTTC, which is bittorrent",
    ),
    DelistedSymbol(
        SPOT,
        "BUSDUSDT",
        "binance-usd",
        "BUSD",
        "Binance USD",
        f"{ONCE}; its 1h candles end on 2023-12-15",
    ),
    DelistedSymbol(SPOT, "BZRXUSDT", "bzx-protocol", "BZRX", "bZx Protocol", ONCE),
    DelistedSymbol(
        SPOT,
        "COCOSUSDT",
        "cocos-bcx",
        "COCOS",
        "COCOS BCX",
        f"{ONCE}; its 1h candles end on 2023-05-29, as it became COMBO",
    ),
    DelistedSymbol(SPOT, "KEEPUSDT", "keep-network", "KEEP", "Keep Network", ONCE),
    DelistedSymbol(
        SPOT,
        "LENDUSDT",
        "ethlend",
        "LEND",
        "Aave [OLD]",
        "Aave was called LEND until it was swapped 100:1 in 2020-10",
    ),
    DelistedSymbol(SPOT, "MCOUSDT", "monaco", "MCO", "MCO", ONCE),
    DelistedSymbol(SPOT, "MIRUSDT", "mirror-protocol", "MIR", "Mirror Protocol", ONCE),
    DelistedSymbol(SPOT, "MITHUSDT", "mithril", "MITH", "Mithril", ONCE),
    DelistedSymbol(
        SPOT,
        "NANOUSDT",
        "nano",
        "XNO",
        "Nano",
        "Binance calls it XNO since 2022-01, as Nano does itself; one for one",
    ),
    DelistedSymbol(
        SPOT,
        "NPXSUSDT",
        "pundi-x",
        "NPXS",
        "Pundi X [OLD]",
        "NPXS was swapped 1,000:1 for PUNDIX in 2021-03, which is pundi-x-2",
    ),
    DelistedSymbol(SPOT, "NUUSDT", "nucypher", "NU", "NuCypher", ONCE),
    DelistedSymbol(
        SPOT,
        "PAXUSDT",
        "paxos-standard",
        "USDP",
        "Pax Dollar",
        "Paxos Standard was renamed Pax Dollar, PAX to USDP, in 2021-08; one for one",
    ),
    DelistedSymbol(SPOT, "RAMPUSDT", "ramp", "RAMP", "RAMP [OLD]", ONCE),
    DelistedSymbol(SPOT, "SRMUSDT", "serum", "SRM", "Serum", ONCE),
    DelistedSymbol(
        SPOT,
        "STRATUSDT",
        "stratis",
        "STRAX",
        "Stratis",
        "Stratis was renamed, STRAT to STRAX, in 2020-11; one for one",
    ),
    DelistedSymbol(
        SPOT,
        "TORNUSDT",
        "tornado-cash",
        "TORN",
        "Tornado Cash",
        f"{ONCE}; its 1h candles end in 2022-12",
    ),
    DelistedSymbol(SPOT, "TRIBEUSDT", "tribe-2", "TRIBE", "Tribe", ONCE),
    DelistedSymbol(
        SPOT,
        "USTUSDT",
        "terrausd",
        "USTC",
        "TerraClassicUSD",
        "TerraUSD, UST until it lost its peg in 2022-05, is called USTC since",
    ),
    DelistedSymbol(
        SPOT,
        "XZCUSDT",
        "zcoin",
        "FIRO",
        "Firo",
        "Zcoin was renamed Firo, XZC to FIRO, in 2020-10; one for one",
    ),
)
