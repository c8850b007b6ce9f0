"""Rows for the warehouse's tests, with the fewest words."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from warehouse import Warehouse, actions, index, prices, verdicts
from warehouse.versions import Appended

DAY = date(2012, 7, 2)
LONG_AFTER = datetime(2030, 1, 1, tzinfo=UTC)


def closing(session: date) -> datetime:
    return datetime(session.year, session.month, session.day, 20, 15, tzinfo=UTC)


def bar(symbol: str = "A", session: date = DAY, close: float = 10.0, **told: Any) -> dict[str, Any]:
    return {
        "symbol": symbol, "session": session, "open": close, "high": close + 1,
        "low": close - 0.5, "close": close, "volume": 100, "source": "test", "feed": None,
        "simulated": False, "object_key": None, "known_at": closing(session), "assumed": True,
        "learned_at": None,
    } | told  # fmt: skip


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema_overrides=prices_schema(), orient="row")


def prices_schema() -> dict[str, Any]:
    instant = pl.Datetime("us", "UTC")
    return {
        "feed": pl.String, "object_key": pl.String, "known_at": instant, "learned_at": instant,
    }  # fmt: skip


def append(
    warehouse: Warehouse, *rows: dict[str, Any], learned_at: datetime | None = None
) -> Appended:
    with warehouse.writer("market.daily_bars") as conn:
        return prices.append_bars(conn, frame(*rows), learned_at=learned_at)


def series(symbol: str, closes: list[float], first: date = DAY) -> list[dict[str, Any]]:
    return [bar(symbol, first + timedelta(days=n), c) for n, c in enumerate(closes)]


def act(warehouse: Warehouse, *rows: dict[str, Any]) -> Appended:
    whole = [{"ratio": None, "amount": None, "source": "test"} | row for row in rows]
    types: dict[str, Any] = {
        "ratio": pl.Float64, "amount": pl.Float64, "known_at": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    with warehouse.writer("market.corporate_actions") as conn:
        return actions.append(conn, pl.DataFrame(whole, schema_overrides=types))


def split(symbol: str, day: date, ratio: float, **told: Any) -> dict[str, Any]:
    row = {"symbol": symbol, "ex_date": day, "kind": "split", "ratio": ratio}
    return row | {"known_at": closing(day) - timedelta(hours=7)} | told


def dividend(symbol: str, day: date, amount: float, **told: Any) -> dict[str, Any]:
    row = {"symbol": symbol, "ex_date": day, "kind": "cash_dividend", "amount": amount}
    return row | {"known_at": closing(day) - timedelta(hours=7)} | told


def judge(
    warehouse: Warehouse, symbol: str, session: date, status: str, known_at: datetime | None = None
) -> None:
    row = {
        "dataset": "daily_bars", "symbol": symbol, "session": session, "status": status,
        "checks": 12, "checks_passed": 12, "known_at": known_at or closing(session),
    }  # fmt: skip
    with warehouse.writer("quality.verdicts") as conn:
        verdicts.record(conn, pl.DataFrame([row]))


def closes(
    warehouse: Warehouse, symbol: str = "A", *, as_of: datetime = LONG_AFTER, judged: bool = False
) -> list[float]:
    with warehouse.reader() as conn:
        found = prices.closes(
            conn, [symbol], date(2000, 1, 1), date(2029, 1, 1), as_of=as_of, judged=judged
        )
    return found["close"].to_list()


def index_bars(warehouse: Warehouse, closes_: list[float], first: date = DAY) -> None:
    with warehouse.writer("market.index_bars") as conn:
        index.append_bars(conn, frame(*series("SPX", closes_, first)))
