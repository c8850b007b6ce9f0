"""Random markets for tests of features: splits, dividends, gaps, listings, members, sectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quant.features import DailyPanel
from quant.features.panel import ROW_COLUMNS


def business_days(n: int, *, first: int = 12_053) -> np.ndarray:
    """Return `n` weekdays from a Monday on (2003-01-01 + 5 days), as day numbers."""
    weeks, weekday = np.divmod(np.arange(n), 5)
    return (first + 4 - (first + 3 + 4) % 7 + 7 + 7 * weeks + weekday).astype(np.int32)


def random_panel(*, n_symbols: int, n_sessions: int, seed: int) -> DailyPanel:
    """Return a market in which later symbols list later, pause, split, and leave the universe."""
    rng = np.random.default_rng(seed)
    days = business_days(n_sessions)
    market = rng.normal(0.0003, 0.01, n_sessions)
    parts: list[dict[str, np.ndarray]] = []
    for i in range(n_symbols):
        begin = (i * n_sessions) // (4 * n_symbols)
        keep = np.arange(n_sessions) >= begin
        keep &= (rng.random(n_sessions) > 0.02) | (i == 0)
        parts.append(_bars(rng, days[keep], market[keep], acts=i % 2 == 1))
    names = tuple(parts[0])
    columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
    lengths = [part["sessions"].size for part in parts]
    member = rng.random(sum(lengths)) > 0.1
    sector = np.repeat(np.arange(n_symbols) % 3, lengths).astype(np.int32)
    sector[int(0.8 * lengths[0]) : lengths[0]] = 1  # the first firm changes its business
    return DailyPanel(
        symbols=tuple(f"S{i}" for i in range(n_symbols)),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        index_sessions=days,
        index_close=1000.0 * np.exp(np.cumsum(market)),
        member=member if n_symbols > 1 else None,
        sector=sector if n_symbols > 1 else None,
        **columns,
    )


def since(panel: DailyPanel, session: int, *, rows_before: int) -> DailyPanel:
    """Return the rows from a session on, and some earlier ones of each symbol."""
    begins = panel.offsets[:-1] + np.maximum(panel.firsts(session) - rows_before, 0)
    ends = panel.offsets[1:]
    rows = np.concatenate([np.arange(a, b) for a, b in zip(begins, ends, strict=True)])
    columns = {name: getattr(panel, name)[rows] for name in ROW_COLUMNS}
    return replace(
        panel,
        offsets=np.concatenate([[0], np.cumsum(ends - begins)]).astype(np.int64),
        sessions=panel.sessions[rows],
        member=None if panel.member is None else panel.member[rows],
        sector=None if panel.sector is None else panel.sector[rows],
        **columns,
    )


def _bars(
    rng: np.random.Generator, days: np.ndarray, market: np.ndarray, *, acts: bool
) -> dict[str, np.ndarray]:
    n = days.size
    close = 50.0 * np.exp(np.cumsum(market + rng.normal(0.0, 0.015, n)))
    open_ = close * np.exp(rng.normal(0.0, 0.006, n))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0.0, 0.006, n)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0.0, 0.006, n)))
    volume = np.round(1e6 * np.exp(rng.normal(0.0, 0.4, n)))
    split = np.where(np.arange(n) >= n // 2, 2.0 if acts else 1.0, 1.0)
    dividend = np.where(np.arange(n) >= n // 3, 1.01 if acts else 1.0, 1.0)
    return {
        "sessions": days,
        "open": open_ / split,
        "high": high / split,
        "low": low / split,
        "close": close / split,
        "volume": volume * split,
        "split_factor": split,
        "return_factor": split * dividend,
    }
