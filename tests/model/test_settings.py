"""Settings: from the environment, then from `.env`."""

from pathlib import Path

import pytest

from chandlery.errors import Misuse
from chandlery.settings import Settings, keys, origins, settings

NAMES = [field.alias for field in Settings.model_fields.values()]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of the test's own, with nothing set but HOME."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_set_means_embedded_under_the_users_home(folder: Path) -> None:
    found = settings()
    assert found.database_url is None
    assert found.home == folder / "me" / ".chandlery"
    assert found.priority == ()


def test_home_is_never_taken_for_chandlery_home(folder: Path) -> None:
    (folder / ".env").write_text("HOME=/elsewhere\nhome=/elsewhere\n")
    assert settings().home == folder / "me" / ".chandlery"


def test_the_environment_comes_before_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("DATABASE_URL=postgresql://file/db\nCHANDLERY_HOME=~/there\n")
    assert settings().database_url == "postgresql://file/db"
    assert settings().home == folder / "me" / "there"
    monkeypatch.setenv("DATABASE_URL", "postgresql://environment/db")
    assert settings().database_url == "postgresql://environment/db"


def test_what_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")
    assert settings().database_url is None
    assert settings().priority == ()


def test_nothing_in_the_environment_hides_what_the_file_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("DATABASE_URL=postgresql://file/db\nOKX_API_KEY=of the file\n")
    assert settings().database_url == "postgresql://file/db"
    for name in ("DATABASE_URL", "OKX_API_KEY"):
        monkeypatch.setenv(name, "")
    assert settings({"DATABASE_URL": "postgresql://block/db"}).database_url is None
    assert keys(["okx"]) == {}


def test_blocks_give_what_is_set_nowhere_nearer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = {"DATABASE_URL": "postgresql://block/db", "OKX_API_KEY": "b", "BYBIT_API_KEY": "b"}
    (folder / ".env").write_text("BYBIT_API_KEY=f\n")
    current = settings(blocks)
    assert current.database_url == "postgresql://block/db"
    told = keys(["okx", "bybit"], current)
    assert [told[name].get_secret_value() for name in ("okx", "bybit")] == ["b", "f"]
    monkeypatch.setenv("database_url", "postgresql://environment/db")
    assert settings(blocks).database_url == "postgresql://environment/db"
    assert origins(["DATABASE_URL", "OKX_API_KEY", "BYBIT_API_KEY", "CHANDLERY_HOME"], blocks) == {
        "DATABASE_URL": "environment",
        "OKX_API_KEY": "Prefect block",
        "BYBIT_API_KEY": ".env",
        "CHANDLERY_HOME": "default",
    }


SECRETS = {
    "DATABASE_URL": "postgresql://me:planted@db/d",
    "HTTPS_PROXY": "http://me:planted@proxy:3128",
}


def test_what_may_bear_a_password_is_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OKX_API_KEY", "planted")
    assert "planted" not in f"{settings()!r} {settings()} {keys(['okx'])}"
    assert "planted" not in f"{settings({'OKX_API_KEY': 'planted'})!r}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "http://me:planted@proxy:port"),
        ("HTTPS_PROXY", "me:planted@proxy"),
        ("HTTPS_PROXY", "http://me:planted@[proxy"),
        ("OKX_API_KEY", "planted\nkey"),
        ("OKX_API_KEY", "planted\u0431"),
    ],
)
def test_a_secret_that_cannot_be_is_not_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misuse, match=f"^{name}: it is not a") as told:
        keys(["okx"], settings())
    assert "planted" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("text", "path"), [("~/x", "me/x"), ("x", "x"), ("./a/../b", "a/../b")])
def test_a_home_may_be_written_short(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, path: str
) -> None:
    monkeypatch.setenv("CHANDLERY_HOME", text)
    assert settings().home == folder / Path(path)


def test_sources_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANDLERY_SOURCES", " binance_spot, binance_futures,")
    assert settings().priority == ("binance_spot", "binance_futures")


@pytest.mark.parametrize(
    ("name", "value"),
    [("CHANDLERY_HOME", "~nobody-of-that-name/x"), ("CHANDLERY_SOURCES", " , ")],
)
def test_a_value_that_cannot_be_is_misuse_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misuse, match=f"^{name}: ") as told:
        settings()
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_text_is_misuse(folder: Path) -> None:
    (folder / ".env").write_bytes(b"DATABASE_URL=\xff\xfe")
    with pytest.raises(Misuse, match=r"^\.env is not text in UTF-8$"):
        settings()


def test_a_sources_key_bears_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", "from the environment")
    monkeypatch.setenv("OKX_API_KEY", "")
    (folder / ".env").write_text("CRYPTOCOMPARE_API_KEY=from the file\nCOINGECKO_API_KEY=x\n")
    found = keys(["coingecko", "cryptocompare", "okx", "kraken"])
    assert {name: key.get_secret_value() for name, key in found.items()} == {
        "coingecko": "from the environment",
        "cryptocompare": "from the file",
    }
    assert "from" not in repr(found)
    assert keys([]) == {}
