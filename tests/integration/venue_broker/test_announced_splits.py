"""A split is known to the desk from the close before its ex-date."""

from datetime import date

import pytest

from adapters.brokers.alpaca_actions import AnnouncedSplits
from tests.integration.venue.served import ServedVenue
from trading.errors import BrokerUnavailableError

EX_DATE = date(2012, 7, 5)  # the venue stands in the session of the 3rd; the 4th is a holiday


def test_a_split_is_announced_for_its_symbol_and_day(served: ServedVenue) -> None:
    splits = AnnouncedSplits(key_id="PKTEST", secret_key="secret", data_url=served.url)
    planted = {"kind": "split", "symbol": "IBM", "ex_date": EX_DATE.isoformat(), "ratio": 2}
    served.post("/venue/events", planted, status=201)
    served.post("/venue/jump", {"to": "close"})

    assert splits.on(EX_DATE, ["AAPL", "IBM"]) == ["IBM"]
    assert splits.on(EX_DATE, ["AAPL"]) == []
    assert splits.on(date(2012, 7, 3), ["IBM"]) == []


def test_no_answer_is_not_read_as_no_split(served: ServedVenue) -> None:
    splits = AnnouncedSplits(key_id="PKTEST", secret_key="secret", data_url=served.url)
    served.stop()

    with pytest.raises(BrokerUnavailableError, match="corporate-actions"):
        splits.on(EX_DATE, ["IBM"])
