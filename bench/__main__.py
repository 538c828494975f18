"""Every bench, one after the other, and one table of all they claim: `python -m bench`.

With `--small` each with so little that it takes minutes in place of hours: to see that they run.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence

from bench import (
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
    stored,
    venue_to_database,
)

BENCHES: Mapping[str, tuple[measure.Main, Sequence[str]]] = {
    "load": (load.main, ["--coins=2", "--hours=2000", "--rounds=1"]),
    "venue_to_database": (
        venue_to_database.main,
        ["--coins=2", "--hours=100", "--travel=0", "--rounds=1"],
    ),
    "rate": (rate.main, ["--contracts=20"]),
    "hourly": (hourly.main, ["--coins=20", "--rounds=1"]),
    "orchestration": (orchestration.main, ["--coins=20", "--rounds=1"]),
    "shards": (shards.main, ["--coins=2", "--held-up-by=its budget"]),
    "reading": (reading.main, ["--coins=2", "--hours=1000", "--rounds=1"]),
    "stored": (stored.main, ["--coins=10", "--hours=1000", "--rounds=1"]),
    "compressed": (compressed.main, ["--coins=12"]),
    "growth": (growth.main, ["--coins=100"]),
    "day": (day.main, ["--coins=10", "--hours=2"]),
    "month": (month.main, ["--coins=12", "--days=3"]),
    "golden": (golden.main, ["--sources=binance_futures"]),
}
"""What each is called with where it is to be small."""


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Run those that are named, or all; what one lacks is told, and the others run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    found: list[measure.Figure] = []
    for name in options.names or BENCHES:
        run, small = BENCHES[name]
        print(f"\n== {name}", flush=True)
        try:
            found += run(small if options.small else [])
        except measure.Unfit as error:
            print(f"bench: {name} is left out: {error}", file=sys.stderr)
    return found


if __name__ == "__main__":
    measure.run(main)
