"""Asking the Dagster webserver: launch, follow, backfill. No Dagster code is loaded."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REPOSITORY = "__repository__"

_LOCATION = """
query { workspaceOrError { __typename ... on PythonError { message } ... on Workspace {
  locationEntries { name loadStatus locationOrLoadError { __typename
    ... on PythonError { message } } } } } }
"""
_RELOAD = """
mutation ($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) { __typename } }
"""
_UNREACHABLE = "DagsterUserCodeUnreachableError"
_LAUNCH = """
mutation ($job: String!, $location: String!, $repository: String!, $tags: [ExecutionTag!]!) {
  launchRun(executionParams: {
    selector: {jobName: $job, repositoryName: $repository, repositoryLocationName: $location}
    runConfigData: {}
    executionMetadata: {tags: $tags}
  }) { __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on InvalidSubsetError { message }
    ... on PipelineNotFoundError { message } } }
"""
_RUN = """
query ($run: ID!) { runOrError(runId: $run) { __typename ... on Run {
  status
  executionPlan { steps { key } }
  stepStats { stepKey status } } } }
"""
_RUNS = """
query ($filter: RunsFilter!) { runsOrError(filter: $filter, limit: 1) { __typename
  ... on Runs { results { runId status } } ... on PythonError { message } } }
"""
_ASSETS = """
query { assetNodes { assetKey { path } groupName isPartitioned isMaterializable partitionKeys } }
"""
_BACKFILL = """
mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  ... on InvalidSubsetError { message } ... on PartitionKeysNotFoundError { message } } }
"""


class DagsterError(Exception):
    """The webserver cannot be reached, or did not do what was asked."""


@dataclass(frozen=True)
class RunProgress:
    """Where a run stands."""

    status: str
    done: int  # steps
    steps: int
    running: tuple[str, ...]  # names of the steps under way

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass(frozen=True)
class Asset:
    """One asset that can be materialised."""

    key: str  # parts joined by a slash
    group: str
    partitions: tuple[str, ...]  # empty when not partitioned


@dataclass(frozen=True)
class Dagster:
    """The webserver at `url`, serving the code location `location`."""

    url: str
    location: str

    def is_loaded(self) -> bool:
        """Return whether the code location is ready.

        A webserver that found no code server looks again only when it is told to: it is told.

        Raises
        ------
        DagsterError
            If its code cannot be loaded.
        """
        answer = self._ask(_LOCATION, {})["workspaceOrError"]
        for entry in answer.get("locationEntries", []):
            if entry["name"] == self.location and entry["loadStatus"] == "LOADED":
                loaded = entry["locationOrLoadError"] or {}
                if loaded.get("__typename") != "PythonError":
                    return bool(loaded)
                if _UNREACHABLE not in loaded["message"]:
                    raise DagsterError(f"The pipeline cannot be loaded: {loaded['message']}")
                self._ask(_RELOAD, {"location": self.location})
        return False

    def launch(self, job: str, *, tags: Mapping[str, str] | None = None) -> str:
        """Start a job; return the identifier of its run."""
        told = {
            "job": job,
            "location": self.location,
            "repository": REPOSITORY,
            "tags": [{"key": key, "value": value} for key, value in (tags or {}).items()],
        }
        answer = self._ask(_LAUNCH, told)["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise DagsterError(f"The job {job} was not started: {_message(answer)}")
        return str(answer["run"]["runId"])

    def progress(self, run_id: str) -> RunProgress:
        """Return where a run stands."""
        run = self._ask(_RUN, {"run": run_id})["runOrError"]
        if run["__typename"] != "Run":
            raise DagsterError(f"Dagster does not know the run {run_id}.")
        states = {stat["stepKey"]: stat["status"] for stat in run["stepStats"]}
        plan = run["executionPlan"] or {"steps": []}
        return RunProgress(
            status=run["status"],
            done=sum(state in {"SUCCESS", "SKIPPED", "FAILURE"} for state in states.values()),
            steps=max(len(plan["steps"]), 1),
            running=tuple(key for key, state in states.items() if state == "IN_PROGRESS"),
        )

    def newest_run(
        self, job: str, statuses: Sequence[str], *, tags: Mapping[str, str] | None = None
    ) -> str | None:
        """Return the newest run of a job in one of the states, with these tags."""
        wanted = {
            "pipelineName": job,
            "statuses": [*statuses],
            "tags": [{"key": key, "value": value} for key, value in (tags or {}).items()],
        }
        answer = self._ask(_RUNS, {"filter": wanted})
        runs = answer["runsOrError"].get("results", [])
        return str(runs[0]["runId"]) if runs else None

    def assets(self) -> list[Asset]:
        """Return all assets that can be materialised."""
        return [
            Asset("/".join(node["assetKey"]["path"]), node["groupName"] or "",
                  tuple(node["partitionKeys"] if node["isPartitioned"] else ()))
            for node in self._ask(_ASSETS, {})["assetNodes"]
            if node["isMaterializable"]
        ]  # fmt: skip

    def backfill(self, assets: Sequence[Asset], partitions: Sequence[str], title: str) -> str:
        """Start a backfill of the assets over the partitions; return its identifier."""
        params = {
            "assetSelection": [{"path": asset.key.split("/")} for asset in assets],
            "partitionNames": list(partitions),
            "title": title,
        }
        answer = self._ask(_BACKFILL, {"params": params})["launchPartitionBackfill"]
        if answer["__typename"] != "LaunchBackfillSuccess":
            raise DagsterError(f"The backfill was not started: {_message(answer)}")
        return str(answer["backfillId"])

    def _ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is the desk's own
            f"{self.url}/graphql", body, {"Content-Type": "application/json"}
        )
        # Without the machine's proxy: the webserver is on the loopback address.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as reply:
                answer = json.load(reply)
        except (OSError, ValueError) as e:
            raise DagsterError(f"The Dagster webserver at {self.url} does not answer: {e}") from e
        if answer.get("errors"):
            raise DagsterError(f"Dagster refused a query: {answer['errors'][0]['message']}")
        data: dict[str, Any] = answer["data"]
        return data


def _message(answer: Mapping[str, Any]) -> str:
    errors = answer.get("errors") or []
    return str(answer.get("message") or (errors[0]["message"] if errors else answer["__typename"]))
