"""Everything that can be set, a sentence each; read from the environment, then from `.env`.

The one place that reads the environment.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    create_model,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from candles.errors import Misuse

Model = TypeVar("Model", bound=BaseSettings)
PRIORITY = (
    "binance_futures",
    "binance_spot",
    "coingecko",
    "cryptocompare",
    "okx",
    "bybit",
)


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


class _Read(BaseSettings):
    """Read from the environment, then from `.env`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )


class Settings(_Read):
    """What is in force. A field's alias is the name of its environment variable."""

    database_url: str | None = Field(
        default=None,
        alias="DATABASE_URL",
        description="A TimescaleDB server; unset, the embedded one under CHANDLERY_HOME.",
    )
    home: Annotated[Path, AfterValidator(_absolute)] = Field(
        default=Path("~/.chandlery"),
        alias="CHANDLERY_HOME",
        validate_default=True,
        description="Where the embedded database and its log live.",
    )
    venues_url: str | None = Field(
        default=None,
        alias="CHANDLERY_VENUES_URL",
        description="Sends every source to this address, as /<source>/<path>; for the sandbox.",
    )
    proxy: str | None = Field(
        default=None,
        alias="HTTPS_PROXY",
        description="A proxy that every request to a venue goes through.",
    )
    priority: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=PRIORITY,
        alias="CHANDLERY_SOURCES",
        description="Sources in the order they are asked, separated by commas.",
    )


def settings() -> Settings:
    """What is in force now; Misuse, in one line, where a value cannot be."""
    return _read(Settings)


def keys(sources: Iterable[str]) -> dict[str, str]:
    """The API keys that are set, by source: COINGECKO_API_KEY is coingecko's."""
    fields: dict[str, Any] = {
        name: (SecretStr | None, Field(default=None, alias=f"{name.upper()}_API_KEY"))
        for name in sources
    }
    found = _read(create_model("Keys", __base__=_Read, **fields))
    told = ((name, getattr(found, name)) for name in fields)
    return {name: key.get_secret_value() for name, key in told if key is not None}


def _read(model: type[Model]) -> Model:
    try:
        return model()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Misuse(f"{where}: {first['msg']} (got {first['input']!r})") from None
    except UnicodeDecodeError:
        raise Misuse(".env is not text in UTF-8") from None
