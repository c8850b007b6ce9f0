"""Nothing is sent to another account than the one that may be traded."""

import pytest

from adapters.brokers.alpaca import AlpacaBroker
from tests.integration.sending.desk import OPEN
from tests.integration.venue.served import ServedVenue
from tests.unit.trading.test_orders_table import ORDER
from trading.errors import BrokerUnavailableError

LIVE = "https://api.alpaca.markets"


def broker(served: ServedVenue, number: str | None) -> AlpacaBroker:
    return AlpacaBroker(
        key_id="PKTEST", secret_key="secret", url=served.url, data_url=served.url, paper=True,
        feed="iex", account_number=number,
    )  # fmt: skip


def test_an_order_goes_to_the_named_account_and_to_no_other(served: ServedVenue) -> None:
    number = served.get("/v2/account")["account_number"]
    wrong, right = broker(served, "123456789"), broker(served, number)

    for _ in range(2):
        with pytest.raises(BrokerUnavailableError, match=f"belong to account {number}"):
            wrong.submit(ORDER)
    with pytest.raises(BrokerUnavailableError):
        wrong.account()
    assert wrong.orders(since=OPEN) == []
    assert right.submit(ORDER).client_order_id == ORDER.client_order_id
    assert right.account().account_id == number


@pytest.mark.parametrize(
    ("paper", "url", "number"),
    [(True, LIVE, None), (True, LIVE, "1"), (False, LIVE, None), (False, "http://h", "1")],
)
def test_a_broker_is_live_by_address_and_account_or_not_at_all(
    paper: bool, url: str, number: str | None
) -> None:
    with pytest.raises(ValueError, match="never at"):
        AlpacaBroker(
            key_id="k", secret_key="s", url=url, data_url=url, paper=paper, feed="iex",
            account_number=number,
        )  # fmt: skip
