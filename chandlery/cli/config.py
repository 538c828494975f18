"""`chandlery config`: what is in force, and from where; what is secret is masked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import click
from rich.table import Table
from rich.text import Text

from chandlery import venues
from chandlery.cli.console import output, print_json
from chandlery.cli.options import JSON, options
from chandlery.local.prefect_api import at_hand
from chandlery.model import one_line
from chandlery.settings import BLOCK, FOR_FLOWS, Settings, key_name, keys, origins, settings

MASK = "***"
VERIFYING = ("verify-ca", "verify-full")
NEAR = ("", "localhost", "::1")
SHOWN = 1000  # signs of a value
HEAD = """\
# Copy this to .env and take the # away from what you set. The environment comes before .env,
# and .env before Prefect's Secret blocks. `chandlery config` shows what is in force.
"""
COMPOSE = """
# For compose.yaml, which puts the database's address together by itself: six passwords, of letters
# and digits, as they stand in addresses (`openssl rand -hex 24`).
# POSTGRES_PASSWORD=
# CHANDLERY_DB_PASSWORD=
# WRITER_DB_PASSWORD=
# PREFECT_DB_PASSWORD=
# GRAFANA_DB_PASSWORD=
# GRAFANA_ADMIN_PASSWORD=
"""


@dataclass(frozen=True)
class Setting:
    """A variable, as it may be shown."""

    name: str
    value: str | None
    origin: str
    about: str


@click.command()
@click.option(
    "--example", is_flag=True, help="Print .env.example: every variable, a sentence each."
)
@options(JSON)
def config(*, example: bool, as_json: bool) -> None:
    """Show what is in force, and where it was set; passwords and keys are masked."""
    if example:
        click.echo(example_file(), nl=False)
        return
    current = settings()
    found = list(_found(current))
    if as_json:
        print_json(
            {
                each.name: {"value": each.value, "from": each.origin, "about": each.about}
                for each in found
            }
        )
    else:
        output.print(_table(found))
    for told in _against(current.database_url):
        click.echo(told, err=True)


def _against(url: str | None) -> Iterator[str]:
    """What is to be said of the database's server, a line each."""
    if url is None or _parts(url) is None:
        return
    from chandlery.store.connect import fault_at  # noqa: PLC0415 - as in _parts

    yield from filter(None, (unverified(url), fault_at(url)))


def _found(current: Settings) -> Iterator[Setting]:
    told = keys(venues.load(), current)
    values = {name: masked(name, value) for name, value in _given(current)}
    values["CHANDLERY_SOURCES"] = masked("CHANDLERY_SOURCES", venues.in_order(current.priority))
    values |= {key_name(name): MASK if name in told else None for name in _sold()}
    about = _about()
    for name, origin in origins(about, _in_blocks(current)).items():
        # A block's value is for flows only: nothing here reads it.
        value = MASK if origin == BLOCK else values[name]
        yield Setting(name, value, origin, about[name])


def _given(current: Settings) -> Iterator[tuple[str, object]]:
    for attribute, field in Settings.model_fields.items():
        yield str(field.alias), getattr(current, attribute)


def _about() -> dict[str, str]:
    """A sentence for every variable."""
    fields = Settings.model_fields.values()
    said = {str(field.alias): field.description or "" for field in fields}
    return said | {
        key_name(name): f"The API key for {name}" + (f"; {needed}." if needed else ".")
        for name, needed in _sold().items()
    }


def _sold() -> dict[str, str]:
    """The sources that take a key, and what is the case without one, if anything is to be said."""
    keyed = [source.venue for source in venues.load().values() if source.venue.key_header]
    return {
        venue.name: "without one it is not asked" if venue.key_required else "" for venue in keyed
    }


def _in_blocks(current: Settings) -> list[str]:
    """The secrets of which the Prefect server at hand, if there is one, has a block."""
    server = at_hand(current.home)
    blocks = server.secret_blocks() if server else set[str]()
    secrets = (*FOR_FLOWS, *map(key_name, _sold()))
    return [name for name in secrets if name.lower().replace("_", "-") in blocks]


def masked(name: str, value: object) -> str | None:
    """A variable's value, fit to be shown."""
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return ",".join(value)
    if name == "DATABASE_URL":
        return _database(str(value))
    if name == "CHANDLERY_NOTIFY_URL":  # every part of it may be what lets one in
        return MASK
    return _address(str(value)) if "://" in str(value) else str(value)


def _database(url: str) -> str:
    """Where it is, without the password; of what cannot be read, nothing."""
    given = _parts(url)
    if given is None:
        return MASK
    host, name = str(given.get("host", "localhost")), str(given.get("dbname", ""))
    if "@" in host[1:] or "@" in name:  # half a password: the other half is its name
        return MASK
    who = f"{given['user']}:{MASK}@" if "user" in given else ""
    return f"postgresql://{who}{host}:{given.get('port', 5432)}/{name}"


def unverified(url: str) -> str | None:
    """What is to be said where nobody checks who answers at DATABASE_URL; None for this machine."""
    given = _parts(url)
    if given is None:
        return None
    hosts = str(given.get("host", "")).split(",")
    from psycopg.pq import Conninfo  # noqa: PLC0415 - as in _parts

    usual = {each.keyword.decode(): each.val for each in Conninfo.get_defaults()}
    mode = str(given.get("sslmode") or (usual["sslmode"] or b"").decode())
    if mode in VERIFYING or all(_is_near(host) for host in hosts):
        return None
    return (
        f"DATABASE_URL has sslmode {mode}: whoever stands between here and there can read the"
        " password and the candles; add ?sslmode=verify-full&sslrootcert=system"
    )


def _parts(url: str) -> Mapping[str, object] | None:
    """What a database's address is made of; None if it cannot be read."""
    import psycopg  # noqa: PLC0415 - who has no server waits for none of it
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - likewise

    try:
        return conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeError):
        return None


def _is_near(host: str) -> bool:
    return host in NEAR or host.startswith(("/", "@", "127."))


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.username is None and parts.password is None:
        return url
    return parts._replace(netloc=f"{MASK}@{parts.netloc.rpartition('@')[2]}").geturl()


def _table(found: list[Setting]) -> Table:
    table = Table("variable", "value", "from", "", box=None, header_style="bold")
    table.columns[1].overflow = "fold"
    for each in found:
        origin = f"{each.origin}, for flows" if each.origin == BLOCK else each.origin
        value = "unset" if each.value is None else each.value
        table.add_row(*map(Text, (each.name, one_line(value, SHOWN), origin, each.about)))
    return table


def example_file() -> str:
    """`.env.example`, from the settings' own sentences; and what compose.yaml wants."""
    fields = Settings.model_fields.values()
    shown = {str(field.alias): (field.examples or [""])[0] for field in fields}
    parts = (f"\n# {about}\n# {name}={shown.get(name, '')}\n" for name, about in _about().items())
    return HEAD + "".join(parts) + COMPOSE
