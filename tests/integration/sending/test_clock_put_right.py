"""A clock that ran ahead and was put right makes no comparison newer or fresher than it is."""

from ledger import heartbeats, reconciliations, situation
from tests.integration.sending.desk import BUILD, SmallDesk
from trading.dispatch import send_signed
from trading.ledger import Difference


def unanswered(desk: SmallDesk) -> None:
    with desk.engine.begin() as conn:
        reconciliations.record(
            conn, started_at=desk.clock.now(), finished_at=desk.clock.now(),
            market_at=desk.market.now(), clean=False,
            differences=(Difference("broker_away", "broker", None, "No answer.", grave=False),),
        )  # fmt: skip


def test_what_was_written_last_counts_although_a_clock_ran_ahead(desk: SmallDesk) -> None:
    desk.clock.forward(3600)
    desk.agree()
    desk.clock.forward(-3600)  # put right
    unanswered(desk)

    with desk.engine.connect() as conn:
        found = situation.situation(conn, desk_at=desk.clock.now()).reconciled
        newest = reconciliations.latest(conn)

    assert found is not None
    assert newest is not None
    assert (found.clean, newest.clean) == (False, False)


def test_a_comparison_from_the_future_lets_nothing_be_sent(desk: SmallDesk) -> None:
    desk.signed()
    desk.clock.forward(3600)
    desk.agree()
    desk.clock.forward(-1800)  # put right; nothing was compared since
    with desk.engine.begin() as conn:
        heartbeats.beat(conn, process="watch", pid=1, build=BUILD, desk_at=desk.clock.now())

    told = send_signed(
        desk.ledger, desk.broker, sender=desk.sender(), desk=desk.clock, market=desk.market
    )

    assert told.sent == []
    [why] = told.waiting.values()
    assert "compared" in why
