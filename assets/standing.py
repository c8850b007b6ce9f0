"""What a model version's recorded state counts for today, said once for all who ask."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import duckdb

from assets.policies import policy
from config.settings import Settings
from quant.gates import Standing, standing
from warehouse import evidence


def standing_now(
    conn: duckdb.DuckDBPyConnection,
    version: Mapping[str, Any],
    settings: Settings,
    *,
    at: datetime,
) -> Standing:
    """Return what the state of a version counts for on this desk.

    Parameters
    ----------
    version : mapping
        A row of `models.versions`.
    at : datetime
        Market time (aware UTC).

    Returns
    -------
    Standing
        A champion is a challenger where its waiver does not hold, or where its gates judged
        another policy than that of today.
    """
    live = settings.mode == "live"
    counts = standing(version["status"], version["waived_until"], at=at, live=live)
    if counts.status != "champion":
        return counts
    otherwise = _judged_otherwise(conn, version["model_version"], settings)
    return Standing("challenger", otherwise) if otherwise else counts


def _judged_otherwise(
    conn: duckdb.DuckDBPyConnection, model_version: str, settings: Settings
) -> str:
    """Say what of the policy is not what a version's gates judged; nothing where all of it is.

    Of a version that was filed before policies were kept nobody knows: nothing is said.
    """
    judged = evidence.latest(conn, model_version).get("policy", {})
    today = asdict(policy(settings))
    apart = [
        f"{name} {was}, now {today.get(name)}"
        for name, was in judged.items()
        if was != today.get(name)
    ]
    return f"Its gates judged another policy: {'; '.join(apart)}." if apart else ""
