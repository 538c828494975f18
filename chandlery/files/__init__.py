"""Candles as files, for the tools where people go on: layouts, and what each tool does to them.

A layout is a module with `open_to(place)`, which gives a `Target`. `layouts.LAYOUTS` lists them.
A file is whole or not there, and one coin of one timeframe is held in memory at a time.
"""

from chandlery.files.exported import Asked, Exported, export
from chandlery.files.layouts import LAYOUTS, for_target
from chandlery.files.series import Refused, Series

__all__ = ["LAYOUTS", "Asked", "Exported", "Refused", "Series", "export", "for_target"]
