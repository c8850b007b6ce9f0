"""What the portfolio may lose, figured after each close."""

from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg
import numpy as np
import polars as pl
from sqlalchemy import Engine

from assets.desk_time import decision_time
from assets.market import daily_bars, index_bars
from assets.partitions import SESSIONS, as_session
from config.universe import Universe
from ledger import market
from quant import risk as measures
from quant.typing import FloatArray
from warehouse import Warehouse, adjustment, index, risk

_HISTORY = timedelta(days=800)  # calendar days: two years of sessions and some
_SESSIONS = 504
_LEVELS = (0.95, 0.99)
_SHOCKS = (-0.10, -0.20)  # of the index


@dataclass(frozen=True)
class _Book:
    """Weights of equity and the returns of what is held, as of a close."""

    weights: FloatArray  # (n_assets,)
    returns: FloatArray  # (n_obs, n_assets)
    index_returns: FloatArray  # (n_obs,)


@dg.asset(
    deps=[daily_bars, index_bars],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="risk",
    kinds={"duckdb"},
    owners=["team:risk"],
)
def risk_figures(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """Value at risk, expected shortfall, exposures and stress of what is held now."""
    session = as_session(context.partition_keys[-1])
    book = _book(warehouse, ledger, universe, session)
    rows = [] if book is None else _figures(book)
    if rows:
        frame = pl.DataFrame(rows).with_columns(
            session=pl.lit(session),
            portfolio=pl.lit("total"),
            known_at=pl.lit(decision_time(session), dtype=pl.Datetime("us", "UTC")),
        )
        with warehouse.writer("risk.figures") as conn:
            risk.record(conn, frame)
    return dg.MaterializeResult(metadata={"dagster/row_count": len(rows)})


def _book(warehouse: Warehouse, ledger: Engine, universe: Universe, session: date) -> _Book | None:
    with ledger.connect() as conn:
        account = market.latest_account(conn)
        held = market.latest_positions(conn)
    if account is None or account.equity <= 0:
        return None
    first, as_of = session - _HISTORY, decision_time(session)
    with warehouse.reader() as conn:
        closes = adjustment.adjusted_closes(conn, universe.names, first, session, as_of=as_of)
        benchmark = index.bars(conn, universe.index, first, session, as_of=as_of)
    if closes.is_empty() or benchmark.height < 2:
        return None
    table = (
        benchmark.select("session", benchmark="close")
        .join(closes.pivot("symbol", index="session", values="adjusted_close"), on="session")
        .sort("session")
        .tail(_SESSIONS + 1)
    )
    names = [name for name in universe.names if name in table.columns]
    prices = table.select("benchmark", *names).to_numpy()
    returns = prices[1:] / prices[:-1] - 1.0
    worth = {s: float(p.market_value or 0) / float(account.equity) for s, p in held.items()}
    return _Book(
        weights=np.array([worth.get(name, 0.0) for name in names]),
        returns=np.nan_to_num(returns[:, 1:]),  # before its listing a symbol moves nothing
        index_returns=returns[:, 0],
    )


def _figures(book: _Book) -> list[dict[str, object]]:
    portfolio = book.returns @ book.weights
    n_obs = int(portfolio.size)
    told: list[dict[str, object]] = []

    def add(measure: str, method: str, value: float, *, level: float | None, unit: str) -> None:
        told.append(
            {
                "measure": measure,
                "method": method,
                "level": level,
                "horizon": 1,
                "value": value,
                "unit": unit,
                "n_obs": n_obs,
            }
        )

    for level in _LEVELS:
        add(
            "value_at_risk", "historical", measures.value_at_risk(portfolio, level=level),
            level=level, unit="fraction",
        )  # fmt: skip
        add(
            "expected_shortfall", "historical",
            measures.expected_shortfall(portfolio, level=level), level=level, unit="fraction",
        )  # fmt: skip
    add("volatility", "sample", float(np.std(portfolio, ddof=1)) * np.sqrt(252.0),
        level=None, unit="fraction")  # fmt: skip
    exposures = measures.exposures(book.weights)
    add("gross_exposure", "market value", exposures.gross, level=None, unit="fraction")
    add("net_exposure", "market value", exposures.net, level=None, unit="fraction")
    beta = measures.beta(portfolio, book.index_returns) if portfolio.any() else 0.0
    add("beta", "sample", beta, level=None, unit="ratio")
    for shock in _SHOCKS:
        add(f"stress_index_{abs(shock) * 100:.0f}", "beta", -shock * beta,
            level=None, unit="fraction")  # fmt: skip
    return told
