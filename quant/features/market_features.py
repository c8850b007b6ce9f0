"""Daily features relative to others: across symbols, the calendar, and the market's regime."""

from __future__ import annotations

import math

from quant.features.expressions import (
    Series,
    at_least,
    beta,
    calendar,
    change,
    correlation,
    cross_mean,
    cross_rank,
    cross_std,
    greater,
    highest,
    lag,
    larger,
    magnitude,
    market,
    mean,
    r_squared,
    rank,
    root,
    sector_mean,
    sign,
    std,
    total,
)
from quant.features.registry import Feature
from quant.features.terms import CLOSE, DAY, DOLLARS, INDEX, RETURN, TOTAL, YEAR, ZERO

_ALONE = "NaN for a symbol that is no member then, or with fewer than two members"
_SECTOR = (
    "NaN for a symbol that is no member then; 0 for a sector's only member; "
    "symbols of unknown sector count as one"
)
_NO_INDEX = "NaN in a session without an index close"


def cross_section() -> list[Feature]:
    """Return the features that compare a symbol with the session's members."""
    return [
        *(
            Feature(
                f"rank_return_{n}", "cross-section", cross_rank(change(TOTAL, n)),
                f"rank among the session's members of the {n}-session return, 0 … 1", policy=_ALONE,
            )
            for n in (1, 5, 21, 63, 126)
        ),
        Feature(
            "rank_volatility_63", "cross-section", cross_rank(std(RETURN, 63)),
            "rank among the session's members of the 63-session volatility, 0 … 1", policy=_ALONE,
        ),
        Feature(
            "rank_dollar_volume_21", "cross-section", cross_rank(mean(DOLLARS, 21)),
            "rank among the session's members of the mean dollar volume, 0 … 1", policy=_ALONE,
        ),
        Feature(
            "rank_momentum_252_21", "cross-section", cross_rank(lag(TOTAL, 21) - lag(TOTAL, 252)),
            "rank among the session's members of the return from 252 to 21 sessions ago, 0 … 1",
            "Jegadeesh & Titman (1993), Journal of Finance 48, 65-91", _ALONE,
        ),
        Feature(
            "rank_amihud_21", "cross-section",
            cross_rank(mean(magnitude(RETURN) / DOLLARS, 21)),
            "rank among the session's members of Amihud's illiquidity, 0 … 1",
            "Amihud (2002), Journal of Financial Markets 5, 31-56", _ALONE,
        ),
        Feature(
            "relative_return_21", "cross-section",
            change(TOTAL, 21) - cross_mean(change(TOTAL, 21)),
            "log total return over 21 sessions less the mean of the session's members",
            policy="NaN when the session has no member",
        ),
        Feature(
            "standing_5", "cross-section",
            (change(TOTAL, 5) - cross_mean(change(TOTAL, 5))) / cross_std(change(TOTAL, 5)),
            "5-session log return in standard deviations from the members' mean",
            policy="NaN with fewer than two members, or when all returns are equal",
        ),
        Feature(
            "dispersion_1", "cross-section", cross_std(RETURN),
            "standard deviation of the session's log returns across members",
            policy="NaN with fewer than two members",
        ),
        Feature(
            "dispersion_21", "cross-section", cross_std(change(TOTAL, 21)),
            "standard deviation of the 21-session log returns across members",
            policy="NaN with fewer than two members",
        ),
        Feature(
            "breadth_21", "cross-section", cross_mean(greater(change(TOTAL, 21), ZERO)),
            "share of the session's members with a gain over 21 sessions",
            policy="NaN when the session has no member",
        ),
        Feature(
            "breadth_sma_50", "cross-section", cross_mean(greater(CLOSE, mean(CLOSE, 50))),
            "share of the session's members above their 50-session mean",
            policy="NaN when the session has no member",
        ),
        *(
            Feature(
                f"sector_strength_{n}", "cross-section",
                change(TOTAL, n) - sector_mean(change(TOTAL, n)),
                f"log total return over {n} sessions less the mean of the sector's members",
                policy=_SECTOR,
            )
            for n in (5, 21, 126)
        ),
        Feature(
            "sector_lead_21", "cross-section",
            sector_mean(change(TOTAL, 21)) - cross_mean(change(TOTAL, 21)),
            "mean log return over 21 sessions of the sector's members less that of all members",
            "Moskowitz & Grinblatt (1999), Journal of Finance 54, 1249-1290", _SECTOR,
        ),
        Feature(
            "common_variance_63", "cross-section", _common_variance(63),
            "variance of the members' mean return over the mean of their variances, 63 sessions",
            "Pollet & Wilson (2010), Journal of Financial Economics 96, 364-380",
            "NaN when the session has no member, or prices never moved",
        ),
    ]  # fmt: skip


def against_index() -> list[Feature]:
    """Return the features that compare a symbol with the index."""
    index_return = change(INDEX)
    slope = beta(RETURN, index_return, 126)
    tied = correlation(RETURN, index_return, 126)
    return [
        *(
            Feature(
                f"strength_{n}", "cross-section", change(TOTAL, n) - change(INDEX, n),
                f"log total return less the index's over {n} sessions", policy=_NO_INDEX,
            )
            for n in (5, 21, 63, 126)
        ),
        Feature(
            "beta_126", "cross-section", slope,
            "slope of log returns on the index's over 126 sessions", policy=_NO_INDEX,
        ),
        Feature(
            "rank_beta_126", "cross-section", cross_rank(slope),
            "rank among the session's members of the slope on the index, 0 … 1",
            "Frazzini & Pedersen (2014), Journal of Financial Economics 111, 1-25",
            f"{_ALONE}; {_NO_INDEX}",
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
            "idiosyncratic_volatility_126", "cross-section",
            math.sqrt(YEAR) * std(RETURN, 126) * root(1.0 - tied * tied),
            "standard deviation of log returns that the index does not explain, 126 sessions, "
            "per year",
            "Ang, Hodrick, Xing & Zhang (2006), Journal of Finance 61, 259-299", _NO_INDEX,
        ),
    ]  # fmt: skip


def _common_variance(n: int) -> Series:
    together, alone = std(cross_mean(RETURN), n), std(RETURN, n)
    return together * together / cross_mean(alone * alone)


def calendar_features() -> list[Feature]:
    """Return the features of the date."""
    return [
        Feature("weekday", "calendar", calendar(DAY, 0), "weekday, Monday 0 … Friday 4"),
        Feature("day_of_month", "calendar", calendar(DAY, 1), "day of the month, 1 … 31"),
        Feature("month", "calendar", calendar(DAY, 2), "month, 1 … 12"),
        Feature("day_of_year", "calendar", calendar(DAY, 3), "day of the year, 1 … 366"),
        Feature("turn_of_month", "calendar", _turn_of_month(),
                "1 in a month's last four or first three days, else 0",
                "Lakonishok & Smidt (1988), Review of Financial Studies 1, 403-425"),
        Feature("expiry_week", "calendar", _expiry_week(),
                "1 from Monday to the third Friday of the month, else 0",
                "Stivers & Sun (2013), Journal of Banking & Finance 37, 4226-4240"),
        Feature("days_since_session", "calendar", change(DAY),
                "calendar days since the symbol's previous session"),
    ]  # fmt: skip


def _turn_of_month() -> Series:
    soon = magnitude(sign(calendar(DAY + 4.0, 2) - calendar(DAY, 2)))
    return larger(soon, greater(ZERO + 3.5, calendar(DAY, 1)))


def _expiry_week() -> Series:
    """Monday to Friday of the week whose Friday is the 15th to 21st."""
    friday = calendar(DAY, 1) - calendar(DAY, 0) + 4.0
    return greater(friday, ZERO + 14.5) * greater(ZERO + 21.5, friday)


def regime() -> list[Feature]:
    """Return the features of the index, the same for every symbol of a session."""
    moves = change(INDEX)
    falls = at_least(moves * -1.0, 0.0)
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
            "index_return_126", "regime", market(change(INDEX, 126)),
            "log return of the index over 126 sessions", policy=_NO_INDEX,
        ),
        Feature(
            "index_volatility_ratio_21_63", "regime", market(std(moves, 21) / std(moves, 63)),
            "21-session over 63-session volatility of the index", policy=_NO_INDEX,
        ),
        Feature(
            "index_trend_r_squared_63", "regime", market(r_squared(INDEX, 63)),
            "R-squared of the log index against time over 63 sessions", policy=_NO_INDEX,
        ),
        Feature(
            "index_autocorrelation_63", "regime", market(correlation(moves, lag(moves), 63)),
            "correlation of the index's log returns with the session before's, 63 sessions",
            policy=_NO_INDEX,
        ),
        Feature(
            "index_downside_share_63", "regime", market(total(falls * falls, 63)
                                                        / total(moves * moves, 63)),
            "negative returns' share of the index's realised variance of 63 sessions, 0 … 1",
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
