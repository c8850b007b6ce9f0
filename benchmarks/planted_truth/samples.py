"""From a world to the rows a model learns from, and the prices its trades are judged at."""

import numpy as np

from assets.judging import Market
from benchmarks.planted_truth.worlds import N_TOLD, World
from quant.labels import average_uniqueness, forward_excess
from quant.models import Dataset
from quant.probes import Finding, served_difference
from quant.typing import Float32Array, Float64Array

HORIZON = 5  # the desk's own
_OF_PRICES = (
    "return_1", "return_5", "return_10", "return_21", "return_63", "deviation_10", "deviation_21",
    "deviation_63", "volatility_21", "volatility_63", "night_5", "volume_21",
)  # fmt: skip
NAMES = (*_OF_PRICES, "signal", *(f"decoy_{n}" for n in range(1, N_TOLD)))
_HISTORY = 126  # sessions until everything is known


def features(world: World) -> Float32Array:
    """Features (n_sessions, n_symbols, n_features) known at each close; NaN until they are."""
    closes = np.log(world.closes)
    moves = np.diff(closes, axis=0, prepend=np.nan)
    nights = np.log(world.opens) - np.roll(closes, 1, axis=0)
    nights[0] = np.nan
    volume = np.log(world.volumes)
    known = {
        **{f"return_{n}": _back(closes, n) for n in (1, 5, 10, 21, 63)},
        **{f"deviation_{n}": closes - _mean(closes, n) for n in (10, 21, 63)},
        **{f"volatility_{n}": np.sqrt(_mean(moves**2, n)) for n in (21, 63)},
        "night_5": 5.0 * _mean(nights, 5),
        "volume_21": volume - _mean(volume, 21),
    }
    of_prices = np.stack([known[name] for name in _OF_PRICES], axis=-1)
    return np.concatenate((of_prices, world.told), axis=-1).astype(np.float32)


def dataset(world: World) -> tuple[Dataset, Market]:
    """Rows by session, then symbol; the label is the desk's, in excess of all symbols' mean."""
    n_sessions, n_symbols = world.closes.shape
    told = features(world)
    kept = slice(_HISTORY, None)
    sessions = np.repeat(np.arange(_HISTORY, n_sessions), n_symbols)
    symbols = np.tile(np.arange(n_symbols), n_sessions - _HISTORY)
    labels = {name: grid[kept].ravel() for name, grid in _labels(world, told).items()}
    return (
        Dataset(
            features=told[kept].reshape(-1, len(NAMES)),
            names=NAMES,
            sessions=sessions.astype(np.int32),
            symbols=symbols.astype(np.int32),
            labels=labels["value"],
            weights=labels["weight"],
            label_start=labels["start"].astype(np.int32),
            label_end=labels["end"].astype(np.int32),
            scale=labels["scale"],
            daily_excess=labels["next"],
        ),
        Market(world.opens, world.closes, world.volumes, first_ordinal=0),
    )


def served(world: World, sessions: tuple[int, ...]) -> Finding:
    """Features of `sessions` as the model learns from them, against the world cut off there."""
    whole = features(world)
    stored = np.concatenate([whole[session] for session in sessions])
    anew = np.concatenate([features(world.until(session))[session] for session in sessions])
    return served_difference(stored, anew, NAMES)


def _labels(world: World, told: Float32Array) -> dict[str, Float64Array]:
    """Grids (n_sessions, n_symbols) of what the desk's label functions say by symbol."""
    n_sessions, n_symbols = world.closes.shape
    opens, days = world.opens.T.ravel(), np.tile(np.arange(n_sessions), n_symbols)
    offsets = np.arange(n_symbols + 1) * n_sessions
    growth = (world.opens[1:] / world.opens[:-1]).mean(axis=1)
    index = np.concatenate(([100.0], 100.0 * np.cumprod(growth)))
    volatility = told[:, :, NAMES.index("volatility_63")].astype(np.float64).T.ravel()
    labels = forward_excess(opens, index, offsets, days, horizon=HORIZON, volatility=volatility)
    after = forward_excess(opens, index, offsets, days, horizon=1)
    flat = {
        "value": labels.value,
        "scale": labels.scale,
        "start": labels.start_session.astype(np.float64),
        "end": labels.end_session.astype(np.float64),
        "weight": average_uniqueness(labels.start_session, labels.end_session, offsets),
        "next": after.excess,
    }
    grids = {name: np.asarray(v, dtype=np.float64) for name, v in flat.items()}
    return {name: v.reshape(n_symbols, n_sessions).T for name, v in grids.items()}


def _back(closes: Float64Array, n: int) -> Float64Array:
    moved = np.full(closes.shape, np.nan)
    moved[n:] = closes[n:] - closes[:-n]
    return moved


def _mean(values: Float64Array, n: int) -> Float64Array:
    """Mean of the last `n`, each from its own window, so that later values never round it anew."""
    out = np.full(values.shape, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(values, n, axis=0)
    out[n - 1 :] = windows.mean(axis=-1)
    return out
