"""What Prefect's UI shows of a run: markdown with pictures in it, whole and offline."""

from reports.coins import of_coins
from reports.gathering import of_gathering
from reports.quality import of_quality
from reports.shards import of_shards
from reports.upkeep import of_upkeep

__all__ = ["of_coins", "of_gathering", "of_quality", "of_shards", "of_upkeep"]
