"""Against real servers on loopback: certificates, redirects, answers that are too large."""

import gzip
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import socket
from socketserver import StreamRequestHandler, ThreadingTCPServer

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chandlery.errors import Malformed, Misuse, Unavailable
from chandlery.venues import client, load, send
from chandlery.venues.transport import ATTEMPTS, LARGEST, LONGEST
from tests.sources.conftest import Clock

KEY = "CG-a-secret-key"
OF_COINGECKO = replace(load()["coingecko"].venue, mirror=None)
Answer = Callable[[socket], None]
Serve = Callable[..., "Server"]


@dataclass
class Server:
    """A server on loopback; `heard` is what reached it, after any handshake."""

    url: str
    heard: list[bytes]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve one answer to whoever asks, with a certificate or without."""
    with ExitStack() as stack:

        def start(answer: Answer, chain: Path | None = None) -> Server:
            heard: list[bytes] = []

            class Handler(StreamRequestHandler):
                def handle(self) -> None:
                    with suppress(OSError):
                        talk(self.request, heard, answer, chain)

            server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            stack.callback(server.server_close)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            stack.callback(server.shutdown)
            scheme = "http" if chain is None else "https"
            return Server(f"{scheme}://127.0.0.1:{server.server_address[1]}", heard)

        yield start


def talk(plain: socket, heard: list[bytes], answer: Answer, chain: Path | None) -> None:
    channel: socket = plain
    if chain is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        channel = context.wrap_socket(plain, server_side=True)
    with channel:
        if said := channel.recv(65536):
            heard.append(said)
            answer(channel)


def answered(head: str, body: bytes = b"") -> Answer:
    text = f"HTTP/1.1 {head}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return lambda channel: channel.sendall(text.encode() + body)


PONG = answered("200 OK", b"[]")


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Authority:
    """Who signs; `file` is what it takes to trust it."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = self.folder / "authority.pem"
        authority = x509.BasicConstraints(ca=True, path_length=None)
        made = self.of(name("authority"), self.key, [(authority, True)])
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def of(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extensions: list[tuple[x509.ExtensionType, bool]],
        *,
        ends: timedelta = timedelta(days=1),
        signer: ec.EllipticCurvePrivateKey | None = None,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        building = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name("authority") if signer is None else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + ends)
        )
        for each, critical in extensions:
            building = building.add_extension(each, critical=critical)
        return building.sign(signer or self.key, hashes.SHA256())

    def chain(self, host: str, *, ends: timedelta = timedelta(days=1), own: bool = False) -> Path:
        """A file with a key and its certificate; of one's `own` word only."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
        signer = key if own else None
        made = self.of(name("venue"), key, [(hosts, False)], ends=ends, signer=signer)
        file = self.folder / f"{host} {ends.days} {own}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        return file


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that this machine trusts."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


def ask(clock: Clock, url: str, *, venues_url: bool = False) -> httpx.Response:
    """Ask a venue with a key, at its own address or by CHANDLERY_VENUES_URL."""
    venue = OF_COINGECKO if venues_url else replace(OF_COINGECKO, url=url)
    options = {"venues_url": url} if venues_url else {}
    with client(timepiece=clock.timepiece, keys={"coingecko": KEY}, **options) as way:  # type: ignore[arg-type]
        return send(way, venue, httpx.Request("GET", f"{venue.url}/ping"))


@pytest.mark.parametrize("venues_url", [False, True])
def test_a_certificate_that_holds_lets_the_key_through(
    serve: Serve, authority: Authority, clock: Clock, *, venues_url: bool
) -> None:
    server = serve(PONG, authority.chain("127.0.0.1"))
    assert ask(clock, server.url, venues_url=venues_url).content == b"[]"
    assert KEY.encode() in server.heard[0]


@pytest.mark.parametrize("venues_url", [False, True])
@pytest.mark.parametrize(
    ("host", "days", "own", "why"),
    [
        ("127.0.0.1", 1, True, "self-signed certificate"),
        ("127.0.0.2", 1, False, "IP address mismatch, certificate is not valid for '127.0.0.1'."),
        ("127.0.0.1", -1, False, "certificate has expired"),
    ],
)
def test_one_that_does_not_hold_is_told_in_a_line_and_nothing_leaves(  # noqa: PLR0913
    serve: Serve,
    authority: Authority,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    *,
    host: str,
    days: int,
    own: bool,
    why: str,
    venues_url: bool,
) -> None:
    for switch in ("PYTHONHTTPSVERIFY", "CHANDLERY_VERIFY", "HTTPX_VERIFY", "NODE_TLS_REJECT"):
        monkeypatch.setenv(switch, "0")
    for bundle in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(bundle, "")
    server = serve(PONG, authority.chain(host, ends=timedelta(days=days), own=own))
    with pytest.raises(Unavailable) as told:
        ask(clock, server.url, venues_url=venues_url)
    expected = f"its certificate does not hold, nothing was sent: {why}"
    assert str(told.value).endswith(expected)
    assert "\n" not in str(told.value)
    assert server.heard == []


def test_a_certificate_of_an_authority_nobody_knows_is_none(
    serve: Serve, authority: Authority, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    server = serve(PONG, authority.chain("127.0.0.1"))
    with pytest.raises(Unavailable, match="unable to get local issuer certificate"):
        ask(clock, server.url)
    assert server.heard == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_where_a_venue_sends_one_on_to_nobody_goes(serve: Serve, clock: Clock, status: int) -> None:
    elsewhere = serve(PONG)
    server = serve(answered(f"{status} Moved\r\nlocation: {elsewhere.url}/ping"))
    with pytest.raises(Malformed, match=f"HTTP {status}"):
        ask(clock, server.url)
    assert len(server.heard) == ATTEMPTS
    assert elsewhere.heard == []


def test_a_venue_behind_tls_is_never_asked_without(
    serve: Serve, authority: Authority, clock: Clock
) -> None:
    plain = serve(PONG)
    server = serve(
        answered(f"301 Moved\r\nlocation: {plain.url}/ping"), authority.chain("127.0.0.1")
    )
    with pytest.raises(Malformed, match="HTTP 301"):
        ask(clock, server.url)
    assert plain.heard == []


def test_every_venue_and_mirror_is_behind_tls() -> None:
    venues = [source.venue for source in load().values()]
    urls = [url for venue in venues for url in (venue.url, venue.mirror) if url]
    assert len(urls) > len(venues)
    assert [url for url in urls if not url.startswith("https://")] == []


def test_a_mirror_is_not_told_the_key(serve: Serve, clock: Clock) -> None:
    mirror = serve(PONG)
    server = serve(answered("451 Unavailable For Legal Reasons"))
    here = server.url.replace(
        "127.0.0.1", "localhost"
    )  # of one host, one would be blocked with the other
    venue = replace(OF_COINGECKO, url=here, mirror=mirror.url)
    with client(timepiece=clock.timepiece, keys={"coingecko": KEY}) as way:
        send(way, venue, httpx.Request("GET", f"{venue.url}/ping"))
    assert KEY.encode() in server.heard[0]
    assert len(mirror.heard) == 1
    assert KEY.encode() not in mirror.heard[0]


@pytest.mark.parametrize("url", ["http://10.0.0.1:8000", "http://venues.example"])
def test_keys_are_not_sent_to_another_machine_in_the_clear(url: str) -> None:
    with pytest.raises(Misuse, match="for all to read: write https://, or unset the keys"):
        client(url, keys={"coingecko": KEY})
    client(url).close()
    for near in (
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://localhost:1",
        "https://far.example",
    ):
        client(near, keys={"coingecko": KEY}).close()


def packed(size: int, times: int) -> bytes:
    """So many bytes of nothing, packed so often."""
    packing = zlib.compressobj(1, wbits=31)
    text = b"".join([*(packing.compress(bytes(2**20)) for _ in range(size >> 20)), packing.flush()])
    for _ in range(times - 1):
        text = gzip.compress(text)
    return text


@pytest.mark.parametrize(
    ("times", "why"), [(1, "its answer is larger than 32 MB"), (2, "packed by gzip, gzip")]
)
def test_what_is_too_large_is_refused_in_time(
    serve: Serve, clock: Clock, times: int, why: str
) -> None:
    body = packed(LARGEST + 2**20, times)
    encoding = ", ".join(["gzip"] * times)
    server = serve(answered(f"200 OK\r\ncontent-encoding: {encoding}", body))
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match=why):
            ask(clock, server.url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * LARGEST * (times == 1) + 8 * 2**20
    assert len(server.heard) == 1


def test_a_head_without_an_end_is_given_up(serve: Serve, clock: Clock) -> None:
    sent = [0]

    def endless(channel: socket) -> None:
        channel.sendall(b"HTTP/1.1 200 OK\r\nx-more: ")
        while True:
            channel.sendall(b"x" * 2**14)
            sent[0] += 2**14

    server = serve(endless)
    with pytest.raises(Unavailable, match="RemoteProtocolError"):
        ask(clock, server.url)
    assert len(server.heard) == ATTEMPTS
    assert sent[0] < ATTEMPTS * 8 * 2**20  # what lies in the kernel's buffers, on both sides


def test_anothers_nap_is_not_this_answers_time(serve: Serve, clock: Clock) -> None:
    server = serve(PONG)
    naps = iter(range(20))

    def later() -> float:
        """Once the request is out, another thread has slept whenever one looks."""
        if server.heard and next(naps, None) is not None:
            clock.now += 2 * LONGEST
        return clock.now

    venue = replace(OF_COINGECKO, url=server.url)
    with client(timepiece=replace(clock.timepiece, monotonic=later)) as way:
        assert send(way, venue, httpx.Request("GET", f"{venue.url}/ping")).content == b"[]"
    assert len(server.heard) == 1
