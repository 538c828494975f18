"""Names that a package gives, and loads at their first use.

`status` and `--help` need none of them, and polars takes 0.4 s to import.
"""

from collections.abc import Callable, Collection
from importlib import import_module


def late(package: str, names: Collection[str], module: str) -> Callable[[str], object]:
    """Make a package's `__getattr__`, which takes `names` from `module`.

    For any other name it raises AttributeError, in Python's own words.
    """

    def get(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(module), name)

    return get
