"""`chandlery notify`: tell whoever is told when collection fails; to try it, and for cron."""

import click

from chandlery.errors import Misuse
from chandlery.local.notifier import send
from chandlery.settings import settings

TEST = "This is a test: who reads it is told when collection fails or falls behind."


@click.command()
@click.argument("message", required=False)
@click.option("--test", "is_test", is_flag=True, help="Send a test message.")
def notify(*, message: str | None, is_test: bool) -> None:
    """Send MESSAGE to CHANDLERY_NOTIFY_URL, as automations do.

    From cron: chandlery health || chandlery notify "$(chandlery health)"
    """
    if is_test == (message is not None):
        raise Misuse("write a message, or --test")
    url = settings().notify_url
    if url is None:
        raise Misuse("nobody is told: set CHANDLERY_NOTIFY_URL to an address of Apprise's")
    send(url, "Chandlery", message or TEST)
    click.echo("sent")
