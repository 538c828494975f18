"""matplotlib's SVG made fit for a page: light and dark by itself, told of under the pointer."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

INK, GROUND = "#24292f", "#ffffff"  # of the words, and of what they are on
DARK_INK, DARK_GROUND = "#d0d7de", "#0d1117"
STYLE = f"""
svg {{ color: {INK}; background: {GROUND}; }}
#bars path {{ pointer-events: all; }}
#bars path:hover {{ fill: currentColor !important; fill-opacity: 0.08; }}
@media (prefers-color-scheme: dark) {{
  svg {{ color: {DARK_INK}; background: {DARK_GROUND}; }}
  #ground path {{ fill: {DARK_GROUND} !important; }}
}}
"""
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
Titles = dict[str, Sequence[str]]
"""By the id of a group (an artist's gid), what each of its shapes is, in their order."""

ET.register_namespace("", SVG)
ET.register_namespace("xlink", XLINK)


def themed(drawn: bytes, title: str, titles: Mapping[str, Sequence[str]]) -> str:
    """An SVG of matplotlib's as one element, whose shapes have `titles` and which has `title`.

    Its ground has the id "ground", and what is drawn in INK has the reader's colour.
    """
    root = ET.fromstring(drawn.replace(INK.encode(), b"currentColor"))  # noqa: S314  our own
    for group in root.iter(f"{{{SVG}}}g"):
        for shape, words in zip(_shapes(group), titles.get(group.get("id", ""), ()), strict=False):
            ET.SubElement(shape, f"{{{SVG}}}title").text = words
    root.set("role", "img")
    root.insert(0, _element("title", title))
    root.insert(1, _element("style", STYLE))
    for name in ("width", "height"):  # the page says how large it is; the viewBox stays
        root.attrib.pop(name, None)
    return ET.tostring(root, encoding="unicode")


def _element(tag: str, text: str) -> ET.Element:
    made = ET.Element(f"{{{SVG}}}{tag}")
    made.text = text
    return made


def _shapes(group: ET.Element) -> list[ET.Element]:
    """Paths of their own, or uses of one that is defined before them."""
    used = list(group.iter(f"{{{SVG}}}use"))
    return used or group.findall(f"{{{SVG}}}path")
