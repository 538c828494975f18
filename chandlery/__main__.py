"""`chandlery`, and `python -m chandlery`: signals are taken before anything else is loaded."""

import sys

from chandlery.cli.signals import Signals

_signals = Signals()
_signals.listen()


def run() -> int:
    """Run the verb that the command line names; return the exit code."""
    from chandlery.cli.main import main  # noqa: PLC0415 - signals come first

    return main(signals=_signals)


if __name__ == "__main__":
    sys.exit(run())
