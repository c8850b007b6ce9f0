"""How long the desk waits before it asks a source again."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.market_data.retry import Pauses, seconds_asked

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


@given(st.integers(1, 60), st.integers())
def test_a_pause_lies_between_half_and_all_of_the_doubled_one(failed: int, seed: int) -> None:
    pause = Pauses(first=0.5, longest=60.0).after(failed, Random(seed))

    whole = min(0.5 * 2 ** (failed - 1), 60.0)
    assert whole / 2 <= pause <= whole


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        (" 0 ", 0.0),
        ("Mon, 02 Nov 2026 12:00:30 GMT", 30.0),  # the two forms of RFC 9110, section 10.2.3
        ("Mon, 02 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert seconds_asked({"Retry-After": header}, now=NOW) == seconds


def test_a_date_without_a_zone_is_utc() -> None:
    told = (NOW + timedelta(minutes=1)).strftime("%a, %d %b %Y %H:%M:%S -0000")

    assert seconds_asked({"Retry-After": told}, now=NOW) == 60.0


def test_without_retry_after_the_reset_of_the_rate_limit_counts() -> None:
    reset = str(int(NOW.timestamp()) + 42)

    assert seconds_asked({"X-RateLimit-Reset": reset}, now=NOW) == 42.0
    assert seconds_asked({"X-RateLimit-Reset": reset, "Retry-After": "3"}, now=NOW) == 3.0
    assert seconds_asked({"X-RateLimit-Reset": "1"}, now=NOW) == 0.0
    assert seconds_asked({}, now=NOW) is None
