"""Every bench, one after the other, and one table of all they claim: `python -m bench`.

With `--base COMMIT` that commit's build is measured beside this one, where a bench runs processes.
With `--quick` those that matter most, in ten minutes. With `--small` each with so little that it
takes minutes in place of hours: to see that they run.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

from bench import (
    archive,
    compressed,
    day,
    golden,
    growth,
    hourly,
    load,
    measure,
    month,
    orchestration,
    rate,
    reading,
    shards,
    start,
    stored,
    syncing,
    venue_to_database,
)


@dataclass(frozen=True)
class Bench:
    """A bench, what it is called with where it is to be small or quick, and if it takes a base.

    One without `quick` is left out where all are to be quick.
    """

    main: measure.Main
    small: Sequence[str]
    quick: Sequence[str] | None = None
    base: bool = False


BENCHES: Mapping[str, Bench] = {
    "archive": Bench(archive.main, ["--contracts=1,2", "--rounds=1", "--travel=0"], base=True),
    "start": Bench(start.main, ["--rounds=1"], ["--rounds=7"], base=True),
    "load": Bench(load.main, ["--coins=2", "--hours=2000", "--rounds=1"], ["--coins=4"]),
    "venue_to_database": Bench(
        venue_to_database.main,
        ["--coins=2", "--hours=100", "--travel=0", "--rounds=1"],
        ["--hours=8760", "--rounds=2"],
        base=True,
    ),
    "rate": Bench(rate.main, ["--contracts=20"], []),
    "hourly": Bench(
        hourly.main, ["--coins=20", "--rounds=1"], ["--coins=1000", "--rounds=1"], base=True
    ),
    "orchestration": Bench(orchestration.main, ["--coins=20", "--rounds=1"]),
    "shards": Bench(shards.main, ["--coins=2", "--held-up-by=its budget"]),
    "reading": Bench(
        reading.main, ["--coins=2", "--hours=1000", "--rounds=1"], ["--rounds=3"], base=True
    ),
    "stored": Bench(stored.main, ["--coins=10", "--hours=1000", "--rounds=1"]),
    "compressed": Bench(compressed.main, ["--coins=12"]),
    "syncing": Bench(syncing.main, ["--coins=2", "--hours=1000", "--rounds=1"]),
    "growth": Bench(growth.main, ["--coins=100"]),
    "day": Bench(day.main, ["--coins=10", "--hours=2"]),
    "month": Bench(month.main, ["--coins=12", "--days=3"]),
    "golden": Bench(golden.main, ["--sources=binance_futures"]),
}


@dataclass(frozen=True)
class Planned:
    """A bench that is to run, and what it is called with."""

    name: str
    main: measure.Main
    words: Sequence[str]


def plan(arguments: Sequence[str] | None = None) -> Sequence[Planned]:
    """The benches that are named, or all there are of the size that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--small", action="store_true", help="as little as shows that they run")
    size.add_argument("--quick", action="store_true", help="what matters most, in ten minutes")
    measure.add_base(parser)
    options = parser.parse_args(arguments)
    there = {name: it for name, it in BENCHES.items() if not options.quick or it.quick is not None}
    if unknown := set(options.names) - set(there):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(there)}")
    base = [] if options.base is None else [f"--base={options.base}"]
    planned = []
    for name in options.names or there:
        bench = there[name]
        words = (bench.small if options.small else bench.quick if options.quick else None) or []
        planned.append(Planned(name, bench.main, [*words, *(base if bench.base else [])]))
    return planned


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Run those that are planned; what one lacks is told, and the others run."""
    found: list[measure.Figure] = []
    for each in plan(arguments):
        print(f"\n== {' '.join([each.name, *each.words])}", flush=True)
        began = perf_counter()
        try:
            found += each.main(each.words)
        except measure.Unfit as error:
            print(f"bench: {each.name} is left out: {error}", file=sys.stderr)
        print(f"{each.name} took {perf_counter() - began:,.0f} s", flush=True)
    return found


if __name__ == "__main__":
    measure.run(main)
