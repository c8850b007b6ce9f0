"""A steward's word on a quarantined row."""

from typing import Literal

import duckdb

from ledger import people
from ledger.requests import Request
from quality.verdicts import Decision, DecisionError, decide
from trading.errors import NotAllowedError
from warehouse import Warehouse, bars, connect, quarantine, verdicts
from worker.desk import Desk

_TABLES = ("market.daily_bars", "quality.verdicts", "quality.quarantine")


def decide_row(desk: Desk, asked: Request, *, status: Literal["released", "confirmed"]) -> str:
    """Release a held row, or confirm that it is wrong; return what to tell the person.

    Raises
    ------
    NotAllowedError
        If the person is no steward, or the row cannot be decided as asked.
    """
    with desk.engine.connect() as conn:
        person = people.by_id(conn, asked.person_id or "")
    if person is None or not person.may("steward"):
        raise NotAllowedError("Deciding about a held row needs the role steward.")
    store = connect(desk.settings)
    try:
        decision = _decided(store, asked, status, person.display_name, desk)
        store.write(lambda conn: _record(conn, decision), *_TABLES)
    finally:
        store.close()
    row = decision.verdict.row(0, named=True)
    told = "released" if status == "released" else "confirmed as wrong"
    return f"{row['symbol']} of {row['session']} is {told}."


def _decided(
    store: Warehouse,
    asked: Request,
    status: Literal["released", "confirmed"],
    person: str,
    desk: Desk,
) -> Decision:
    with store.reader() as conn:
        found = quarantine.latest_states(conn, quarantine_id=str(asked.payload["quarantine_id"]))
        if found.is_empty():
            raise NotAllowedError("There is no such row in quarantine.")
        held = found.row(0, named=True)
        known = verdicts.latest(conn, [held["session"]], dataset=held["dataset"])
    mine = known.filter(known["symbol"] == held["symbol"])
    try:
        return decide(
            held,
            status=status,
            person=person,
            reason=str(asked.payload.get("reason") or ""),
            known_at=desk.market.now(),
            verdict=mine.row(0, named=True) if mine.height else None,
        )
    except DecisionError as e:
        raise NotAllowedError(str(e)) from e


def _record(conn: duckdb.DuckDBPyConnection, decision: Decision) -> None:
    if decision.bars.height:
        bars.append_bars(conn, decision.bars)
    verdicts.record(conn, decision.verdict)
    quarantine.record(conn, decision.quarantine)
