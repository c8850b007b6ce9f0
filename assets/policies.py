"""How forecasts become weights today, and whether a model was judged by that."""

from dataclasses import asdict

import duckdb

from config.settings import Settings
from quant.signals import Policy
from warehouse import evidence


def policy(settings: Settings) -> Policy:
    """Return how forecasts become weights."""
    told = settings.strategy
    return Policy(
        kind=told.kind, k=told.k, threshold=told.threshold, gross=told.gross,
        position=told.gross / told.k,
    )  # fmt: skip


def judged_otherwise(
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
