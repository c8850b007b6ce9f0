"""The intraday features: what each is, on minute bars, in the language of `expressions`."""

from __future__ import annotations

import math
from typing import Final

from quant.features.expressions import (
    Series,
    given,
    greater,
    highest_today,
    lag,
    log,
    lowest_today,
    mean,
    root,
    sign,
    std,
    total,
    total_today,
    weighted_mean,
)
from quant.features.registry import Feature, Registry
from quant.features.terms import positive

OPEN, HIGH, LOW, CLOSE, VOLUME = (
    given(name) for name in ("open", "high", "low", "close", "volume")
)
START: Final = given("start")  # 1 at the first bar of a session, else 0
VWAP: Final = total_today(VOLUME * (HIGH + LOW + CLOSE) / 3.0, START) / total_today(VOLUME, START)
DAY_OPEN: Final = total_today(OPEN * START, START)
# A session's first move is from its open: the overnight gap is no minute's return.
_BEFORE: Final = START * OPEN + (1.0 - START) * lag(CLOSE)
MOVE: Final = CLOSE - _BEFORE
RETURN: Final = log(CLOSE / _BEFORE)

_NO_TRADE = "NaN until the session's first trade"
_FIRST = "NaN at the panel's very first bar"


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
    traded = total_today(VOLUME, START)
    centre = total_today(VOLUME * price, START) / traded
    variance = total_today(VOLUME * price * price, START) / traded - centre * centre
    variance = greater(variance, variance * 0.0 + 1e-12) * variance
    return (CLOSE / DAY_OPEN - 1.0 - centre) / root(variance)


def _session() -> list[Feature]:
    high, low = highest_today(HIGH, START), lowest_today(LOW, START)
    minute = given("minute")
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
        Feature("volume_share_so_far", "volume", VOLUME / total_today(VOLUME, START),
                "the bar's share of the session's volume so far", policy=_NO_TRADE),
        Feature("minutes_since_open", "calendar", minute - total_today(minute * START, START),
                "minutes since the start of the session's first bar"),
    ]  # fmt: skip


def _bars() -> list[Feature]:
    return [
        Feature("minute_return", "returns", RETURN,
                "log return of the bar; of a session's first, from its open", policy=_FIRST),
        *(
            Feature(f"return_{n}m", "returns", total(RETURN, n),
                    f"sum of the last {n} bars' log returns, without overnight gaps")
            for n in (5, 30)
        ),
        Feature("bar_range", "volatility", log(HIGH / LOW), "log of the bar's high over its low"),
        Feature("volatility_30m", "volatility", math.sqrt(390.0 * 252.0) * std(RETURN, 30),
                "standard deviation of 30 bars' log returns, per year of 252 × 390 minutes"),
        Feature("rsi_14m", "momentum", _rsi(14),
                "relative strength index over 14 bars, 0 … 100",
                "Wilder (1978), New Concepts in Technical Trading Systems",
                "NaN when the window has no change"),
        Feature("volume_z_30m", "volume", (VOLUME - mean(VOLUME, 30)) / std(VOLUME, 30),
                "volume in standard deviations from its 30-bar mean",
                policy="NaN when the window's volume is constant"),
        Feature("signed_volume_30m", "volume",
                total(sign(MOVE) * VOLUME, 30) / total(VOLUME, 30),
                "volume signed by the bar's direction over volume, 30 bars, -1 … 1",
                policy=_NO_TRADE),
    ]  # fmt: skip


INTRADAY: Final = Registry([*_session(), *_bars()])
