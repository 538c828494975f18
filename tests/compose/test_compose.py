"""compose.yaml without a Docker engine: its shape, and its commands run on this machine."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from chandlery import embedded
from chandlery.cli.config import example_file
from chandlery.model import instant
from chandlery.settings import Settings, key_name
from chandlery.venues import load
from sandbox import serving
from tests.waiting import wait

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "compose.yaml").read_text("utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
PASSWORDS = set(re.findall(r"^# (\w+_PASSWORD)=$", example_file(), re.MULTILINE))
NOW = "2026-01-04T10:30Z"


def test_every_service_is_pinned_kept_up_and_watched() -> None:
    for name, service in SERVICES.items():
        if "build" not in service:
            assert re.search(r":\d+\.\d+\.\d+", service["image"]), name
        if name == "deploy":
            assert (service["restart"], service.get("healthcheck")) == ("no", None)
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
        for other, how in service.get("depends_on", {}).items():
            done = "service_completed_successfully" if other == "deploy" else "service_healthy"
            assert how == {"condition": done}, (name, other)


def test_nothing_is_open_to_others_and_no_secret_is_in_the_file() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            assert port.startswith("${BIND:-127.0.0.1}:"), name
    assert len(PASSWORDS) == 6
    secret = set(re.findall(r"\$\{(\w*(?:PASSWORD|KEY|URL|PROXY)\w*)([^}]*)\}", TEXT))
    assert {name for name, _ in secret if name.endswith("PASSWORD")} == PASSWORDS
    for name, default in secret - {("PREFECT_UI_URL", ":-http://127.0.0.1:4200")}:
        assert default == (":?set it in .env" if name in PASSWORDS else ":-"), name


def test_each_has_the_database_as_what_it_is_for() -> None:
    users = {"deploy": "chandlery", "worker": "chandlery_writer"}
    for name, user in users.items():
        assert SERVICES[name]["environment"]["DATABASE_URL"].startswith(f"postgresql://{user}:")
    having = {name for name, each in SERVICES.items() if "${CHANDLERY_DB_PASSWORD" in str(each)}
    assert having == {"database", "deploy"}


def test_flows_are_given_every_setting() -> None:
    known = {str(field.alias) for field in Settings.model_fields.values()}
    known |= {key_name(name) for name, source in load().items() if source.venue.key_header}
    assert known - {"CHANDLERY_HOME"} <= SERVICES["deploy"]["environment"].keys()
    worker = SERVICES["worker"]["environment"].keys()
    assert known - {"CHANDLERY_HOME", "CHANDLERY_NOTIFY_URL"} <= worker


def test_the_image_gets_the_code_and_nothing_secret() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {line.removeprefix("!") for line in rules[1:]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {f"{each}/*.py" for each in packages} <= let_in
    assert all(list(ROOT.glob(each)) for each in let_in)
    assert not [each for each in let_in if ".env" in each or "pgdata" in each]
    steps = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    assert [line for line in steps if line.startswith("USER ")] == ["USER chandlery"]
    assert not [line for line in steps if re.match(r"(ARG|ENV) .*(PASSWORD|KEY|SECRET)", line)]


def test_the_image_holds_what_runs_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = [line.removeprefix("!") for line in lines if line.startswith("!")]
    found = [path for each in let_in for path in ROOT.glob(each)]
    found += [below for path in found if path.is_dir() for below in path.rglob("*")]
    names = {str(path.relative_to(ROOT)) for path in found if path.is_file()}
    assert {"chandlery/cli/main.py", "sql/roles/share.sql", "flows/hourly.py"} <= names
    tops = {name.partition("/")[0] for name in names if "/" in name}
    assert tops == {"chandlery", "flows", "sandbox", "sources", "sql"}
    assert {name for name in names if "/" not in name} == {
        "LICENSE", "README.md", "automations.yaml", "prefect.toml", "prefect.yaml",
        "pyproject.toml", "requirements.lock",
    }  # fmt: skip
    assert {Path(name).suffix for name in names if "/" in name} <= {".py", ".sql", ".md"}
    assert not [name for name in names if "test" in Path(name).name]


def test_every_image_is_named_once_and_can_be_pinned_by_its_digest() -> None:
    steps = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    assert {line.split()[1] for line in steps if line.startswith("FROM ")} == {"${BASE}"}
    (base,) = (line.removeprefix("ARG BASE=") for line in steps if line.startswith("ARG "))
    assert SERVICES["worker"]["build"]["args"] == {"BASE": f"${{PYTHON_IMAGE:-{base}}}"}
    told = (ROOT / "docs/servers.md").read_text("utf-8")
    images = {each["image"] for each in SERVICES.values() if "build" not in each}
    for image in (*images, SERVICES["worker"]["build"]["args"]["BASE"]):
        match = re.fullmatch(r"\$\{(\w+_IMAGE):-([^}@]+)\}", image)
        assert match, image
        assert f"`{match[1]}`" in told
        assert match[2] in told


def test_nothing_in_the_image_runs_as_root() -> None:
    steps = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    last = steps[max(n for n, line in enumerate(steps) if line.startswith("FROM ")) :]
    user = last.index("USER chandlery")
    assert any("useradd --uid 10001" in line for line in last[:user])
    assert not [line for line in last[user:] if line.startswith(("RUN", "COPY", "ADD"))]
    assert not [name for name, service in SERVICES.items() if "user" in service]


def docker(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", "compose", *words], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the file and its passwords in .env."""
    if not shutil.which("docker") or docker("version", cwd=tmp_path).returncode:
        pytest.skip("needs `docker compose`, which is not here")
    shutil.copy(ROOT / "compose.yaml", tmp_path)
    (tmp_path / ".env").write_text("".join(f"{name}=planted\n" for name in PASSWORDS), "utf-8")
    return tmp_path


def test_docker_compose_reads_it(site: Path) -> None:
    done = docker("config", "--format", "json", cwd=site)
    assert (done.returncode, done.stderr) == (0, "")
    services = json.loads(done.stdout)["services"]
    assert services.keys() == SERVICES.keys()
    hosts = {port["host_ip"] for each in services.values() for port in each.get("ports", ())}
    assert hosts == {"127.0.0.1"}
    users = {"worker": "chandlery_writer", "deploy": "chandlery"}
    for name, user in users.items():
        address = services[name]["environment"]["DATABASE_URL"]
        assert address == f"postgresql://{user}:planted@database:5432/chandlery"
    having = {name for name, each in services.items() if "postgresql://chandlery:" in str(each)}
    assert having == {
        "deploy"
    }  # the owner's password is where the tables are made, and nowhere else


@pytest.mark.parametrize("name", sorted(PASSWORDS))
def test_without_a_password_it_says_which(site: Path, name: str) -> None:
    lines = (site / ".env").read_text("utf-8").splitlines(keepends=True)
    (site / ".env").write_text("".join(line for line in lines if name not in line), "utf-8")
    done = docker("config", "--quiet", cwd=site)
    assert done.returncode != 0
    assert f"{name} is missing a value: set it in .env" in done.stderr


class Host:
    """The services' own commands, as processes of this machine, on free ports."""

    def __init__(self, folder: Path, venues: str) -> None:
        self.folder = folder
        self.ports = {"4200": free_port(), "8080": free_port()}
        self.api = f"http://127.0.0.1:{self.ports['4200']}/api"
        self.here = {
            "PREFECT_API_URL": self.api,
            "DATABASE_URL": "",
            "CHANDLERY_VENUES_URL": venues,
            "PREFECT_UI_URL": self.api.removesuffix("/api"),
            "PREFECT_UI_API_URL": self.api,
            # Instead of PostgreSQL, the file that is Prefect's own way.
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder}/prefect.db",
        }

    def environment(self, name: str) -> dict[str, str]:
        """What the service's process has: the names are the file's, hosts and ports ours."""
        given = {key: self.here.get(key, "") for key in SERVICES[name]["environment"]}
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PREFECT_WORKER_WEBSERVER_PORT": str(self.ports["8080"]),
            "DO_NOT_TRACK": "1",
            **given,
        }

    def placed(self, words: Sequence[str]) -> list[str]:
        for inner, ours in self.ports.items():
            words = [re.sub(rf"\b{inner}\b", str(ours), word) for word in words]
        return list(words)

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """The service, from when it is healthy on."""
        with (
            (self.folder / f"{name}.log").open("wb") as log,
            subprocess.Popen(
                self.placed(SERVICES[name]["command"]),
                cwd=ROOT,
                env=self.environment(name),
                stdout=log,
                stderr=log,
                start_new_session=True,
            ) as process,
        ):
            try:
                wait(lambda: self.healthy(name), lambda: self.said(name))
                yield
            finally:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(60)
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-3000:]

    def healthy(self, name: str) -> bool | None:
        _, *command = SERVICES[name]["healthcheck"]["test"]
        return self.run(name, command).returncode == 0 or None

    def run(self, name: str, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.placed(command),
            cwd=ROOT,
            env=self.environment(name),
            capture_output=True,
            text=True,
            check=False,
        )


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with serving(coins=12, seed=7, now=instant(NOW), limits=False) as venues:
        made = Host(tmp_path, venues.url)
        yield made
    embedded.stop(tmp_path / ".chandlery")


@pytest.mark.prefect
def test_the_services_commands_do_their_work_together(host: Host) -> None:
    with ExitStack() as stack:
        stack.enter_context(host.running("prefect"))
        for _ in range(2):  # at each `docker compose up`
            done = host.run("deploy", SERVICES["deploy"]["command"])
            assert done.returncode == 0, done.stdout + done.stderr
        assert "automations 3 kept; nobody is told" in done.stdout
        stack.enter_context(host.running("worker"))
        words = f"deployment run hourly/hourly -p max_coins=2 -p now={NOW} --watch".split()
        done = host.run("worker", ["prefect", *words])
        assert done.returncode == 0, done.stdout + done.stderr
        found = httpx.post(f"{host.api}/flow_runs/filter", json={}, timeout=60, trust_env=False)
        messages: list[Any] = [run["state"]["message"] for run in found.json()]
        assert "2 of 2 coins, 48 candles" in messages
