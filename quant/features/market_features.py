"""Daily features relative to others: across symbols, the calendar, and the market's regime."""

from __future__ import annotations

import math

from quant.features.expressions import (
    beta,
    calendar,
    change,
    correlation,
    cross_mean,
    cross_rank,
    cross_std,
    greater,
    highest,
    market,
    mean,
    rank,
    std,
)
from quant.features.registry import Feature
from quant.features.terms import DAY, DOLLARS, INDEX, RETURN, TOTAL, YEAR, ZERO

_ALONE = "NaN for a symbol that is no member then, or with fewer than two members"
_NO_INDEX = "NaN in a session without an index close"


def cross_section() -> list[Feature]:
    """Return the features that compare a symbol with the session's members and the index."""
    index_return = change(INDEX)
    slope = beta(RETURN, index_return, 126)
    return [
        *(
            Feature(
                f"rank_return_{n}", "cross-section", cross_rank(change(TOTAL, n)),
                f"rank among the session's members of the {n}-session return, 0 … 1", policy=_ALONE,
            )
            for n in (1, 5, 21, 126)
        ),
        Feature(
            "rank_volatility_63", "cross-section", cross_rank(std(RETURN, 63)),
            "rank among the session's members of the 63-session volatility, 0 … 1", policy=_ALONE,
        ),
        Feature(
            "rank_dollar_volume_21", "cross-section", cross_rank(mean(DOLLARS, 21)),
            "rank among the session's members of the mean dollar volume, 0 … 1", policy=_ALONE,
        ),
        *(
            Feature(
                f"strength_{n}", "cross-section", change(TOTAL, n) - change(INDEX, n),
                f"log total return less the index's over {n} sessions", policy=_NO_INDEX,
            )
            for n in (5, 21, 126)
        ),
        Feature(
            "beta_126", "cross-section", slope,
            "slope of log returns on the index's over 126 sessions", policy=_NO_INDEX,
        ),
        Feature(
            "beta_relative_21", "cross-section", change(TOTAL, 21) - slope * change(INDEX, 21),
            "log total return over 21 sessions less beta times the index's", policy=_NO_INDEX,
        ),
        Feature(
            "index_correlation_63", "cross-section", correlation(RETURN, index_return, 63),
            "correlation of log returns with the index's over 63 sessions", policy=_NO_INDEX,
        ),
        Feature(
            "dispersion_1", "cross-section", cross_std(RETURN),
            "standard deviation of the session's log returns across members",
            policy="NaN with fewer than two members",
        ),
        Feature(
            "breadth_21", "cross-section", cross_mean(greater(change(TOTAL, 21), ZERO)),
            "share of the session's members with a gain over 21 sessions",
        ),
    ]  # fmt: skip


def calendar_features() -> list[Feature]:
    """Return the features of the date."""
    return [
        Feature("weekday", "calendar", calendar(DAY, 0), "weekday, Monday 0 … Friday 4"),
        Feature("day_of_month", "calendar", calendar(DAY, 1), "day of the month, 1 … 31"),
        Feature("month", "calendar", calendar(DAY, 2), "month, 1 … 12"),
        Feature("days_since_session", "calendar", change(DAY),
                "calendar days since the symbol's previous session"),
    ]  # fmt: skip


def regime() -> list[Feature]:
    """Return the features of the index, the same for every symbol of a session."""
    moves = change(INDEX)
    return [
        Feature(
            "index_return_21", "regime", market(change(INDEX, 21)),
            "log return of the index over 21 sessions", policy=_NO_INDEX,
        ),
        Feature(
            "index_volatility_21", "regime", market(math.sqrt(YEAR) * std(moves, 21)),
            "standard deviation of the index's log returns over 21 sessions, per year",
            policy=_NO_INDEX,
        ),
        Feature(
            "index_volatility_rank_231", "regime", market(rank(std(moves, 21), 231)),
            "share of the last 230 sessions with a lower 21-session index volatility",
            policy=_NO_INDEX,
        ),
        Feature(
            "index_to_sma_200", "regime", market(INDEX - mean(INDEX, 200)),
            "log of the index less its 200-session mean", policy=_NO_INDEX,
        ),
        Feature(
            "index_drawdown_252", "regime", market(INDEX - highest(INDEX, 252)),
            "log of the index less its 252-session high", policy=_NO_INDEX,
        ),
    ]  # fmt: skip
