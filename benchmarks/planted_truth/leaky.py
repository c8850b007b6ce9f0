"""A small market, the features of it, and the mistakes that let them see what came later.

A mistake is one in the code of the features, and so is the same in training and in serving: only
the data differ that they are given. The closes hold no edge at all.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from quant.typing import BoolArray, Float64Array, FloatArray, Int64Array

N_SESSIONS, N_SYMBOLS = 450, 6
NAMES = (
    "return_5", "deviation_21", "volatility_21", "scaled_63", "rank_5", "standing_5", "level",
    "tick",
)  # fmt: skip
HISTORY = 70  # sessions until every feature is known


@dataclass(frozen=True)
class Mistake:
    """One way to see the future: which, in what manner, on which feature, by how much."""

    leak: str
    style: str = ""
    feature: str = ""
    size: float = 0.0


@dataclass(frozen=True)
class Toy:
    """Closes as first told and as corrected, actions, and who is a member."""

    closes: Float64Array  # (n_sessions, n_symbols), unadjusted
    corrected: Float64Array
    ratios: Float64Array  # what a share was split into that session, else 1
    joined: Int64Array  # session from which a symbol is a member
    left: Int64Array  # session from which it is none

    @property
    def changes(self) -> Int64Array:
        """Sessions of which more was known later: corrections, actions, new members."""
        corrected = np.flatnonzero((self.closes != self.corrected).any(axis=1))
        acted = np.flatnonzero((self.ratios != 1.0).any(axis=1))
        return np.concatenate((corrected, acted, self.joined[self.joined > 0])).astype(np.int64)


def toy(
    seed: int, *, ratio: float = 2.0, n_corrected: int = 0, correction: float = 0.05,
    n_leavers: int = 1,
) -> Toy:  # fmt: skip
    """Random walks with a common factor, fat tails and quiet and wild times."""
    rng = np.random.default_rng(seed)
    shape = (N_SESSIONS, N_SYMBOLS)
    wild = np.clip(np.exp(0.3 * np.cumsum(rng.normal(size=N_SESSIONS)) / np.sqrt(60.0)), 0.3, 3.0)
    common = rng.standard_t(4, size=(N_SESSIONS, 1))
    moves = 0.008 * wild[:, None] * (common + rng.standard_t(4, size=shape))
    ratios = np.ones(shape)
    ratios[rng.integers(200, 430, N_SYMBOLS), np.arange(N_SYMBOLS)] = ratio
    closes = 80.0 * np.exp(np.cumsum(np.clip(moves, -0.3, 0.3), axis=0)) / ratios.cumprod(axis=0)
    corrected = closes.copy()
    at = (
        rng.integers(HISTORY, N_SESSIONS - 5, n_corrected),
        rng.integers(0, N_SYMBOLS, n_corrected),
    )
    corrected[at] *= 1.0 + correction
    joined = np.zeros(N_SYMBOLS, dtype=np.int64)
    joined[-1] = int(rng.integers(200, 430))
    left = np.full(N_SYMBOLS, N_SESSIONS, dtype=np.int64)
    left[:n_leavers] = rng.integers(220, 420, n_leavers)
    return Toy(closes, corrected, ratios, joined, left)


def features(market: Toy, mistake: Mistake | None, *, until: int = N_SESSIONS - 1) -> FloatArray:
    """Features (session, symbol, feature) from what was known after the close of `until`."""
    known = _until(market, until)
    leak = "" if mistake is None else mistake.leak
    if leak == "restatement" and until == N_SESSIONS - 1:
        known = replace(known, closes=known.corrected)
    factor = known.ratios.cumprod(axis=0)
    closes = known.closes * factor
    five = _back(closes, 5)
    counted = np.arange(until + 1)[:, None] >= market.joined
    if leak == "ranks over future members":
        counted = np.broadcast_to(market.joined <= until, counted.shape)
    among = np.where(counted & np.isfinite(five), five, 0.0).sum(axis=1, keepdims=True)
    others = np.maximum(counted.sum(axis=1, keepdims=True), 1)
    level = known.closes if leak != "future-adjusted price" else closes / factor[-1]
    told = {
        "return_5": five,
        "deviation_21": closes / _rolled(closes, 21, np.mean) - 1.0,
        "volatility_21": _rolled(_back(closes, 1), 21, np.std),
        "scaled_63": (five - _rolled(five, 63, np.mean)) / _rolled(five, 63, np.std),
        "rank_5": _rank(five, counted),
        "standing_5": five - among / others,
        "level": np.log(level),
        "tick": 0.01 / level,
    }
    if mistake is not None and mistake.feature and leak in _ALTERED:
        told[mistake.feature] = _ALTERED[leak](told[mistake.feature], mistake)
    return np.stack([told[name] for name in NAMES], axis=-1)


def _until(market: Toy, session: int) -> Toy:
    seen = slice(0, session + 1)
    return replace(
        market,
        closes=market.closes[seen],
        corrected=market.corrected[seen],
        ratios=market.ratios[seen],
    )


def _shifted(values: Float64Array, mistake: Mistake) -> Float64Array:
    """Values of later sessions; at the end, where there are none, nothing or the latest known."""
    by = int(mistake.size)
    end = values[-by:] if mistake.style == "filled" else np.full((by, values.shape[1]), np.nan)
    return np.concatenate((values[by:], end))


def _centred(values: Float64Array, mistake: Mistake) -> Float64Array:
    """Figure of a window that reaches as far ahead as back, as far as there are sessions."""
    half = int(mistake.size)
    edges = np.pad(values, ((half, half), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(edges, 2 * half + 1, axis=0)
    highest: Float64Array = np.fmax.reduce(windows, axis=-1)
    if mistake.style == "highest":
        return highest
    known = np.isfinite(windows).sum(axis=-1)
    mean: Float64Array = np.nansum(windows, axis=-1) / np.maximum(known, 1)
    return np.where(known > 0, mean, np.nan)


def _scaled(values: Float64Array, mistake: Mistake) -> Float64Array:
    """Scaled or clipped by what the whole history shows."""
    lowest, highest = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    if mistake.style == "deviations":
        scaled: Float64Array = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
        return scaled
    if mistake.style == "range":
        spread: Float64Array = (values - lowest) / (highest - lowest)
        return spread
    if mistake.style == "ranks":
        below = np.mean(values[None, :, :] < values[:, None, :], axis=1)
        return np.where(np.isfinite(values), below, np.nan)
    low, high = np.nanquantile(values, (mistake.size, 1.0 - mistake.size), axis=0)
    return np.clip(values, low, high)


_ALTERED: dict[str, Callable[[Float64Array, Mistake], Float64Array]] = {
    "forward shift": _shifted,
    "centred window": _centred,
    "full-sample scaling": _scaled,
}


def _back(closes: Float64Array, n: int) -> Float64Array:
    moved = np.full(closes.shape, np.nan)
    moved[n:] = closes[n:] / closes[:-n] - 1.0
    return moved


def _rolled(values: Float64Array, n: int, figure: Callable[..., Float64Array]) -> Float64Array:
    out = np.full(values.shape, np.nan)
    out[n - 1 :] = figure(np.lib.stride_tricks.sliding_window_view(values, n, axis=0), axis=-1)
    return out


def _rank(values: Float64Array, counted: BoolArray) -> Float64Array:
    """Share of the counted symbols a symbol is above, in each session."""
    below = (values[:, :, None] > values[:, None, :]) & counted[:, None, :]
    others = np.maximum(counted.sum(axis=1, keepdims=True) - 1, 1)
    return np.where(np.isfinite(values), below.sum(axis=2) / others, np.nan)
