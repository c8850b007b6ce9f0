"""Markets whose truth is known: generated ones, and sessions of the real sample drawn anew.

Beside prices and volumes a world tells 18 figures of every symbol with each close. The first of
them, the *signal*, moves the next session's prices by as much as was planted (nothing, in a null
market); the others obey the same law and never mean anything.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import polars as pl
from scipy.signal import lfilter

from adapters.market_data import sample
from quant.typing import Float64Array, FloatArray

N_SYMBOLS = 5  # as many as the embedded desk has
N_TOLD = 18
# 12 years of judged record; before it 252 + 63 sessions to train and validate the first window,
# 63 until a beta is known, 126 until every feature is; after it 6 until the last label matures.
N_YEARS = 12
N_SESSIONS = 252 * N_YEARS + 252 + 63 + 63 + 126 + 6

_PERSISTENCE = 0.9  # of the signal from one session to the next: half of it is left after a week
_ARCH, _GARCH = 0.06, 0.92  # yesterday's square and yesterday's variance (Bollerslev 1986)
_TAILS = 5.0  # degrees of freedom
_OVERNIGHT = 0.2  # share of a day's variance between the close and the open
_MARKET_VOLATILITY, _OWN_VOLATILITY, _DRIFT = 0.16, 0.24, 0.07  # per year
_MEAN_BLOCK = 10.0  # sessions
# FB has 196 sessions: too few to draw from.
_REAL = ("AAPL", "GOOG", "IBM", "MSFT")


@dataclass(frozen=True)
class World:
    """Arrays of shape (n_sessions, n_symbols), prices on one basis; `told` has a third axis."""

    opens: Float64Array
    closes: Float64Array
    volumes: Float64Array
    told: Float64Array  # (n_sessions, n_symbols, n_told); the signal is the first

    def until(self, session: int) -> "World":
        """What was known after the close of `session`."""
        seen = slice(0, session + 1)
        return replace(self, **{name: values[seen] for name, values in vars(self).items()})


def generated(
    seed: int, *, edge: float = 0.0, n_sessions: int = N_SESSIONS, n_symbols: int = N_SYMBOLS
) -> World:
    """A common factor, clustered volatility, fat tails, a drift upwards.

    `edge` is the expected return of a session, in units of the symbol's own volatility in it, for
    each unit of the signal told with the close before.
    """
    rng = np.random.default_rng(seed)
    told = _told(rng, n_sessions, n_symbols)
    market, _ = _clustered(rng, n_sessions, 1, _MARKET_VOLATILITY)
    own, deviation = _clustered(rng, n_sessions, n_symbols, _OWN_VOLATILITY)
    moves = rng.uniform(0.7, 1.3, n_symbols) * market + own
    moves[1] += _DRIFT / 252.0
    moves[1, 1:] += edge * told[:-1, :, 0] * deviation[1:]
    opens, closes = _prices(moves)
    volumes = 1e8 * np.exp(rng.normal(0.0, 0.3, closes.shape)) * (1.0 + 20.0 * np.abs(own[1]))
    return World(opens, closes, volumes, told)


def resampled(seed: int, *, n_sessions: int = N_SESSIONS) -> World:
    """Whole sessions of the real sample in blocks of random length (Politis & Romano 1994).

    All symbols keep their sessions together. Each is given the average growth of all, for it is
    only with hindsight that one of them grew fastest: which one would not be noise to be refused.
    """
    rng = np.random.default_rng(seed)
    nights, days, volumes = _real_moves()
    n_real = nights.shape[0]
    drawn = rng.integers(0, n_real, n_sessions)
    goes_on = rng.random(n_sessions) >= 1.0 / _MEAN_BLOCK
    for now in range(1, n_sessions):
        if goes_on[now]:
            drawn[now] = (drawn[now - 1] + 1) % n_real
    opens, closes = _prices(np.stack((nights[drawn], days[drawn])))
    return World(opens, closes, volumes[drawn], _told(rng, *closes.shape))


def _prices(moves: FloatArray) -> tuple[Float64Array, Float64Array]:
    """Opens and closes from simple returns (night and day, session, symbol).

    Simple ones, so that what nobody can foretell has no expected gain: of equal *log* returns the
    wilder ones gain more.
    """
    kept = 1.0 + np.maximum(moves, -0.5)
    closes: Float64Array = 50.0 * np.cumprod(kept[0] * kept[1], axis=0)
    return closes / kept[1], closes


def _told(rng: np.random.Generator, n_sessions: int, n_symbols: int) -> Float64Array:
    """Persistent figures of unit variance for each symbol, whose mean over symbols is 0."""
    news = rng.normal(size=(n_sessions, n_symbols, N_TOLD))
    news[1:] *= np.sqrt(1.0 - _PERSISTENCE**2)
    told = lfilter([1.0], [1.0, -_PERSISTENCE], news, axis=0)
    centred = told - told.mean(axis=1, keepdims=True)
    scaled: Float64Array = centred / np.sqrt(1.0 - 1.0 / n_symbols)
    return scaled


def _clustered(
    rng: np.random.Generator, n_sessions: int, n: int, yearly: float
) -> tuple[Float64Array, Float64Array]:
    """Moves (night and day, session, symbol), and the deviation of each whole session."""
    shocks = rng.standard_t(_TAILS, size=(2, n_sessions, n)) * np.sqrt((_TAILS - 2.0) / _TAILS)
    shocks *= np.sqrt(np.array([_OVERNIGHT, 1.0 - _OVERNIGHT]))[:, None, None]
    usual = yearly**2 / 252.0
    variance = np.empty((n_sessions, n))
    variance[0] = usual
    squared = shocks.sum(axis=0) ** 2
    for now in range(1, n_sessions):
        kept = _ARCH * squared[now - 1] + _GARCH
        variance[now] = (1.0 - _ARCH - _GARCH) * usual + kept * variance[now - 1]
    deviation = np.sqrt(variance)
    return shocks * deviation, deviation


@cache
def _real_moves() -> tuple[Float64Array, Float64Array, Float64Array]:
    """Returns over night and by day, and volumes, of sessions all four symbols traded."""
    bars = sample.stocks().filter(pl.col("symbol").is_in(_REAL)).sort("session")
    grids = {
        column: bars.pivot(on="symbol", index="session", values=column).drop_nulls().sort("session")
        for column in ("open", "close", "volume")
    }
    sessions = grids["close"]["session"]
    opens, closes, volumes = (
        grid.select(_REAL).to_numpy().astype(np.float64) for grid in grids.values()
    )
    for symbol, day, ratio in sample.SPLITS:
        if symbol in _REAL:
            before = (sessions < day).to_numpy()
            column = _REAL.index(symbol)
            opens[before, column] /= float(ratio)
            closes[before, column] /= float(ratio)
            volumes[before, column] *= float(ratio)
    nights = opens[1:] / closes[:-1] - 1.0
    days = closes[1:] / opens[1:] - 1.0
    growth = ((1.0 + nights) * (1.0 + days)).mean(axis=0)
    return nights, days - (growth - growth.mean()), volumes[1:]
