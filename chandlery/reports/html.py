"""A page as one HTML file: whole and offline, in the reader's light or dark."""

from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from chandlery.reports.svg import DARK_GROUND, DARK_INK, GROUND, INK

PICTURE = "data:image/svg+xml;base64,"
STYLE = f"""
:root {{ color-scheme: light dark; }}
body {{
  color: {INK}; background: {GROUND};
  font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem; padding: 0 1.5rem;
}}
h1, h2 {{ line-height: 1.25; overflow-wrap: anywhere; }}
h2 {{ border-bottom: 1px solid #8b929b66; margin-top: 2.5rem; padding-bottom: 0.3rem; }}
img, svg {{ display: block; height: auto; max-width: 100%; width: 100%; }}
.wide {{ margin: 1rem 0 2rem; overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ border-bottom: 1px solid #8b929b66; padding: 0.3rem 1.2rem 0.3rem 0; text-align: left; }}
@media (prefers-color-scheme: dark) {{
  body {{ color: {DARK_INK}; background: {DARK_GROUND}; }}
}}
"""


def document(title: str, parts: Sequence[str]) -> str:
    """An HTML file with this title, of parts that are HTML."""
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def rendered(markdown: str) -> str:
    """Markdown of ours as HTML: tables that can be scrolled, pictures that are in the page."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.validateLink = _is_picture  # type: ignore[method-assign, assignment]
    reader.add_render_rule("table_open", _table_open)
    reader.add_render_rule("table_close", _table_close)
    return str(reader.render(markdown))


def _is_picture(address: str) -> bool:
    """No page has a link, and each of its pictures is in it."""
    return address.startswith(PICTURE)


def _table_open(*_: Any) -> str:  # noqa: ANN401  markdown-it's own
    return '<div class="wide"><table>\n'


def _table_close(*_: Any) -> str:  # noqa: ANN401
    return "</table></div>\n"
