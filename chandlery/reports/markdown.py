"""Markdown out of data. What comes from outside, names and venues' words, is never markup in it."""

import re
from collections.abc import Iterable, Sequence

from chandlery.model import one_line

_MARKUP = re.compile(r"[!-/:-@\[-`{-~]")  # any of it may be escaped


def plain(text: str) -> str:
    """A text from outside as it is: one line, no markup, no link, no HTML."""
    return _MARKUP.sub(lambda sign: f"\\{sign[0]}", one_line(text))


def words(text: str) -> str:
    """A venue's words, marked as quoted."""
    return f"“{plain(text)}”"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """Rows of markdown as a table; the columns `numbers` stand to the right."""
    right = set(numbers)
    rule = ["---:" if column in right else "---" for column in range(len(header))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def picture(name: str, address: str) -> str:
    """A picture of which the data: address is at hand."""
    return f"![{name}]({address})"


def page(*parts: str) -> str:
    """What there is of the parts, one below the other."""
    return "\n\n".join(part for part in parts if part) + "\n"


def section(title: str, *parts: str) -> str:
    """A headed section; nothing where there is nothing in it."""
    body = [part for part in parts if part]
    return page(f"## {title}", *body).rstrip() if body else ""


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {line}" for line in lines)
