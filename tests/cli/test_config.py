"""`chandlery config`: what is in force, and from where; never a secret."""

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from chandlery.cli.config import example_file, masked, unverified
from chandlery.settings import Settings
from chandlery.venues import in_order
from tests.command_line import chandlery, process

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "DATABASE_URL": "postgresql://me:planted@db.example:6543/candles?sslpassword=planted",
    "HTTPS_PROXY": "http://me:planted@proxy.example:3128",
    "COINGECKO_API_KEY": "CG-planted",
    "CHANDLERY_NOTIFY_URL": "slack://planted/planted/planted",
}


@pytest.fixture
def config(tmp_path: Path) -> Run:
    """The verb in a folder of its own, with nothing set but what is given."""
    return partial(configured, chandlery, tmp_path)


def configured(
    how: Run, folder: Path, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    given = {"HOME": str(folder)} | environment
    return how("config", *words, folder=folder, environment=given, alone=True)


def test_it_says_what_is_in_force_and_from_where(config: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CHANDLERY_HOME=there\nCOINGECKO_API_KEY=CG-planted\n")
    done = config("--json", DATABASE_URL=SECRETS["DATABASE_URL"])
    assert (done.returncode, done.stderr.count("\n"), done.stdout.count("\n")) == (0, 1, 1)
    assert done.stderr.startswith("DATABASE_URL has sslmode prefer")
    found = json.loads(done.stdout)
    assert {name: (each["value"], each["from"]) for name, each in found.items()} == {
        "DATABASE_URL": ("postgresql://me:***@db.example:6543/candles", "environment"),
        "CHANDLERY_HOME": (str(tmp_path / "there"), ".env"),
        "CHANDLERY_VENUES_URL": (None, "default"),
        "HTTPS_PROXY": (None, "default"),
        "CHANDLERY_ADDRESS": ("here", "default"),
        "CHANDLERY_SOURCES": (",".join(in_order()), "default"),
        "CHANDLERY_INCLUDE": (None, "default"),
        "CHANDLERY_NOTIFY_URL": (None, "default"),
        "COINGECKO_API_KEY": ("***", ".env"),
        "COINGECKO_PRO_API_KEY": (None, "default"),
        "CRYPTOCOMPARE_API_KEY": (None, "default"),
    }
    assert all(each["about"].endswith(".") for each in found.values())


def test_no_secret_is_shown(config: Run) -> None:
    done = config(**SECRETS)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "planted" not in done.stderr
    assert done.stdout.count("***") == 4
    assert "planted" not in done.stdout


@pytest.mark.parametrize("url", ["postgresql://me:planted@x@db/d", "planted", "host=planted b"])
def test_an_address_that_cannot_be_read_is_not_shown(url: str) -> None:
    assert masked("DATABASE_URL", url) == "***"


def test_a_wrong_value_is_one_line(config: Run) -> None:
    done = config(HTTPS_PROXY="me:planted@proxy")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("chandlery: HTTPS_PROXY: it is not an address")
    assert "planted" not in done.stderr


class Blocks(BaseHTTPRequestHandler):
    """Prefect's answer, as far as it is read: names. The real one is asked in tests/flows."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps([{"name": "coingecko-api-key"}, {"name": "other"}]).encode())

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        pass


@pytest.fixture
def prefect() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Blocks)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_knows_of_secret_blocks(tmp_path: Path, prefect: str) -> None:
    config = partial(configured, process, tmp_path)  # Prefect reads the environment once
    found = json.loads(config("--json", PREFECT_API_URL=prefect).stdout)
    assert (found["COINGECKO_API_KEY"]["value"], found["COINGECKO_API_KEY"]["from"]) == (
        "***",
        "Prefect block",
    )
    assert found["DATABASE_URL"]["from"] == "default"
    assert "Prefect block, for flows" in config(PREFECT_API_URL=prefect).stdout
    done = config("--json", PREFECT_API_URL=prefect, COINGECKO_API_KEY="CG-planted")
    assert json.loads(done.stdout)["COINGECKO_API_KEY"]["from"] == "environment"


def test_the_example_is_made_of_the_settings_own_sentences(config: Run) -> None:
    written = (ROOT / ".env.example").read_text("utf-8")
    assert written == example_file() == config("--example").stdout
    for field in Settings.model_fields.values():
        assert f"\n# {field.description}\n# {field.alias}=" in written


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://me:planted@db.example/candles", "prefer"),
        ("postgresql://me:planted@db.example/candles?sslmode=require", "require"),
        ("postgresql://me:planted@127.0.0.1,db.example/candles", "prefer"),
        ("host=10.0.0.1 user=me password=planted sslmode=disable", "disable"),
    ],
)
def test_a_server_that_nobody_verifies_is_told(config: Run, url: str, mode: str) -> None:
    done = config(DATABASE_URL=url)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert done.stderr.startswith(f"DATABASE_URL has sslmode {mode}: whoever stands between")
    assert "planted" not in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@db.example/candles?sslmode=verify-full&sslrootcert=system",
        "postgresql://me@127.0.0.1/candles",
        "postgresql://me@localhost/candles",
        "postgresql:///candles?host=/run/postgresql",
        "dbname=candles",
        "nonsense",
    ],
)
def test_of_one_that_is_verified_or_near_nothing_is_said(url: str) -> None:
    assert unverified(url) is None


def test_a_mode_that_libpq_is_told_of_counts(config: Run) -> None:
    done = config(DATABASE_URL="postgresql://me@db.example/c", PGSSLMODE="verify-full")
    assert (done.returncode, done.stderr) == (0, "")
