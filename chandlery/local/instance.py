"""What `chandlery up` runs under a home: its files, and what its processes are told."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from chandlery import embedded, venues
from chandlery.errors import Misuse
from chandlery.local.processes import inherited, until
from chandlery.settings import SECRET, Settings, key_name, keys

QUIET: Mapping[str, str] = MappingProxyType(
    {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
)
"""Nobody outside is told that it runs. What else is set of Prefect is in prefect.toml."""
ELSEWHERE = ("PREFECT_API_", "PREFECT_PROFILE", "PREFECT_CLOUD_")
"""Begins what the environment may say of another Prefect server."""
ROOT = Path(__file__).resolve().parents[2]
LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class Told:
    """What a running `up` says of itself."""

    pid: int
    ui: str
    engine: bool  # whether it started the embedded database, and is to stop it

    @classmethod
    def ours(cls, ui: str, *, engine: bool) -> "Told":
        """What this process says."""
        return cls(os.getpid(), ui, engine)

    @property
    def api(self) -> str:
        """Where Prefect's API is."""
        return f"{self.ui}/api"


@dataclass(frozen=True)
class Place:
    """The files of one home."""

    home: Path

    @property
    def prefect(self) -> Path:
        """Prefect's own folder: its database, and in it what Secret blocks hold."""
        return self.home / "prefect"

    @property
    def logs(self) -> Path:
        """What the processes write."""
        return self.home / "logs"

    @property
    def _state(self) -> Path:
        return self.home / "up.json"

    def tell(self, told: Told) -> None:
        """Write down what runs."""
        part = self._state.with_suffix(".part")
        try:
            part.write_text(json.dumps(asdict(told)), encoding="utf-8")
            part.replace(self._state)
        finally:
            part.unlink(missing_ok=True)

    def forget(self) -> None:
        """Nothing runs any more."""
        self._state.unlink(missing_ok=True)

    def last(self) -> Told | None:
        """What the last `up` said, and did not take back."""
        try:
            return Told(**json.loads(self._state.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Have it for oneself, as long as the process lives; False where somebody else has it."""
        embedded.private(self.home)
        file = os.open(self.home / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # Who only looks whether it is taken has it for a moment.
            yield until(lambda: _locked(file), LOOK_SECONDS) is not None
        finally:
            os.close(file)

    def taken(self) -> bool:
        """Whether somebody has it."""
        try:
            file = os.open(self.home / "up.lock", os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise Misuse(
                f"cannot look into {self.home} ({error.strerror}): set CHANDLERY_HOME to a folder"
                " that is yours"
            ) from None
        try:
            return _locked(file) is None
        finally:
            os.close(file)


def _locked(file: int) -> bool | None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    return True


def running(place: Place) -> Told | None:
    """What runs there now."""
    return place.last() if place.taken() else None


def environment(
    current: Settings, api: str, *, sandbox: bool, secrets: bool = True
) -> dict[str, str]:
    """What a process is given: our settings, as they are in force here, and Prefect's.

    What is not set may be in a Secret block, but not in the sandbox: there it is set to nothing.
    """
    known = venues.load()
    names = {str(field.alias): attribute for attribute, field in Settings.model_fields.items()}
    given = {name: _text(getattr(current, attribute)) for name, attribute in names.items()}
    if sandbox:
        given |= dict.fromkeys(map(key_name, known), "")
    else:
        told = keys(known, current).items()
        given |= {key_name(source): key.get_secret_value() for source, key in told}
    public = names.keys() - set(SECRET)
    return {
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(_origins(api)),
        **_others({*names, *map(key_name, known)}),
        **{
            name: text
            for name, text in given.items()
            if (text or sandbox) and (secrets or name in public)
        },
        **QUIET,
        "PREFECT_HOME": str(current.home / "prefect"),
        "PREFECT_API_URL": api,
    }


def _origins(api: str) -> tuple[str, str]:
    """Where a browser may have found the UI, whose pages ask the API by its address."""
    by_address = api.removesuffix("/api")
    return by_address, by_address.replace("127.0.0.1", "localhost")


def _others(ours: set[str]) -> dict[str, str]:
    """What we were given, without our own variables and what is said of another server."""
    return {
        name: value
        for name, value in inherited().items()
        if name.upper() not in ours and not name.startswith(ELSEWHERE)
    }


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else str(value)
