"""A Prefect server's API, as far as `chandlery up` and `chandlery config` need it."""

from collections.abc import Mapping
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

    def worker_online(self) -> bool | None:
        """Whether a worker polls the pool; None if not yet."""
        workers = self._post(f"/work_pools/{POOL}/workers/filter")
        return any(worker["status"] == "ONLINE" for worker in workers) or None

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

    def bury(self) -> int:
        """Call crashed what no worker works on any more: else it is running for ever.

        Worse, it would hold the one slot of its deployment, and no run of it would start again.
        """
        wanted = {
            "flow_runs": {"state": {"type": {"any_": UNDER_WAY}}},
            "work_pools": {"name": {"any_": [POOL]}},
        }
        found = self._post("/flow_runs/filter", wanted)
        state = {"type": "CRASHED", "message": "Chandlery was stopped, or the machine was."}
        for run in found:
            self._post(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
        return len(found)

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
