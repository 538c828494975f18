"""Each verb with words that it does something for, and a database that it does it to."""

from dataclasses import dataclass
from pathlib import Path

import click

from chandlery import store
from chandlery.cli.main import cli
from chandlery.settings import Settings
from tests.command_line import chandlery

NOW = "2026-11-22T10:30Z"
MINE = "open_time,open,high,low,close,volume\n2026-05-02T03:00Z,2,4,1,3,10\n"
# What each verb is asked in the site's folder, and its exit code if it is left alone.
AT = ("--now", NOW)
WORDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "coins": (0, AT),
    "backfill": (0, ("--no-archive", "--start", "2026-08-01", *AT)),
    "hourly": (0, AT),
    "fill-gaps": (0, ("--again", *AT)),
    "import": (0, ("mine.csv", "--source", "binance_spot", "--symbol", "BTCUSDT", *AT)),
    "try": (0, ("binance_spot", "BTCUSDT", *AT)),
    "status": (0, AT),
    "sources": (0, ()),
    "listings": (0, ("BTC",)),
    "gaps": (0, AT),
    "history": (0, ("BTC", "2026-11-20T03:00Z", *AT)),
    "quality": (0, AT),
    "adjust": (0, AT),
    "chart": (0, ("BTC", "--to", "chart.html", *AT)),
    "report": (0, ("--to", "report.html", *AT)),
    "export": (0, ("--to", "export.parquet", "--timeframe", "all", *AT)),
    "up": (0, ("--sandbox", "--port", "0")),
    "down": (0, ()),
    "automations": (2, ()),
    "notify": (2, ("--test",)),
    "bury": (2, ()),
    "health": (0, AT),
    "config": (0, ()),
    "db start": (0, ()),
    "db stop": (0, ()),
    "db status": (0, ()),
    "maintain": (0, ("--bars", "--after-days", "1", *AT)),
    "check": (0, ()),
    "copy": (0, ("--to", "other")),
    "backup": (0, ("backup.zip",)),
    "restore": (2, ("whole.zip",)),
    "migrate": (0, ()),
    "roles": (0, ()),
}


def verbs() -> list[str]:
    """All that can be asked, from the command line itself."""
    context = click.Context(cli)
    found = []
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        within = command.commands if isinstance(command, click.Group) else None
        found += [name] if within is None else [f"{name} {each}" for each in within]
    return found


@dataclass(frozen=True)
class Site:
    """A home with candles, and the folder that verbs are run in."""

    folder: Path
    venues: str

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def here(self) -> Path:
        return self.folder / "here"

    @property
    def other(self) -> Path:
        """The home of what `copy` makes."""
        return self.here / "other"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "CHANDLERY_HOME": str(self.home),
            "DATABASE_URL": "",
            "CHANDLERY_VENUES_URL": self.venues,
            "CHANDLERY_SOURCES": "binance_futures,binance_spot",
            "CHANDLERY_NOTIFY_URL": "",
            "PREFECT_API_URL": "",
            "PREFECT_HOME": str(self.folder / "prefect"),
        }

    def fill(self) -> None:
        """Fetch some weeks, and write the files that verbs are to read."""
        self.here.mkdir()
        (self.here / "mine.csv").write_text(MINE)
        filling = ("backfill", "--no-archive", "--start", "2026-11-01", "--now", NOW)
        for words in (filling, ("backup", str(self.here / "whole.zip"))):
            done = chandlery(*words, environment=self.environment)
            assert done.returncode == 0, done

    def pass_by(self) -> None:
        """CoinGecko allows ten requests a minute: as if one had passed."""
        with store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=self.home)) as connection:
            connection.execute("delete from account where place like '%coingecko%'")
