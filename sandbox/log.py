"""The log of requests."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from sandbox.venue import Ask

_REMEMBERED = 100_000


@dataclass
class Log:
    """What was asked for, so that tests can count."""

    entries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, source: str, ask: Ask, status: int, befell: str | None) -> None:
        """Write a request down."""
        self.counts[f"/{source}{ask.path}"] += 1
        entry = {"source": source, "path": ask.path, "query": ask.query}
        self.entries.append({**entry, "status": status, "fault": befell})

    def told(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        counts = dict(self.counts)
        return {
            "total": sum(counts.values()),
            "counts": counts,
            "requests": list(self.entries),
        }

    def forget(self) -> None:
        """Begin anew."""
        self.entries.clear()
        self.counts.clear()
