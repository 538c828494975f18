"""Everything that can be set, a sentence each; read from the environment, then from `.env`.

The one place that reads the environment. A variable that is set to nothing there is not set,
whatever `.env` says of it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from chandlery.errors import Misuse

Model = TypeVar("Model", bound="_Read")
SCHEMES = ("http", "https")
LONGEST_ID = 200
NOTHING: Mapping[str, str] = MappingProxyType({})
ENVIRONMENT, FILE, BLOCK, DEFAULT = "environment", ".env", "Prefect block", "default"


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("no user of that name has a home here") from None


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if not names:
        raise ValueError("name at least one")
    return names


def _ids(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not name.isprintable() or " " in name or len(name) > LONGEST_ID:
            raise ValueError("it holds no CoinGecko id: see `chandlery coins --left-out`")
    return names


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        return parts.scheme in SCHEMES and bool(host) and parts.port != 0 and url.isprintable()
    except ValueError:
        return False


def _proxy(url: str | None) -> str | None:
    """Whatever is no address is refused here: who finds out later may tell it, password and all."""
    if url is not None and not _is_address(url):
        raise ValueError("it is not an address: write http://user:password@host:port")
    return url


def _venues(url: str | None) -> str | None:
    if url is not None and not (_is_address(url) and " " not in url):
        raise ValueError("it is not an address: write http://127.0.0.1:8000")
    return url


def _sendable(key: SecretStr | None) -> SecretStr | None:
    """A key goes into a header: what cannot would be told by the error."""
    if key is None:
        return None
    text = key.get_secret_value().strip()
    if not text.isascii() or not text.isprintable():
        raise ValueError("it is not a key: there are signs in it that no key has")
    return SecretStr(text)


class _Read(BaseSettings):
    """Read from the environment, then from `.env`."""

    model_config = SettingsConfigDict(env_file=FILE, extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _unset(cls, told: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in told.items() if value != ""}


class Settings(_Read):
    """What is in force. A field's alias is the name of its environment variable.

    What may bear a password is not in its repr.
    """

    database_url: str | None = Field(
        default=None,
        alias="DATABASE_URL",
        repr=False,
        description="A TimescaleDB server; unset, the embedded one under CHANDLERY_HOME.",
        examples=["postgresql://user:password@host:5432/database"],
    )
    home: Annotated[Path, AfterValidator(_absolute)] = Field(
        default=Path("~/.chandlery"),
        alias="CHANDLERY_HOME",
        validate_default=True,
        description="Where the embedded database, Prefect's database and the logs live.",
        examples=["~/.chandlery"],
    )
    venues_url: Annotated[str | None, AfterValidator(_venues)] = Field(
        default=None,
        alias="CHANDLERY_VENUES_URL",
        description="Sends every source to this address, as /<source>/<path>; for the sandbox.",
        examples=["http://127.0.0.1:8700"],
    )
    proxy: Annotated[str | None, AfterValidator(_proxy)] = Field(
        default=None,
        alias="HTTPS_PROXY",
        repr=False,
        description="A proxy that every request to a venue goes through.",
        examples=["http://user:password@host:3128"],
    )
    address: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = Field(
        default="here",
        alias="CHANDLERY_ADDRESS",
        description="A name for the address requests come from; machines that share a database but"
        " no address need several.",
        examples=["here"],
    )
    priority: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=(),
        alias="CHANDLERY_SOURCES",
        description="Sources in the order they are asked, traded ones before all others, separated"
        " by commas; unset, the order that `chandlery sources` shows.",
        examples=["binance_futures,binance_spot,okx,bybit"],
    )
    include: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names), AfterValidator(_ids)] = (
        Field(
            default=(),
            alias="CHANDLERY_INCLUDE",
            description="CoinGecko ids of what is left out as no coin and is to be collected all"
            " the same, separated by commas, * for any signs.",
            examples=["*-xstock,*-ondo-tokenized-*"],
        )
    )
    notify_url: str | None = Field(
        default=None,
        alias="CHANDLERY_NOTIFY_URL",
        repr=False,
        description="Who is told when collection fails or falls behind: an address of Apprise's.",
        examples=["ntfys://ntfy.sh/a-topic-of-your-own"],
    )
    _blocks: Mapping[str, str] = PrivateAttr(default_factory=dict)


FOR_FLOWS = ("DATABASE_URL", "HTTPS_PROXY")
"""What flows also take from Secret blocks, as they do every API key."""
SECRET = (*FOR_FLOWS, "CHANDLERY_NOTIFY_URL")
"""What may bear a password. Every API key is one too."""


def settings(blocks: Mapping[str, str] = NOTHING) -> Settings:
    """What is in force now; Misuse, in one line, where a value cannot be.

    `blocks` has more variables, by name, for what neither the environment nor `.env` sets.
    """
    current = _read(Settings, blocks)
    current._blocks = blocks  # noqa: SLF001  its own maker
    return current


def key_name(source: str) -> str:
    """The variable that holds a source's API key: COINGECKO_API_KEY is coingecko's."""
    return f"{source.upper()}_API_KEY"


def keys(sources: Iterable[str], current: Settings | None = None) -> dict[str, SecretStr]:
    """The API keys that are set, by source."""
    fields: dict[str, Any] = {
        name: (
            Annotated[SecretStr | None, AfterValidator(_sendable)],
            Field(default=None, alias=key_name(name)),
        )
        for name in sources
    }
    blocks = NOTHING if current is None else current._blocks  # noqa: SLF001  its own room
    found = _read(create_model("Keys", __base__=_Read, **fields), blocks)
    told = ((name, getattr(found, name)) for name in fields)
    return {name: key for name, key in told if key is not None}


def origins(names: Iterable[str], blocks: Iterable[str] = ()) -> dict[str, str]:
    """Where each of these variables is from."""
    wanted = list(names)
    layers = {BLOCK: blocks, FILE: _file(_Read), ENVIRONMENT: _environment(_Read)}
    found = dict.fromkeys(wanted, DEFAULT)
    for place, having in layers.items():
        set_there = {name.upper() for name in having}
        found |= {name: place for name in wanted if name in set_there}
    return found


def variables() -> tuple[Mapping[str, str | None], Mapping[str, str | None]]:
    """The environment's and `.env`'s variables, in small letters: for what is not ours to set."""
    return _environment(_Read), DotEnvSettingsSource(_Read, env_file=FILE).env_vars


def _read(model: type[Model], blocks: Mapping[str, str]) -> Model:
    try:
        told = {name.upper() for name in (*_environment(model), *_file(model))}
        return model(**{name: value for name, value in blocks.items() if name not in told})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Misuse(f"{where}: {_reason(where, first['msg'], first['input'])}") from None
    except UnicodeDecodeError:
        raise Misuse(".env is not text in UTF-8") from None


def _reason(where: str, message: str, given: object) -> str:
    message = message.removeprefix("Value error, ")
    secret = where in SECRET or where.endswith("_API_KEY")
    return message if secret else f"{message} (got {given!r})"


def _environment(model: type["_Read"]) -> Mapping[str, str | None]:
    return EnvSettingsSource(model).env_vars


def _file(model: type["_Read"]) -> Mapping[str, str | None]:
    found = DotEnvSettingsSource(model, env_file=FILE).env_vars
    return {name: value for name, value in found.items() if value}
