"""What Prefect's UI shows of a run: markdown with pictures in it, whole and offline."""

from chandlery.reports.coins_page import of_coins
from chandlery.reports.collection_page import of_collection
from chandlery.reports.maintain_page import of_maintenance
from chandlery.reports.quality_page import of_quality
from chandlery.reports.shards_page import of_shards

__all__ = ["of_coins", "of_collection", "of_maintenance", "of_quality", "of_shards"]
