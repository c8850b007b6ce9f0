"""A market that lies in a folder, replayed in place of the sample.

market.json
    name, index (a symbol, data only), stocks (symbol to company and exchange).
bars.csv.gz
    symbol,session,open,high,low,close,volume: dollars as quoted, shares; in order of sessions.
actions.csv
    kind (split or dividend),symbol,ex_date,value: new shares for one old, or dollars a share.
"""

import csv
import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from venue.sample import CorporateAction, DailyBar, Sample

_KINDS = {"split", "dividend"}


class UnreadableMarketError(ValueError):
    """The folder holds no market, or one that cannot be read."""


def recorded(folder: Path) -> Sample:
    """Read the market in `folder`.

    Raises
    ------
    UnreadableMarketError
        Naming the file and what is wrong with it.
    """
    try:
        about = json.loads((folder / "market.json").read_text(encoding="utf-8"))
        stocks = {symbol: (name, exchange) for symbol, (name, exchange) in about["stocks"].items()}
        market = Sample(
            bars=_bars(folder / "bars.csv.gz", {*stocks, about["index"]}),
            actions=tuple(sorted(_actions(folder / "actions.csv"), key=_by_ex_date)),
            stocks=stocks,
            index_symbol=about["index"],
            name=f"{about['name']} {_digest(folder)}",
        )
    except (OSError, KeyError, TypeError, ValueError, InvalidOperation) as e:
        raise UnreadableMarketError(
            f"The market in {folder} cannot be read: {type(e).__name__}: {e}. Write it again."
        ) from e
    if not any(market.bars[symbol] for symbol in stocks):
        raise UnreadableMarketError(f"The market in {folder} has no bar of any stock.")
    return market


def _bars(path: Path, symbols: set[str]) -> dict[str, dict[date, DailyBar]]:
    bars: dict[str, dict[date, DailyBar]] = {symbol: {} for symbol in symbols}
    with gzip.open(path, "rt", newline="") as lines:
        for symbol, session, *prices, volume in _rows(lines):
            day = date.fromisoformat(session)
            o, h, low, c = (float(price) for price in prices)
            bars[symbol][day] = DailyBar(day, o, h, low, c, int(volume))
    return bars


def _actions(path: Path) -> Iterator[CorporateAction]:
    with path.open(newline="") as lines:
        for kind, symbol, ex_date, value in _rows(lines):
            if kind not in _KINDS:
                raise ValueError(f"{path.name} has a {kind!r}; it may have {sorted(_KINDS)}")
            told = "split" if kind == "split" else "dividend"
            day = date.fromisoformat(ex_date)
            yield CorporateAction(told, symbol, day, Decimal(value), "recorded")  # type: ignore[arg-type]  # one of the two


def _rows(lines: Iterator[str]) -> Iterator[list[str]]:
    rows = csv.reader(lines)
    next(rows)  # the names of the columns
    yield from rows


def _by_ex_date(action: CorporateAction) -> tuple[date, str, str]:
    return action.ex_date, action.symbol, action.kind


def _digest(folder: Path) -> str:
    """What tells this market from another of its name: a replay belongs to one."""
    told = hashlib.sha256()
    for name in ("market.json", "bars.csv.gz", "actions.csv"):
        told.update((folder / name).read_bytes())
    return told.hexdigest()[:12]
