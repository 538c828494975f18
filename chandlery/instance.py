"""What `chandlery up` runs under a home: its files, and what its processes are told."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import sources
from candles.settings import SECRET, Settings, key_name, keys
from chandlery import processes

TUNED: Mapping[str, str] = MappingProxyType(
    {
        # One row at a time costs a whole core after every run.
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
        # In memory, the slot of a run that a reboot ends is never given back.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
        # Three quarters of its database are events; runs are kept for ever.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P2D",
        # The newer UI asks a host on the Internet, and advertises.
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "5",
    }
)
"""Prefect's settings where its defaults do not fit; the environment comes before them."""

QUIET: Mapping[str, str] = MappingProxyType(
    {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
)
ELSEWHERE = ("PREFECT_API_", "PREFECT_PROFILE", "PREFECT_CLOUD_")
"""Begins what the environment may say of another Prefect server."""


@dataclass(frozen=True)
class Told:
    """What a running `up` says of itself."""

    pid: int
    ui: str
    engine: bool  # whether it started the embedded database, and is to stop it

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
        self._state.write_text(json.dumps(asdict(told)), encoding="utf-8")

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
        self.home.mkdir(parents=True, exist_ok=True)
        file = os.open(self.home / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(file)


def running(place: Place) -> Told | None:
    """What runs there now."""
    if not place.home.is_dir():
        return None
    with place.held() as ours:
        return None if ours else place.last()


def environment(current: Settings, api: str, *, secrets: bool) -> dict[str, str]:
    """What a process is given: our settings, as they are in force here, and Prefect's."""
    known = sources.load()
    names = {str(field.alias): attribute for attribute, field in Settings.model_fields.items()}
    ours = {*names, *map(key_name, known)}
    kept = {
        name: value
        for name, value in processes.inherited().items()
        if name.upper() not in ours and not name.startswith(ELSEWHERE)
    }
    told = {name: _text(getattr(current, attribute)) for name, attribute in names.items()}
    told |= {
        key_name(source): key.get_secret_value() for source, key in keys(known, current).items()
    }
    public = names.keys() - set(SECRET)
    given = {name: text for name, text in told.items() if text and (secrets or name in public)}
    prefect = {"PREFECT_HOME": str(current.home / "prefect"), "PREFECT_API_URL": api}
    return {**TUNED, **kept, **given, **QUIET, **prefect}


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else str(value)
