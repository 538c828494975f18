"""Health as Prometheus reads it: text exposition format, times in seconds since 1970."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from chandlery.quality.health import Health


def metrics(health: Health) -> bytes:
    """Every figure of a health check. What is not known has no line."""
    registry = CollectorRegistry()
    _gauge(registry, "healthy", "1 while collection goes on").set(not health.problems)
    _gauge(registry, "coins", "Coins that are listed and have candles").set(health.fresh.coins)
    _gauge(registry, "coins_fresh", "Of these, coins that are not late").set(health.fresh.fresh)
    newest = _gauge(registry, "newest_candle_timestamp_seconds", "When the newest candle closed")
    if health.fresh.newest is not None:
        newest.set(health.fresh.newest.timestamp())
    ended = _gauge(registry, "run_ended_timestamp_seconds", "When the last run ended", "verb")
    good = _gauge(registry, "run_good_timestamp_seconds", "When the last good run ended", "verb")
    failed = _gauge(registry, "run_failed_coins", "Coins that the last run failed for", "verb")
    for run in health.runs:
        ended.labels(run.verb).set(run.ended_at.timestamp())
        if run.good_at is not None:
            good.labels(run.verb).set(run.good_at.timestamp())
        failed.labels(run.verb).set(run.failed)
    well = _gauge(registry, "source_well", "1 if its last request was answered", "source")
    answered = _gauge(registry, "source_answered_timestamp_seconds", "Its last answer", "source")
    for source in health.sources:
        well.labels(source.source).set(source.is_well)
        if source.answered_at is not None:
            answered.labels(source.source).set(source.answered_at.timestamp())
    return generate_latest(registry)


def _gauge(registry: CollectorRegistry, name: str, about: str, *labels: str) -> Gauge:
    return Gauge(f"chandlery_{name}", f"{about}.", labels, registry=registry)
