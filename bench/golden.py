"""Every 4h and 1d bar made from a backfill's hours, against the bars the venue itself published.

Replays a folder of recorded candles (`<source>/<symbol>/<1h|4h|1d>.parquet`, `coins.json`) through
the sandbox, backfills each source into a database of its own, and compares every complete bar.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import polars as pl

from bench import measure
from chandlery import store
from chandlery.engine.context import open_context
from chandlery.engine.run import run
from chandlery.engine.spec import RunSpec
from chandlery.model import HOUR, Coin, Listing, Window
from chandlery.model.frame import PRICES, SCHEMA, TAKER
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from sandbox.serving import serving

MARKET = measure.ROOT.parent / "shared" / "market"
STEPS = {"4h": timedelta(hours=4), "1d": timedelta(days=1)}
CLOSE_ENOUGH = 1e-9  # a sum's last digits depend on the order of its terms
WHOLE_SINCE = datetime(2022, 1, 1, tzinfo=UTC)  # older hours: quote volume rounded, no trades
DIGITS = 15
SHOWN = 10

# Hours within bars of which Binance's own intervals disagree: no rule mends them.
KNOWN = {
    "binance_spot": [],
    "binance_futures": [
        datetime(2023, 11, 10, 8, tzinfo=UTC),
        datetime(2023, 11, 10, 12, tzinfo=UTC),
        datetime(2024, 10, 28, 20, tzinfo=UTC),
    ],
}


@dataclass(frozen=True)
class Recording:
    """One symbol's folder."""

    source: str
    symbol: str
    folder: Path

    def read(self, timeframe: str) -> pl.DataFrame:
        """Its candles, ascending; a column that was not recorded is null."""
        frame = pl.read_parquet(self.folder / f"{timeframe}.parquet")
        absent = [pl.lit(None).alias(name) for name in SCHEMA if name not in frame.columns]
        frame = frame.with_columns(absent).select(SCHEMA.names()).cast(SCHEMA)
        return frame.sort("open_time")

    @property
    def timeframes(self) -> list[str]:
        """Those that can be compared."""
        return [name for name in STEPS if (self.folder / f"{name}.parquet").is_file()]


def compared(
    ours: pl.DataFrame,
    theirs: pl.DataFrame,
    step: timedelta,
    last_hour: datetime,
    first_hour: datetime | None = None,
) -> pl.DataFrame:
    """Both sides' complete bars side by side (theirs as *_right), with the columns that differ.

    Frames of model.SCHEMA. A bar is complete if it lies between `first_hour` (None: the venue's
    first bar) and `last_hour`; the bar that `first_hour` only partly fills counts where the venue
    has none before it: there the coin's life begins, else only the recording.
    """
    begins = theirs["open_time"].min() if first_hour is None else first_hour
    bucket = pl.select(pl.lit(begins).dt.truncate(step)).item()
    amid_life = begins > bucket and theirs["open_time"].min() < bucket
    complete = (pl.col("open_time") >= (bucket + step if amid_life else bucket)) & (
        pl.col("open_time") + step <= last_hour + HOUR
    )
    both = ours.filter(complete).join(
        theirs.filter(complete), on="open_time", how="full", coalesce=True, maintain_order="left"
    )
    named = [pl.when(broken).then(pl.lit(name)) for name, broken in _broken().items()]
    return both.with_columns(differs=pl.concat_list(named).list.drop_nulls()).sort("open_time")


def differences(
    ours: pl.DataFrame,
    theirs: pl.DataFrame,
    step: timedelta,
    last_hour: datetime,
    first_hour: datetime | None = None,
) -> pl.DataFrame:
    """The complete bars that differ, or that one side lacks: no rows where all is well."""
    both = compared(ours, theirs, step, last_hour, first_hour)
    return both.filter(pl.col("differs").list.len() > 0)


def _broken() -> dict[str, pl.Expr]:
    """What must not be, by column; a bar that one side lacks differs in its prices."""
    recent = pl.col("open_time") >= WHOLE_SINCE
    told = {name: recent & pl.col(f"{name}_right").is_not_null() for name in SCHEMA}
    return {
        **{name: pl.col(name).ne_missing(pl.col(f"{name}_right")) for name in PRICES},
        "volume": _far("volume"),
        "quote_volume": told["quote_volume"] & _far("quote_volume"),
        "trades": told["trades"] & pl.col("trades").ne_missing(pl.col("trades_right")),
        **{name: told[name] & _far(name) for name in TAKER},
    }


def _far(name: str) -> pl.Expr:
    ours, theirs = pl.col(name), pl.col(f"{name}_right")
    apart = (ours - theirs).abs() > CLOSE_ENOUGH * theirs.abs()
    return apart.fill_null(ours.is_null() != theirs.is_null())


def in_venue_units(bars: pl.DataFrame, multiple: int) -> pl.DataFrame:
    """Our bars as the venue has them, whose one unit is `multiple` coins.

    Prices to 15 digits, as many as a double surely holds: a quotient by 1,000 can be off by its
    last bit however it is made, and so can its product.
    """
    if multiple == 1:
        return bars
    prices = (pl.col(PRICES) * multiple).round_sig_figs(DIGITS)
    return bars.with_columns(prices, pl.col("volume", "taker_buy_volume") / multiple)


def ours_of(connection: store.Connection, coins: Sequence[Coin], timeframe: str) -> pl.DataFrame:
    """What the database has of these coins, under the names of model.SCHEMA."""
    names = {"timestamp": "open_time", **{f"{price}_price": price for price in PRICES}}
    return store.read(connection, coins, timeframe).rename(names).select(SCHEMA.names())


def recordings(market: Path, wanted: Sequence[str]) -> dict[str, list[Recording]]:
    """What there is to compare, by source; those among `wanted`, or of all that we know."""
    if not (market / "coins.json").is_file():
        raise measure.Unfit(f"no recorded market at {market}: name its folder with --market")
    found = [
        Recording(path.parts[-3], path.parts[-2], path.parent)
        for path in sorted(market.glob("*/*/1h.parquet"))
    ]
    whole = [each for each in found if each.timeframes and each.source in wanted]
    return {source: list(group) for source, group in groupby(whole, lambda each: each.source)}


def backfill(current: Settings, source: str, recorded: Sequence[Recording]) -> str:
    """Have the engine fetch all that was recorded; return what it says it did."""
    first = min(each.read("1h")["open_time"][0] for each in recorded)
    now = max(each.read("1h")["open_time"][-1] for each in recorded) + timedelta(days=1)
    market = recorded[0].folder.parent.parent
    with serving(process=True, market=market, now=now, limits=False) as sandbox:
        asked = current.model_copy(update={"venues_url": sandbox.url})
        with open_context(asked) as context:
            learn(context, now)
            spec = RunSpec(Window(first, now), (source,), now)
            result = run(context, spec)
    failed = f", FAILED: {result.failed}" if result.failed else ""
    return f"{source}: {result.records:,} hours in {result.seconds:.1f} s{failed}"


@dataclass
class Count:
    """Bars compared, bars that differ, and those of them whose reason is known."""

    bars: int = 0
    differ: int = 0
    known: int = 0
    unmapped: int = 0

    def __str__(self) -> str:
        unmapped = f"; {self.unmapped} symbols without a coin, not compared" * bool(self.unmapped)
        return (
            f"{self.bars:,} bars compared, {self.differ} differ"
            f" ({self.known} of them known, {self.differ - self.known} not){unmapped}"
        )


def compare(connection: store.Connection, recording: Recording, count: Count) -> Iterator[str]:
    """A line a timeframe of one symbol, and a line a bar that differs."""
    coins, listings = _mapped(connection, recording)
    label = f"{recording.source} {recording.symbol}"
    if not coins:
        count.unmapped += 1
        yield f"{label}: no coin is mapped to it, not compared"
        return
    hours = recording.read("1h")["open_time"]
    for timeframe in recording.timeframes:
        theirs, step = recording.read(timeframe), STEPS[timeframe]
        ours = in_venue_units(ours_of(connection, coins, timeframe), listings[0].multiple)
        both = compared(ours, theirs, step, hours[-1], hours[0])
        differ = both.filter(pl.col("differs").list.len() > 0)
        known = [_known(recording.source, opened, step) for opened in differ["open_time"]]
        count.bars += both.height
        count.differ += differ.height
        count.known += sum(known)
        yield f"{label} {timeframe}: {both.height:,} bars, {differ.height} differ"
        yield from _shown(differ, known)


def _mapped(connection: store.Connection, recording: Recording) -> tuple[list[Coin], list[Listing]]:
    """The coins that were collected from this symbol (two, where it was two in turn)."""
    coins = {coin.key: coin for coin in store.find(connection)}
    listings = [
        listing
        for listing in store.listings(connection, coins.values())
        if (listing.source, listing.symbol) == (recording.source, recording.symbol)
    ]
    return [coins[listing.coin] for listing in listings], listings


def _known(source: str, opened: datetime, step: timedelta) -> bool:
    return any(opened <= hour < opened + step for hour in KNOWN.get(source, ()))


def _shown(differ: pl.DataFrame, known: Sequence[bool]) -> Iterator[str]:
    for row, reason in zip(differ.head(SHOWN).iter_rows(named=True), known, strict=False):
        pairs = (f"{name} {row[name]!r} not {row[f'{name}_right']!r}" for name in row["differs"])
        note = " (known)" if reason else ""
        yield f"    {row['open_time']:%Y-%m-%d %H:%M}{note}: {', '.join(pairs)}"
    if differ.height > SHOWN:
        yield f"    and {differ.height - SHOWN} more"


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Backfill, compare, print; a bar that differs and is not known to must not be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--market", type=Path, default=MARKET, metavar="FOLDER")
    parser.add_argument("--sources", default=",".join(KNOWN), metavar="A,B")
    options = parser.parse_args(arguments)
    total = Count()
    found = recordings(options.market.absolute(), options.sources.split(","))
    for source, recorded in found.items():
        with measure.database() as current, store.connect(current) as connection:
            print(backfill(current, source, recorded), flush=True)
            for recording in recorded:
                for line in compare(connection, recording, total):
                    print(line, flush=True)
    print(f"total: {total}")
    what = f"bars that differ from the venue's own, of {total.bars:,}, and are not known to"
    unknown = total.differ - total.known
    return [measure.Figure(what, [unknown], most=0.0, must=True, form=".0f")]


if __name__ == "__main__":
    measure.run(main)
