"""KuCoin spot: BTC-USDT and its like, a venue's own candles, and many coins that others lack.

https://www.kucoin.com/docs-new (Get Klines, Get All Symbols, Rate Limit, Error Code). The same for
machines: github.com/Kucoin/kucoin-universal-sdk, spec/rest/api/openapi-spot-market.json. Quirks:

- A row is seven strings: time in **seconds**, open, **close, high, low**, volume, turnover. By the
  documentation's example volume is in the base, turnover in the quote. Newest first, at most 1,500.
- `startAt` and `endAt` are in seconds. The start is included. Of the end clients disagree [U]: the
  second before the page's end is asked for, which is right either way.
- Nothing says that no row from before the start is ever sent [U]: such rows are left out. One from
  after `endAt` would be no answer to it.
- "No data is published for intervals where there are no ticks" (kucoin.com/docs, Get Klines): an
  hour without a trade is absent. No flag tells the open candle: `fetch` goes by the clock.
- Metered is the public pool: 2,000 weight in 30 s for an address. 4,000 is the pool of accounts,
  which ccxt takes for it. A page weighs 3, the list 4, the list of currencies 3.
- Each answer has gw-ratelimit-limit, -remaining and -reset (ms). The first restates the pool: it
  is read off the list alone, since each reading is written down.
- Cloudflare let through 500 requests in 10 s, and then none for 30 s [U: said in 2023].
- Errors have a code, some with HTTP 200. 429000 is the pool's, or an overload where the headers
  are absent. 400100 is any parameter: only "This pair is not provided at present" is the pair's
  (seen by crypto-candles, HTTP 200). 400302 is a country that is shut out [U: its status].
- `market` is the tab that shows a pair, and each fashion brings a new one: Meme, AI, TON. ETF alone
  is a kind, that of leveraged tokens: in the list of 2021-04-25 BTC3L, BTC3S, ETH3L and ETH3S.
  Whether BTCUP and BTCDOWN are there too, or stocks have a tab, nothing confirms [U].
- A symbol outlives its coin's name: the base of BCHSV-USDT is BSV.
- `tradingStartTime` (ms) is told of pairs that began with a call auction, and null of others. A
  page of weeks shows the week of the first candle, and not its hour: `first` is not known.
- /api/v3/currencies (weight 3) has each coin's fullName, and in `chains` a contractAddress for each
  network, "" or null where the coin is the network's own. `currency` is what pairs call their base
  [U: of renamed coins; these stay without a name then].
- A pair that is gone leaves the list. Whether its candles stay is not documented [U].
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

import httpx
import polars as pl

from chandlery.errors import SourceError, Unavailable
from chandlery.model import Listing, Window, milliseconds
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.parsing import answers, columns
from chandlery.venues.parsing.assets import Fields, assets
from chandlery.venues.parsing.multiples import plain
from chandlery.venues.source import Assets, Catalogue, Markets, Source, Venue, at_once
from chandlery.venues.verdicts import Meaning, closed, later, refused, too_many

NAME = "kucoin"
URL = "https://api.kucoin.com"
KLINES = "/api/v1/market/candles"
SYMBOLS = "/api/v2/symbols"
CURRENCIES = "/api/v3/currencies"
COSTS = {KLINES: 3, SYMBOLS: 4, CURRENCIES: 3}
DEAREST = max(COSTS.values())
PAGE_HOURS = 1500
PAUSE = timedelta(seconds=30)
"""After which everything spent is given back, and Cloudflare's block is over."""
LIMIT = "gw-ratelimit-limit"
LEFT = "gw-ratelimit-remaining"
RESET = "gw-ratelimit-reset"
WIDTH = 7
PLACES = {
    "open_time": 0,
    "open": 1,
    "close": 2,
    "high": 3,
    "low": 4,
    "volume": 5,
    "quote_volume": 6,
}
FIELDS = Fields(name="fullName", contract="contractAddress", networks="chains")
LEVERAGED = "ETF"
NO_SUCH_PAIR = re.compile(
    r"pair is not provided|unsupported trading pair|symbol (does )?not exist", re.IGNORECASE
)


def _request(listing: Listing, page: Window) -> httpx.Request:
    params = {
        "symbol": listing.symbol,
        "type": "1hour",
        "startAt": str(milliseconds(page.start) // 1000),
        "endAt": str(milliseconds(page.end) // 1000 - 1),
    }
    return httpx.Request("GET", f"{URL}{KLINES}", params=params)


def _parse(response: httpx.Response) -> pl.DataFrame:
    rows = answers.in_milliseconds(answers.in_seconds(answers.within(response, "data")))
    return columns.candles(rows, width=WIDTH, places=PLACES, source=NAME)


def _cost(request: httpx.Request) -> float:
    return COSTS.get(request.url.path, DEAREST)


def _pool(response: httpx.Response) -> float | None:
    """The weight of a whole period, where the answer is a list: it is read once, and not a page."""
    if not response.is_success or not response.request.url.path.endswith(SYMBOLS):
        return None
    return float(_whole(response, LIMIT)) or None


def _whole(response: httpx.Response, header: str) -> int:
    """The number in a header; 0 where there is none."""
    told = response.headers.get(header, "").strip()
    return int(told) if re.fullmatch(r"[0-9]{1,7}", told) else 0


_rest = too_many(PAUSE)


def _too_many(response: httpx.Response, words: str) -> SourceError:
    """Try again when the pool is full, or after a whole period where that is not told."""
    reset = timedelta(milliseconds=_whole(response, RESET))
    return Unavailable(words, after=reset) if reset else _rest(response, words)


def _parameter(response: httpx.Response, words: str) -> SourceError:
    """A parameter is wrong: of the pair, if it is that, there is nothing; else it may pass."""
    return (refused if NO_SUCH_PAIR.search(words) else later)(response, words)


CODES: Mapping[str, Meaning] = {
    "200002": _too_many,  # the limits of before 2024
    "400003": closed,  # API key does not exist
    "400006": closed,  # this address is not in the key's list
    "400007": closed,  # permission denied
    "400100": _parameter,
    "400301": closed,  # local laws
    "400302": closed,  # this address is in a region shut out
    "404000": later,  # no such path
    "411200": closed,  # on a blacklist
    "429000": _too_many,  # this address
    "429001": _too_many,  # the system as a whole
    "429002": _too_many,  # this connection
    "500000": later,  # internal error
    "501000": later,  # the service has stopped
    "503000": later,  # busy
    "504000": later,  # gateway timeout
    "505000": later,  # unknown error
    "900001": refused,  # symbol not exists
}


def _listed(response: httpx.Response) -> Markets:
    entries = answers.within(response, "data")
    return answers.listed(entries, symbol="symbol", taken=_is_coin, row=_row)


def _assets(response: httpx.Response) -> pl.DataFrame:
    return assets(answers.within(response, "data"), asset="currency", fields=FIELDS)


def _is_coin(entry: answers.Entry) -> bool:
    return answers.name(entry, "market") != LEVERAGED


def _row(entry: answers.Entry) -> Sequence[object]:
    asset = answers.name(entry, "baseCurrency")
    base, multiple = plain(asset)
    start = answers.moment(entry.get("tradingStartTime"))
    trading = entry["enableTrading"]
    if not isinstance(trading, bool):
        raise TypeError(f"enableTrading is {trading!r}")
    return entry["symbol"], asset, base, entry["quoteCurrency"], multiple, start, None, trading


POOL = Budget(2000, 30, _cost, restated=_pool, left=LEFT, whole=LIMIT)
SOURCE = Source(
    venue=Venue(
        name=NAME,
        url=URL,
        metering=Metering((POOL, Budget(500, 10))),
        verdict=partial(answers.verdict, code="code", message="msg", fine="200000", codes=CODES),
    ),
    kind="traded",
    page_hours=PAGE_HOURS,
    request=_request,
    parse=_parse,
    exact_end=True,
    sparse=True,
    place=120,
    slow_to_list=True,
    colour="#44aa99",
    catalogue=Catalogue(
        exchange="kucoin",
        derivatives=False,
        request=at_once(f"{URL}{SYMBOLS}"),
        parse=_listed,
        assets=Assets(request=at_once(f"{URL}{CURRENCIES}"), parse=_assets),
    ),
)
