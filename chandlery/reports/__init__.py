"""What Prefect's UI shows of a run: markdown with pictures in it, whole and offline."""

from chandlery.reports.coins import of_coins
from chandlery.reports.collection import of_gathering
from chandlery.reports.maintain import of_upkeep
from chandlery.reports.quality import of_quality
from chandlery.reports.shards import of_shards

__all__ = ["of_coins", "of_gathering", "of_quality", "of_shards", "of_upkeep"]
