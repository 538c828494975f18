"""What a source is: facts and pure functions of one venue. No I/O, nothing to inherit.

    Venue      an address, what it may be asked, and what its refusals mean
    Source     a venue that serves candles: how to ask for a page and how to read the answer
    Catalogue  how to ask a source what it lists
    Assets     how to ask it for the names and contracts of what it lists
    Folders    where a source's files are listed
    Pools      how a source that has pools and no symbols finds the deepest one of a coin
    Many       how to ask a source for the newest hours of many listings at once
    Seal       how to ask what vouches for an answer
    OnDisk     how to read a source's files where people have them already
    Ranking    which coins there are, and which coin is behind each venue's symbol

A new source is one new module whose SOURCE is a `Source`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import httpx
import polars as pl

from chandlery.errors import SourceError
from chandlery.model import Kind, Listing, Window
from chandlery.rate_limit.budget import Metering

# What isprintable() is false for, and nothing at all.
UNSEEN = r"[\p{C}\p{Z}&&[^ ]]|^$"
LONGEST_NAME = 200

Verdict = Callable[[httpx.Response], SourceError | None]
"""What an answer that is no data means, in the venue's own words; None where it is data."""

CATALOGUE = pl.Schema(
    {
        "symbol": pl.String(),  # as the venue writes it, to ask for candles
        "asset": pl.String(),  # the base as the venue writes it: 1000PEPE
        "base": pl.String(),  # the coin's own ticker: PEPE
        "quote": pl.String(),
        "multiple": pl.Int64(),  # coins in one unit of the symbol: 1000
        "start": pl.Datetime("us", "UTC"),  # null: the venue does not say
        "end": pl.Datetime("us", "UTC"),  # null: none is announced
        "trading": pl.Boolean(),  # false: halted or gone, whether or not `end` is told
        "name": pl.String(),  # the asset's in the venue's words: Pepe; null: it tells none
        "contract": pl.String(),  # its token's address, or several with commas; null: as above
    },
)
ASSETS = pl.Schema({name: CATALOGUE[name] for name in ("asset", "name", "contract")})
"""What a venue tells of assets beside its list of symbols."""

MARKET_CAPS = pl.Schema({"day": pl.Date(), "market_cap": pl.Float64()})
"""What a coin was worth in all, in dollars, in the first hour of each UTC day."""


TOKENS = pl.Schema(
    {
        "id": pl.String(),  # the coin's, at CoinGecko
        "platform": pl.String(),  # CoinGecko's name of a blockchain
        "address": pl.String(),
    },
)
POOLS = pl.Schema(
    {
        "id": pl.String(),  # CoinGecko's id of the coin, as the source tells it
        "symbol": pl.String(),  # what candles are asked for by
        "depth": pl.Float64(),  # dollars that lie in the pool
        "start": pl.Datetime("us", "UTC"),  # null: the source does not say
        "name": pl.String(),  # the token's in the source's words
        "contract": pl.String(),  # the token's address
    },
)


class OddEntry(NamedTuple):
    """An entry of a list of symbols that cannot be read, and why.

    Its `symbol`, where that much could be read, is not gone from the list.
    """

    symbol: str | None
    words: str


class Markets(NamedTuple):
    """What a source lists, a frame of CATALOGUE, and the entries that are left out of it as odd.

    What is listed but not wanted, such as a contract with an end or a stock, is in neither.
    """

    frame: pl.DataFrame
    odd: tuple[OddEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Venue:
    """An address and its manners. `mirror` serves the same paths where `url` is blocked.

    A key, where the client has one, is sent in `key_header` as `key_form` has it. Where one is
    required and the client has none, nothing is sent. `credits` is how many requests a key has in
    a month, where it is not unlimited.
    """

    name: str
    url: str
    metering: Metering
    verdict: Verdict
    mirror: str | None = None
    key_header: str | None = None
    key_form: str = "{}"
    key_required: bool = False
    credits: int | None = None


def at_once(url: str, **params: str) -> Callable[[httpx.Response | None], httpx.Request | None]:
    """The requests of a list that comes in one answer."""
    return lambda answer: httpx.Request("GET", url, params=params) if answer is None else None


@dataclass(frozen=True, slots=True)
class Assets:
    """What a source tells of its assets in a list of its own: ASSETS.

    `request` is as a Catalogue's. A list that fails costs names and contracts, and no listing.
    """

    request: Callable[[httpx.Response | None], httpx.Request | None]
    parse: Callable[[httpx.Response], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a source lists. `exchange` is the id under which CoinGecko names its symbols' coins.

    `request` gives the first request for None, then the one after each answer, or None at the end.
    `assets` tells names and contracts, where the list itself does not.
    """

    exchange: str
    derivatives: bool
    request: Callable[[httpx.Response | None], httpx.Request | None]
    parse: Callable[[httpx.Response], Markets]
    assets: Assets | None = None


@dataclass(frozen=True, slots=True)
class Pools:
    """How the pools of coins are found: by the addresses of their tokens, `most` in a request.

    `networks` asks for the source's blockchains as a Catalogue's `request` asks for its list;
    `platforms` reads each answer: the source's name of a network by CoinGecko's platform.
    `request` asks for the best pools of these addresses in a network, `parse` reads them: POOLS.
    """

    most: int
    networks: Callable[[httpx.Response | None], httpx.Request | None]
    platforms: Callable[[httpx.Response], Mapping[str, str]]
    request: Callable[[str, Sequence[str]], httpx.Request]
    parse: Callable[[httpx.Response], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a source's files are listed: below `root` in a `bucket`, a folder a symbol.

    It is asked as `venue`, which may be at another address than the files themselves.
    """

    venue: Venue
    bucket: str
    root: str


@dataclass(frozen=True, slots=True)
class Seal:
    """What vouches for an answer: another one that lies beside it.

    `request` asks for it, given the request it belongs to; `check` raises Malformed where the
    second answer does not vouch for the first.
    """

    request: Callable[[httpx.Request], httpx.Request]
    check: Callable[[httpx.Response, httpx.Response], None]


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A source's files where they lie on a disk, under the names that the source gives them.

    `symbol` is the one that a file's name tells, None where it is no such name. `read` gives the
    candles, as `parse` does, of a name and its bytes; `check` raises Malformed where the text that
    lies beside as `<name>.CHECKSUM` does not vouch for them.
    """

    symbol: Callable[[str], str | None]
    read: Callable[[str, bytes], pl.DataFrame]
    check: Callable[[str, bytes, str], None]


@dataclass(frozen=True, slots=True)
class Many:
    """The newest hours of many listings in one request: at most `most`, no older than `reach`.

    `parse` gives each symbol's frame; a symbol of which nothing is sure is left out.
    """

    most: int
    reach: timedelta
    request: Callable[[Sequence[Listing]], httpx.Request]
    parse: Callable[[httpx.Response], Mapping[str, pl.DataFrame]]


class Tickers(Protocol):
    """Which coin is behind each symbol of `exchange`: symbol, base, target, coin_id."""

    def __call__(self, client: httpx.Client, exchange: str, *, derivatives: bool) -> pl.DataFrame:
        """Ask, as `client` does; the symbol is null on spot, where base and target tell it."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """How the source `name` tells which coins there are, and which coin each venue's symbol is.

    `coins` gives the `most` highly valued coins, or all, by rank: id, symbol, name, rank, price
    and market_cap, both in dollars. `number` says how many there are, `tokens` the addresses of
    all: TOKENS. `market_caps` gives those of a coin (by id) in the year before a moment, as
    MARKET_CAPS.
    """

    name: str
    coins: Callable[[httpx.Client, int | None], pl.DataFrame]
    number: Callable[[httpx.Client], int]
    tickers: Tickers
    tokens: Callable[[httpx.Client], pl.DataFrame]
    market_caps: Callable[[httpx.Client, str, datetime], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Source:
    """A venue that serves hourly candles, `page_hours` at most in a page: the cheapest per row.

    `parse` gives a frame of model.SCHEMA in the venue's own units and order; of a row that cannot
    be read it has the time alone, if that. `first` asks for an answer whose earliest candle is the
    symbol's very first, `last` for one whose newest is its very last. `pages` cuts a window, as of
    now, where plain tiles of `page_hours` would not do (files by the month, or pages whose length
    depends on their age); `in_files` where pages are files, which have other hours as well, and may
    be late. `parts` cuts the hours that a page lacks, as of now, into runs of smaller pages that
    may have them (files by the day): a run's first page is asked for first, the others only if that
    one has candles. `exact_start` where no row from before the window asked for is ever sent,
    `exact_end` where none from its end on is: one that comes is of another page. `sparse` where an
    hour without a trade may be left out. `taker` where candles say what takers bought. `reach` is
    how far back the venue serves anything, where that has an end. `serves` names another source
    whose listings are asked for here too, where this one is a second way to the same candles: to
    what the first refuses, or what is before its `reach`. `folders` is where the symbols are listed
    that it has files of. `place` is where it stands in the order of asking while the user sets
    none, low first; None is only asked where it is named. `slow_to_list` where learning its list
    takes minutes, most of them CoinGecko's: no run waits for that, unless it names its sources.
    `colour` is what it has in every picture. `symbols` has its symbols by CoinGecko's ids, where it
    has no catalogue; `pools` finds them there. `hourly` is how many coins an hourly run asks it
    for, best rank first, where it is too slow for all: the others wait for gap filling.
    `market_caps` reads them, as MARKET_CAPS, from an answer that `parse` reads candles from.
    `ranking` is one source's alone: everyone's coins are named as it names them.
    """

    venue: Venue
    kind: Kind
    page_hours: int
    request: Callable[[Listing, Window], httpx.Request]
    parse: Callable[[httpx.Response], pl.DataFrame]
    place: int | None = None
    slow_to_list: bool = False
    colour: str = "#999999"
    catalogue: Catalogue | None = None
    symbols: Mapping[str, str] | None = None
    pools: Pools | None = None
    hourly: int | None = None
    market_caps: Callable[[httpx.Response], pl.DataFrame] | None = None
    ranking: Ranking | None = None
    first: Callable[[Listing], httpx.Request] | None = None
    last: Callable[[Listing], httpx.Request] | None = None
    pages: Callable[[Window, datetime], Iterable[Window]] | None = None
    parts: Callable[[Window, Sequence[Window], datetime], Iterable[Sequence[Window]]] | None = None
    in_files: bool = False
    sparse: bool = False
    exact_start: bool = False
    exact_end: bool = False
    taker: bool = False
    reach: timedelta | None = None
    serves: str | None = None
    seal: Seal | None = None
    folders: Folders | None = None
    on_disk: OnDisk | None = None  # how its files are read where people have them already
    many: Many | None = None

    @property
    def name(self) -> str:
        """What the source is called everywhere."""
        return self.venue.name

    @property
    def url(self) -> str:
        """Where it is asked first."""
        return self.venue.url

    @property
    def listings(self) -> str:
        """The source under whose name its listings are kept."""
        return self.serves or self.name


def is_nameable(name: object) -> bool:
    """What `nameable` says of a column, of one value."""
    return isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable()


def nameable(*names: str) -> pl.Expr:
    """Whether what stands in these columns can be printed in a line, asked for, and stored."""
    return pl.all_horizontal(
        ~pl.col(name).str.contains(UNSEEN) & (pl.col(name).str.len_chars() <= LONGEST_NAME)
        for name in names
    )


def configured(keys: Mapping[str, object], source: Source) -> bool:
    """Whether `source` may be asked with these keys, which are by source's name."""
    return not source.venue.key_required or bool(keys.get(source.name))
