"""What a command takes before it does anything: processor time and seconds of `chandlery --help`.

And of `config`, `db status` and `status`, the last on a database with tables and no coins. Each is
a process of its own, in turn with the base build's. Goals hold against that alone.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from bench import measure
from bench.builds import Build, Spent, Taken, compared

MOST = {"--help": 0.35, "config": 0.35, "db status": 0.35, "status": 0.6}
"""Of the base build's processor time, by command."""


def measured(builds: Sequence[Build], rounds: int) -> Mapping[str, Taken]:
    """What each command took of each build, in turn; the first time does not count."""
    taken: dict[str, dict[Build, list[Spent]]] = {words: defaultdict(list) for words in MOST}
    with measure.databases(builds) as databases:
        for turn in range(rounds + 1):
            for words, each in taken.items():
                for build, current in databases.items():
                    spent = build.spend(words.split(), build.environment(current))
                    if turn:
                        each[build].append(spent)
    return taken


def figures(taken: Mapping[str, Taken]) -> Iterator[measure.Figure]:
    """Its lines of the table."""
    for words, each in taken.items():
        what = f"chandlery {words}"
        yield measure.spent(what, each, "cpu", most=MOST[words], of=measure.BASE)
        yield measure.spent(what, each, "seconds")


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=11)
    measure.add_base(parser)
    options = parser.parse_args(arguments)
    with compared(options.base) as builds:
        print(f"{options.rounds} rounds of {', '.join(build.name for build in builds)}", flush=True)
        return list(figures(measured(builds, options.rounds)))


if __name__ == "__main__":
    measure.run(main)
