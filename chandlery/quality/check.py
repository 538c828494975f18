"""How good the candles are: what lacks, whose they are, what is odd about them. No venue is asked.

Everything is judged in the database, and kept there: how complete a coin is at each check, and
findings from when they are found until they no longer hold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import polars as pl

from chandlery import store
from chandlery.engine.chosen import choose
from chandlery.engine.spec import chosen, few
from chandlery.engine.trusted_clock import trust_clock
from chandlery.model import HOUR, Window, whole_hour
from chandlery.quality.completeness import Survey, named, seen
from chandlery.quality.wording import cut, sentence
from chandlery.settings import Settings
from chandlery.store.frames.read import TIMEFRAMES

Say = Callable[[str], None]
LOOKED_BACK = timedelta(days=30)  # of checks, and of venues' outages
KEPT = ("1h", "4h", "1d")  # timeframes whose completeness is kept over time
TOLD = ("symbol", "kind", "open_time", "detail")  # of a finding, by its sentence


@dataclass(frozen=True, slots=True)
class Report:
    """One check.

    `coins` has a row a timeframe and coin that has candles or was asked for, by rank: symbol, name,
    rank, id, timeframe, expected, present (whole), total, missing, completeness (percent),
    has_gaps, and unwanted: hours before its life that a venue lists and no run was asked for, which
    are not missing. `shares` has a row a coin and source: symbol, source, hours, share (0..1), the
    largest first. `findings` is as store.open_findings gives it: what holds, newest first, and what
    ceased to at this check. `survey` is of the coins' whole lives, by month. `trend` has the last
    check of each of the last 30 days, as store.trend gives it; `outages` are the venues' of these
    days. `fresh` coins have their newest hour, of `living` that are listed.
    """

    now: datetime
    coins: pl.DataFrame
    shares: pl.DataFrame
    findings: pl.DataFrame
    without_candles: Sequence[str]
    survey: Survey
    trend: pl.DataFrame
    health: Sequence[store.Health]
    outages: Sequence[store.Outage]
    fresh: int
    living: int
    seconds: float

    @property
    def open(self) -> pl.DataFrame:
        """The findings that hold."""
        return self.findings.filter(pl.col("ended_at").is_null())

    @property
    def ended(self) -> pl.DataFrame:
        """The findings that no longer hold since this check."""
        return self.findings.filter(pl.col("ended_at").is_not_null())

    def sentences(self) -> list[str]:
        """What holds, a sentence each, newest first."""
        return [sentence(*row) for row in self.open.select(TOLD).iter_rows()]

    def summary(self) -> str:
        """The check in one line."""
        totals, held = self.totals(), self.open
        new = int(held["new"].sum())
        return (
            f"{totals['total_symbols']} coins, {totals['total_records']:,} candles,"
            f" {cut(totals['completeness_percentage'])} complete,"
            f" findings: {held.height:,} ({new:,} new)"
        )

    def totals(self) -> dict[str, object]:
        """Counts over all coins, of hours; findings by kind."""
        hourly = self.coins.filter(timeframe="1h")
        missing, expected = int(hourly["missing"].sum()), int(hourly["expected"].sum())
        kinds = self.open.group_by("kind").len().sort("len", "kind", descending=[True, False])
        return {
            "total_symbols": hourly.height,
            "total_records": int(hourly["total"].sum()),
            "missing_records": missing,
            "unwanted_hours": int(hourly["unwanted"].sum()),
            "completeness_percentage": _percent(expected - missing, expected),
            "with_gaps": int(hourly["has_gaps"].sum()),
            "without_candles": len(self.without_candles),
            "open_findings": self.open.height,
            "new_findings": int(self.open["new"].sum()),
            "ended_findings": self.ended.height,
            "findings_by_kind": dict(kinds.iter_rows()),
            "missing_by_reason": self.survey.reasons,
            "fresh_symbols": self.fresh,
            "living_symbols": self.living,
        }

    def statistics(self) -> dict[str, object]:
        """One JSON object: the totals first."""
        sources = {
            str(symbol): dict(part.select("source", pl.col("share").round(6)).iter_rows())
            for (symbol,), part in self.shares.group_by("id", maintain_order=True)
        }
        names = {
            "completeness": "completeness_percentage",
            "missing": "missing_records",
            "expected": "expected_records",
            "present": "present_records",
            "total": "total_records",
            "unwanted": "unwanted_hours",
        }
        rows = self.coins.drop("key").rename(names).to_dicts()
        return {
            "now": self.now.isoformat(),
            **self.totals(),
            "coins": [row | {"sources": sources.get(row["id"], {})} for row in rows],
            "findings": [_finding_as_json(row) for row in self.findings.iter_rows(named=True)],
            "seconds": round(self.seconds, 3),
        }


def check(
    settings: Settings,
    now: datetime,
    symbols: Sequence[str] | None = None,
    max_coins: int | None = None,
    say: Say = lambda _: None,
) -> Report:
    """Open the database, brought up to date, and `assess` what is in it."""
    with store.Database(settings) as database:
        database.do(store.migrate)
        database.do(trust_clock, now)
        return database.do(assess, now, symbols, max_coins, say)


def assess(
    connection: store.Connection,
    now: datetime,
    symbols: Sequence[str] | None = None,
    max_coins: int | None = None,
    say: Say = lambda _: None,
) -> Report:
    """Check these coins (all, by rank) as of `now`, keep what is found, and report it.

    Checked twice at one moment, the same is found and kept once. `say` is told what is being done.
    Misuse names a symbol that no coin has, or a number that is none of coins.
    """
    began = monotonic()
    coins = choose(connection, chosen(symbols), few(max_coins))
    keys = [coin.key for coin in coins]
    say("refreshing")
    store.refresh(connection)
    store.look_for(connection, keys, now, say=say)
    say("measuring")
    measured, shared = store.measure(connection, keys, now), store.shares(connection, keys)
    kept = measured.filter(pl.col("timeframe").is_in(KEPT))
    store.keep_quality(connection, now, kept, shared)
    say("asking why hours are missing")
    reasons = store.gaps_by_reason(connection, now, coins=keys)
    frame, held = named(coins), set(measured.filter(pl.col("total") > 0)["coin"])
    lately = Window(now - LOOKED_BACK, now)
    fresh, living = _fresh(measured, whole_hour(now))
    return Report(
        now=now,
        coins=_counted(frame, measured),
        shares=_shared(frame, shared),
        findings=store.open_findings(connection, keys, now),
        without_candles=[coin.symbol for coin in coins if coin.key not in held],
        survey=seen(frame, measured, store.unlisted(connection, keys, now), shared, reasons),
        trend=store.trend(connection, keys, lately),
        health=store.health(connection),
        outages=store.outages(connection, lately),
        fresh=fresh,
        living=living,
        seconds=monotonic() - began,
    )


def _fresh(measured: pl.DataFrame, closed: datetime) -> tuple[int, int]:
    """How many coins have the hour that ended last, and how many there are that could."""
    living = measured.filter(pl.col("timeframe") == "1h", pl.col("ends_at") >= closed)
    return living.filter(pl.col("latest") >= closed - HOUR).height, living.height


def _counted(named: pl.DataFrame, measured: pl.DataFrame) -> pl.DataFrame:
    """The measures with names, by rank and timeframe, and what follows from them."""
    missing = (pl.col("expected") - pl.col("present")).alias("missing")
    order = pl.DataFrame({"timeframe": TIMEFRAMES, "place": range(len(TIMEFRAMES))})
    return (
        named.with_row_index("row")
        .join(measured, left_on="key", right_on="coin")
        .join(order, on="timeframe")
        .sort("row", "place")
        .with_columns(missing, has_gaps=pl.col("present") < pl.col("expected"))
        .with_columns(
            completeness=pl.when(pl.col("expected") == 0)
            .then(100.0)
            .otherwise((100.0 * pl.col("present") / pl.col("expected")).round(4))
        )
        .drop("row", "place", "starts_at", "ends_at", "earliest", "latest")
    )


def _shared(named: pl.DataFrame, shared: pl.DataFrame) -> pl.DataFrame:
    """Each coin's shares of all its hours, with names, the largest first, as parts of one."""
    return (
        shared.group_by("coin", "source", maintain_order=True)
        .agg(pl.col("hours").sum())
        .sort("coin", "hours", descending=[False, True], maintain_order=True)
        .join(
            named.select("key", "symbol", "id"),
            left_on="coin",
            right_on="key",
            maintain_order="left",
        )
        .with_columns(share=pl.col("hours") / pl.col("hours").sum().over("coin"))
    )


def _finding_as_json(finding: Mapping[str, Any]) -> dict[str, object]:
    """A finding as JSON has it, with its sentence."""
    times = {name: at.isoformat() for name, at in finding.items() if isinstance(at, datetime)}
    words = (finding[name] for name in TOLD)
    return {**finding, **times, "sentence": sentence(*words)}


def _percent(part: int, whole: int) -> float:
    return 100.0 if whole == 0 else round(100 * part / whole, 4)
