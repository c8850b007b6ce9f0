"""Every intraday feature against an independent calculation in pandas, session by session."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from quant.features import INTRADAY, MinutePanel, minute_features

# The stubs of pandas take a numpy function of a series for an array.
Series: TypeAlias = Any

SESSIONS = 8


def gapped_minutes() -> MinutePanel:
    """Eight sessions 09:30 to 16:00 of one symbol; in each some minutes are missing."""
    rng = np.random.default_rng(21)
    rows = []
    for session in range(SESSIONS):
        keep = np.flatnonzero(rng.random(390) > 0.1)
        rows.append(pd.DataFrame({"session": 15_000 + session, "minute": 570 + keep}))
    frame = pd.concat(rows)
    n = len(frame)
    close = np.round(40.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, n))), 2)
    open_ = np.round(close * np.exp(rng.normal(0.0, 0.0008, n)), 2)
    return MinutePanel(
        symbols=("A",),
        offsets=np.array([0, n]),
        sessions=frame["session"].to_numpy(dtype=np.int32),
        minutes=frame["minute"].to_numpy(dtype=np.int32),
        open=open_,
        high=np.maximum(open_, close) + 0.01,
        low=np.minimum(open_, close) - 0.01,
        close=close,
        volume=np.round(1e4 * np.exp(rng.normal(0.0, 0.5, n))),
    )


PANEL = gapped_minutes()
MATRIX = minute_features(PANEL)
BARS = pd.DataFrame(
    {name: getattr(PANEL, name) for name in ("open", "high", "low", "close", "volume")}
    | {"session": PANEL.sessions, "minute": PANEL.minutes}
).astype({"minute": float})
OPENS, H, L, C, V = (BARS[name] for name in ("open", "high", "low", "close", "volume"))
DAY = BARS["session"]
BEFORE = C.groupby(DAY).shift().fillna(OPENS)
R = pd.Series(np.log(C / BEFORE))
UP = pd.Series(np.sign(C - BEFORE))
DOLLARS = V * C
TYPICAL = (H + L + C) / 3


def so_far(x: Series) -> Series:
    return x.groupby(DAY).cumsum()


def opened(x: Series) -> Series:
    return x.groupby(DAY).transform("first")


VWAP = so_far(V * TYPICAL) / so_far(V)
HIGH, LOW = H.groupby(DAY).cummax(), L.groupby(DAY).cummin()
SINCE = BARS["minute"] - opened(BARS["minute"])
EARLY = SINCE < 30


def weighted(x: Series, alpha: float, window: int) -> Series:
    weights = (1.0 - alpha) ** np.arange(window)[::-1]
    means = sliding_window_view(x.to_numpy(), window) @ (weights / weights.sum())
    return pd.Series(np.concatenate([np.full(window - 1, np.nan), means]))


def rsi() -> Series:
    move = C - BEFORE
    return 100 * weighted(move.clip(lower=0), 1 / 14, 126) / weighted(move.abs(), 1 / 14, 126)


def vwap_z() -> Series:
    def of_session(bars: Any) -> Series:
        price = (bars["high"] + bars["low"] + bars["close"]) / 3
        figures = []
        for i in range(1, len(bars) + 1):
            centre = np.average(price[:i], weights=bars["volume"][:i])
            spread = np.average((price[:i] - centre) ** 2, weights=bars["volume"][:i]) ** 0.5
            distance = bars["close"].iloc[i - 1] - centre
            figures.append(distance / spread if spread > 1e-6 * centre else np.nan)
        return pd.Series(figures, index=bars.index)

    return pd.concat([of_session(bars) for _, bars in BARS.groupby("session")])


def path_to_mean() -> Series:
    """Against the last 20 prices, the first session's open among them; overnight gaps left out."""
    path = pd.Series(np.concatenate([[0.0], R.cumsum()]))
    return (path - path.rolling(20).mean())[1:]


def macd() -> Series:
    """From the path itself: an average of span n over 5 n bars, each bar's own steps cut there."""
    fast, slow = ((n - 1) / 2 * weighted(R, 2 / (n + 1), 5 * n) for n in (12, 26))
    return slow - fast


def opening_range() -> Series:
    top = opened(OPENS).where(~EARLY, H).groupby(DAY).cummax()
    bottom = opened(OPENS).where(~EARLY, L).groupby(DAY).cummin()
    return (C - bottom) / (top - bottom)


def volume_curve() -> Series:
    """By minute of the day: what had been traded by then in each session, carried forward."""
    table = BARS.assign(traded=so_far(DOLLARS)).pivot(
        index="minute", columns="session", values="traded"
    )
    usual = table.ffill().T.rolling(5).mean().shift().T
    now = [usual.loc[m, s] for m, s in zip(BARS["minute"], DAY, strict=True)]
    return np.log(so_far(DOLLARS) / pd.Series(now))


def share(x: Series) -> Series:
    return so_far(x) / so_far(V)


def returned(n: int) -> Series:
    return R.rolling(n).sum()


EXPECTED: dict[str, Callable[[], Series]] = {
    "vwap_distance": lambda: C / VWAP - 1,
    "vwap_z": vwap_z,
    "session_return_so_far": lambda: np.log(C / opened(OPENS)),
    "session_range_so_far": lambda: np.log(HIGH / LOW),
    "close_in_session_range": lambda: (C - LOW) / (HIGH - LOW),
    "volume_share_so_far": lambda: V / so_far(V),
    "minutes_since_open": lambda: SINCE,
    "minute_return": lambda: R,
    **{f"return_{n}m": partial(returned, n) for n in (5, 10, 30, 60)},
    "bar_range": lambda: np.log(H / L),
    "volatility_30m": lambda: (390 * 252) ** 0.5 * R.rolling(30).std(),
    "rsi_14m": rsi,
    "volume_z_30m": lambda: (V - V.rolling(30).mean()) / V.rolling(30).std(),
    "signed_volume_30m": lambda: (UP * V).rolling(30).sum() / V.rolling(30).sum(),
    "below_session_high": lambda: np.log(C / HIGH),
    "above_session_low": lambda: np.log(C / LOW),
    "opening_range_position": opening_range,
    "vwap_return_so_far": lambda: np.log(VWAP / opened(OPENS)),
    "realised_volatility_so_far": lambda: so_far(R**2) ** 0.5,
    "upside_share_so_far": lambda: so_far(R.clip(lower=0) ** 2) / so_far(R**2),
    "tick_imbalance_so_far": lambda: UP.groupby(DAY).expanding().mean().reset_index(drop=True),
    "signed_volume_so_far": lambda: share(UP * V),
    "volume_curve_deviation": volume_curve,
    "opening_volume_share": lambda: share(V.where(EARLY, 0.0)),
    "closing_volume_share": lambda: share(V.where(BARS["minute"] >= 930, 0.0)),
    "minutes_since_bar": lambda: BARS["minute"].groupby(DAY).diff().fillna(0.0),
    "macd_12_26m": macd,
    "path_to_mean_20m": path_to_mean,
    "efficiency_30m": lambda: R.rolling(30).sum() / R.abs().rolling(30).sum(),
    "variance_ratio_5_60m": lambda: returned(5).rolling(60).var() / (5 * R.rolling(60).var()),
    "autocorrelation_60m": lambda: R.rolling(60).corr(R.shift()),
    "volatility_ratio_10_60m": lambda: R.rolling(10).std() / R.rolling(60).std(),
    "skewness_60m": lambda: R.rolling(60).apply(
        lambda w: ((w - w.mean()) ** 3).mean() / w.std() ** 3, raw=True
    ),
    "body_share": lambda: (C - OPENS) / (H - L),
    "tick_imbalance_30m": lambda: UP.rolling(30).mean(),
    "roll_spread_60m": lambda: 2 * (-R.rolling(60).cov(R.shift())).clip(lower=0) ** 0.5,
    "amihud_30m": lambda: 1e6 * R.abs().rolling(30).sum() / DOLLARS.rolling(30).sum(),
    "dollars_trend_5_30m": lambda: DOLLARS.rolling(5).mean() / DOLLARS.rolling(30).mean(),
    "size_move_correlation_30m": lambda: R.abs().rolling(30).corr(DOLLARS),
}


@pytest.mark.parametrize("name", INTRADAY.names)
def test_a_feature_equals_an_independent_calculation(name: str) -> None:
    ours = MATRIX[:, INTRADAY.names.index(name)].astype(np.float64)
    expected = np.array(EXPECTED[name](), dtype=np.float64)
    expected[: INTRADAY[name].look_back] = np.nan

    np.testing.assert_array_equal(np.isnan(ours), np.isnan(expected))
    assert np.isfinite(ours).sum() > 900
    np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=2e-7)


def test_the_trailing_mean_of_a_path_is_the_weighted_sum_of_its_steps() -> None:
    """The law behind the moving average convergence: an infinite window, its tail left out."""
    path = R.cumsum()
    fast, slow = (path.ewm(span=n, adjust=False).mean() for n in (12, 26))
    ours = MATRIX[:, INTRADAY.names.index("macd_12_26m")]

    np.testing.assert_allclose(ours[300:], (fast - slow)[300:], atol=2e-6)
