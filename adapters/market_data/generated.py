"""Synthetic markets of any size, for load tests and for trying the desk: seeded, vectorised.

Returns have a market factor, sector factors and own shocks with Student-t tails; log-volatility
follows a first-order autoregression (stochastic volatility: Taylor 1986, *Modelling Financial
Time Series*, ch. 3), so that quiet and wild times cluster. Firms list late, delist, split their
shares and pay dividends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.signal import lfilter

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

INDEX = "GENX"
SOURCE = "generated"
SECTORS = (
    "Communication services", "Consumer discretionary", "Consumer staples", "Energy", "Financials",
    "Health care", "Industrials", "Information technology", "Materials", "Real estate", "Utilities",
)  # fmt: skip

_YEAR = 252  # sessions
_QUARTER = 63  # sessions
_MINUTES = 390
_PERSISTENCE = 0.985  # of log-volatility from one session to the next
_VOLATILITY_OF_VOLATILITY = 0.06
_WILDEST = 0.08  # daily volatility
_TAIL = 5.0  # degrees of freedom of the shocks
_SHARES_OF_VARIANCE = (0.35, 0.15, 0.50)  # market, sector, own
_DELISTED_PER_YEAR = 0.015
_DELISTED_BELOW = 0.25  # USD
_LISTED_LATE = 0.30  # share of symbols
_SPLIT_ABOVE, _REVERSE_BELOW = 200.0, 3.0  # USD, at the turn of a quarter
_CENT = 0.01


@dataclass(frozen=True)
class GeneratedMarket:
    """A market, in the columns that `landing.land` takes.

    `daily` is unadjusted (USD, shares); `actions` holds the splits and cash dividends that an
    adjustment needs; `sectors` maps each symbol to its sector.
    """

    daily: pl.DataFrame
    index: pl.DataFrame
    actions: pl.DataFrame
    sectors: dict[str, str]


def market(sessions: Sequence[date], *, symbols: int, seed: int) -> GeneratedMarket:
    """Return a synthetic market over the sessions; the same arguments give the same market.

    Parameters
    ----------
    sessions : sequence of date
        Exchange sessions, ascending, at least two.
    symbols : int
        How many symbols were ever listed, 1 to 9999.
    seed : int
        Of the random generator.

    Raises
    ------
    ValueError
        If there are too few sessions or too few or many symbols.
    """
    if len(sessions) < 2 or not 1 <= symbols <= 9999:
        raise ValueError(
            f"A market needs at least 2 sessions and 1 to 9999 symbols, was given "
            f"{len(sessions)} sessions and {symbols} symbols."
        )
    rng = np.random.default_rng(seed)
    names = [f"G{number:04d}" for number in range(1, symbols + 1)]
    sector = rng.integers(len(SECTORS), size=symbols)
    returns, volatility, factor = _returns(len(sessions), sector, rng)
    listed = _listed(len(sessions), symbols, rng)
    closes, splits, dividends = _quoted(returns, listed, rng)
    listed &= ~np.logical_or.accumulate(closes < _DELISTED_BELOW, axis=0)
    bars = _bars(closes, splits, volatility, rng)
    return GeneratedMarket(
        daily=_long(sessions, names, bars, listed),
        index=_index(sessions, factor, rng),
        actions=_actions(sessions, names, splits, dividends, listed),
        sectors={name: SECTORS[s] for name, s in zip(names, sector, strict=True)},
    )


def minutes(daily: pl.DataFrame, opens_at: pl.Series, *, seed: int) -> pl.DataFrame:
    """Return minute bars that add up to each daily bar exactly: open, high, low, close, volume.

    Parameters
    ----------
    daily : polars.DataFrame
        Daily bars as `market` makes them.
    opens_at : polars.Series
        The open (UTC) of each row's session.
    seed : int
        Of the random generator.
    """
    rng = np.random.default_rng(seed)
    opened, high, low, closed = (
        daily[name].to_numpy() for name in ("open", "high", "low", "close")
    )
    path = _inside(opened, high, low, closed, rng)
    n = len(daily)
    first, last = path[:, :-1], path[:, 1:]
    frame = pl.DataFrame(
        {
            "symbol": np.repeat(daily["symbol"].to_numpy(), _MINUTES),
            "session": pl.Series(np.repeat(daily["session"].to_numpy(), _MINUTES)),
            "minute": np.tile(np.arange(_MINUTES), n),
            "opens_at": np.repeat(opens_at.to_numpy(), _MINUTES),
            "open": first.ravel(),
            "high": np.maximum(first, last).ravel(),
            "low": np.minimum(first, last).ravel(),
            "close": last.ravel(),
            "volume": _spread(daily["volume"].to_numpy(), rng).ravel(),
        }
    )
    start = pl.col("opens_at").dt.replace_time_zone("UTC") + pl.duration(minutes=pl.col("minute"))
    return frame.with_columns(start.alias("bar_start")).drop("minute", "opens_at")


def _returns(n: int, sector: Whole, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return log-returns and daily volatilities (n, symbols), and the market's log-returns (n,)."""
    count = sector.size
    common = _clustered(n, 1, rng)
    level = np.exp(rng.normal(np.log(0.28 / np.sqrt(_YEAR)), 0.35, size=count))
    volatility = np.minimum(level * common * np.sqrt(_clustered(n, count, rng)), _WILDEST)
    beta = rng.normal(1.0, 0.25, size=count)
    shares = np.sqrt(_SHARES_OF_VARIANCE)
    market_shock = _shocks((n, 1), rng)
    sector_shock = _shocks((n, len(SECTORS)), rng)[:, sector]
    shock = (
        shares[0] * beta * market_shock
        + shares[1] * sector_shock
        + shares[2] * _shocks((n, count), rng)
    )
    drift = 0.06 / _YEAR - volatility**2 / 2
    factor = 0.05 / _YEAR + 0.010 * (common * market_shock)[:, 0]
    return drift + volatility * shock, volatility, factor


def _clustered(n: int, count: int, rng: np.random.Generator) -> Floats:
    """Return factors around one (n, count) whose logarithm is a slow autoregression."""
    noise = rng.normal(0.0, _VOLATILITY_OF_VOLATILITY, size=(n, count))
    spread = _VOLATILITY_OF_VOLATILITY / np.sqrt(1 - _PERSISTENCE**2)
    noise[0] = rng.normal(0.0, spread, size=count)
    log = lfilter([1.0], [1.0, -_PERSISTENCE], noise, axis=0)
    return np.asarray(np.exp(log - spread**2 / 2))


def _shocks(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return shocks with heavy tails and unit variance."""
    return np.asarray(rng.standard_t(_TAIL, size=shape) * np.sqrt((_TAIL - 2) / _TAIL))


def _listed(n: int, count: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return which symbol is listed when (n, count); each for two sessions at least."""
    late = rng.random(count) < _LISTED_LATE
    first = np.where(late, rng.integers(0, max(n - 2, 1), size=count), 0)
    life = rng.exponential(_YEAR / _DELISTED_PER_YEAR, size=count).astype(np.int64) + 2
    at = np.arange(n)[:, None]
    return np.asarray((at >= first) & (at < first + life))


def _quoted(
    returns: Floats, listed: npt.NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Return unadjusted closes, split ratios (1 for none) and dividends in USD, all (n, count)."""
    n, count = returns.shape
    start = np.exp(rng.normal(np.log(40.0), 0.6, size=count))
    worth = start * np.exp(np.cumsum(returns, axis=0) - returns[0])
    pays = rng.random(count) < 0.6
    yearly = np.where(pays, rng.uniform(0.005, 0.04, size=count), 0.0)
    phase = rng.integers(_QUARTER, size=count)
    due = ((np.arange(n)[:, None] - phase) % _QUARTER == 0) & listed
    due[0] = False
    dividend_share = due * yearly / 4
    worth = worth * np.cumprod(1.0 - dividend_share, axis=0)
    ratios = _split_ratios(worth, listed)
    held = np.cumprod(ratios, axis=0)
    closes = np.maximum(np.round(worth / held, 2), _CENT)
    before = np.vstack([closes[:1], closes[:-1]]) / ratios
    return closes, ratios, np.round(dividend_share * before, 3)


def _split_ratios(worth: Floats, listed: npt.NDArray[np.bool_]) -> Floats:
    """Split shares that have become dear, and join those that have become cheap."""
    ratios = np.ones_like(worth)
    held = np.ones(worth.shape[1])
    for at in range(_QUARTER, len(worth), _QUARTER):
        price = worth[at - 1] / held
        ratio = np.where(price > _SPLIT_ABOVE, np.ceil(price / 100.0), 1.0)
        ratio = np.where(price < _REVERSE_BELOW, 0.1, ratio)
        ratios[at] = np.where(listed[at] & listed[at - 1], ratio, 1.0)
        held = held * ratios[at]
    return ratios


def _bars(
    closes: Floats, splits: Floats, volatility: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return open, high, low, close and volume (n, count) around the closes."""
    before = np.vstack([closes[:1], closes[:-1]]) / splits
    gap = 0.35 * volatility * rng.normal(size=closes.shape)
    opened = np.maximum(np.round(before * np.exp(gap), 2), _CENT)
    reach = 0.6 * volatility * np.abs(rng.normal(size=(2, *closes.shape)))
    high = np.round(np.maximum(opened, closes) * np.exp(reach[0]), 2)
    low = np.maximum(np.round(np.minimum(opened, closes) * np.exp(-reach[1]), 2), _CENT)
    usual = np.exp(rng.normal(np.log(2e6), 1.0, size=closes.shape[1])) * np.cumprod(splits, axis=0)
    move = np.minimum(np.abs(np.log(closes / before)) / volatility, 6.0)
    volume = usual * np.exp(0.25 * move + rng.normal(0.0, 0.3, size=closes.shape))
    return {
        "open": opened,
        "high": np.maximum(high, np.maximum(opened, closes)),
        "low": np.minimum(low, np.minimum(opened, closes)),
        "close": closes,
        "volume": np.maximum(np.round(volume), 100.0),
    }


def _long(
    sessions: Sequence[date],
    names: Sequence[str],
    bars: dict[str, Floats],
    listed: npt.NDArray[np.bool_],
) -> pl.DataFrame:
    """Return one row per listed symbol and session, by symbol and session."""
    column, row = np.nonzero(listed.T)
    days = np.array(sessions, dtype="datetime64[D]")
    return pl.DataFrame(
        {
            "symbol": pl.Series(np.array(names)[column]),
            "session": pl.Series(days[row]),
            **{name: values[row, column] for name, values in bars.items()},
        }
    ).with_columns(pl.col("volume").cast(pl.Int64))


def _index(sessions: Sequence[date], factor: Floats, rng: np.random.Generator) -> pl.DataFrame:
    closes = np.round(1000.0 * np.exp(np.cumsum(factor)), 2)
    opened = np.round(np.concatenate([[1000.0], closes[:-1]]), 2)
    reach = 0.003 * np.abs(rng.normal(size=(2, closes.size)))
    return pl.DataFrame(
        {
            "symbol": [INDEX] * closes.size,
            "session": pl.Series(np.array(sessions, dtype="datetime64[D]")),
            "open": opened,
            "high": np.round(np.maximum(opened, closes) * (1 + reach[0]), 2),
            "low": np.round(np.minimum(opened, closes) * (1 - reach[1]), 2),
            "close": closes,
            "volume": rng.integers(2_000_000_000, 5_000_000_000, size=closes.size),
        }
    )


def _actions(
    sessions: Sequence[date],
    names: Sequence[str],
    splits: Floats,
    dividends: Floats,
    listed: npt.NDArray[np.bool_],
) -> pl.DataFrame:
    """Return splits (new shares per old) and cash dividends (USD per share) by ex-date."""
    days, symbols = np.array(sessions, dtype="datetime64[D]"), np.array(names)
    later = listed & np.vstack([np.zeros_like(listed[:1]), listed[:-1]])  # not on the first day
    frames = []
    for kind, found in (
        ("split", (splits != 1.0) & later),
        ("cash_dividend", (dividends > 0.0) & later),
    ):
        row, column = np.nonzero(found)
        ratio, amount = (splits, None) if kind == "split" else (None, dividends)
        frames.append(
            pl.DataFrame(
                {
                    "symbol": pl.Series(symbols[column], dtype=pl.String),
                    "session": pl.Series(days[row], dtype=pl.Date),
                    "kind": pl.Series([kind] * row.size, dtype=pl.String),
                    "ratio": _picked(ratio, row, column),
                    "amount": _picked(amount, row, column),
                    "implied": pl.Series([False] * row.size, dtype=pl.Boolean),
                }
            )
        )
    return pl.concat(frames).sort("symbol", "session", "kind")


def _picked(values: Floats | None, row: Whole, column: Whole) -> pl.Series:
    """Return the values at the places, nulls when there are none."""
    told = [None] * row.size if values is None else values[row, column]
    return pl.Series(told, dtype=pl.Float64)


def _inside(
    opened: Floats, high: Floats, low: Floats, closed: Floats, rng: np.random.Generator
) -> Floats:
    """Return paths (n, 391) from open to close that touch high and low and never leave them."""
    n = opened.size
    steps = rng.normal(size=(n, _MINUTES)) / np.sqrt(_MINUTES)
    walk = np.hstack([np.zeros((n, 1)), np.cumsum(steps, axis=1)])
    at = np.linspace(0.0, 1.0, _MINUTES + 1)
    bridge = walk - at * walk[:, -1:]
    line = opened[:, None] + at * (closed - opened)[:, None]
    path = np.clip(np.round(line + bridge * (high - low)[:, None], 2), low[:, None], high[:, None])
    path[:, 0], path[:, -1] = opened, closed
    # The extremes stand at two different inner minutes of each path.
    extremes = rng.permuted(np.tile(np.arange(1, _MINUTES), (n, 1)), axis=1)[:, :2]
    rows = np.arange(n)
    path[rows, extremes[:, 0]] = high
    path[rows, extremes[:, 1]] = low
    return np.asarray(path)


def _spread(volume: Whole, rng: np.random.Generator) -> Whole:
    """Return each day's volume over its minutes (n, 390), more at both ends, exact in sum."""
    at = np.linspace(-1.0, 1.0, _MINUTES)
    weight = (0.5 + 1.5 * at**2) * rng.gamma(2.0, size=(volume.size, _MINUTES))
    share = weight / weight.sum(axis=1, keepdims=True)
    whole = np.floor(share * volume[:, None]).astype(np.int64)
    whole[:, -1] += volume - whole.sum(axis=1)
    return np.asarray(whole)
