"""Finds the sources: a module of sources/ that has a SOURCE is one. No list to keep."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from chandlery.venues.source import Ranking, Source

PACKAGE = "sources"


@cache
def load() -> Mapping[str, Source]:
    """Every source by its name, in alphabetical order."""
    package = importlib.import_module(PACKAGE)
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{PACKAGE}.{name}") for name in names]
    found = [module.SOURCE for module in modules if hasattr(module, "SOURCE")]
    by_name = {source.name: source for source in found}
    if len(by_name) != len(found):
        raise ValueError(f"two sources bear one name: {sorted(source.name for source in found)}")
    return MappingProxyType(by_name)


def in_order(named: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the sources to ask, first to last: those named, or all that have a place."""
    if named:
        return tuple(named)
    placed = [(source.place, name) for name, source in load().items() if source.place is not None]
    return tuple(name for _, name in sorted(placed))


def colours() -> dict[str, str]:
    """Each source's colour in pictures, by the source's name."""
    return {name: source.colour for name, source in load().items()}


def ranking() -> Ranking:
    """What tells which coins there are: ValueError where not one source does."""
    (one,) = (source.ranking for source in load().values() if source.ranking is not None)
    return one
