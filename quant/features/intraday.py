"""The intraday features: what each is, on minute bars, in the language of `expressions`.

Minute bars are unadjusted. What crosses from one session into the next therefore looks at returns
within sessions, at proportions, or at dollars traded, never at prices or shares themselves;
`rsi_14m`, `volume_z_30m` and `signed_volume_30m` do, and are off in the first bars after a split.
"""

from __future__ import annotations

import math
from typing import Final

from quant.features.expressions import (
    Series,
    at_least,
    before_today,
    correlation,
    covariance,
    given,
    greater,
    highest_today,
    lag,
    log,
    lowest_today,
    magnitude,
    mean,
    root,
    sign,
    skewness,
    std,
    total,
    total_today,
    usual_by_now,
    weighted_mean,
)
from quant.features.registry import Feature, Registry
from quant.features.terms import linear_mean, positive

OPEN, HIGH, LOW, CLOSE, VOLUME = (
    given(name) for name in ("open", "high", "low", "close", "volume")
)
MINUTE: Final = given("minute")
START: Final = before_today(MINUTE * 0.0, MINUTE * 0.0 + 1.0)  # 1 at a session's first bar, else 0
SINCE_OPEN: Final = MINUTE - total_today(MINUTE * START, START)
TRADED: Final = total_today(VOLUME, START)
VWAP: Final = total_today(VOLUME * (HIGH + LOW + CLOSE) / 3.0, START) / TRADED
DAY_OPEN: Final = total_today(OPEN * START, START)
# A session's first move is from its open: the overnight gap is no minute's return.
_BEFORE: Final = before_today(CLOSE, OPEN)
MOVE: Final = CLOSE - _BEFORE
RETURN: Final = log(CLOSE / _BEFORE)
DOLLARS: Final = VOLUME * CLOSE
YEAR: Final = 390.0 * 252.0  # minutes
_OPENING, _CLOSING = 30.0, 930.0  # minutes after the open; 15:30 on the exchange's clock

_NO_TRADE = "NaN until the session's first trade"
_FLAT = "NaN when the window has no change"


def _rsi(periods: int) -> Series:
    window = 9 * periods
    gain = weighted_mean(positive(MOVE), alpha=1.0 / periods, window=window)
    loss = weighted_mean(positive(MOVE * -1.0), alpha=1.0 / periods, window=window)
    return 100.0 * gain / (gain + loss)


def _vwap_z() -> Series:
    """Distance from VWAP in volume-weighted deviations of the session so far.

    Prices are taken relative to the session's open, so that the squares keep their digits;
    deviations below a millionth of it are rounding.
    """
    price = (HIGH + LOW + CLOSE) / 3.0 / DAY_OPEN - 1.0
    centre = total_today(VOLUME * price, START) / TRADED
    variance = total_today(VOLUME * price * price, START) / TRADED - centre * centre
    variance = greater(variance, variance * 0.0 + 1e-12) * variance
    return (CLOSE / DAY_OPEN - 1.0 - centre) / root(variance)


def _session() -> list[Feature]:
    high, low = highest_today(HIGH, START), lowest_today(LOW, START)
    return [
        Feature("vwap_distance", "session", CLOSE / VWAP - 1.0,
                "close over the session's volume-weighted price so far, less 1", policy=_NO_TRADE),
        Feature("vwap_z", "session", _vwap_z(),
                "close less the session's VWAP in volume-weighted standard deviations so far",
                policy="NaN until the session's prices have varied"),
        Feature("session_return_so_far", "session", log(CLOSE / DAY_OPEN),
                "log return since the session's open"),
        Feature("session_range_so_far", "session", log(high / low),
                "log of the session's high over its low so far"),
        Feature("close_in_session_range", "session", (CLOSE - low) / (high - low),
                "where the close lies between the session's low (0) and high (1) so far",
                policy="NaN while high equals low"),
        Feature("volume_share_so_far", "volume", VOLUME / TRADED,
                "the bar's share of the session's volume so far", policy=_NO_TRADE),
        Feature("minutes_since_open", "calendar", SINCE_OPEN,
                "minutes since the start of the session's first bar"),
    ]  # fmt: skip


def _bars() -> list[Feature]:
    return [
        Feature("minute_return", "returns", RETURN,
                "log return of the bar; of a session's first, from its open"),
        *(
            Feature(f"return_{n}m", "returns", total(RETURN, n),
                    f"sum of the last {n} bars' log returns, without overnight gaps")
            for n in (5, 10, 30, 60)
        ),
        Feature("bar_range", "volatility", log(HIGH / LOW), "log of the bar's high over its low"),
        Feature("volatility_30m", "volatility", math.sqrt(YEAR) * std(RETURN, 30),
                "standard deviation of 30 bars' log returns, per year of 252 × 390 minutes"),
        Feature("rsi_14m", "momentum", _rsi(14),
                "relative strength index over 14 bars, 0 … 100",
                "Wilder (1978), New Concepts in Technical Trading Systems",
                _FLAT),
        Feature("volume_z_30m", "volume", (VOLUME - mean(VOLUME, 30)) / std(VOLUME, 30),
                "volume in standard deviations from its 30-bar mean",
                policy="NaN when the window's volume is constant"),
        Feature("signed_volume_30m", "volume",
                total(sign(MOVE) * VOLUME, 30) / total(VOLUME, 30),
                "volume signed by the bar's direction over volume, 30 bars, -1 … 1",
                policy=_NO_TRADE),
    ]  # fmt: skip


def _session_path() -> list[Feature]:
    """Where the session's prices have gone so far, and how roughly."""
    high, low = highest_today(HIGH, START), lowest_today(LOW, START)
    early = greater(_OPENING + SINCE_OPEN * 0.0, SINCE_OPEN)
    top = highest_today(early * HIGH + (1.0 - early) * DAY_OPEN, START)
    bottom = lowest_today(early * LOW + (1.0 - early) * DAY_OPEN, START)
    squares = RETURN * RETURN
    rises = positive(RETURN)
    return [
        Feature("below_session_high", "session", log(CLOSE / high),
                "log of the close over the session's high so far, at most 0"),
        Feature("above_session_low", "session", log(CLOSE / low),
                "log of the close over the session's low so far, at least 0"),
        Feature("opening_range_position", "session", (CLOSE - bottom) / (top - bottom),
                "close in the range of the first 30 minutes: 0 at its low, 1 at its high",
                "Crabel (1990), Day Trading with Short Term Price Patterns",
                "NaN while that range is nothing"),
        Feature("vwap_return_so_far", "session", log(VWAP / DAY_OPEN),
                "log of the session's volume-weighted price so far over its open",
                policy=_NO_TRADE),
        Feature("realised_volatility_so_far", "volatility", root(total_today(squares, START)),
                "root of the session's summed squared log returns so far",
                "Andersen, Bollerslev, Diebold & Labys (2003), Econometrica 71, 579-625"),
        Feature("upside_share_so_far", "volatility",
                total_today(rises * rises, START) / total_today(squares, START),
                "positive returns' share of the session's realised variance so far, 0 … 1",
                "Barndorff-Nielsen, Kinnebrock & Shephard (2010), in Volatility and Time Series "
                "Econometrics", "NaN until the session's price has moved"),
    ]  # fmt: skip


def _session_flow() -> list[Feature]:
    """How the session's trading is spread over its minutes and over rises and falls."""
    dollars = total_today(DOLLARS, START)
    usual = usual_by_now(dollars, 5)
    early = greater(_OPENING + SINCE_OPEN * 0.0, SINCE_OPEN)
    late = greater(MINUTE, MINUTE * 0.0 + (_CLOSING - 0.5))
    return [
        Feature("tick_imbalance_so_far", "session",
                total_today(sign(MOVE), START) / total_today(START * 0.0 + 1.0, START),
                "rising less falling bars over the session's bars so far, -1 … 1"),
        Feature("signed_volume_so_far", "volume", total_today(sign(MOVE) * VOLUME, START) / TRADED,
                "volume signed by the bar's direction over the session's volume so far, -1 … 1",
                policy=_NO_TRADE),
        Feature("volume_curve_deviation", "volume", log(dollars / usual),
                "log of the dollars traded so far over the mean of 5 sessions at this minute",
                "Bialkowski, Darolles & Le Fol (2008), Journal of Banking & Finance 32, 1709-1722",
                "NaN until the session, and each of the five, has traded"),
        Feature("opening_volume_share", "volume", total_today(early * VOLUME, START) / TRADED,
                "share of the session's volume so far that came in its first 30 minutes",
                policy=_NO_TRADE),
        Feature("closing_volume_share", "volume", total_today(late * VOLUME, START) / TRADED,
                "share of the session's volume so far that came from 15:30 on; 0 before",
                policy=f"{_NO_TRADE}; 0 throughout a session that closes early"),
        Feature("minutes_since_bar", "calendar", MINUTE - before_today(MINUTE, MINUTE),
                "minutes since the session's bar before; 0 at its first"),
    ]  # fmt: skip


def _bar_path() -> list[Feature]:
    """Direction and roughness of the last bars' returns, overnight gaps left out."""
    five, one = std(total(RETURN, 5), 60), std(RETURN, 60)
    # An exponential mean lies this far below a line that ends here and has these steps.
    fast, slow = (
        (span - 1.0) / 2.0 * weighted_mean(RETURN, alpha=2.0 / (span + 1.0), window=5 * span)
        for span in (12, 26)
    )
    return [
        Feature("macd_12_26m", "momentum", slow - fast,
                "MACD line (12, 26) of the log price without overnight gaps",
                "Appel (1979), The Moving Average Convergence-Divergence Trading Method"),
        Feature("path_to_mean_20m", "trend", 9.5 * linear_mean(RETURN, 19),
                "log price less its 20-bar mean, without overnight gaps"),
        Feature("efficiency_30m", "momentum",
                total(RETURN, 30) / total(magnitude(RETURN), 30),
                "net over summed absolute log returns of 30 bars, -1 … 1",
                "Kaufman (1995), Smarter Trading", _FLAT),
        Feature("variance_ratio_5_60m", "trend", five * five / (5.0 * (one * one)),
                "variance of 5-bar over 5 times that of 1-bar log returns, 60 bars",
                "Lo & MacKinlay (1988), Review of Financial Studies 1, 41-66", _FLAT),
        Feature("autocorrelation_60m", "trend", correlation(RETURN, lag(RETURN), 60),
                "correlation of log returns with the bar before's, 60 bars", policy=_FLAT),
        Feature("volatility_ratio_10_60m", "volatility", std(RETURN, 10) / one,
                "10-bar over 60-bar volatility", policy=_FLAT),
        Feature("skewness_60m", "volatility", skewness(RETURN, 60),
                "skewness of 60 bars' log returns", policy=_FLAT),
        Feature("body_share", "momentum", (CLOSE - OPEN) / (HIGH - LOW),
                "the bar's close less open over its high less low, -1 … 1",
                policy="NaN when high equals low"),
    ]  # fmt: skip


def _bar_flow() -> list[Feature]:
    """Microstructure of the last bars: imbalance, spread, price impact."""
    serial = covariance(RETURN, lag(RETURN), 60)
    return [
        Feature("tick_imbalance_30m", "volume", mean(sign(MOVE), 30),
                "rising less falling bars over 30 bars, -1 … 1"),
        Feature("roll_spread_60m", "spread", 2.0 * root(at_least(serial * -1.0, 0.0)),
                "Roll's effective spread over 60 bars, as a fraction of price",
                "Roll (1984), Journal of Finance 39, 1127-1139",
                "0 when the serial covariance is positive"),
        Feature("amihud_30m", "spread", 1e6 * total(magnitude(RETURN), 30) / total(DOLLARS, 30),
                "summed absolute log returns per million dollars traded, 30 bars",
                "Amihud (2002), Journal of Financial Markets 5, 31-56", _NO_TRADE),
        Feature("dollars_trend_5_30m", "volume", mean(DOLLARS, 5) / mean(DOLLARS, 30),
                "mean dollars traded in 5 bars over that in 30", policy=_NO_TRADE),
        Feature("size_move_correlation_30m", "volume",
                correlation(magnitude(RETURN), DOLLARS, 30),
                "correlation of absolute log returns with dollars traded, 30 bars",
                policy="NaN when one is constant"),
    ]  # fmt: skip


INTRADAY: Final = Registry(
    [*_session(), *_bars(), *_session_path(), *_session_flow(), *_bar_path(), *_bar_flow()]
)
