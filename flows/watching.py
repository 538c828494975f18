"""How far a run is, in its log and in Prefect's UI, as it goes on."""

from datetime import timedelta
from time import monotonic
from typing import cast
from uuid import UUID

import httpx
from prefect import get_run_logger, runtime
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import ObjectNotFound

from chandlery.engine.progress import Progress
from chandlery.local.asked_again import why

EVERY_SECONDS = 15.0  # a line of the log costs little, and Prefect keeps all
SHOWN_SECONDS = 5.0  # an artifact takes another's place: it may be told sooner
LEAST_SHARE = 0.01  # before that nobody can tell how long it takes


class Shown:
    """A run's progress artifact, in Prefect's UI. A run does not fail by what it shows."""

    artifact: UUID | None = None

    def show(self, share: float, words: str) -> None:
        """Have it tell a share (0..1) and these words."""
        percent = float(int(100 * share))  # as the words have it
        try:
            if self.artifact is None:
                key = f"{runtime.flow_run.flow_name}-progress"
                made = create_progress_artifact(percent, key=key, description=words)
                self.artifact = cast("UUID", made)  # no coroutine, as a flow is none
            else:
                update_progress_artifact(self.artifact, percent, description=words)
        except httpx.HTTPError as error:
            get_run_logger().warning("how far the run is could not be shown: %s", why(error))
        except ObjectNotFound:  # somebody has deleted it
            self.artifact = None


class Watching:
    """Told how far a run is, says so in its log, now and then, and in an artifact of its own."""

    def __init__(self) -> None:
        self.log, self.artifact = get_run_logger(), Shown()
        self.began = self.said = monotonic()
        self.shown = -SHOWN_SECONDS
        self.last = Progress("")
        self.share = 0.0

    def __call__(self, progress: Progress) -> None:
        """Say it where it is something else that is done, a batch more, or time."""
        now, before = monotonic(), self.last
        other = (progress.doing, progress.done) != (before.doing, before.done)
        self.last = progress
        if progress.is_asking:
            self.share = max(self.share, progress.share or 0.0)
        told = far(progress, now - self.began)
        if other or now - self.said >= EVERY_SECONDS:
            self.said = now
            self.log.info(told)
        if other or now - self.shown >= SHOWN_SECONDS:
            self.shown = now
            self.artifact.show(self.share, told)

    def end(self, words: str, *, share: float | None = None) -> None:
        """The run is over: with these words, and as far as it came."""
        self.artifact.show(self.share if share is None else share, words)


def far(progress: Progress, seconds: float) -> str:
    """How far a run is after these seconds, and how long it has to go, if that can be told."""
    share = progress.share
    if not progress.is_asking or share is None:
        return progress.doing if share is None else f"{progress.doing}: {int(100 * share)}%"
    rate = progress.records / max(seconds, 0.1)
    told = (
        f"{progress.doing}: {progress.done:,} of {progress.coins:,} coins,"
        f" {int(100 * share)}% of the hours, {progress.records:,} candles, {rate:,.0f}/s"
    )
    if not LEAST_SHARE <= share < 1:
        return told
    left = timedelta(seconds=round(seconds * (1 - share) / share))
    return f"{told}, about {left} to go"
