"""Which coins there are, and where they trade: CoinGecko's coins joined to what the venues list."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import polars as pl

from chandlery import store, venues
from chandlery.engine import monthly_quota
from chandlery.engine.coins_known import UNIVERSE
from chandlery.engine.context import RunContext
from chandlery.engine.progress import LEARNING, Progress, Watch, ignore
from chandlery.engine.spec import RunSpec
from chandlery.engine.trusted_clock import trust_clock
from chandlery.errors import Blocked, Malformed, SourceError, Unavailable
from chandlery.model import HOUR, clock, whole_hour
from chandlery.symbology.delisted import find, keep
from chandlery.symbology.kinds import is_crypto
from chandlery.symbology.left_out import DELISTED
from chandlery.symbology.markets import asked, lists
from chandlery.symbology.renames import renames
from chandlery.symbology.source_list import SourceList
from chandlery.symbology.unmapped import learn_unmapped

log = logging.getLogger(__name__)

COINS_A_PAGE = 250
FIRST_COINS = 1000  # four pages; `chandlery coins` learns them all
FRESH = timedelta(hours=24)
FEW_COINS, SMALL_SHARE = 20, 0.05
"""CoinGecko may lose so many coins at once, or that share, and be taken at its word."""
LISTINGS = "listings at {}"


@dataclass
class Universe:
    """What was learnt."""

    coins: int = 0
    there_are: int | None = None  # coins at CoinGecko; None: it did not say
    listings: dict[str, int] = field(default_factory=dict)  # source: coins listed there
    unmapped: int = 0  # coins known by a venue's word only, as CoinGecko did not answer
    delisted: int = 0  # listings that were over before they were known, new ones
    delisted_unmapped: int = 0  # of them: whose coin nobody tells
    failures: dict[str, str] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)  # by source: what of its lists is left out
    renamed: dict[str, str] = field(default_factory=dict)  # CoinGecko's ids: the new by the old
    shared_contracts: dict[str, str] = field(default_factory=dict)  # told of two coins: which

    market_caps: int = 0  # coins whose market caps of the past year were learnt
    doubted: int = 0  # listings whose starts are to be asked for again

    def statistics(self) -> dict[str, object]:
        """One JSON object."""
        return asdict(self)


def learn(  # noqa: PLR0913  what is learnt, and what for
    context: RunContext,
    now: datetime,
    most: int | None = None,
    named: Sequence[str] = (),
    *,
    delisted: bool = False,
    slow: bool = True,
) -> Universe:
    """Keep the `most` best-ranked coins (all, if None) and their listings at every source.

    That is at the sources in force, and at those `named`; those that are `slow` to list take
    minutes. With all coins, or where `delisted` is asked for, also what was over
    before it was known.

    What one venue does not tell is left for another time, with its words in `failures`. Without
    CoinGecko what is known stays; if nothing is, the venues' own lists must do: their coins are
    kept apart, flagged as unmapped.
    """
    context.database.do(trust_clock, now)
    universe = Universe()
    try:
        seen = _coins(context, most)
    except (Unavailable, Blocked, Malformed) as error:
        universe.failures[venues.ranking().name] = str(error)
        if not context.database.do(store.find, most=1):
            log.warning("without CoinGecko coins are told apart by venue only, and not ranked")
            universe.unmapped, universe.listings = learn_unmapped(context, now, universe.failures)
        return universe
    sources = [each for each in asked(context, named) if slow or not each.slow_to_list]
    found = dict(lists(context, sources, seen, now, universe.failures))
    universe.there_are = _there_are(context, seen, most)
    context.database.do(_keep, universe, seen, found, now, most)
    for source in sources:  # also who did not answer: a day later it is asked again
        context.database.do(store.note_learnt, LISTINGS.format(source.name), now)
    if most is None or delisted:
        _learn_delisted(context, universe, found, now)
    monthly_quota.keep(context, now)
    return universe


def _keep(  # noqa: PLR0913, PLR0917  all that was told, in one transaction
    connection: store.Connection,
    universe: Universe,
    seen: pl.DataFrame,
    found: Mapping[str, SourceList],
    now: datetime,
    most: int | None,
) -> None:
    """All or nothing: coins without their listings would look as if nobody listed them."""
    with connection.transaction():
        universe.renamed = _rename(connection, seen, found, now)
        for name, each in found.items():
            store.adopt(connection, name, each.listed.unique("id"))
        universe.coins = store.learn_coins(connection, seen, now)
        for name, each in found.items():
            unread = [odd.symbol for odd in each.odd if odd.symbol is not None]
            learnt = store.learn_listings(connection, name, each.listed, now, each.markets, unread)
            universe.listings[name] = each.listed["id"].n_unique()
            _tell(universe, name, each.odd, learnt)
        universe.shared_contracts = store.shared_contracts(connection)
        _tell_coins(universe, _unseen(connection, seen, most, now))
        store.note_learnt(connection, UNIVERSE, now, universe.there_are)


def _learn_delisted(
    context: RunContext, universe: Universe, found: Mapping[str, SourceList], now: datetime
) -> None:
    """Keep what is over; who does not tell of it is asked another time."""
    over = find(context, found, now)
    for name, words in over.failures.items():
        said = (universe.odd.get(name), f"what is over is not known: {words}")
        universe.odd[name] = "; ".join(filter(None, said))
    context.database.do(keep, context, over, now)
    if not over.failures:
        context.database.do(store.note_learnt, DELISTED, now)
    told = [each for listings in over.listings.values() for each in listings]
    universe.delisted = len(told)
    universe.delisted_unmapped = sum(not each.mapped for each in told)


def _rename(
    connection: store.Connection, seen: pl.DataFrame, found: Mapping[str, SourceList], now: datetime
) -> dict[str, str]:
    """Keep the coins that have another id now; who goes by ids itself tells nothing of that."""
    names = [name for name, each in found.items() if not each.by_id]
    before = {name: store.open_pairs(connection, name) for name in names}
    claims = {
        name: {
            store.Pair(symbol, id_): None if began is None else whole_hour(began)
            for symbol, id_, began in found[name].listed.select("symbol", "id", "told").iter_rows()
        }
        for name in before
    }
    renamed = renames(seen["id"].to_list(), store.ids(connection), before, claims)
    store.rename_coins(connection, renamed, now)
    return renamed


def _unseen(
    connection: store.Connection, seen: pl.DataFrame, most: int | None, now: datetime
) -> store.Unseen:
    """Who is not in the list; where only the best were asked for, how many of them it lacks."""
    if most is None:
        return store.retire_unseen(connection, now)
    known = min(most, store.active(connection))
    return store.Unseen(known, max(known - seen.height, 0), 0)


def _tell(
    universe: Universe, source: str, odd: Sequence[venues.OddEntry], learnt: store.Learnt
) -> None:
    """Say what was left out of a list, and what it lost."""
    if odd:
        first = f"{odd[0].symbol}: {odd[0].words}" if odd[0].symbol else odd[0].words
        universe.odd[source] = f"{len(odd)} entries left out, the first: {first}"
    if learnt.shrank:
        universe.failures[source] = (
            f"its list lost {learnt.lost:,} of {learnt.open:,} symbols at once:"
            " believed when it says so again, hours later"
        )


def _tell_coins(universe: Universe, unseen: store.Unseen) -> None:
    """Say what CoinGecko's list lost of the coins that are known."""
    if unseen.unseen > max(FEW_COINS, SMALL_SHARE * unseen.active):
        universe.failures[venues.ranking().name] = (
            f"its list lost {unseen.unseen:,} of {unseen.active:,} coins at once:"
            " believed when it says so again, hours later"
        )


def learn_if_due(context: RunContext, spec: RunSpec, watch: Watch = ignore) -> None:
    """Before a run: learn the coins, and what the spec's sources list, where a day has passed.

    What is slow to list is left to `sync-coins`, unless the run names its sources.
    """
    if spec.shard is None:  # a shard goes by its run's moment, and may have waited for days
        context.database.do(trust_clock, spec.now)
    known, old = context.database.do(store.find), _old(context, spec)
    if known and not old:
        return
    named = spec.symbols is not None or spec.max_coins is None
    enough = max(FIRST_COINS if named else spec.max_coins or 0, COINS_A_PAGE, len(known))
    why = (
        f"{', '.join(old)}: not known, a day old, or of a time to come"
        if known
        else "no coin is known yet"
    )
    log.warning("%s: learning the %s best by market cap", why, f"{enough:,}")
    watch(Progress(LEARNING))
    failures = learn(
        context,
        spec.now,
        enough,
        spec.sources,
        delisted=spec.delisted,
        slow=_names_sources(context, spec),
    ).failures
    for source, words in failures.items():
        log.warning("what %s lists could not be learnt: %s", source, words)
    if not context.database.do(store.find, most=1):
        words = next(iter(failures.values()), "none is told")
        raise Unavailable(f"no coin could be learnt: {words}")


def _old(context: RunContext, spec: RunSpec) -> list[str]:
    """What the spec needs to be known, and is not, or was learnt a day ago and more."""
    slow = _names_sources(context, spec)
    sources_ = [
        LISTINGS.format(source.name)
        for source in asked(context, spec.sources)
        if slow or not source.slow_to_list
    ]
    wanted = [UNIVERSE, *([DELISTED] if spec.delisted else []), *sources_]
    learnt = {what: context.database.do(store.learnt_at, what) for what in wanted}
    return [what for what, at in learnt.items() if at is None or _is_old(at, spec.now)]


def _is_old(at: datetime, now: datetime) -> bool:
    """Whether it was learnt a day ago and more, or when a clock was ahead.

    What is to come for `now` alone is not: a run may be of a moment in the past.
    """
    return now - at >= FRESH or at > max(now, clock()) + HOUR


def _names_sources(context: RunContext, spec: RunSpec) -> bool:
    """Whether a run asks other sources than those in force."""
    return spec.sources != context.priority


def _coins(context: RunContext, most: int | None) -> pl.DataFrame:
    """The best-ranked coins, as `store.learn_coins` has them; tickers in upper case, as venues'."""
    seen = venues.ranking().coins(context.client, most)
    return seen.select(
        "id",
        "name",
        "rank",
        ticker=pl.col("symbol").str.to_uppercase(),
        crypto=pl.Series([is_crypto(id_, context.include) for id_ in seen["id"]], dtype=pl.Boolean),
        price="price",
        market_cap="market_cap",
    )


def _there_are(context: RunContext, seen: pl.DataFrame, most: int | None) -> int | None:
    """How many coins CoinGecko has: those seen, where it had no more to tell."""
    if most is None or seen.height < most:
        return seen.height
    try:
        return venues.ranking().number(context.client)
    except SourceError as error:
        log.warning("how many coins there are is not known: %s", error)
        return None
