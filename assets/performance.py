"""The portfolio's accounts after each close: lots, profits, cash, attribution, shortfall."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import polars as pl
from sqlalchemy import Engine

from assets.desk_time import decision_time
from assets.market import daily_bars
from assets.partitions import SESSIONS, as_session
from assets.proposals import proposals_asset
from config.universe import Universe
from ledger import lots as traded
from ledger import market
from ledger.lots import Worked
from ledger.market import EquityPoint
from quality.calendar import exchange
from quant.attribution import attribution, contributions
from quant.execution_cost import implementation_shortfall
from trading.cash import CashDay, cash_days
from trading.lots import Book, Event, Result, Trade, results
from warehouse import Warehouse, accounts, bars

_BPS = Decimal(10_000)


@dataclass(frozen=True)
class Told:
    """What the ledger says up to a session."""

    events: Sequence[Event]
    curve: Sequence[EquityPoint]
    worked: Sequence[Worked]


@dg.asset(
    deps=[proposals_asset, daily_bars],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="portfolio",
    kinds={"duckdb"},
    owners=["team:risk"],
)
def performance(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    ledger: dg.ResourceParam[Engine],
    universe: dg.ResourceParam[Universe],
) -> dg.MaterializeResult[None]:
    """Lots (first in, first out), profits, cash, attribution and implementation shortfall."""
    session = as_session(context.partition_keys[-1])
    told = _told(ledger, session)
    if not told.curve:
        return dg.MaterializeResult(metadata={"dagster/row_count": 0})
    with warehouse.reader() as conn:
        closes = closes_of(conn, told, session)
        costs = [row for one in told.worked if (row := _shortfall(conn, one, session)) is not None]
    frames = account_frames(told, closes, universe.sectors, session)
    frames["portfolio.shortfalls"] = costs
    known = pl.lit(decision_time(session), dtype=pl.Datetime("us", "UTC"))
    with warehouse.writer(*sorted(frames)) as conn:
        new = {
            table: accounts.record(conn, table, _frame(table, rows).with_columns(known_at=known))
            for table, rows in frames.items()
        }
        first = told.curve[0].session
        for table, begins in (("portfolio.lots", session), ("portfolio.closings", first)):
            new[table] += accounts.take_back(
                conn, table, _frame(table, frames[table]),
                first=begins, last=session, known_at=decision_time(session),
            )  # fmt: skip
    return dg.MaterializeResult(metadata={"dagster/row_count": sum(new.values())} | new)


def account_frames(
    told: Told,
    closes: Mapping[date, Mapping[str, Decimal]],
    sectors: Mapping[str, str],
    session: date,
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table of the accounts, shortfall left out.

    Parameters
    ----------
    closes : mapping of date to mapping of str to Decimal
        As quoted, USD per share, of every session from the first event or equity on.
    sectors : mapping of str to str
        By symbol.
    """
    book = Book()
    earned = results(told.events, closes, book=book)
    cash = cash_days(told.events, {point.session: point.cash for point in told.curve})
    return {
        "portfolio.lots": _lots(book, closes, session),
        "portfolio.closings": _closings(book),
        "portfolio.results": [_result(one, sectors) for one in earned],
        "portfolio.cash_days": [_cash(day) for day in cash],
        "portfolio.attributions": _attributions(earned, told.curve, sectors, session),
    }


def closes_of(
    conn: duckdb.DuckDBPyConnection, told: Told, session: date
) -> dict[date, dict[str, Decimal]]:
    """Return the closes of what was ever held, by session from the first event on."""
    starts = [told.curve[0].session, *(event.session for event in told.events)]
    first = min(starts)
    # What is booked on a day without a session belongs to none: it is accounted for on its own.
    days = {*exchange().sessions(first, session), *(event.session for event in told.events)}
    names = sorted(
        {e.sleeve.symbol if isinstance(e, Trade) else e.symbol for e in told.events} - {""}
    )
    prices: dict[date, dict[str, Decimal]] = {day: {} for day in sorted(days)}
    if names:
        rows = bars.ohlcv(conn, names, first, session, as_of=decision_time(session))
        for row in rows.iter_rows(named=True):
            prices[row["session"]][row["symbol"]] = Decimal(str(row["close"]))
    return prices


def _told(ledger: Engine, session: date) -> Told:
    with ledger.connect() as conn:
        account = market.latest_account(conn)
        curve = [] if account is None else market.equity_curve(
            conn, environment=account.environment, account_id=account.account_id
        )  # fmt: skip
        return Told(
            events=traded.events(conn, last=session),
            curve=[point for point in curve if point.session <= session],
            worked=traded.worked(conn, session=session),
        )


def _lots(
    book: Book, closes: Mapping[date, Mapping[str, Decimal]], session: date
) -> list[dict[str, Any]]:
    marks: dict[str, Decimal] = {}
    for day in sorted(closes):
        marks |= closes[day]
    rows = []
    for lot in book.open_lots:
        value = lot.quantity * marks.get(lot.sleeve.symbol, lot.price)
        cost = lot.quantity * lot.price + lot.fee
        rows.append(
            {
                "session": session, "lot_id": lot.trade_id, "symbol": lot.sleeve.symbol,
                "strategy": lot.sleeve.strategy, "model_version": lot.sleeve.model,
                "opened": lot.opened, "quantity": float(lot.quantity), "price": float(lot.price),
                "fee": float(lot.fee), "value": float(value), "unrealised": float(value - cost),
            }
        )  # fmt: skip
    return rows


def _closings(book: Book) -> list[dict[str, Any]]:
    return [
        {
            "lot_id": one.opened_by, "closed_by": one.closed_by, "session": one.closed,
            "symbol": one.sleeve.symbol, "strategy": one.sleeve.strategy,
            "model_version": one.sleeve.model, "opened": one.opened,
            "quantity": float(one.quantity), "open_price": float(one.open_price),
            "close_price": float(one.close_price), "fees": float(one.fees),
            "realised": float(one.realised),
        }
        for one in book.closed
    ]  # fmt: skip


def _result(one: Result, sectors: Mapping[str, str]) -> dict[str, Any]:
    return {
        "session": one.session, "symbol": one.sleeve.symbol, "strategy": one.sleeve.strategy,
        "model_version": one.sleeve.model, "sector": sectors.get(one.sleeve.symbol, ""),
        "profit": float(one.profit), "value": float(one.value), "fees": float(one.fees),
        "income": float(one.income),
    }  # fmt: skip


def _cash(day: CashDay) -> dict[str, Any]:
    return {
        name: value if isinstance(value, date) or value is None else float(value)
        for name, value in vars(day).items()
    }


def _attributions(
    earned: Sequence[Result],
    curve: Sequence[EquityPoint],
    sectors: Mapping[str, str],
    session: date,
) -> list[dict[str, Any]]:
    """Contributions since the first known equity; none before the second close."""
    equity = {point.session: float(point.equity) for point in curve if point.equity > 0}
    days = sorted(day for day in {one.session for one in earned} if day > min(equity, default=day))
    if not days or not equity:
        return []
    sleeves = sorted({one.sleeve for one in earned})
    profits = np.zeros((len(days), len(sleeves)))
    for one in earned:
        if one.session in days:
            profits[days.index(one.session), sleeves.index(one.sleeve)] += float(one.profit)
    before = np.array([equity[max(d for d in equity if d < day)] for day in days])
    told = attribution(
        contributions(profits, before),
        {
            "strategy": [sleeve.strategy for sleeve in sleeves],
            "model": [sleeve.model for sleeve in sleeves],
            "symbol": [sleeve.symbol for sleeve in sleeves],
            "sector": [sectors.get(sleeve.symbol, "") for sleeve in sleeves],
        },
    )
    return [
        {"session": session, "way": way, "label": label, "contribution": value}
        for way, parts in told.items()
        for label, value in parts.items()
    ]


def _shortfall(
    conn: duckdb.DuckDBPyConnection, one: Worked, session: date
) -> dict[str, Any] | None:
    """The cost of one leg; None where nobody knows what it met on arrival."""
    as_of = decision_time(session)
    day = bars.ohlcv(conn, [one.symbol], session, session, as_of=as_of)
    arrival = _arrival(conn, one, session)
    if day.is_empty() or arrival is None:
        return None
    cost = implementation_shortfall(
        "buy" if one.side == "buy" else "sell",
        one.quantity,
        decision_price=one.decision_price,
        arrival_price=arrival,
        final_price=Decimal(str(day["close"][0])),
        fills=one.fills,
        fees=one.fees,
    )
    filled = sum((fill.quantity for fill in one.fills), Decimal(0))
    return {
        "code": one.code, "leg_no": one.leg_no, "session": session, "strategy": one.strategy,
        "symbol": one.symbol, "side": one.side, "quantity": float(one.quantity),
        "filled": float(filled), "decision_price": float(one.decision_price),
        "arrival_price": float(arrival), "delay": float(cost.delay),
        "execution": float(cost.execution), "opportunity": float(cost.opportunity),
        "fees": float(cost.fees), "total_bps": float(cost.fraction * _BPS),
    }  # fmt: skip


def _arrival(conn: duckdb.DuckDBPyConnection, one: Worked, session: date) -> Decimal | None:
    """The open of the minute in which the order was made, or of the next that traded.

    One made before the opening arrives with it.
    """
    as_of = decision_time(session)
    day = bars.ohlcv(conn, [one.symbol], session, session, as_of=as_of)
    if one.arrived_at <= exchange().open(session):
        return None if day.is_empty() else Decimal(str(day["open"][0]))
    minutes = bars.minutes(conn, [one.symbol], session, as_of=as_of).filter(
        pl.col("bar_start") > one.arrived_at - timedelta(minutes=1),
        pl.col("bar_start") < exchange().close(session),
    )
    return None if minutes.is_empty() else Decimal(str(minutes.sort("bar_start")["open"][0]))


def _frame(table: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    schema = {name: kind for name, kind in accounts.SCHEMAS[table].items() if name != "known_at"}
    return pl.DataFrame(list(rows), schema=schema)
