"""Minute bars of generated days: a path from the open through both extremes to the close."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

_REGULAR = 390  # minutes
_FEWEST = 40  # minutes of a session, so that the path can bend
_NOISE = 0.35  # of the day's range, over the whole session


def minutes(
    daily: pl.DataFrame, opens_at: pl.Series, *, seed: int, lengths: pl.Series | None = None
) -> pl.DataFrame:
    """Return minute bars that add up to each daily bar exactly: open, high, low, close, volume.

    The high and the low are reached along the way, so that they stand among their neighbours as
    a trade does, and not alone as a bad tick does.

    Parameters
    ----------
    daily : polars.DataFrame
        Daily bars as `generated.market` makes them.
    opens_at : polars.Series
        The open (UTC) of each row's session.
    seed : int
        Of the random generator.
    lengths : polars.Series, optional
        Minutes of each row's session, 40 at least: a half-day has 210. 390 when None.

    Raises
    ------
    ValueError
        If a session is shorter than the path needs.
    """
    rng = np.random.default_rng(seed)
    rows = daily.with_columns(opens_at.alias("opens_at"), _lengths(daily, lengths).alias("length"))
    parts = [_of_length(part, int(n), rng) for (n,), part in rows.group_by("length")]
    start = pl.col("opens_at").dt.replace_time_zone("UTC") + pl.duration(minutes=pl.col("minute"))
    whole = pl.concat(parts) if parts else _of_length(rows, _REGULAR, rng)
    return (
        whole.sort("row", "minute")
        .with_columns(start.alias("bar_start"))
        .drop("row", "minute", "opens_at")
    )


def _lengths(daily: pl.DataFrame, told: pl.Series | None) -> pl.Series:
    if told is None:
        return pl.Series([_REGULAR] * daily.height, dtype=pl.Int64)
    short = [int(length) for length in told if length < _FEWEST]
    if short:
        raise ValueError(
            f"A session must have at least {_FEWEST} minutes, the shortest has {min(short)}."
        )
    return told


def _of_length(days: pl.DataFrame, n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return the minutes of days of one length."""
    path = _path(days, n, rng)
    first, last = path[:, :-1], path[:, 1:]
    return pl.DataFrame(
        {
            "symbol": np.repeat(days["symbol"].to_numpy(), n),
            "session": pl.Series(np.repeat(days["session"].to_numpy(), n)),
            "minute": np.tile(np.arange(n), days.height),
            "opens_at": np.repeat(days["opens_at"].to_numpy(), n),
            "row": np.repeat(np.arange(days.height), n),
            "open": first.ravel(),
            "high": np.maximum(first, last).ravel(),
            "low": np.minimum(first, last).ravel(),
            "close": last.ravel(),
            "volume": _volumes(days["volume"].to_numpy(), n, rng).ravel(),
        }
    )


def _path(days: pl.DataFrame, n: int, rng: np.random.Generator) -> Floats:
    """Return paths (n_days, n + 1) from open to close that touch high and low and stay inside."""
    opened, high, low, closed = (days[name].to_numpy() for name in ("open", "high", "low", "close"))
    count = opened.size
    # A tenth of the session apart at least: a day's range is no move of a minute.
    room = n // 10
    one = room + (rng.random(count) * (n - 3 * room)).astype(np.int64)
    two = one + room + (rng.random(count) * (n - room - one - room)).astype(np.int64)
    is_high_first = rng.random(count) < 0.5
    at = np.stack([np.zeros(count, np.int64), one, two, np.full(count, n)], axis=1)
    values = np.stack(
        [opened, np.where(is_high_first, high, low), np.where(is_high_first, low, high), closed],
        axis=1,
    )
    steps = rng.normal(size=(count, n)) * _NOISE / np.sqrt(n)
    walk = np.hstack([np.zeros((count, 1)), np.cumsum(steps, axis=1)])
    bridge = walk - _lines(at, np.take_along_axis(walk, at, axis=1), n)
    path = _lines(at, values, n) + bridge * (high - low)[:, None]
    # What lies beyond the day's range is mirrored into it: cut off, minute would repeat minute.
    path = np.where(path > high[:, None], 2 * high[:, None] - path, path)
    path = np.where(path < low[:, None], 2 * low[:, None] - path, path)
    path = np.clip(np.round(path, 2), low[:, None], high[:, None])
    np.put_along_axis(path, at, values, axis=1)
    return np.asarray(path)


def _lines(at: Whole, values: Floats, n: int) -> Floats:
    """Return straight lines (n_rows, n + 1) through each row's four points."""
    minute = np.arange(n + 1)[None, :]
    piece = (minute >= at[:, 1:2]).astype(np.int64) + (minute >= at[:, 2:3])
    left, right = np.take_along_axis(at, piece, 1), np.take_along_axis(at, piece + 1, 1)
    low, high = np.take_along_axis(values, piece, 1), np.take_along_axis(values, piece + 1, 1)
    return np.asarray(low + (high - low) * (minute - left) / (right - left))


def _volumes(volume: Whole, n: int, rng: np.random.Generator) -> Whole:
    """Return each day's volume over its minutes (n_days, n), more at both ends, exact in sum."""
    at = np.linspace(-1.0, 1.0, n)
    weight = (0.5 + 1.5 * at**2) * rng.gamma(2.0, size=(volume.size, n))
    share = weight / weight.sum(axis=1, keepdims=True)
    whole = np.floor(share * volume[:, None]).astype(np.int64)
    whole[:, -1] += volume - whole.sum(axis=1)
    return np.asarray(whole)
