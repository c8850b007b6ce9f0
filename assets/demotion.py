"""A model whose calls no longer earn what its walk-forward record promised loses its standing."""

from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import polars as pl

from assets.material import EPOCH
from assets.promotion import restate
from quality.calendar import exchange
from quant.models.record import Outcomes, gains, keeps_its_word
from warehouse import Warehouse, models, predictions


@dataclass(frozen=True)
class Demotion:
    """Which version was demoted, and in words why."""

    model_version: str
    sentence: str


def demote(warehouse: Warehouse, programme: str, *, as_of: datetime) -> Demotion | None:
    """Demote the version that serves a programme, if its last two looks fell below expectation.

    Its predictions go on, so that positions can be left; entries are refused before trade. A
    version that stands demoted stays so: only a promotion gives it its standing back, and then
    only what it predicts after that is looked at.
    """
    with warehouse.reader() as conn:
        serving = models.serving(conn, programme, as_of=as_of)
        if serving.is_empty() or serving["status"][0] == "demoted":
            return None
        version = str(serving["model_version"][0])
        told = matured(conn, version, "live", as_of=as_of)
        before = matured(conn, version, "walk_forward", as_of=as_of)
    live = _since(serving["promoted_at"][0], told)
    if live.sessions.size == 0 or keeps_its_word(gains(live), gains(before)):
        return None
    restate(warehouse, {version: "demoted"}, as_of)
    return Demotion(
        version,
        f"{version} is demoted: in two looks of 63 sessions in a row its calls gained less than "
        "the worst twentieth of such looks in its walk-forward record. Entries are refused, exits "
        "go on. Train and promote another, or go back to the champion before it.",
    )


def _since(promoted_at: datetime | None, told: Outcomes) -> Outcomes:
    """What was predicted in sessions that closed after a promotion; all where there was none."""
    if promoted_at is None:
        return told
    newest = (exchange().last_closed(promoted_at) - EPOCH).days
    return told.take(told.sessions > newest)


def matured(
    conn: duckdb.DuckDBPyConnection, model_version: str, kind: str, *, as_of: datetime
) -> Outcomes:
    """Matured predictions of a version, as arrays; sessions count the days since 1970."""
    told = predictions.matured(conn, as_of=as_of, kind=kind, model_version=model_version)
    return outcomes_of(told)


def outcomes_of(told: pl.DataFrame) -> Outcomes:
    """Rows of `predictions.matured` as arrays."""
    return Outcomes(
        sessions=told["session"].to_physical().to_numpy().astype(np.int64),
        probability=told["probability"].to_numpy(),
        low=told["low"].to_numpy(),
        high=told["high"].to_numpy(),
        excess=told["excess_return"].to_numpy(),
    )
