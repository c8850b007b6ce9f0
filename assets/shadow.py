"""What proposals would have earned, figured after each close: what the human's judgement did."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
from sqlalchemy import Engine

from assets.desk_time import decision_time
from assets.market import daily_bars
from assets.partitions import SESSIONS, as_session
from assets.proposals import proposals_asset
from config.settings import Settings
from config.universe import Universe
from ledger import shadow as decisions
from ledger.shadow import Decided
from quant.features import DailyPanel
from quant.shadow import Case, Course, Market, mean_interval, simulate
from quant.typing import Float64Array, FloatArray
from warehouse import Warehouse, adjustment
from warehouse import shadow as stored

_FIRST = date(1990, 1, 1)
_CUTS = ("person", "reason", "strategy")
_BPS = 10_000.0


@dg.asset(
    deps=[proposals_asset, daily_bars],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="portfolio",
    kinds={"duckdb"},
    owners=["team:risk"],
)
def shadow_ledger(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    universe: dg.ResourceParam[Universe],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """Signed, vetoed, expired and lapsed legs by one fill model, and what the veto earned."""
    session = as_session(context.partition_keys[-1])
    as_of = decision_time(session)
    with ledger.connect() as conn:
        told = decisions.decided(conn, first=_FIRST, last=session)
    if not told:
        return dg.MaterializeResult(metadata={"dagster/row_count": 0})
    first = min(one.session for one in told)
    symbols = sorted({one.symbol for one in told})
    with warehouse.reader() as conn:
        panel = adjustment.panel(conn, symbols, first, session, as_of=as_of, index=universe.index)
    rows = case_rows(told, panel, horizon=settings.training.horizon)
    if rows.is_empty():
        return dg.MaterializeResult(metadata={"dagster/row_count": 0})
    known = pl.lit(as_of, dtype=pl.Datetime("us", "UTC"))
    figures = figure_rows(rows, session, block=settings.training.horizon)
    with warehouse.writer("portfolio.shadow_cases", "portfolio.shadow_figures") as conn:
        new = stored.record_cases(conn, rows.drop("decided").with_columns(known_at=known))
        if not figures.is_empty():
            stored.record_figures(conn, figures.with_columns(known_at=known))
    return dg.MaterializeResult(
        metadata={"dagster/row_count": rows.height, "changed": new, "figures": figures.height}
    )


def case_rows(told: Sequence[Decided], panel: DailyPanel, *, horizon: int) -> pl.DataFrame:
    """Follow decided legs through a panel's bars.

    Parameters
    ----------
    told : sequence of Decided
        Legs; one whose symbol or decision session has no bar is left out.
    panel : DailyPanel
        Bars to the last session known.
    horizon : int
        Sessions a leg is held when its proposal does not say.

    Returns
    -------
    polars.DataFrame
        The columns of `portfolio.shadow_cases` without its times, and `decided`, the number of
        the decision session.
    """
    sessions = np.unique(panel.sessions)
    market, factors = _dense(panel, sessions)
    place = {symbol: n for n, symbol in enumerate(panel.symbols)}
    row_of = {day: n for n, day in enumerate(sessions.astype("datetime64[D]").tolist())}
    found = [
        (one, _case(one, row_of[one.session], place[one.symbol], factors, horizon))
        for one in told
        if one.session in row_of and one.symbol in place
        and np.isfinite(factors[row_of[one.session], place[one.symbol]])
    ]  # fmt: skip
    courses = simulate([case for _, case in found], market)
    days = list(row_of)
    return pl.DataFrame(
        [
            _row(one, case, course, days, factors[case.decided, case.asset])
            for (one, case), course in zip(found, courses, strict=True)
        ],
        schema_overrides={"entered": pl.Date, "left_at": pl.Date, "entry": pl.Float64,
                          "exit": pl.Float64},
    )  # fmt: skip


def figure_rows(rows: pl.DataFrame, session: date, *, block: int) -> pl.DataFrame:
    """Add up closed cases by verdict and, for vetoes, by person, reason and strategy.

    Parameters
    ----------
    rows : polars.DataFrame
        From `case_rows`.
    session : date
        The figures are drawn the same however often they are made.
    block : int
        Sessions drawn together in the bootstrap.
    """
    closed = rows.filter(pl.col("status") == "closed")
    made = [
        {"session": session, "verdict": verdict, "cut": cut, "label": label}
        | _summed(chosen, block, np.random.default_rng(session.toordinal()))
        for verdict, cut, label, chosen in _cut(closed)
    ]
    return pl.DataFrame(made, schema_overrides={"low_bps": pl.Float64, "high_bps": pl.Float64})


def _cut(closed: pl.DataFrame) -> Iterator[tuple[str, str, str, pl.DataFrame]]:
    for (verdict,), chosen in closed.group_by("verdict", maintain_order=True):
        yield str(verdict), "all", "", chosen
        cuts = _CUTS if verdict == "vetoed" else ("strategy",)
        for cut in cuts:
            for (label,), part in chosen.group_by(cut, maintain_order=True):
                yield str(verdict), cut, str(label), part


def _summed(chosen: pl.DataFrame, block: int, rng: np.random.Generator) -> dict[str, Any]:
    bps = (chosen["profit"] / chosen["notional"]).to_numpy() * _BPS
    interval = mean_interval(bps, chosen["decided"].to_numpy(), block=block, rng=rng)
    return {
        "cases": chosen.height,
        "profit": float(chosen["profit"].sum()),
        "mean_bps": float(bps.mean()),
        "low_bps": None if interval is None else interval.low,
        "high_bps": None if interval is None else interval.high,
    }


def _dense(panel: DailyPanel, sessions: np.ndarray[Any, Any]) -> tuple[Market, Float64Array]:
    """Forward-adjusted bars, sessions by symbols, and the factor of each; NaN without a bar."""
    row = np.searchsorted(sessions, panel.sessions)
    column = np.repeat(np.arange(len(panel.symbols)), np.diff(panel.offsets))

    def spread(values: FloatArray) -> Float64Array:
        table = np.full((sessions.size, len(panel.symbols)), np.nan)
        table[row, column] = values
        return table

    factor = panel.return_factor
    market = Market(
        opens=spread(panel.open * factor),
        lows=spread(panel.low * factor),
        highs=spread(panel.high * factor),
        closes=spread(panel.close * factor),
        volumes=spread(panel.volume / factor),
    )
    return market, spread(factor)


def _case(one: Decided, row: int, column: int, factors: Float64Array, horizon: int) -> Case:
    """The leg on the basis of the adjusted bars: the same value, other shares and prices."""
    factor = float(factors[row, column])
    limit, stop = one.limit_price, one.stop_price
    return Case(
        decided=row,
        asset=column,
        sign=1 if one.side == "buy" else -1,
        quantity=float(one.quantity) / factor,
        limit=np.nan if limit is None else float(limit) * factor,
        stop=np.nan if stop is None else float(stop) * factor,
        horizon=one.horizon or horizon,
        capital=float(one.equity),
    )


def _row(
    one: Decided, case: Case, course: Course, days: Sequence[date], factor: float
) -> dict[str, Any]:
    return {
        "proposal_id": one.proposal_id,
        "leg_no": one.leg_no,
        "code": one.code,
        "session": one.session,
        "strategy": one.strategy,
        "verdict": one.verdict,
        "person": one.person,
        "reason": one.reason,
        "symbol": one.symbol,
        "side": one.side,
        "status": course.status.value,
        "quantity": course.quantity * factor,
        "entry": None if np.isnan(course.entry) else course.entry / factor,
        "exit": None if np.isnan(course.exit) else course.exit / factor,
        "entered": days[course.entered] if course.entered >= 0 else None,
        "left_at": days[course.left] if course.left >= 0 else None,
        "notional": course.notional,
        "profit": course.profit,
        "decided": case.decided,
    }
