"""How good the candles are: what lacks, whose they are, what is odd about them."""

from chandlery.quality.check import Report, assess, check
from chandlery.quality.completeness import Survey, survey

__all__ = ["Report", "Survey", "assess", "check", "survey"]
