"""Whether each stored prediction is what its model makes of the stored features, in all it says."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final, Protocol

import duckdb
import numpy as np
import polars as pl

from quality.calendar import exchange
from quant.features import DAILY
from quant.models import TOLD_REASONS, FittedModel, UnusableDataError
from quant.models.conformal import missed_by_session
from quant.samples import SESSIONS_PER_YEAR, volatility_daily
from quant.typing import Float32Array, FloatArray
from trading.errors import DeskError
from warehouse import predictions

_SERVED: Final = """
with predicted as (
    select symbol, session, model_version, feature_version, probability, margin, expected_return,
           low, high, horizon, volatility, contributions
    from models.predictions
    where kind = 'live' and session in (select unnest($sessions::date[]))
    qualify row_number() over (
        partition by symbol, session, model_version order by known_at desc, recorded_at desc
    ) = 1
),
trained as (
    select model_version, any_value(feature_version) as feature_version,
           any_value(run_id) as run_id
    from models.versions group by model_version
),
stored as (
    select symbol, session, version, values
    from features.daily
    where session in (select unnest($sessions::date[]))
    qualify row_number() over (
        partition by symbol, session, version order by known_at desc, recorded_at desc
    ) = 1
),
sets as (
    select version, any_value(names) as names from features.versions group by version
)
select p.*, t.feature_version as trained_version, t.run_id, l.names as trained_names, s.values,
       v.names
from predicted p
left join trained t on t.model_version = p.model_version
left join stored s
  on s.symbol = p.symbol and s.session = p.session and s.version = p.feature_version
left join sets v on v.version = p.feature_version
left join sets l on l.version = t.feature_version
order by p.session, p.symbol, p.model_version
"""
_PREDICTED: Final = """
select count(distinct (symbol, session, model_version))
from models.predictions
where kind = 'live' and session in (select unnest($sessions::date[]))
"""
# What a prediction says, beside its horizon and what moved it.
_FIGURES: Final = ("probability", "margin", "expected_return", "low", "high", "volatility")

Row = Mapping[str, Any]


class StoredModels(Protocol):
    """Where trained models lie."""

    def model(self, run_id: str) -> bytes:
        """Return the model that was filed with the run."""


def predicted(conn: duckdb.DuckDBPyConnection, *, sessions: Sequence[date]) -> int:
    """Return how many live predictions there are of decision sessions."""
    (count,) = conn.execute(_PREDICTED, {"sessions": list(sessions)}).fetchall()[0]
    return int(count)


def mismatched(
    conn: duckdb.DuckDBPyConnection,
    stored: StoredModels,
    *,
    sessions: Sequence[date],
    tolerance: float,
) -> pl.DataFrame:
    """Return live predictions that their model does not make of the stored features, and why.

    Columns: symbol, session, model_version, reason (all that differs).

    Parameters
    ----------
    conn : duckdb.DuckDBPyConnection
        From `Warehouse.reader()`.
    stored : StoredModels
        The registry.
    sessions : sequence of date
        Decision sessions.
    tolerance : float
        Relative difference allowed, for sums taken in another order.
    """
    rows = pl.DataFrame(conn.execute(_SERVED, {"sessions": list(sessions)}).to_arrow_table())

    @cache
    def read(run_id: str) -> FittedModel:
        return FittedModel.from_bytes(stored.model(run_id))

    @cache
    def adapted(run_id: str, model_version: str, session: date) -> FittedModel:
        return read(run_id).adapted(_missed(conn, model_version, session))

    def told(row: Row) -> str | None:
        if reason := _unlike_training(row):
            return reason
        try:
            model = adapted(row["run_id"], row["model_version"], row["session"])
            return "; ".join(_differences(row, model, tolerance)) or None
        except (DeskError, UnusableDataError) as e:
            return f"its model says nothing of the stored features: {e}"

    reasons = [told(row) for row in rows.iter_rows(named=True)]
    return (
        rows.select("symbol", "session", "model_version")
        .with_columns(pl.Series("reason", reasons, dtype=pl.String))
        .filter(pl.col("reason").is_not_null())
    )


def _unlike_training(row: Row) -> str | None:
    """Return why a prediction cannot be made again, None where it can."""
    if row["trained_version"] is None:
        return "its model is not on file"
    if not _are_same(row):
        return f"trained on {row['trained_version']}, served {row['feature_version']}"
    if row["values"] is None or row["names"] is None:
        return "its features are not stored"
    return None


def _are_same(row: Row) -> bool:
    """Whether a prediction was served the columns its model learnt from, in whatever set."""
    trained, served = row["trained_version"], row["feature_version"]
    of_present = served == DAILY.version and row["trained_names"] is not None
    return bool(trained == served or (of_present and DAILY.holds(trained, row["trained_names"])))


def _missed(conn: duckdb.DuckDBPyConnection, model_version: str, session: date) -> FloatArray:
    """Share of live outcomes outside their range, by session, as known before the session."""
    told = predictions.matured(conn, as_of=exchange().open(session), model_version=model_version)
    low, high, came = (told[name].to_numpy() for name in ("low", "high", "excess_return"))
    return missed_by_session(low, high, came, told["matured_session"].to_physical().to_numpy())


def _differences(row: Row, model: FittedModel, tolerance: float) -> list[str]:
    """Return all that a prediction says and its model does not."""
    stored = dict(zip(row["names"], row["values"], strict=True))
    if absent := [name for name in model.names if name not in stored]:
        return [f"{', '.join(absent)} not in its feature set"]
    values = np.array([[stored[name] for name in model.names]], dtype=np.float32)
    due = _figures(model, values)
    found = [
        f"{name} was served as {row[name]}, its model says {due[name]}"
        for name in _FIGURES
        if row[name] is not None and not _close(row[name], due[name], tolerance)
    ]
    if row["horizon"] != model.horizon:
        found.append(f"its horizon was served as {row['horizon']}, its model's is {model.horizon}")
    return found + _contributions(json.loads(row["contributions"]), model, values, tolerance)


def _figures(model: FittedModel, values: Float32Array) -> dict[str, float]:
    """Return what a model says of one row of features."""
    daily = volatility_daily(values, model.names)
    forecast = model.predict(values, model.names, scale=daily * np.sqrt(model.horizon))
    said = {name: float(getattr(forecast, name)[0]) for name in _FIGURES[:-1]}
    return said | {"volatility": float(daily[0] * np.sqrt(SESSIONS_PER_YEAR))}


def _contributions(
    parts: Sequence[Row], model: FittedModel, values: Float32Array, tolerance: float
) -> list[str]:
    """Return which of a prediction's largest contributions are not those of its model."""
    (reasons,) = model.reasons(values, top=TOLD_REASONS)
    due = [one for one in reasons if np.isfinite(one.value) and one.points != 0.0]
    served, wanted = [part["feature"] for part in parts], [one.name for one in due]
    if sorted(served) != sorted(wanted):
        said, due_names = (", ".join(names) or "nothing" for names in (served, wanted))
        return [f"{said} was said to move it most, by its model {due_names}"]
    own = {one.name: one for one in due}
    return [
        f"{part['feature']} was served as {part['value']} moving it by {part['points']}, stored as "
        f"{own[part['feature']].value} moving it by {own[part['feature']].points}"
        for part in parts
        if not _close(part["value"], own[part["feature"]].value, tolerance)
        or not _close(part["points"], own[part["feature"]].points, tolerance)
    ]


def _close(a: float | None, b: float, tolerance: float) -> bool:
    return a is not None and abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))
