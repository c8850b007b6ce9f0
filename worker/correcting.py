"""A person's word that the broker's positions stand: booked, never traded."""

from decimal import Decimal, InvalidOperation
from typing import Any

from ledger import people, position_corrections, requests
from ledger.position_corrections import Differing
from ledger.requests import Request
from trading.errors import BrokerUnavailableError, NotAllowedError
from trading.reconcile import reconcile
from trading.wording import shares
from worker.desk import Desk


def correct_positions(desk: Desk, asked: Request) -> str:
    """Book what the broker holds of some symbols if it is what the person saw; return what to tell.

    Ledger and broker are compared first, so that what the desk itself traded is on record.

    Raises
    ------
    NotAllowedError
        If the person may not, or the figures are no longer those that were shown.
    BrokerUnavailableError
        If the broker does not answer: nobody then knows what is held.
    """
    shown = _shown(asked.payload.get("positions"))
    _compare(desk)
    told = {one.symbol: one for one in desk.broker.positions()}
    market_at = desk.broker.clock().now  # after them: what they contain is settled
    desk_at = desk.clock.now()
    sentence = _sentence(shown)
    with desk.engine.begin() as conn:
        person = people.by_id(conn, asked.person_id or "")
        if person is None:
            raise NotAllowedError("A correction of a position needs a person who asks for it.")
        position_corrections.book(
            conn, person, shown, told=told, reason=str(asked.payload.get("reason") or ""),
            request_id=asked.request_id, market_at=market_at, desk_at=desk_at,
        )  # fmt: skip
        requests.finish(
            conn, request_id=asked.request_id, state="done", outcome={"sentence": sentence},
            desk_at=desk_at,
        )  # fmt: skip
    return sentence


def _compare(desk: Desk) -> None:
    report = reconcile(
        desk.ledger,
        desk.broker,
        market=desk.market,
        desk=desk.clock,
        environment=desk.environment,
    )
    for one in report.differences:
        if one.kind == "broker_away":
            raise BrokerUnavailableError(one.sentence)


def _shown(told: Any) -> list[Differing]:
    """Read the figures that the person saw.

    Raises
    ------
    NotAllowedError
        If they make no sense.
    """
    try:
        return [
            Differing(str(one["symbol"]), Decimal(one["ours"]), Decimal(one["theirs"]), None)
            for one in told
        ]
    except (KeyError, TypeError, InvalidOperation) as e:
        raise NotAllowedError(
            "What to correct is a list of symbols with the shares that ledger and broker hold, "
            f"was {told!r}."
        ) from e


def _sentence(booked: list[Differing]) -> str:
    said = ", ".join(
        f"{shares(one.theirs)} {one.symbol} (was {shares(one.ours)})" for one in booked
    )
    return (
        f"Booked as the broker holds it: {said}. Nothing was sent; trading stays as it is until a "
        "person resumes."
    )
