"""What stands beside a version's gates and gates nothing: cash, capacity, ideas, members."""

from dataclasses import asdict

import numpy as np
import polars as pl

from assets.absolute import idle_cash, over_cash
from assets.judging import Market, decided
from assets.searching import Plan
from assets.training import Trained
from config.universe import Universe
from quant.backtest import Costs, backtest
from quant.capacity import capacity_curve, shortfall_of
from quant.models import Dataset
from quant.models.clusters import TrialReturns, clustered_count
from quant.models.ensemble import Ensemble
from quant.performance import BETA_KNOWN_AFTER
from quant.typing import FloatArray, Int32Array
from warehouse import Warehouse, models

_CAPITAL = 100_000.0  # USD: what the gates' backtest trades with


def of_model(
    dataset: Dataset,
    market: Market,
    plan: Plan,
    trained: Trained,
    trials: dict[str, int],
    rates: FloatArray,
) -> dict[str, object]:
    """Return what is known of a trained model, by kind, as plain data.

    `rates` are those of cash a year, one per session of the market.
    """
    walked = trained.predictions
    span, weights = decided(dataset, market, walked.probability, walked.margin, plan.policy)
    told = of_weights(market, span, weights, rates) | {
        "trials": trials,
        "policy": asdict(plan.policy),
        "features": [{"feature": name, "rise": rise} for name, rise in trained.single],
    }
    if isinstance(trained.model.learned, Ensemble):
        said = trained.model.learned
        told["members"] = list(zip(said.families, said.weights, strict=True))
    return told


def of_weights(
    market: Market, span: slice, weights: FloatArray, rates: FloatArray
) -> dict[str, object]:
    """Return what target weights traded in `span` of the market earned over cash, and carry."""
    opens, closes, volumes = market.opens[span], market.closes[span], market.volumes[span]
    costs = Costs()
    curve = capacity_curve(
        opens,
        closes,
        volumes,
        weights,
        benchmark=market.held(span),
        costs=costs,
    )
    done = backtest(opens, closes, volumes, weights, costs=costs, capital=_CAPITAL)
    lost = shortfall_of(done, opens, closes, volumes, weights, costs=costs, capital=_CAPITAL)
    judged = slice(BETA_KNOWN_AFTER, None)
    idle = idle_cash(done, capital=_CAPITAL)
    return over_cash(done.returns[judged], idle[judged], rates[span][judged]) | {
        "capacity": [asdict(one) for one in curve],
        "shortfall": asdict(lost) | {"capital": _CAPITAL},
    }


def counted_trials(warehouse: Warehouse, universe: Universe, days: Int32Array) -> dict[str, int]:
    """Return the configurations of the programme, and how many ideas they are.

    `days` are the sessions that trials' returns are laid on; an idea is a cluster of trials that
    earned alike. Only the first number is judged by.
    """
    with warehouse.reader() as conn:
        told = models.configurations(conn, universe.programme)
    known = told.filter(
        pl.col("returns").list.len().fill_null(0) > 0, pl.col("first_session").is_not_null()
    )
    first = np.searchsorted(days, known["first_session"].to_physical().to_numpy())
    trials = [
        TrialReturns(int(at), np.array(returns, dtype=np.float64))
        for at, returns in zip(first, known["returns"], strict=True)
    ]
    ideas = clustered_count(trials, without_returns=told.height - known.height)
    return {"configurations": told.height, "ideas": ideas}


def capacity_report(told: dict[str, object]) -> str:
    """What is stored beside the gates in the registry, in Markdown."""
    curve = told["capacity"]
    lost = told["shortfall"]
    assert isinstance(curve, list)
    assert isinstance(lost, dict)
    rows = [
        f"| {row['capital']:,.0f} | {_figure(row['sharpe'], '.2f')} | {row['net_return']:+.2%} "
        f"| {row['cost']:.2%} | {_figure(row['filled'], '.0%')} |"
        for row in curve
    ]
    parts = ", ".join(
        f"{name} {lost[name]:+,.0f}"
        for name in ("delay", "commission", "spread", "impact", "opportunity")
    )
    return "\n".join(
        [
            "| capital, USD | active Sharpe a year | net return a year | costs a year | filled |",
            "|---|---|---|---|---|", *rows, "",
            f"Implementation shortfall with {lost['capital']:,.0f} USD, in USD: {parts}.",
        ]
    )  # fmt: skip


def _figure(value: float | None, shape: str) -> str:
    return "not known" if value is None else format(value, shape)
