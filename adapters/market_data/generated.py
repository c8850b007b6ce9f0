"""Synthetic markets of any size, for load tests and for trying the desk: seeded, vectorised.

Returns have a market factor, sector factors and own shocks with Student-t tails; log-volatility
follows a first-order autoregression (stochastic volatility: Taylor 1986, *Modelling Financial
Time Series*, ch. 3), so that quiet and wild times cluster. Firms list late, delist, split and join
their shares, pay dividends, change their ticker, and take one that another firm gave up. All of it
is told in `actions`, as a vendor would, and in `firms`, as only who made it can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.signal import lfilter

from adapters.market_data.generated_firms import Events, Flags, Tickers, firms, listed, tickers
from adapters.market_data.generated_minutes import minutes

__all__ = ["INDEX", "SECTORS", "SOURCE", "Events", "GeneratedMarket", "market", "minutes"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

INDEX = "GENX"
SOURCE = "generated"
SECTORS = (
    "Communication services", "Consumer discretionary", "Consumer staples", "Energy", "Financials",
    "Health care", "Industrials", "Information technology", "Materials", "Real estate", "Utilities",
)  # fmt: skip

_USUAL: Final = Events()
_YEAR = 252  # sessions
_QUARTER = 63  # sessions
_PERSISTENCE = 0.985  # of log-volatility from one session to the next
_VOLATILITY_OF_VOLATILITY = 0.06
_WILDEST = 0.08  # daily volatility
_TAIL = 5.0  # degrees of freedom of the shocks
_SHARES_OF_VARIANCE = (0.35, 0.15, 0.50)  # market, sector, own
_DELISTED_BELOW = 0.25  # USD
_AFTER_SPLIT, _AFTER_REVERSE = 100.0, 20.0  # USD, about what a board aims at
_CHEAP, _DECLINE = 6.0, 0.35  # USD at first, and fall a year, of a firm in distress
_ANNOUNCED = 5  # sessions before the ex-date
_AFTER_THE_CLOSE = time(21, 30)  # UTC
_CENT = 0.01


@dataclass(frozen=True)
class GeneratedMarket:
    """A market, in the columns that `landing.land` takes.

    `daily` is unadjusted (USD, shares); `actions` holds splits, cash dividends, symbol changes
    (with the new symbol in `detail`) and delistings by ex-date, each announced before; `sectors`
    maps each symbol to its sector. `firms` is the truth behind the tickers: firm, symbol, sector,
    first, last and ended, a row for each ticker that a firm had.
    """

    daily: pl.DataFrame
    index: pl.DataFrame
    actions: pl.DataFrame
    sectors: dict[str, str]
    firms: pl.DataFrame


def market(
    sessions: Sequence[date], *, symbols: int, seed: int, events: Events = _USUAL
) -> GeneratedMarket:
    """Return a synthetic market over the sessions; the same arguments give the same market.

    Parameters
    ----------
    sessions : sequence of date
        Exchange sessions, ascending, at least two.
    symbols : int
        How many firms there are, 1 to 9999.
    seed : int
        Of the random generator.
    events : Events
        How often things happen to firms.

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
    sector = rng.integers(len(SECTORS), size=symbols)
    returns, volatility, factor = _returns(len(sessions), sector, rng)
    living = listed(len(sessions), symbols, events, rng)
    closes, splits, dividends = _quoted(returns, living, events, rng)
    living &= ~np.logical_or.accumulate(closes < _DELISTED_BELOW, axis=0)
    named = tickers(living, events, rng)
    bars = _bars(closes, splits, volatility, rng)
    truth = firms(named, sessions, [SECTORS[number] for number in sector])
    return GeneratedMarket(
        daily=_long(sessions, named, bars, living),
        index=_index(sessions, factor, rng),
        actions=_actions(sessions, named, splits, dividends, living),
        sectors=dict(truth.sort("first").select("symbol", "sector").iter_rows()),
        firms=truth,
    )


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


def _quoted(
    returns: Floats, living: Flags, events: Events, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Return unadjusted closes, split ratios (1 for none) and dividends in USD, all (n, count)."""
    n, count = returns.shape
    start = np.exp(rng.normal(np.log(40.0), 0.6, size=count))
    poor = rng.random(count) < events.distressed
    start = np.where(poor, _CHEAP * np.sqrt(start / 40.0), start)
    fall = np.where(poor, _DECLINE / _YEAR, 0.0) * np.arange(n)[:, None]
    worth = start * np.exp(np.cumsum(returns, axis=0) - returns[0] - fall)
    pays = rng.random(count) < 0.6
    yearly = np.where(pays, rng.uniform(0.005, 0.04, size=count), 0.0)
    phase = rng.integers(_QUARTER, size=count)
    due = ((np.arange(n)[:, None] - phase) % _QUARTER == 0) & living
    due[0] = False
    dividend_share = due * yearly / 4
    worth = worth * np.cumprod(1.0 - dividend_share, axis=0)
    ratios = _split_ratios(worth, living, events)
    held = np.cumprod(ratios, axis=0)
    closes = np.maximum(np.round(worth / held, 2), _CENT)
    before = np.vstack([closes[:1], closes[:-1]]) / ratios
    return closes, ratios, np.round(dividend_share * before, 3)


def _split_ratios(worth: Floats, living: Flags, events: Events) -> Floats:
    """Split shares that have become dear, and join those that have become cheap."""
    ratios = np.ones_like(worth)
    held = np.ones(worth.shape[1])
    for at in range(events.boards_meet, len(worth), events.boards_meet):
        price = worth[at - 1] / held
        parts = np.maximum(np.ceil(price / min(_AFTER_SPLIT, events.split_above / 2)), 2.0)
        joined = np.maximum(np.ceil(max(_AFTER_REVERSE, events.reverse_below) / price), 2.0)
        ratio = np.where(price > events.split_above, parts, 1.0)
        ratio = np.where(price < events.reverse_below, 1.0 / joined, ratio)
        ratios[at] = np.where(living[at] & living[at - 1], ratio, 1.0)
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
    sessions: Sequence[date], named: Tickers, bars: dict[str, Floats], living: Flags
) -> pl.DataFrame:
    """Return one row per listed symbol and session, by symbol and session."""
    column, row = np.nonzero(living.T)
    days = np.array(sessions, dtype="datetime64[D]")
    return (
        pl.DataFrame(
            {
                "symbol": pl.Series(named.at(row, column)),
                "session": pl.Series(days[row]),
                **{name: values[row, column] for name, values in bars.items()},
            }
        )
        .with_columns(pl.col("volume").cast(pl.Int64))
        .sort("symbol", "session")
    )


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
    sessions: Sequence[date], named: Tickers, splits: Floats, dividends: Floats, living: Flags
) -> pl.DataFrame:
    """Return what a vendor tells of the firms, by symbol and ex-date."""
    later = living & np.vstack([np.zeros_like(living[:1]), living[:-1]])  # not on the first day
    split = np.nonzero((splits != 1.0) & later)
    paid = np.nonzero((dividends > 0.0) & later)
    changed = np.flatnonzero(named.is_renamed)
    gone = np.flatnonzero(named.is_listed & (named.end < len(sessions)))
    told = [
        _rows("split", split[0], named.at(*split), ratio=splits[split]),
        _rows("cash_dividend", paid[0], named.at(*paid), amount=dividends[paid]),
        _rows(
            "symbol_change",
            named.renamed_at[changed],
            named.names[named.before[changed]],
            detail=named.names[named.after[changed]],
        ),
        _rows("delisting", named.end[gone], named.at(named.end[gone] - 1, gone)),
    ]
    days = pl.Series(np.array(sessions, dtype="datetime64[D]"))
    rows = pl.concat(told)
    announced = days.gather((rows["at"] - _ANNOUNCED).clip(0)).dt.combine(_AFTER_THE_CLOSE)
    return (
        rows.with_columns(
            session=days.gather(rows["at"]),
            announced_at=announced.dt.replace_time_zone("UTC"),
            implied=pl.lit(value=False),
        )
        .select(
            "symbol", "session", "kind", "ratio", "amount", "implied", "detail", "announced_at"
        )
        .sort("symbol", "session", "kind")
    )  # fmt: skip


def _rows(
    kind: str,
    at: Whole,
    symbols: npt.NDArray[np.str_],
    *,
    ratio: Floats | None = None,
    amount: Floats | None = None,
    detail: npt.NDArray[np.str_] | None = None,
) -> pl.DataFrame:
    """Return actions of one kind: symbol, kind, at (number of the session) and their figures."""
    none = [None] * at.size
    return pl.DataFrame(
        {
            "symbol": pl.Series(symbols, dtype=pl.String),
            "kind": pl.Series([kind] * at.size, dtype=pl.String),
            "at": pl.Series(at, dtype=pl.Int64),
            "ratio": pl.Series(none if ratio is None else ratio, dtype=pl.Float64),
            "amount": pl.Series(none if amount is None else amount, dtype=pl.Float64),
            "detail": pl.Series(none if detail is None else detail, dtype=pl.String),
        }
    )
