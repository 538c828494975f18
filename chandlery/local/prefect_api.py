"""A Prefect server's API, as far as `chandlery` needs it: up, bury, automations, config."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from chandlery.errors import Misuse
from chandlery.local.asked_again import PATIENT, Patience, passes, undone
from chandlery.local.instance import Place, running
from chandlery.local.prefect_url import prefect_url

POOL = "chandlery"
UNDER_WAY = ("RUNNING", "PENDING", "CANCELLING")
SECONDS = 30.0
PEEK_SECONDS = 2.0
NOTIFIER = "slack-webhook"
"""The block type that takes any address of Apprise's, Slack's or not."""

Row = Mapping[str, Any]
Schedule = tuple[str, str, str]


@dataclass(frozen=True)
class Server:
    """A server that may not be up yet. While it is busy it is asked again, patiently."""

    api: str
    patience: Patience = PATIENT

    def healthy(self) -> bool | None:
        """Whether it answers; None if not yet."""
        try:
            return self._once("GET", "/health").json() is True or None
        except (httpx.HTTPError, ValueError):
            return None

    def is_there(self) -> bool:
        """Whether a Prefect server is there, be it too busy to say so. Nobody waits for it."""
        try:
            return bool(self._once("GET", "/health").json() is True)
        except httpx.HTTPError as error:
            return passes(error) and not isinstance(error, httpx.ConnectError)
        except ValueError:
            return False

    def has_pool(self) -> bool:
        """Whether there is a work pool to deploy to."""
        pools = self._post("/work_pools/filter", {"work_pools": {"name": {"any_": [POOL]}}})
        return bool(pools)

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
        self._send("PATCH", path, {"active": False})

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
            path = "/block_types/slug/secret/block_documents"
            found = self._once("GET", path, seconds=PEEK_SECONDS)
            return {each["name"] for each in found.json()}
        except (httpx.HTTPError, ValueError):
            return set()

    def automations(self) -> list[Row]:
        """What the server does by itself."""
        return list(self._post("/automations/filter"))

    def make_automation(self, wanted: Row) -> None:
        """Have the server do one thing more by itself."""
        self._make("/automations/", wanted)

    def change_automation(self, key: str, wanted: Row) -> None:
        """Put `wanted` in an automation's place; what it waits for begins anew."""
        self._send("PUT", f"/automations/{key}", wanted)

    def drop_automation(self, key: str) -> None:
        """Have the server do one thing less."""
        self._send("DELETE", f"/automations/{key}")

    def notifier(self, name: str) -> str | None:
        """The id of the block of this name that can notify somebody, if there is one."""
        wanted = {
            "block_documents": {"name": {"any_": [name]}},
            "block_schemas": {"block_capabilities": {"all_": ["notify"]}},
        }
        found = self._post("/block_documents/filter", wanted)
        # Beside one made by hand, the one that `keep_notifier` made.
        found.sort(key=lambda each: each["block_type"]["slug"] != NOTIFIER)
        return str(found[0]["id"]) if found else None

    def keep_notifier(self, name: str, url: str) -> None:
        """Have a block of this name that notifies whoever is at `url`, an address of Apprise's."""
        kind = self._send("GET", f"/block_types/slug/{NOTIFIER}").json()["id"]
        of_kind = {"block_schemas": {"block_type_id": {"any_": [kind]}}}
        schema = self._post("/block_schemas/filter", of_kind)[0]["id"]  # the newest
        found = self._send("GET", f"/block_types/slug/{NOTIFIER}/block_documents").json()
        data = {"block_schema_id": schema, "data": {"url": url}}
        for each in found:
            if each["name"] == name:
                self._send("PATCH", f"/block_documents/{each['id']}", data)
                return
        self._make("/block_documents/", {**data, "name": name, "block_type_id": kind})

    def _post(self, path: str, body: Row | None = None) -> Any:  # noqa: ANN401  JSON
        return self._send("POST", path, body or {}).json()

    def _send(self, method: str, path: str, body: Row | None = None) -> httpx.Response:
        return self.patience.ask(passes, self._once, method, path, body)

    def _make(self, path: str, body: Row) -> None:
        """What would be there twice, if it were asked for again after all."""
        self.patience.ask(undone, self._once, "POST", path, body)

    def _once(
        self, method: str, path: str, body: Row | None = None, *, seconds: float = SECONDS
    ) -> httpx.Response:
        url = f"{self.api}{path}"
        answer = httpx.request(method, url, json=body, timeout=seconds, trust_env=False)
        return answer.raise_for_status()


def at_hand(home: Path) -> Server | None:
    """The server that `chandlery up` runs on this home, or else the one that Prefect is told of."""
    told = running(Place(home))
    api = prefect_url() if told is None else told.api
    return Server(api) if api else None


def answering(home: Path) -> Server:
    """That server; Misuse, at once, where there is none or nothing listens at its address."""
    server = at_hand(home)
    if server is None or not server.is_there():
        where = f" at {server.api}" if server else ""
        raise Misuse(
            f"no Prefect server answers{where}: start one with `chandlery up`,"
            " or set PREFECT_API_URL"
        )
    return server
