"""What the oscillators, patterns, bands and further features of AAPL are, by other means."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import talib

from tests.unit.quant.real_bars import SYMBOLS, A, B, Bars, Frame, Series, ema, true_range, wilder

ANNUAL = 252**0.5
DATES = A.c.index.to_series()
MOVE = A.c.diff()
TR = true_range()
MIDDLE = (A.h + A.l) / 2.0


def rolled(x: Series, n: int, what: Callable[[np.ndarray], float]) -> Series:
    return x.rolling(n).apply(what, raw=True)


def top(n: int) -> Series:
    return A.h.rolling(n).max()


def bottom(n: int) -> Series:
    return A.l.rolling(n).min()


def of_talib(name: str, *arguments: object) -> Series:
    prices = {
        "AROON": (A.h, A.l), "MIDPRICE": (A.h, A.l), "WMA": (A.c,), "ULTOSC": (A.h, A.l, A.c),
        "WILLR": (A.h, A.l, A.c), "BOP": (A.o, A.h, A.l, A.c),
    }  # fmt: skip
    result = getattr(talib, name)(*prices[name], *arguments)
    return result[1] if name == "AROON" else result


def pattern(name: str) -> Series:
    return getattr(talib, f"CDL{name}")(A.o, A.h, A.l, A.c).astype(float)


PATTERNS = {
    "doji": "DOJI",
    "dragonfly_doji": "DRAGONFLYDOJI",
    "gravestone_doji": "GRAVESTONEDOJI",
    "long_legged_doji": "LONGLEGGEDDOJI",
    "hammer": "HAMMER",
    "hanging_man": "HANGINGMAN",
    "inverted_hammer": "INVERTEDHAMMER",
    "shooting_star": "SHOOTINGSTAR",
    "marubozu": "MARUBOZU",
    "spinning_top": "SPINNINGTOP",
    "belt_hold": "BELTHOLD",
    "engulfing": "ENGULFING",
    "harami": "HARAMI",
    "piercing": "PIERCING",
    "dark_cloud_cover": "DARKCLOUDCOVER",
    "morning_star": "MORNINGSTAR",
    "evening_star": "EVENINGSTAR",
    "three_inside": "3INSIDE",
    "three_outside": "3OUTSIDE",
    "three_white_soldiers": "3WHITESOLDIERS",
    "three_black_crows": "3BLACKCROWS",
}


def rsi(n: int) -> Series:
    return 100 * wilder(MOVE.clip(lower=0), n) / wilder(MOVE.abs(), n)


def stochastic_rsi() -> Series:
    x = rsi(14)
    low, high = x.rolling(14).min(), x.rolling(14).max()
    return 100 * (x - low) / (high - low)


def trix() -> Series:
    return 100 * ema(ema(ema(A.c, 15), 15), 15).pct_change()


def vortex() -> Series:
    up, down = (A.h - A.l.shift()).abs(), (A.l - A.h.shift()).abs()
    return (up.rolling(14).sum() - down.rolling(14).sum()) / TR.rolling(14).sum()


def dx() -> Series:
    up, down = A.h.diff(), -A.l.diff()
    plus = up.where((up > down) & (up > 0), 0.0).where(up.notna())
    minus = down.where((down > up) & (down > 0), 0.0).where(up.notna())
    p, m = wilder(plus, 14), wilder(minus, 14)
    return 100 * (p - m).abs() / (p + m)


def choppiness() -> Series:
    return 100 * np.log10(TR.rolling(14).sum() / (top(14) - bottom(14))) / np.log10(14)


def residual(window: np.ndarray) -> float:
    t = np.arange(window.size)
    rest = window - np.polyval(np.polyfit(t, window, 1), t)
    return float(rest[-1] / rest.std())


def r_squared(window: np.ndarray) -> float:
    return float(np.corrcoef(np.arange(window.size), window)[0, 1] ** 2)


def yang_zhang(n: int) -> Series:
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    night, day = np.log(A.o / A.c.shift()), np.log(A.c / A.o)
    up, down = np.log(A.h / A.o), np.log(A.l / A.o)
    satchell = up * (up - day) + down * (down - day)
    within = k * day.rolling(n).var() + (1 - k) * satchell.rolling(n).mean()
    return (252 * (night.rolling(n).var() + within)) ** 0.5


def mass_index() -> Series:
    once = ema(A.h - A.l, 9)
    return (once / ema(once, 9)).rolling(25).sum()


def mean_square(x: Series, n: int) -> Series:
    return (x**2).rolling(n).mean()


def jump_share() -> Series:
    bipower = np.pi / 2 * (A.r.abs() * A.r.abs().shift()).rolling(21).mean()
    return (1 - bipower / mean_square(A.r, 21)).clip(lower=0)


def ulcer_index() -> Series:
    return mean_square(100 * (A.c / A.c.rolling(14).max() - 1), 14) ** 0.5


def downside(r: Series) -> Series:
    return (r.clip(upper=0) ** 2).rolling(63).sum() / (r**2).rolling(63).sum()


def obv_to_mean() -> Series:
    line = pd.Series(talib.OBV(A.c, A.v), index=A.c.index)
    return (line - line.rolling(21).mean()) / A.v.rolling(21).mean()


def chaikin_oscillator() -> Series:
    """A mean of span n of a running sum trails it by (n - 1) / 2 means of what was added."""
    added = ((A.c - A.l) - (A.h - A.c)) / (A.h - A.l) * A.v
    return (4.5 * ema(added, 10) - 1.0 * ema(added, 3)) / A.v.rolling(21).mean()


def rank_in_window(w: np.ndarray) -> float:
    """Share below the newest; what equals it but for rounding counts half."""
    less = w[:-1] / w[-1] - 1.0
    return float(((less < -1e-12) + 0.5 * (np.abs(less) <= 1e-12)).mean())


def ease_of_movement() -> Series:
    per_share = MIDDLE.diff() / A.c * (A.h - A.l) / A.c / A.v
    return 1e4 * per_share.rolling(14).mean() * A.v.rolling(14).mean()


def slope_on(y: Series, x: Series, n: int) -> Series:
    return y.rolling(n).cov(x) / x.rolling(n).var()


def impact() -> Series:
    return slope_on(A.r, np.sign(A.r) * (A.dollars / 1e6) ** 0.5, 63)


def reversal() -> Series:
    usual = A.dollars.rolling(63).mean()
    return slope_on(A.r, (np.sign(A.r) * A.dollars / usual).shift(), 63)


def side_by_side(of: Callable[[Bars], Series]) -> Frame:
    return pd.concat([of(B[symbol]) for symbol in SYMBOLS], axis=1)


def ranked(of: Callable[[Bars], Series]) -> Series:
    return (side_by_side(of).rank(axis=1).iloc[:, 0] - 1) / 2


def beyond(n: int) -> Callable[[Bars], Series]:
    return lambda b: np.log(b.total).diff(n)


def standing() -> Series:
    frame = side_by_side(beyond(5))
    return (frame.iloc[:, 0] - frame.mean(axis=1)) / frame.std(axis=1)


def common_variance() -> Series:
    frame = side_by_side(lambda b: b.r)
    return frame.mean(axis=1).rolling(63).var() / frame.rolling(63).var().mean(axis=1)


def idiosyncratic() -> Series:
    tied = A.r.rolling(126).corr(A.m)
    return ANNUAL * A.r.rolling(126).std() * (1 - tied**2) ** 0.5


def breadth() -> Series:
    frame = side_by_side(lambda b: (b.c > b.c.rolling(50).mean()).where(b.c.shift(49).notna()))
    return frame.astype(float).mean(axis=1)


def turn_of_month() -> Series:
    left = (DATES + pd.offsets.MonthEnd(0) - DATES).dt.days
    return ((left < 4) | (DATES.dt.day <= 3)).astype(float)


def expiry_week() -> Series:
    """By pandas' own third Fridays: the five days up to one."""
    fridays = pd.date_range("1999-12-01", "2013-12-31", freq="WOM-3FRI")
    days = {friday - pd.Timedelta(days=back) for friday in fridays for back in range(5)}
    return pd.Series([float(day in days) for day in DATES], index=DATES.index)


def log_return(n: int) -> Series:
    return np.log(A.total).diff(n)


WIDER: dict[str, Callable[[], Series]] = {
    **{ours: partial(pattern, theirs) for ours, theirs in PATTERNS.items()},
    "overnight_return_21": lambda: (A.r - np.log(A.c / A.o)).rolling(21).sum(),
    "max_return_21": lambda: A.r.rolling(21).max(),
    "min_return_21": lambda: A.r.rolling(21).min(),
    "rsi_5": lambda: rsi(5),
    "williams_r_21": lambda: of_talib("WILLR", 21),
    "cmo_9": lambda: 100
    * (MOVE.clip(lower=0).rolling(9).sum() - (-MOVE).clip(lower=0).rolling(9).sum())
    / MOVE.abs().rolling(9).sum(),
    "ultimate_oscillator": lambda: of_talib("ULTOSC", 7, 14, 28),
    "stochastic_rsi_14": stochastic_rsi,
    "balance_of_power_14": lambda: of_talib("BOP").rolling(14).mean(),
    "awesome_5_34": lambda: (MIDDLE.rolling(5).mean() - MIDDLE.rolling(34).mean()) / A.c,
    "trix_15": trix,
    "vortex_14": vortex,
    "return_acceleration_21": lambda: log_return(21) - log_return(21).shift(21),
    "return_to_volatility_126": lambda: A.r.rolling(126).mean() / A.r.rolling(126).std(),
    "close_to_sma_100": lambda: A.c / A.c.rolling(100).mean() - 1,
    "sma_50_to_200": lambda: A.c.rolling(50).mean() / A.c.rolling(200).mean() - 1,
    "close_to_ema_100": lambda: A.c / ema(A.c, 100) - 1,
    "close_to_wma_20": lambda: A.c / of_talib("WMA", 20) - 1,
    "close_to_dema_20": lambda: A.c / (2 * ema(A.c, 20) - ema(ema(A.c, 20), 20)) - 1,
    "ichimoku_9_26": lambda: of_talib("MIDPRICE", 9) / of_talib("MIDPRICE", 26) - 1,
    "dx_14": dx,
    "aroon_up_25": lambda: of_talib("AROON", 25),
    "above_low_252": lambda: A.c / bottom(252) - 1,
    "sessions_since_high_252": lambda: rolled(A.h, 252, lambda w: float(np.argmax(w[::-1]))),
    "choppiness_14": choppiness,
    "trend_r_squared_21": lambda: rolled(np.log(A.c), 21, r_squared),
    "trend_residual_63": lambda: rolled(np.log(A.c), 63, residual),
    "variance_ratio_5_126": lambda: (
        log_return(5).rolling(126).var() / (5 * A.r.rolling(126).var())
    ),
    "autocorrelation_63": lambda: A.r.rolling(63).corr(A.r.shift()),
    "volatility_5": lambda: ANNUAL * A.r.rolling(5).std(),
    "parkinson_63": lambda: ANNUAL * (mean_square(np.log(A.h / A.l), 63) / (4 * np.log(2))) ** 0.5,
    "yang_zhang_63": lambda: yang_zhang(63),
    "bollinger_width_20": lambda: 4 * A.c.rolling(20).std(ddof=0) / A.c.rolling(20).mean(),
    "keltner_20": lambda: (A.c - ema(A.c, 20)) / (2 * wilder(TR, 10)),
    "squeeze_20": lambda: 2 * A.c.rolling(20).std(ddof=0) / (1.5 * TR.rolling(20).mean()),
    "atr_ratio_5_21": lambda: wilder(TR, 5) / wilder(TR, 21),
    "range_to_atr_14": lambda: TR / wilder(TR, 14).shift(),
    "mass_index_25": mass_index,
    "downside_deviation_63": lambda: ANNUAL * mean_square(A.r.clip(upper=0), 63) ** 0.5,
    "downside_share_63": lambda: downside(A.r),
    "ulcer_index_14": ulcer_index,
    "volatility_rank_126": lambda: rolled(A.r.rolling(21).std(), 126, rank_in_window),
    "jump_share_21": jump_share,
    "close_to_vwap_5": lambda: (
        A.c / ((A.typical * A.v).rolling(5).sum() / A.v.rolling(5).sum()) - 1
    ),
    "relative_volume_21": lambda: A.v / A.v.rolling(21).mean(),
    "obv_to_mean_21": obv_to_mean,
    "chaikin_oscillator_3_10": chaikin_oscillator,
    "force_index_13": lambda: ema(MOVE * A.v, 13) / (A.c * A.v.rolling(21).mean()),
    "ease_of_movement_14": ease_of_movement,
    "volume_weighted_return_21": lambda: (
        (A.r * A.v).rolling(21).sum() / A.v.rolling(21).sum()
    ),
    "volume_slope_21": lambda: rolled(
        np.log(A.v), 21, lambda w: float(np.polyfit(np.arange(21), w, 1)[0])
    ),
    "volume_range_correlation_63": lambda: np.log(A.v).rolling(63).corr(np.log(A.h / A.l)),
    "volume_concentration_21": lambda: A.v.rolling(21).max() / A.v.rolling(21).sum(),
    "zero_return_share_63": lambda: (
        (MOVE == 0).astype(float).where(MOVE.notna()).rolling(63).mean()
    ),
    "amihud_ratio_5_63": lambda: (
        (A.r.abs() / A.dollars).rolling(5).mean() / (A.r.abs() / A.dollars).rolling(63).mean()
    ),
    "impact_63": impact,
    "return_reversal_63": reversal,
    "rank_return_63": lambda: ranked(beyond(63)),
    "rank_momentum_252_21": lambda: ranked(lambda b: np.log(b.total).diff(231).shift(21)),
    "rank_amihud_21": lambda: ranked(lambda b: (b.r.abs() / b.dollars).rolling(21).mean()),
    "rank_beta_126": lambda: ranked(lambda b: slope_on(b.r, b.m, 126)),
    "relative_return_21": lambda: log_return(21) - side_by_side(beyond(21)).mean(axis=1),
    "standing_5": standing,
    "dispersion_21": lambda: side_by_side(beyond(21)).std(axis=1),
    "breadth_sma_50": breadth,
    "common_variance_63": common_variance,
    "strength_63": lambda: log_return(63) - np.log(A.index).diff(63),
    "idiosyncratic_volatility_126": idiosyncratic,
    "day_of_year": lambda: DATES.dt.dayofyear.astype(float),
    "turn_of_month": turn_of_month,
    "expiry_week": expiry_week,
    "index_return_126": lambda: np.log(A.index).diff(126),
    "index_volatility_ratio_21_63": lambda: A.m.rolling(21).std() / A.m.rolling(63).std(),
    "index_trend_r_squared_63": lambda: rolled(np.log(A.index), 63, r_squared),
    "index_autocorrelation_63": lambda: A.m.rolling(63).corr(A.m.shift()),
    "index_downside_share_63": lambda: downside(A.m),
}  # fmt: skip
