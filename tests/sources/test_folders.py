"""Which symbols an archive has files of: a bucket's listing, page after page."""

from collections.abc import Iterable
from datetime import UTC, datetime

import httpx
import pytest

from chandlery.errors import Blocked, Malformed, SourceError, Unavailable
from chandlery.model import Window
from chandlery.venues import load, months, symbols
from tests.sources.conftest import Connect

SPOT = load()["binance_spot_archive"]
ROOT = "data/spot/monthly/klines/"
BUCKET = "https://s3-ap-northeast-1.amazonaws.com/data.binance.vision"


def listing(names: Iterable[str], below: str = ROOT, *, marker: str | None = None) -> bytes:
    parts = [
        f"<CommonPrefixes><Prefix>{below}{name}</Prefix></CommonPrefixes>"
        if name.endswith("/")
        else f"<Contents><Key>{below}{name}</Key><ETag>&quot;0&quot;</ETag></Contents>"
        for name in names
    ]
    goes_on = "" if marker is None else f"<NextMarker>{below}{marker}</NextMarker>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Prefix>{below}</Prefix>{goes_on}<Delimiter>/</Delimiter>"
        f"<IsTruncated>{'false' if marker is None else 'true'}</IsTruncated>"
        f"{''.join(parts)}</ListBucketResult>"
    ).encode()


def test_symbols_are_folders_page_after_page(connect: Connect) -> None:
    asked = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        assert str(request.url).startswith(f"{BUCKET}?")
        names, marker = (["BTCUSDT/", "BTTUSDT/"], "BTTUSDT/")
        if "marker" in request.url.params:
            names, marker = (["币安人生USDT/", "A&amp;BUSDT/", "A\x00B/", "/"], None)
        return httpx.Response(200, content=listing(names, marker=marker))

    found = symbols(connect(serve), SPOT)
    assert found == ["BTCUSDT", "BTTUSDT", "币安人生USDT", "A&BUSDT"]
    first = {"delimiter": "/", "prefix": ROOT}
    assert asked == [first, first | {"marker": f"{ROOT}BTTUSDT/"}]


def test_months_are_files_from_the_first_to_the_last(connect: Connect) -> None:
    below = f"{ROOT}BCCUSDT/1h/"
    names = [f"BCCUSDT-1h-{month}.zip" for month in ("2017-11", "2018-02", "2018-12", "2018-13")]
    names += [f"{names[0]}.CHECKSUM", "BCCUSDT-1h-2019-01-04.zip", "index.html"]

    def serve(request: httpx.Request) -> httpx.Response:
        assert request.url.params["prefix"] == below
        return httpx.Response(200, content=listing(names, below))

    window = Window(datetime(2017, 11, 1, tzinfo=UTC), datetime(2019, 1, 1, tzinfo=UTC))
    assert months(connect(serve), SPOT, "BCCUSDT") == window
    names.clear()
    assert months(connect(serve), SPOT, "BCCUSDT") is None


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, listing(["BTCUSDT/"], marker="BTCUSDT/"), Malformed),  # it does not go on
        (200, listing(["BTCUSDT/"])[:-10], Malformed),
        (200, b"<!doctype html><title>Binance Data Collection</title>", Malformed),
        (200, b"", Malformed),
        (403, b"<Error><Code>AccessDenied</Code></Error>", Blocked),
        (503, b"<Error><Code>SlowDown</Code></Error>", Unavailable),
    ],
)
def test_what_is_no_listing_is_an_error_in_its_words(
    connect: Connect, status: int, body: bytes, error: type[SourceError]
) -> None:
    client = connect(lambda _: httpx.Response(status, content=body))
    with pytest.raises(error, match=r"^binance_spot_archive: .* \(folders\)$"):
        symbols(client, SPOT)


def test_other_sources_tell_of_no_folders(connect: Connect) -> None:
    client = connect(lambda _: httpx.Response(500))
    assert symbols(client, load()["binance_futures_archive"]) == []
    assert months(client, load()["binance_spot"], "BTCUSDT") is None
