"""A Prefect server's API, as far as `chandlery up`, `bury` and `config` need it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

POOL = "chandlery"
UNDER_WAY = ("RUNNING", "PENDING", "CANCELLING")
SECONDS = 30.0
PEEK_SECONDS = 2.0

Row = Mapping[str, Any]
Schedule = tuple[str, str, str]


@dataclass(frozen=True)
class Server:
    """A server that may not be up yet."""

    api: str

    def healthy(self) -> bool | None:
        """Whether it answers; None if not yet."""
        try:
            return self._get("/health").json() is True or None
        except (httpx.HTTPError, ValueError):
            return None

    def has_pool(self) -> bool:
        """Whether there is a work pool to deploy to."""
        return self._get(f"/work_pools/{POOL}").is_success

    def workers_online(self) -> set[str]:
        """The names of the workers that poll the pool, or did so a minute and a half ago."""
        workers = self._post(f"/work_pools/{POOL}/workers/filter")
        return {worker["name"] for worker in workers if worker["status"] == "ONLINE"}

    def deployments(self) -> list[str]:
        """What can be run, as `prefect deployment run` wants to have it named."""
        flows = {flow["id"]: flow["name"] for flow in self._post("/flows/filter")}
        found = self._post("/deployments/filter")
        return sorted(f"{flows[each['flow_id']]}/{each['name']}" for each in found)

    def schedules(self, *, active: bool) -> dict[Schedule, str]:
        """Paths of the schedules that are on, or off, by deployment, slug and what they say."""
        return {
            (each["name"], schedule["slug"] or "", str(schedule["schedule"])): (
                f"/deployments/{each['id']}/schedules/{schedule['id']}"
            )
            for each in self._post("/deployments/filter")
            for schedule in each["schedules"]
            if schedule["active"] is active
        }

    def pause(self, path: str) -> None:
        """Switch a schedule off."""
        answer = httpx.patch(
            f"{self.api}{path}", json={"active": False}, timeout=SECONDS, trust_env=False
        )
        answer.raise_for_status()

    def under_way(self) -> list[Row]:
        """The pool's runs that have begun, as far as the server knows, and have not ended."""
        wanted = {
            "flow_runs": {"state": {"type": {"any_": UNDER_WAY}}},
            "work_pools": {"name": {"any_": [POOL]}},
        }
        return list(self._post("/flow_runs/filter", wanted))

    def bury(self, runs: Sequence[Row]) -> int:
        """Call crashed what no worker works on any more: else it is running for ever.

        Worse, it would hold the one slot of its deployment, and no run of it would start again.
        """
        state = {"type": "CRASHED", "message": "Chandlery was stopped, or the machine was."}
        for run in runs:
            self._post(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
        return len(runs)

    def secret_blocks(self) -> set[str]:
        """The names of its Secret blocks, not what is in them; of a server that is off, none."""
        try:
            found = self._get("/block_types/slug/secret/block_documents", seconds=PEEK_SECONDS)
            return {each["name"] for each in found.raise_for_status().json()}
        except (httpx.HTTPError, ValueError):
            return set()

    def _get(self, path: str, *, seconds: float = SECONDS) -> httpx.Response:
        return httpx.get(f"{self.api}{path}", timeout=seconds, trust_env=False)

    def _post(self, path: str, body: Row | None = None) -> Any:  # noqa: ANN401  JSON
        answer = httpx.post(f"{self.api}{path}", json=body or {}, timeout=SECONDS, trust_env=False)
        return answer.raise_for_status().json()
