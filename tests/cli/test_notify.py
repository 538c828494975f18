"""`chandlery notify`: whoever is told when collection fails, told now."""

import email
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from chandlery.local.notifier import as_text
from tests.command_line import chandlery

HEARD: list[dict[str, object]] = []


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refused = self.path == "/refuses"
        if not refused:
            HEARD.append(json.loads(body))
        self.send_response(403 if refused else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[str]:
    """A web hook as people have them, by its address at Apprise."""
    HEARD.clear()
    server = HTTPServer(("127.0.0.1", 0), _Hook)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_message_reaches_whoever_is_told(hook: str) -> None:
    done = chandlery("notify", "BTC is late", environment={"CHANDLERY_NOTIFY_URL": hook})
    assert (done.returncode, done.stdout, done.stderr) == (0, "sent\n", "")
    (heard,) = HEARD
    assert (heard["title"], heard["message"]) == ("Chandlery", "BTC is late")


def test_it_can_be_tried(hook: str) -> None:
    assert chandlery("notify", "--test", environment={"CHANDLERY_NOTIFY_URL": hook}).returncode == 0
    assert str(HEARD[0]["message"]).startswith("This is a test")


def test_who_refuses_is_exit_1_without_the_address(hook: str) -> None:
    url = f"{hook}/refuses?password=secret"
    done = chandlery("notify", "--test", environment={"CHANDLERY_NOTIFY_URL": url})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "the message was not taken" in done.stderr
    assert "127.0.0.1" not in done.stderr + done.stdout
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("words", "url", "says"),
    [
        (("--test",), "", "nobody is told: set CHANDLERY_NOTIFY_URL"),
        ((), "json://127.0.0.1:1", "write a message, or --test"),
        (("both", "--test"), "json://127.0.0.1:1", "write a message, or --test"),
        (("--test",), "nowhere", "is no address that Apprise knows"),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], url: str, says: str) -> None:
    done = chandlery("notify", *words, environment={"CHANDLERY_NOTIFY_URL": url})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr


class _Post(StreamRequestHandler):
    """As much of SMTP as it takes to get a mail."""

    def handle(self) -> None:
        self.say("220 here")
        for line in self.rfile:
            match line[:4].upper():
                case b"DATA":
                    self.say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    HEARD.append({"mail": b"".join(lines).decode()})
                    self.say("250 taken")
                case b"QUIT":
                    return self.say("221 bye")
                case _:
                    self.say("250 well")
        return None

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@pytest.fixture
def post() -> Iterator[str]:
    """A mailbox, by its address at Apprise."""
    HEARD.clear()
    with ThreadingTCPServer(("127.0.0.1", 0), _Post) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        to = "?from=us@here.example&to=you@there.example&mode=insecure"
        yield f"mailto://127.0.0.1:{server.server_address[1]}{to}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("form", ["", "&format=html"])
def test_a_coins_name_is_no_markup_in_a_mail(post: str, form: str) -> None:
    words = "failed: <b>x</b>|y"
    done = chandlery("notify", words, environment={"CHANDLERY_NOTIFY_URL": f"{post}{form}"})
    assert (done.returncode, done.stdout) == (0, "sent\n")
    parts = {
        part.get_content_type(): str(part.get_payload(decode=True), "utf-8")
        for part in email.message_from_string(str(HEARD[0]["mail"])).walk()
        if not part.is_multipart()
    }
    assert parts.pop("text/plain").strip() == words
    assert not [each for each in parts.values() if "<b>" in each]
    assert ("text/html" in parts) is bool(form)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("json://host/path", "json://host/path?format=text"),
        ("mailto://host?to=a@b.example", "mailto://host?to=a@b.example&format=text"),
        ("slack://A/B/C/#news?footer=no", "slack://A/B/C/#news?footer=no&format=text"),
        ("mailto://host?format=markdown", "mailto://host?format=markdown"),
    ],
)
def test_who_says_no_other_form_is_told_text(url: str, told: str) -> None:
    assert as_text(url) == told
