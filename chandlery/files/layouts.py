"""The layouts there are, and which one a target asks for."""

from collections.abc import Mapping
from pathlib import Path

from chandlery.errors import Misuse
from chandlery.files import arrow, delimited, freqtrade, nautilus, parquet
from chandlery.files.target import Layout, Opening

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        parquet.LAYOUT,
        delimited.LAYOUT,
        arrow.LAYOUT,
        freqtrade.LAYOUT,
        nautilus.LAYOUT,
    )
}
SUFFIXES = {suffix: layout for layout in LAYOUTS.values() for suffix in layout.suffixes}


def for_target(path: Path | None, named: str | None) -> tuple[Layout, Opening]:
    """The layout of a target (None: standard output) and what opens it; Misuse where none is.

    A name that ends as a kind of file does is a file, any other a folder.
    """
    if path is None:
        layout = LAYOUTS[named or "csv"]
        return _open(layout, layout.file, "standard output")
    by_suffix = SUFFIXES.get(path.suffix.lower())
    if by_suffix is not None and named in {None, by_suffix.name} and not path.is_dir():
        return _open(by_suffix, by_suffix.file, f"{path}")
    if named is None:
        kinds = ", ".join(f"FILE{suffix}" for suffix in SUFFIXES)
        raise Misuse(f"{path} is of no kind known here: write {kinds}, or a folder and --layout")
    return _open(LAYOUTS[named], LAYOUTS[named].folder, f"{path}")


def _open(layout: Layout, opening: Opening | None, told: str) -> tuple[Layout, Opening]:
    if opening is not None:
        return layout, opening
    form = "one file" if layout.folder is None else "a folder"
    raise Misuse(f"{told} is no target for the layout {layout.name}, which is {form}")
