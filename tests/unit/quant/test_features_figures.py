"""Every daily feature against an independent calculation in pandas, on real bars with splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import talib

from quant.features import DAILY, daily_features
from quant.features.panel import ROW_COLUMNS
from tests.unit.quant.real_bars import (
    PANEL,
    SECTORS,
    SYMBOLS,
    A,
    B,
    Bars,
    Series,
    ema,
    true_range,
    wilder,
)
from tests.unit.quant.wider_figures import WIDER

MATRIX = daily_features(PANEL)


def ours(name: str) -> np.ndarray:
    return MATRIX[: PANEL.offsets[1], DAILY.names.index(name)].astype(np.float64)


def rsi(n: int) -> Series:
    move = A.c.diff()
    return 100.0 - 100.0 / (1.0 + wilder(move.clip(lower=0), n) / wilder((-move).clip(lower=0), n))


def directional() -> tuple[Series, Series]:
    up, down = A.h.diff(), -A.l.diff()
    plus = up.where((up > down) & (up > 0), 0.0).where(up.notna())
    minus = down.where((down > up) & (down > 0), 0.0).where(up.notna())
    atr = wilder(true_range(), 14)
    return 100 * wilder(plus, 14) / atr, 100 * wilder(minus, 14) / atr


def adx() -> Series:
    plus, minus = directional()
    return wilder(100 * (plus - minus).abs() / (plus + minus), 14)


def tsi() -> Series:
    move = A.c.diff()
    return 100 * ema(ema(move, 25), 13) / ema(ema(move.abs(), 25), 13)


def line() -> Series:
    return ema(A.c, 12) - ema(A.c, 26)


def fitted(n: int, what: str) -> Series:
    def one(window: np.ndarray) -> float:
        slope, level = np.polyfit(np.arange(n), window, 1)
        rest = window - slope * np.arange(n) - level
        return float(slope if what == "slope" else 1.0 - rest.var() / window.var())

    return np.log(A.c).rolling(n).apply(one, raw=True)


def yang_zhang() -> Series:
    n = 21
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    night, day = np.log(A.o / A.c.shift()), np.log(A.c / A.o)
    return (
        252
        * (
            night.rolling(n).var()
            + k * day.rolling(n).var()
            + (1 - k) * satchell().rolling(n).mean()
        )
    ) ** 0.5


def satchell() -> Series:
    up, down, close = np.log(A.h / A.o), np.log(A.l / A.o), np.log(A.c / A.o)
    return up * (up - close) + down * (down - close)


def mfi() -> Series:
    flow = A.typical * A.v
    move = A.typical.diff().round(9)
    gain, loss = flow.where(move > 0, 0.0), flow.where(move < 0, 0.0)
    gain[move.isna()] = np.nan
    return 100 * gain.rolling(14).sum() / (gain + loss).rolling(14).sum()


def corwin_schultz() -> Series:
    """Two sessions at a time, as in the paper's section II, in a plain loop."""
    h, low, c = A.h.to_numpy(), A.l.to_numpy(), A.c.to_numpy()
    out = np.full(h.size, np.nan)
    k = 3 - 2 * 2**0.5
    for t in range(1, h.size):
        high, bottom = h[t], low[t]
        if bottom > c[t - 1]:
            high, bottom = high - (bottom - c[t - 1]), c[t - 1]
        elif high < c[t - 1]:
            high, bottom = c[t - 1], bottom + (c[t - 1] - high)
        beta = np.log(high / bottom) ** 2 + np.log(h[t - 1] / low[t - 1]) ** 2
        gamma = np.log(max(high, h[t - 1]) / min(bottom, low[t - 1])) ** 2
        alpha = ((2 * beta) ** 0.5 - beta**0.5) / k - (gamma / k) ** 0.5
        out[t] = max(0.0, 2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha)))
    return pd.Series(out, index=A.h.index).rolling(21).mean()


def abdi_ranaldo() -> Series:
    middle = (np.log(A.h) + np.log(A.l)) / 2
    c = np.log(A.c)
    product = 4 * (c.shift() - middle.shift()) * (c.shift() - middle)
    return product.rolling(21).mean().clip(lower=0) ** 0.5


def roll() -> Series:
    move = np.log(A.c).diff()
    return 2 * (-move.rolling(21).cov(move.shift())).clip(lower=0) ** 0.5


def z(x: Series, n: int) -> Series:
    return (x - x.rolling(n).mean()) / x.rolling(n).std()


def total(b: Bars, n: int) -> Series:
    return np.log(b.total).diff(n)


def ranked(of: Callable[[Bars], Series]) -> Series:
    """Rank of AAPL among three: 0, ½ or 1."""
    frame = pd.concat([of(B[s]) for s in SYMBOLS], axis=1)
    return (frame.rank(axis=1).iloc[:, 0] - 1) / 2


def to_mean(n: int) -> Series:
    return A.c / A.c.rolling(n).mean() - 1


def to_ema(n: int) -> Series:
    return A.c / ema(A.c, n) - 1


def volatility(n: int) -> Series:
    return 252**0.5 * A.r.rolling(n).std()


def rank_of_return(n: int) -> Series:
    return ranked(lambda b: total(b, n))


def strength(n: int) -> Series:
    return total(A, n) - np.log(A.index).diff(n)


def mean_total(n: int, sector: int | None = None) -> Series:
    """Mean log return of the members of a sector, or of all."""
    own = [total(B[s], n) for s in SYMBOLS if sector is None or SECTORS[s] == sector]
    return pd.concat(own, axis=1).dropna().mean(axis=1).reindex(A.c.index)


def sector_strength(n: int) -> Series:
    return total(A, n) - mean_total(n, SECTORS["AAPL"])


def slope_126() -> Series:
    return A.r.rolling(126).cov(A.m) / A.m.rolling(126).var()


def rank_in_window(x: Series, n: int) -> Series:
    return x.rolling(n).apply(lambda w: (w[:-1] < w[-1]).mean(), raw=True)


ANNUAL = 252**0.5
DATES = A.c.index.to_series()
EXPECTED: dict[str, Callable[[], Series]] = {
    **WIDER,
    **{f"return_{n}": partial(total, A, n) for n in (1, 2, 3, 5, 10, 21, 63, 126, 252)},
    "return_252_skip_21": lambda: total(A, 231).shift(21),
    "overnight_return": lambda: A.r - np.log(A.c / A.o),
    "session_return": lambda: np.log(A.c / A.o),
    "close_in_range": lambda: (A.c - A.l) / (A.h - A.l),
    "rsi_14": lambda: rsi(14),
    "rsi_21": lambda: rsi(21),
    "stochastic_14": lambda: pd.Series(talib.STOCHF(A.h, A.l, A.c, 14, 1)[0]).shift(0),
    "stochastic_d_14": lambda: pd.Series(talib.STOCHF(A.h, A.l, A.c, 14, 3)[1]),
    "cci_20": lambda: pd.Series(talib.CCI(A.h, A.l, A.c, 20)),
    "tsi_25_13": tsi,
    "efficiency_21": lambda: A.c.diff(21) / A.c.diff().abs().rolling(21).sum(),
    "up_share_21": lambda: (A.r > 0).astype(float).where(A.r.notna()).rolling(21).mean(),
    **{f"close_to_sma_{n}": partial(to_mean, n) for n in (10, 20, 50, 200)},
    **{f"close_to_ema_{n}": partial(to_ema, n) for n in (20, 50)},
    "macd": lambda: line() / A.c,
    "macd_histogram": lambda: (line() - ema(line(), 9)) / A.c,
    "adx_14": adx,
    "di_difference_14": lambda: directional()[0] - directional()[1],
    "aroon_25": lambda: pd.Series(talib.AROONOSC(A.h, A.l, 25)),
    "trend_slope_21": lambda: fitted(21, "slope"),
    "trend_slope_63": lambda: fitted(63, "slope"),
    "trend_r_squared_63": lambda: fitted(63, "r2"),
    "below_high_252": lambda: A.c / A.h.rolling(252).max() - 1,
    **{f"volatility_{n}": partial(volatility, n) for n in (10, 21, 63, 252)},
    "parkinson_21": lambda: (
        ANNUAL * ((np.log(A.h / A.l) ** 2).rolling(21).mean() / (4 * np.log(2))) ** 0.5
    ),
    "garman_klass_21": lambda: (
        ANNUAL
        * (0.5 * np.log(A.h / A.l) ** 2 - (2 * np.log(2) - 1) * np.log(A.c / A.o) ** 2)
        .rolling(21)
        .mean()
        ** 0.5
    ),
    "rogers_satchell_21": lambda: ANNUAL * satchell().rolling(21).mean() ** 0.5,
    "yang_zhang_21": yang_zhang,
    "atr_14": lambda: wilder(true_range(), 14) / A.c,
    "bollinger_20": lambda: (A.c - A.c.rolling(20).mean()) / A.c.rolling(20).std(ddof=0),
    "volatility_ratio_21_63": lambda: A.r.rolling(21).std() / A.r.rolling(63).std(),
    "volatility_of_volatility_63": lambda: ANNUAL * A.r.rolling(10).std().rolling(63).std(),
    "skewness_63": lambda: A.r.rolling(63).apply(
        lambda w: ((w - w.mean()) ** 3).mean() / w.std() ** 3, raw=True
    ),
    "kurtosis_63": lambda: A.r.rolling(63).apply(
        lambda w: ((w - w.mean()) ** 4).mean() / w.var() ** 2, raw=True
    ),
    "volume_z_21": lambda: z(np.log(A.v), 21),
    "volume_z_63": lambda: z(np.log(A.v), 63),
    "volume_trend_5_63": lambda: A.v.rolling(5).mean() / A.v.rolling(63).mean(),
    "log_dollar_volume_21": lambda: np.log(A.dollars.rolling(21).mean()),
    "mfi_14": mfi,
    "on_balance_21": lambda: (np.sign(A.c.diff()) * A.v).rolling(21).sum() / A.v.rolling(21).sum(),
    "chaikin_flow_21": lambda: (
        (((A.c - A.l) - (A.h - A.c)) / (A.h - A.l) * A.v).rolling(21).sum() / A.v.rolling(21).sum()
    ),
    "close_to_vwap_21": lambda: (
        A.c / ((A.typical * A.v).rolling(21).sum() / A.v.rolling(21).sum()) - 1
    ),
    "volume_return_correlation_21": lambda: A.r.rolling(21).corr(np.log(A.v).diff()),
    "roll_spread_21": roll,
    "corwin_schultz_21": corwin_schultz,
    "abdi_ranaldo_21": abdi_ranaldo,
    "amihud_21": lambda: 1e6 * (A.r.abs() / A.dollars).rolling(21).mean(),
    **{f"rank_return_{n}": partial(rank_of_return, n) for n in (1, 5, 21, 126)},
    "rank_volatility_63": lambda: ranked(lambda b: b.r.rolling(63).std()),
    "rank_dollar_volume_21": lambda: ranked(lambda b: b.dollars.rolling(21).mean()),
    **{f"strength_{n}": partial(strength, n) for n in (5, 21, 126)},
    **{f"sector_strength_{n}": partial(sector_strength, n) for n in (5, 21, 126)},
    "sector_lead_21": lambda: mean_total(21, SECTORS["AAPL"]) - mean_total(21),
    "beta_126": slope_126,
    "beta_relative_21": lambda: total(A, 21) - slope_126() * np.log(A.index).diff(21),
    "index_correlation_63": lambda: A.r.rolling(63).corr(A.m),
    "dispersion_1": lambda: pd.concat([B[s].r for s in SYMBOLS], axis=1).std(axis=1),
    "breadth_21": lambda: (
        pd.concat([total(B[s], 21) for s in SYMBOLS], axis=1)
        .dropna()
        .gt(0)
        .mean(axis=1)
        .reindex(A.c.index)
    ),
    "weekday": lambda: DATES.dt.weekday.astype(float),
    "day_of_month": lambda: DATES.dt.day.astype(float),
    "month": lambda: DATES.dt.month.astype(float),
    "days_since_session": lambda: DATES.diff().dt.days,
    "index_return_21": lambda: np.log(A.index).diff(21),
    "index_volatility_21": lambda: ANNUAL * A.m.rolling(21).std(),
    "index_volatility_rank_231": lambda: rank_in_window(A.m.rolling(21).std(), 231),
    "index_to_sma_200": lambda: np.log(A.index) - np.log(A.index).rolling(200).mean(),
    "index_drawdown_252": lambda: np.log(A.index) - np.log(A.index).rolling(252).max(),
}


@pytest.mark.parametrize("name", DAILY.names)
def test_a_feature_equals_an_independent_calculation(name: str) -> None:
    expected = EXPECTED[name]().to_numpy(dtype=np.float64)
    full = np.isfinite(expected)
    full[: DAILY[name].look_back] = False  # TA-Lib and pandas may begin with what they have

    assert full.sum() > 3_000 - 270
    np.testing.assert_allclose(ours(name)[full], expected[full], rtol=3e-5, atol=2e-7)
    missing = ~np.isfinite(expected)
    assert np.isnan(ours(name)[missing]).all()


def band_width() -> Series:
    upper, middle, lower = talib.BBANDS(A.c, 20)
    return (upper - lower) / middle


def keltner() -> Series:
    return (A.c - talib.EMA(A.c, 20)) / (2 * talib.ATR(A.h, A.l, A.c, 10))


def chaikin() -> Series:
    return talib.ADOSC(A.h, A.l, A.c, A.v, 3, 10) / A.v.rolling(21).mean()


@pytest.mark.parametrize(
    ("name", "theirs", "atol"),
    [
        # What TA-Lib gives to sessions older than our window: (13/14)^126 = 9e-5 of the whole.
        ("rsi_14", lambda: talib.RSI(A.c, 14), 0.05),
        ("rsi_21", lambda: talib.RSI(A.c, 21), 0.05),
        ("adx_14", lambda: talib.ADX(A.h, A.l, A.c, 14), 0.05),
        ("atr_14", lambda: talib.ATR(A.h, A.l, A.c, 14) / A.c, 1e-4),
        ("macd", lambda: talib.MACD(A.c)[0] / A.c, 2e-4),
        ("close_to_ema_20", lambda: A.c / talib.EMA(A.c, 20) - 1, 1e-4),
        ("close_to_sma_50", lambda: A.c / talib.SMA(A.c, 50) - 1, 1e-6),
        ("mfi_14", lambda: talib.MFI(A.h, A.l, A.c, A.v, 14), 1e-3),
        ("trend_slope_21", lambda: talib.LINEARREG_SLOPE(np.log(A.c), 21), 1e-7),
        ("rsi_5", lambda: talib.RSI(A.c, 5), 0.05),
        ("dx_14", lambda: talib.DX(A.h, A.l, A.c, 14), 0.05),
        ("trix_15", lambda: talib.TRIX(A.c, 15), 1e-3),
        ("close_to_dema_20", lambda: A.c / talib.DEMA(A.c, 20) - 1, 1e-4),
        ("bollinger_width_20", band_width, 1e-6),
        ("keltner_20", keltner, 5e-3),
        (
            "atr_ratio_5_21",
            lambda: talib.ATR(A.h, A.l, A.c, 5) / talib.ATR(A.h, A.l, A.c, 21),
            1e-3,
        ),
        ("stochastic_rsi_14", lambda: talib.STOCHRSI(A.c, 14, 14, 1)[0], 2.0),
        ("chaikin_oscillator_3_10", chaikin, 2e-3),
        (
            "autocorrelation_63",
            lambda: talib.CORREL(A.r.fillna(0), A.r.shift().fillna(0), 63),
            1e-5,
        ),
        ("index_correlation_63", lambda: talib.CORREL(A.r.fillna(0), A.m.fillna(0), 63), 1e-5),
    ],
)
def test_a_feature_equals_talib_up_to_what_lies_before_its_window(
    name: str, theirs: Callable[[], Series], atol: float
) -> None:
    expected = np.asarray(theirs())

    np.testing.assert_allclose(ours(name)[300:], expected[300:], atol=atol, rtol=0.0)


def test_another_future_leaves_the_past_of_real_bars_as_it_was() -> None:
    """Real bars show the patterns and unchanged closes that made-up ones hardly have."""
    cut = int(np.quantile(PANEL.sessions, 0.3))
    later = PANEL.sessions >= cut
    rng = np.random.default_rng(8)
    columns = {name: getattr(PANEL, name).copy() for name in ROW_COLUMNS}
    for values in columns.values():
        values[later] *= np.exp(rng.normal(0.0, 0.02, int(later.sum())))
    index = PANEL.index_close.copy()
    index[PANEL.index_sessions >= cut] *= 1.5 + rng.random(int((PANEL.index_sessions >= cut).sum()))

    other = daily_features(replace(PANEL, index_close=index, **columns))

    np.testing.assert_array_equal(other[~later], MATRIX[~later])
    moved = ~np.all((other == MATRIX) | np.isnan(other) & np.isnan(MATRIX), axis=0)
    assert all(moved[i] or f.group == "calendar" for i, f in enumerate(DAILY))
