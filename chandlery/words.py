"""Words for people: numbers of things, and what a name that nobody knows was meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], most: int = 2) -> str:
    """The names next to this one, the nearest first, as a question; nothing where none is near.

    "binance" among the sources: "did you mean binance_spot or binance_futures? "
    """
    near = get_close_matches(name, list(known), n=most, cutoff=0.5)
    return f"did you mean {' or '.join(near)}? " if near else ""


def counted(number: int, what: str) -> str:
    """A number and what it counts: "1 gap", "2,000 gaps"."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")
