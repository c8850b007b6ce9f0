"""Real daily bars with splits, as a panel and as pandas series, and smoothings written anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from bokeh_sampledata import stocks
from numpy.lib.stride_tricks import sliding_window_view

from quant.features import DailyPanel

# The stubs of pandas take a numpy function of a series for an array.
Series: TypeAlias = Any
Frame: TypeAlias = Any

SYMBOLS = ("AAPL", "IBM", "MSFT")
# Two-for-one splits by ex-date; the quotes are unadjusted.
SPLITS = {"AAPL": ("2000-06-21", "2005-02-28"), "IBM": (), "MSFT": ("2003-02-18",)}
# The other symbols' closes stand in for an index: only its arithmetic is at issue here.
INDEX_OF = ("IBM", "MSFT")
# So that a sector has two members and another one.
SECTORS = {"AAPL": 1, "IBM": 0, "MSFT": 1}


@dataclass(frozen=True)
class Bars:
    """Adjusted bars of one symbol, indexed by session."""

    o: Series
    h: Series
    l: Series  # noqa: E741 - the field's own letters: open, high, low, close, volume
    c: Series
    v: Series
    total: Series
    dollars: Series
    index: Series

    @property
    def r(self) -> Series:
        return np.log(self.total).diff()

    @property
    def m(self) -> Series:
        return np.log(self.index).diff()

    @property
    def typical(self) -> Series:
        return (self.h + self.l + self.c) / 3.0


def raw(symbol: str) -> Frame:
    frame: Frame = pd.DataFrame(getattr(stocks, symbol))
    frame["date"] = pd.to_datetime(frame["date"])
    frame = frame.set_index("date").astype(float)
    frame["split"] = 1.0
    for day in SPLITS[symbol]:
        frame.loc[frame.index >= day, "split"] *= 2.0
    implied = frame["adj_close"] / frame["close"]
    frame["total"] = implied / implied.iloc[0]
    return frame


RAW = {symbol: raw(symbol) for symbol in SYMBOLS}
INDEX = 10.0 * sum(RAW[s]["close"] * RAW[s]["split"] for s in INDEX_OF)


def bars(symbol: str) -> Bars:
    f = RAW[symbol]
    o, h, low, c = (f[name] * f["split"] for name in ("open", "high", "low", "close"))
    return Bars(
        o, h, low, c, f["volume"] / f["split"], f["close"] * f["total"],
        f["close"] * f["volume"], INDEX,
    )  # fmt: skip


def panel() -> DailyPanel:
    def days(index: pd.Index) -> np.ndarray:
        return index.to_numpy().astype("datetime64[D]").astype(np.int32)

    def stacked(name: str) -> np.ndarray:
        return np.concatenate([RAW[s][name].to_numpy() for s in SYMBOLS])

    lengths = [len(RAW[s]) for s in SYMBOLS]
    return DailyPanel(
        symbols=SYMBOLS,
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        sessions=np.concatenate([days(RAW[s].index) for s in SYMBOLS]),
        split_factor=stacked("split"),
        return_factor=stacked("total"),
        index_sessions=days(INDEX.index),
        index_close=INDEX.to_numpy(),
        sector=np.repeat([SECTORS[s] for s in SYMBOLS], lengths).astype(np.int32),
        **{name: stacked(name) for name in ("open", "high", "low", "close", "volume")},
    )


PANEL = panel()
B = {symbol: bars(symbol) for symbol in SYMBOLS}
A = B["AAPL"]


def weighted(x: Series, alpha: float, window: int) -> Series:
    weights = (1.0 - alpha) ** np.arange(window)[::-1]
    means = sliding_window_view(x.to_numpy(), window) @ (weights / weights.sum())
    return pd.Series(np.concatenate([np.full(window - 1, np.nan), means]), index=x.index)


def ema(x: Series, span: int) -> Series:
    return weighted(x, 2.0 / (span + 1.0), min(5 * span, 252))


def wilder(x: Series, n: int) -> Series:
    return weighted(x, 1.0 / n, 9 * n)


def true_range() -> Series:
    parts = [A.h - A.l, (A.h - A.c.shift()).abs(), (A.l - A.c.shift()).abs()]
    return pd.concat(parts, axis=1).max(axis=1, skipna=False)
