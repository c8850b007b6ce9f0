"""Make a model champion, or the one before it again: in the registry, then in the warehouse."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

import duckdb
import polars as pl

from adapters.market_data.load import DEFAULT_LAG
from quant.gates import Candidacy, Decision, GateVerdict, Waiver, decide
from trading.errors import AskError
from warehouse import Warehouse, models


class UnknownModelError(AskError):
    """No such version was ever trained."""


class Champions(Protocol):
    """Who holds the champion alias."""

    def promote(self, decision: Decision) -> int | None:
        """Give it to the version decided on; return the version that held it."""

    def roll_back(self, name: str, *, by: str, reason: str) -> tuple[int, int]:
        """Give it back; return who lost it and who has it."""


def promote(
    warehouse: Warehouse,
    registry: Champions,
    candidacy: Candidacy,
    waivers: Iterable[Waiver] = (),
) -> Decision:
    """Decide a candidacy on the stored verdicts and carry it out.

    Raises
    ------
    UnknownModelError
        If no such version was trained.
    PromotionRefusedError
        With every failing figure; nothing is changed.
    """
    with warehouse.reader() as conn:
        known = _version(conn, candidacy.model_version, candidacy.asked_at)
        verdicts = _verdicts(models.latest_gates(conn, candidacy.model_version))
    decision = decide(verdicts, candidacy, waivers)
    before = registry.promote(decision)
    name = str(known["model_version"][0]).rpartition("/")[0]
    changes = {candidacy.model_version: "champion"}
    if before is not None:
        changes[f"{name}/{before}"] = "retired"
    waived = {candidacy.model_version: decision.waived_until}
    restate(warehouse, changes, candidacy.asked_at, waived=waived)
    return decision


def roll_back(
    warehouse: Warehouse, registry: Champions, name: str, *, by: str, reason: str, at: datetime
) -> str:
    """Make the champion before this one champion again; return its version.

    Raises
    ------
    PromotionRefusedError
        If there is none; nothing is changed.
    """
    lost, has = registry.roll_back(name, by=by, reason=reason)
    restate(warehouse, {f"{name}/{lost}": "retired", f"{name}/{has}": "champion"}, at)
    return f"{name}/{has}"


def restate(
    warehouse: Warehouse,
    states: Mapping[str, str],
    at: datetime,
    *,
    waived: Mapping[str, datetime | None] | None = None,
) -> None:
    """Record the new state of each version, all else as it was.

    Parameters
    ----------
    states : mapping
        New status by version.
    at : datetime
        Market time (aware UTC).
    waived : mapping, optional
        By version that was decided on anew: when the first waiver ends that the decision leaned
        on, None without any.
    """
    with warehouse.reader() as conn:
        rows = [_version(conn, version, at).row(0, named=True) for version in states]
    ends = {row["model_version"]: row["waived_until"] for row in rows} | dict(waived or {})
    changed = [
        row
        | {
            "status": states[row["model_version"]],
            "waived_until": ends[row["model_version"]],
            "promoted_at": _promoted_at(row, states[row["model_version"]], at),
        }
        for row in rows
    ]
    told = pl.DataFrame(changed, schema_overrides=models.VERSION_SCHEMA)
    warehouse.write(lambda conn: models.record_version(conn, told), "models.versions")


def _promoted_at(before: Mapping[str, Any], status: str, at: datetime) -> datetime | None:
    """When a version became champion: now, unless it was one or becomes another."""
    if status == "champion" and before["status"] != "champion":
        return at
    told: datetime | None = before["promoted_at"]
    return told


def _version(conn: duckdb.DuckDBPyConnection, model_version: str, at: datetime) -> pl.DataFrame:
    # What is trained after a close is dated by that delay, also where the market's clock stands.
    known = models.known_versions(conn, as_of=at + DEFAULT_LAG)
    found = known.filter(pl.col("model_version") == model_version)
    if found.is_empty():
        listed = ", ".join(known["model_version"].tail(5)) or "none"
        raise UnknownModelError(f"No model {model_version} was trained. The newest are: {listed}.")
    return found


def _verdicts(gates: pl.DataFrame) -> list[GateVerdict]:
    return [
        GateVerdict(
            name=row["gate"],
            value=row["value"],
            threshold=row["threshold"],
            comparison=row["comparison"],
            passed=row["passed"],
            reason=row["reason"],
            sentence=row["sentence"],
        )
        for row in gates.iter_rows(named=True)
    ]
