"""`make demo`: the whole path on this machine, offline, in a folder of its own.

Runs the commands a user would, and shows them.
"""

import os
import shlex
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from chandlery import embedded
from chandlery.model import clock, whole_hour
from sandbox import serving

HOME = Path(".demo")
COINS, DAYS = 20, 90
HALT = timedelta(hours=6)
SOURCES = "binance_futures,binance_spot,okx,bybit"
"""Not CoinGecko: it tells which coins there are, and would have a run wait a minute for more."""


def main() -> int:
    """Run the demo; return its exit code."""
    began = monotonic()
    embedded.stop(HOME)
    shutil.rmtree(HOME, ignore_errors=True)
    closed = whole_hour(clock())
    halted = closed - timedelta(days=30)
    until, since = closed - timedelta(hours=3), closed - timedelta(days=DAYS)
    try:
        with serving(coins=100, process=True) as venues:
            print(f"Sandbox venues at {venues.url}: 100 coins made up from a seed, no Internet.\n")
            for symbol in ("ETHUSDT", "ETHUSDC", "ETH-USDT", "ETH-USDC", "ethereum"):
                venues.fault("halt", symbol=symbol, start=_iso(halted), end=_iso(halted + HALT))
            print(f"Asked are {SOURCES.replace(',', ', ')}.\n")
            print("Nobody traded ETH for six hours a month ago.\n")
            here = {"CHANDLERY_HOME": str(HOME), "CHANDLERY_VENUES_URL": venues.url}
            run = Runner(here | {"CHANDLERY_SOURCES": SOURCES})
            start, end = f"--start {since:%FT%RZ}", f"--end {until:%FT%RZ}"
            for says, verb in (
                ("Which coins there are, and where", f"coins --max-coins {COINS}"),
                (
                    "Their history, but for the last hours",
                    f"backfill --max-coins {COINS} {start} {end}",
                ),
                ("The last hours, as a schedule fetches them", f"hourly --max-coins {COINS}"),
                ("What is there now", f"status {start}"),
                ("What is not, and why", f"gaps {start}"),
                (
                    "Two coins, to go on with elsewhere",
                    f"export --symbols BTC,ETH --timeframe 4h --to {HOME}/candles.parquet",
                ),
            ):
                run(says, f"chandlery {verb}")
    except subprocess.CalledProcessError as error:
        print(f"The demo stops here: that ended with exit code {error.returncode}.")
        return 1
    finally:
        embedded.stop(HOME)
    print(NEXT.format(seconds=monotonic() - began, home=HOME, size=_size(HOME)))
    return 0


def _iso(at: datetime) -> str:
    return f"{at:%FT%RZ}"


class Runner:
    """Shows a command as a user would type it, and runs it."""

    def __init__(self, settings: dict[str, str]) -> None:
        # Set to nothing: one in .env is not for made-up candles.
        self.environment = os.environ | {"DATABASE_URL": ""} | settings

    def __call__(self, says: str, line: str) -> None:
        """Raise CalledProcessError where the command fails."""
        print(f"# {says}\n$ {line}", flush=True)
        command = [sys.executable, "-m", *shlex.split(line)]
        subprocess.run(command, env=self.environment, check=True)  # noqa: S603  our own commands
        print(flush=True)


def _size(folder: Path) -> str:
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{total / 1e6:.0f} MB"


NEXT = """Done in {seconds:.0f} s. The database ({size}) and the exported file are in {home}/.

What next:
  CHANDLERY_HOME={home} .venv/bin/chandlery status      look at it again
  .venv/bin/chandlery backfill --max-coins 20           the real venues, into ~/.chandlery
  .venv/bin/chandlery --help                            all there is
  rm -rf {home}                                         throw the demo away"""


if __name__ == "__main__":
    sys.exit(main())
