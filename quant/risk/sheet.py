"""Every risk figure of one close, from what is held and the past of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ParamSpec

import numpy as np
from numpy.typing import NDArray

from config.scenarios import Scenario, Window
from quant.risk.contributions import (
    component_expected_shortfall,
    component_value_at_risk,
    undiversified_value_at_risk,
)
from quant.risk.correlation import correlation_break, correlations
from quant.risk.coverage import basel_plus_factor
from quant.risk.exposure import beta, exposures
from quant.risk.filtered import ewma_volatility
from quant.risk.liquidity import days_to_exit
from quant.risk.record import CoverageRecord, coverage_record, past_value_at_risk
from quant.risk.stress import Book, Replay, scenario_loss
from quant.risk.tails import METHODS, Method, tail_risks
from quant.typing import Float64Array, FloatArray

LEVELS = (0.95, 0.99)
HORIZONS = (1, 10)

_WINDOW = 504  # sessions: two years, which the figures of today are made from
_RECORD = 250  # sessions each figure of the back-test is made from
_LATELY = 63  # sessions, a quarter, whose correlations are held against those before
_FEWEST = 60  # sessions of its own before an asset has a beta of its own
_YEAR = 252
_LEVEL = 0.99
_SHORTFALL_LEVEL = 0.975

P = ParamSpec("P")


@dataclass(frozen=True)
class Holdings:
    """What is held at a close, and its past; one column per asset.

    Attributes
    ----------
    symbols, sectors : tuple of str
        Names; the sector of a symbol that has none is "".
    weights : array of shape (n_assets,)
        Position values as signed fractions of equity.
    quantities, volumes : arrays of shape (n_assets,)
        Shares held, signed, and the average traded per session; a volume may be NaN.
    sessions : array of datetime64 of shape (n_obs,)
        Rising; what each row of returns ends with.
    returns : array of shape (n_obs, n_assets)
        Simple returns per session; NaN where there was no price.
    index : array of shape (n_obs,)
        Those of the index.
    """

    symbols: tuple[str, ...]
    sectors: tuple[str, ...]
    weights: FloatArray
    quantities: FloatArray
    volumes: FloatArray
    sessions: NDArray[np.datetime64]
    returns: FloatArray
    index: FloatArray

    @cached_property
    def betas(self) -> Float64Array:
        """Slope of each asset on the index; 1 for one that has not yet sixty returns."""
        told = np.ones(len(self.symbols))
        for place, column in enumerate(self.returns.T):
            known = np.flatnonzero(~np.isnan(column))[-_WINDOW:]
            if known.size >= _FEWEST and float(np.ptp(self.index[known])) > 0.0:
                told[place] = beta(column[known], self.index[known])
        return told

    @cached_property
    def filled(self) -> Float64Array:
        """Returns, those without a price replaced by the index's move times beta."""
        stand_in = np.outer(self.index, self.betas)
        full: Float64Array = np.where(np.isnan(self.returns), stand_in, self.returns)
        return full

    @cached_property
    def hypothetical(self) -> Float64Array:
        """What today's weights would have returned in every session."""
        earned: Float64Array = self.filled @ self.weights
        return earned


@dataclass(frozen=True)
class Figure:
    """One row of `risk.figures`; losses are positive."""

    measure: str
    method: str
    value: float
    unit: str
    n_obs: int
    level: float | None = None
    horizon: int = 1
    portfolio: str = "total"


@dataclass(frozen=True)
class Sheet:
    """The figures of a close, and why one that was asked for is not there."""

    figures: list[Figure] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def take(
        self,
        name: str,
        figured: Callable[P, list[Figure]],
        /,
        *asked: P.args,
        **options: P.kwargs,
    ) -> None:
        """Add the figures, or the reason there is for refusing them."""
        try:
            self.figures.extend(figured(*asked, **options))
        except ValueError as refused:
            self.left_out[name] = str(refused)


def risk_sheet(
    holdings: Holdings, scenarios: Mapping[str, Scenario], *, rng: np.random.Generator
) -> Sheet:
    """Exposures, tails by every method, components, liquidity, stress and the back-test.

    Parameters
    ----------
    holdings : Holdings
        What is held and its past, up to the close.
    scenarios : mapping of str to Scenario
        By name, from `config.scenarios`.
    rng : numpy.random.Generator
        Of whatever is drawn; the same state gives the same sheet.

    Returns
    -------
    Sheet
        A figure that cannot be made (too short a past, a window before it) is left out with
        its reason, and so are prices that the index stands in for; an empty book has its
        exposures only.
    """
    sheet = Sheet()
    sheet.take("exposures", _exposures, holdings)
    if not holdings.weights.any() or holdings.index.size < 2:
        return sheet
    sheet.left_out.update(_stand_ins(holdings))
    recent = holdings.filled[-_WINDOW:]
    for method in METHODS:
        sheet.take(method, _tails, holdings, recent, method, rng=rng)
    sheet.take("volatility", _volatility, holdings)
    sheet.take("components", _components, holdings, recent)
    sheet.take("liquidity", _liquidity, holdings)
    sheet.take("correlation", _correlation, holdings)
    for name, scenario in scenarios.items():
        sheet.take(name, _stress, name, scenario, holdings, recent)
    for level in LEVELS:
        for filtered in (False, True):
            told = f"{'filtered ' if filtered else ''}record at {level:.0%}"
            sheet.take(told, _hypothetical, holdings, level, filtered=filtered)
    return sheet


def record_figures(record: CoverageRecord, *, level: float, method: str) -> list[Figure]:
    """Rows that tell how a record of value-at-risk figures held.

    Parameters
    ----------
    record : CoverageRecord
        From `coverage_record`.
    level : float
        Confidence of its figures.
    method : str
        Whose losses and which figures they are.

    Returns
    -------
    list of Figure
        Exceptions, expected exceptions and the p-values of coverage and independence; those of
        Monte Carlo where fewer than five exceptions were expected. The supervisor's addition to
        the capital factor where it is defined.
    """
    tests, n_obs = record.tests, record.hits.size
    p_values = {
        "kupiec_p_value": tests.unconditional,
        "independence_p_value": tests.independence,
        "christoffersen_p_value": tests.conditional,
    }
    told = [
        Figure("exceptions", method, float(record.hits.sum()), "count", n_obs, level),
        Figure("expected_exceptions", method, tests.unconditional.expected, "ratio", n_obs, level),
        Figure(
            "record_is_sufficient", method, float(not tests.insufficient), "count", n_obs, level
        ),
    ]
    for measure, test in p_values.items():
        drawn = test.monte_carlo_p_value
        value = test.p_value if drawn is None else drawn
        told.append(Figure(measure, method, value, "ratio", n_obs, level))
    if record.zone is not None:
        last = record.hits[-250:]
        factor = basel_plus_factor(int(last.sum()), last.size, level=level)
        told.append(Figure("basel_plus_factor", method, factor, "ratio", last.size, level))
    return told


def _stand_ins(holdings: Holdings) -> dict[str, str]:
    """Where the index stands in for prices that the figures of today should have had."""
    recent = np.isnan(holdings.returns[-_WINDOW:])
    return {
        symbol: f"no price in {recent[:, place].sum()} of {recent.shape[0]} sessions: the index "
        f"stands in, by a beta of {holdings.betas[place]:.2f}"
        for place, symbol in enumerate(holdings.symbols)
        if recent[:, place].any()
    }


def _exposures(holdings: Holdings) -> list[Figure]:
    found = exposures(holdings.weights)
    figures = {
        "gross_exposure": found.gross,
        "net_exposure": found.net,
        "long_exposure": found.long,
        "short_exposure": found.short,
        "largest_position": found.largest,
    }
    told = [
        Figure(measure, "market value", value, "fraction", 1) for measure, value in figures.items()
    ]
    return [*told, Figure("concentration", "market value", found.concentration, "ratio", 1)]


def _tails(
    holdings: Holdings, recent: FloatArray, method: Method, *, rng: np.random.Generator
) -> list[Figure]:
    told = []
    for risk in tail_risks(
        holdings.weights, recent, method=method, levels=LEVELS, horizons=HORIZONS, rng=rng
    ):
        for measure, value in (
            ("value_at_risk", risk.value_at_risk),
            ("expected_shortfall", risk.expected_shortfall),
        ):
            told.append(
                Figure(measure, method, value, "fraction", risk.n_obs, risk.level, risk.horizon)
            )
    return told


def _volatility(holdings: Holdings) -> list[Figure]:
    book, index = holdings.hypothetical[-_WINDOW:], holdings.index[-_WINDOW:]
    year = float(np.sqrt(_YEAR))
    return [
        Figure("volatility", "sample", float(np.std(book, ddof=1)) * year, "fraction", book.size),
        Figure(
            "volatility", "ewma", float(ewma_volatility(book)[-1]) * year, "fraction", book.size
        ),
        Figure("beta", "sample", beta(book, index), "ratio", book.size),
    ]


def _components(holdings: Holdings, recent: FloatArray) -> list[Figure]:
    covariance = _covariance(recent)
    normal = component_value_at_risk(holdings.weights, covariance, level=_LEVEL)
    tail = component_expected_shortfall(holdings.weights, recent, level=_SHORTFALL_LEVEL)
    whole = undiversified_value_at_risk(holdings.weights, covariance, level=_LEVEL)
    n_obs = recent.shape[0]
    told = [Figure("undiversified_value_at_risk", "normal", whole, "fraction", n_obs, _LEVEL)]
    for place, symbol in enumerate(holdings.symbols):
        for measure, method, value, level in (
            ("component_value_at_risk", "normal", normal[place], _LEVEL),
            ("component_expected_shortfall", "historical", tail[place], _SHORTFALL_LEVEL),
        ):
            told.append(
                Figure(measure, method, float(value), "fraction", n_obs, level, portfolio=symbol)
            )
    return told


def _liquidity(holdings: Holdings) -> list[Figure]:
    known = ~np.isnan(holdings.volumes)
    days = days_to_exit(holdings.quantities[known], holdings.volumes[known])
    method = "10 % of volume"
    symbols = np.array(holdings.symbols)[known]
    told = [
        Figure("days_to_exit", method, float(value), "sessions", 1, portfolio=str(symbol))
        for symbol, value in zip(symbols, days, strict=True)
        if np.isfinite(value)
    ]
    if bool(known.all()) and bool(np.isfinite(days).all()):
        told.append(Figure("days_to_exit", method, float(days.max()), "sessions", 1))
    return told


def _correlation(holdings: Holdings) -> list[Figure]:
    priced = holdings.returns[-_WINDOW:]
    whole = priced[:, ~np.isnan(priced).any(axis=0)]  # assets with a price in every session
    if whole.shape[1] < 2:
        raise ValueError(f"correlations need two assets priced throughout, were {whole.shape[1]}.")
    lately, before = whole[-_LATELY:], whole[:-_LATELY]
    pairs = np.triu_indices(whole.shape[1], 1)
    found = correlation_break(before, lately)
    n_obs = whole.shape[0]
    return [
        Figure("average_correlation", "last quarter", float(correlations(lately)[pairs].mean()),
               "ratio", _LATELY),
        Figure("average_correlation", "before", float(correlations(before)[pairs].mean()),
               "ratio", n_obs - _LATELY),
        Figure("correlation_break_p_value", "jennrich", found.p_value, "ratio", n_obs),
    ]  # fmt: skip


def _stress(name: str, scenario: Scenario, holdings: Holdings, recent: FloatArray) -> list[Figure]:
    book = Book(
        symbols=holdings.symbols,
        sectors=holdings.sectors,
        weights=holdings.weights,
        betas=holdings.betas,
        covariance=_covariance(recent),
    )
    replay = _replay(scenario, holdings) if isinstance(scenario, Window) else None
    found = scenario_loss(scenario, book, replay=replay)
    method = scenario.kind if found.struck == "book" else f"{scenario.kind}: {found.struck}"
    return [Figure(f"stress_{name}", method, found.loss, "fraction", recent.shape[0])]


def _replay(window: Window, holdings: Holdings) -> Replay:
    first, last = np.datetime64(window.first), np.datetime64(window.last)
    days = holdings.sessions
    # A row's return starts at the close before it: the window's first close must be one.
    if not bool(np.any(days <= first)) or not bool(np.any(days >= last)):
        raise ValueError(
            f"the past known here, {days[0]} to {days[-1]}, does not hold {first} to {last}."
        )
    inside = (days > first) & (days <= last)
    return Replay(
        growth=np.prod(1.0 + holdings.returns[inside], axis=0) - 1.0,
        index=float(np.prod(1.0 + holdings.index[inside]) - 1.0),
    )


def _hypothetical(holdings: Holdings, level: float, *, filtered: bool) -> list[Figure]:
    book = holdings.hypothetical
    said = past_value_at_risk(book, level=level, window=_RECORD, filtered=filtered)
    record = coverage_record(book[_RECORD:], said, level=level)
    method = "hypothetical, filtered" if filtered else "hypothetical, historical"
    return record_figures(record, level=level, method=method)


def _covariance(returns: FloatArray) -> Float64Array:
    covariance: Float64Array = np.atleast_2d(np.cov(returns, rowvar=False))
    return covariance
