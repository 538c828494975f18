"""What comes from outside is text in a page, and nothing else."""

import pytest
from markdown_it import MarkdownIt

from chandlery.model.text import LONGEST
from chandlery.reports.markdown import bullets, page, plain, section, table, words

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example)",
    "![x](https://evil.example/pixel.png)",
    "https://evil.example and www.evil.example and me@evil.example",
    "a | b | c",
    "# not a heading",
    "- not a list",
    "1. not one either",
    "**not bold** _nor this_ ~~nor that~~ `nor code`",
    "&lt;b&gt; &#60;",
    "two\nlines\r\n\r\n# and a heading",
    "\x00\x1b[31mred\u202egnp.exe",
    "币安人生 $DOGE",
]


def rendered(text: str) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_from_outside_is_shown_as_it_is(text: str) -> None:
    wanted = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    wanted = "".join(sign for sign in wanted if sign.isprintable())
    assert rendered(plain(text)) == f"<p>{wanted}</p>\n"
    shown = rendered(table(("coin", "words"), [(plain(text), words(text))]))
    assert shown.count("<td>") == 2
    assert f"<td>{wanted}</td>\n<td>“{wanted}”</td>" in shown


def test_no_address_is_left_whole_for_a_page_to_make_a_link_of() -> None:
    for sign in ("://", "www.", "me@evil"):
        assert sign not in plain("https://evil.example www.evil.example me@evil.example")


def test_long_texts_are_cut() -> None:
    assert plain("x" * 10_000) == "x" * LONGEST + "…"


def test_a_section_without_anything_in_it_is_not_there() -> None:
    assert page("# Title", section("Empty", "", ""), section("Full", "x")) == (
        "# Title\n\n## Full\n\nx\n"
    )
    assert rendered(bullets(["a", "b"])) == "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"


def test_numbers_stand_to_the_right() -> None:
    assert table(("a", "b"), [("x", "1")], numbers=[1]) == ("| a | b |\n| --- | ---: |\n| x | 1 |")
