"""A difference that a person has taken note of is not told again until it is another one."""

from decimal import Decimal

from ledger import alerts, people
from tests.integration.sending.desk import SmallDesk
from tests.integration.sending.test_reconciling import compare


def _open(desk: SmallDesk) -> list[str]:
    with desk.engine.connect() as conn:
        return [alert.message for alert in alerts.unacknowledged(conn)]


def _acknowledge(desk: SmallDesk) -> None:
    with desk.engine.begin() as conn:
        for alert in alerts.unacknowledged(conn):
            alerts.acknowledge(
                conn, alert_id=alert.alert_id, person_id=people.signatories(conn)[0].person_id,
                desk_at=desk.clock.now(),
            )  # fmt: skip


def test_an_acknowledged_difference_stays_acknowledged_until_it_changes(desk: SmallDesk) -> None:
    desk.broker.holdings["MSFT"] = Decimal(5)
    compare(desk)
    assert _open(desk) == ["The broker holds 5 MSFT, the desk's fills and bookings make 0."]
    _acknowledge(desk)

    for _ in range(3):
        compare(desk)
        assert _open(desk) == []

    desk.broker.holdings["MSFT"] = Decimal(7)
    compare(desk)
    assert _open(desk) == ["The broker holds 7 MSFT, the desk's fills and bookings make 0."]
    _acknowledge(desk)

    desk.broker.holdings.clear()
    compare(desk)
    with desk.engine.connect() as conn:
        assert alerts.lasting(conn) == []
    desk.broker.holdings["MSFT"] = Decimal(7)
    compare(desk)
    assert len(_open(desk)) == 1
