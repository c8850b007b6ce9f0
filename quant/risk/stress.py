"""What a given move would cost: shocks, gaps, and the scenarios of the desk's file."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from config.scenarios import (
    CorrelationRise,
    MarketMove,
    Scenario,
    SectorMove,
    SingleGap,
    VolatilityRise,
    Window,
)
from quant.risk.contributions import normal_value_at_risk
from quant.risk.correlation import with_correlation
from quant.typing import FloatArray
from quant.validate import require_finite


@dataclass(frozen=True)
class Book:
    """What is held, as the scenarios need it; one entry per asset.

    Attributes
    ----------
    symbols, sectors : tuple of str
        Names; the sector of a symbol that has none is "".
    weights : array of shape (n_assets,)
        Position values as signed fractions of equity.
    betas : array of shape (n_assets,)
        To the index.
    covariance : array of shape (n_assets, n_assets)
        Of returns per session.
    """

    symbols: tuple[str, ...]
    sectors: tuple[str, ...]
    weights: FloatArray
    betas: FloatArray
    covariance: FloatArray

    def __post_init__(self) -> None:
        """Refuse a book whose parts do not fit each other."""
        sizes = {
            "symbols": len(self.symbols),
            "sectors": len(self.sectors),
            "weights": self.weights.size,
            "betas": self.betas.size,
        }
        if len({*sizes.values(), *self.covariance.shape}) > 1:
            raise ValueError(
                f"a book needs one entry per asset in every part, had {sizes} and a covariance of "
                f"{self.covariance.shape}."
            )
        require_finite(self.weights, name="weights")
        require_finite(self.betas, name="betas")


@dataclass(frozen=True)
class Replay:
    """What the assets and the index did over a stretch of history.

    Attributes
    ----------
    growth : array of shape (n_assets,)
        Simple return of each over the whole stretch; NaN where it was not listed.
    index : float
        The index's.
    """

    growth: FloatArray
    index: float


@dataclass(frozen=True)
class StressFigure:
    """Loss under a scenario, a positive fraction of equity, and what it struck."""

    loss: float
    struck: str


def scenario_loss(scenario: Scenario, book: Book, *, replay: Replay | None = None) -> StressFigure:
    """Loss of the book under one scenario of the desk's file.

    Parameters
    ----------
    scenario : Scenario
        From `config.scenarios`.
    book : Book
        What is held.
    replay : Replay, optional
        What happened in the window; needed by that kind only.

    Returns
    -------
    StressFigure
        Negative for a gain. `struck` names the sector or symbol, "book" for all of it.

    Raises
    ------
    ValueError
        If a window has no replay, or a named sector or symbol is not held by the book.
    """
    match scenario:
        case MarketMove():
            loss = stress_loss(book.weights, {}, betas=book.betas, market=scenario.move)
            return StressFigure(loss, "book")
        case SectorMove():
            return _sector(scenario, book)
        case SingleGap():
            return _gap(scenario, book)
        case Window():
            if replay is None:
                raise ValueError(
                    f"{scenario.label!r} needs the returns from {scenario.first} to "
                    f"{scenario.last}."
                )
            return StressFigure(_replayed(book, replay), "book")
        case VolatilityRise():
            calm = normal_value_at_risk(book.weights, book.covariance, level=scenario.level)
            return StressFigure(scenario.times * calm, "book")
        case CorrelationRise():
            return StressFigure(_correlated(scenario, book), "book")


def stress_loss(
    weights: FloatArray,
    shocks: Mapping[int, float],
    *,
    betas: FloatArray | None = None,
    market: float = 0.0,
) -> float:
    """Loss when the market moves by `market` and single assets gap.

    Parameters
    ----------
    weights : array of shape (n_assets,)
        Position values as signed fractions of equity.
    shocks : mapping of int to float
        Return of single assets by their index; it replaces their share in the market's move.
    betas : array of shape (n_assets,), optional
        Betas to the market; 1 for all if not given.
    market : float
        Return of the market, as a fraction (-0.2 is a fall of 20 %).

    Returns
    -------
    float
        Loss as a positive fraction of equity; negative for a gain. A price cannot fall below
        zero, so that no asset moves by less than -1.

    Raises
    ------
    ValueError
        If a figure is not finite or a shock names no asset.
    """
    require_finite(weights, name="weights")
    moves = np.full(weights.size, market) if betas is None else np.asarray(betas) * market
    for index, shock in shocks.items():
        if not 0 <= index < weights.size:
            raise ValueError(f"a shock names asset {index}; there are {weights.size}.")
        moves[index] = shock
    require_finite(moves, name="moves")
    return float(-(weights @ np.maximum(moves, -1.0)))


def _sector(scenario: SectorMove, book: Book) -> StressFigure:
    names = sorted(set(book.sectors)) if scenario.sector == "any" else [scenario.sector]
    if not set(names) <= set(book.sectors):
        raise ValueError(
            f"{scenario.label!r} strikes {scenario.sector!r}; the book's sectors are "
            f"{', '.join(sorted(set(book.sectors)))}."
        )
    figures = [
        StressFigure(
            stress_loss(
                book.weights,
                {i: scenario.move for i, sector in enumerate(book.sectors) if sector == name},
            ),
            name,
        )
        for name in names
    ]
    return max(figures, key=lambda figure: figure.loss, default=StressFigure(0.0, "book"))


def _gap(scenario: SingleGap, book: Book) -> StressFigure:
    names = book.symbols if scenario.symbol == "any" else (scenario.symbol,)
    if not set(names) <= set(book.symbols):
        raise ValueError(
            f"{scenario.label!r} strikes {scenario.symbol!r}, which is not in the book."
        )
    figures = []
    for name in names:
        place = book.symbols.index(name)
        # Against the position: down for what is held, up for what is short.
        move = -scenario.size if book.weights[place] >= 0.0 else scenario.size
        figures.append(StressFigure(stress_loss(book.weights, {place: move}), name))
    return max(figures, key=lambda figure: figure.loss, default=StressFigure(0.0, "book"))


def _replayed(book: Book, replay: Replay) -> float:
    # What was not listed then is given the index's move by its beta of today.
    moves = np.where(np.isnan(replay.growth), book.betas * replay.index, replay.growth)
    return stress_loss(book.weights, dict(enumerate(moves.tolist())))


def _correlated(scenario: CorrelationRise, book: Book) -> float:
    held = np.flatnonzero(book.weights)  # what is not held may have no variance yet
    covariance = book.covariance[np.ix_(held, held)]
    stressed = with_correlation(covariance, toward=scenario.toward, strength=scenario.strength)
    return normal_value_at_risk(book.weights[held], stressed, level=scenario.level)
