import hashlib
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.canonical import Content, canonical_bytes, content_hash, decimal_text, figure, utc_text


def test_keys_are_sorted_by_their_utf16_code_units() -> None:
    # RFC 8785, section 3.2.3: the values tell the expected order.
    told = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }

    text = canonical_bytes(told).decode()

    order = [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]
    assert sorted(order, key=text.index) == order


def test_literals_and_strings_follow_the_rfc() -> None:
    # RFC 8785, section 3.2.2: its sample input, without the numbers that are floats.
    told = {"string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f", "literals": [None, True]}

    assert canonical_bytes(told) == (
        '{"literals":[null,true],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()
    )


def test_decimals_and_instants_are_text() -> None:
    new_york = timezone(timedelta(hours=-4))
    told: dict[str, Content] = {
        "price": Decimal("195.930"),
        "tiny": Decimal("1E-7"),
        "at": datetime(2012, 7, 3, 9, 31, tzinfo=new_york),
        "n": 25,
    }

    assert canonical_bytes(told) == (
        b'{"at":"2012-07-03T13:31:00Z","n":25,"price":"195.93","tiny":"0.0000001"}'
    )


@pytest.mark.parametrize(
    "value",
    [1.5, Decimal("NaN"), Decimal("Infinity"), 2**53, datetime(2012, 7, 3)],  # noqa: DTZ001
)
def test_what_cannot_be_signed_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical_bytes({"value": value})  # type: ignore[dict-item]  # that is the point


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12
    )
)
def test_a_decimal_keeps_its_value_and_has_one_text(value: Decimal) -> None:
    text = decimal_text(value)

    assert Decimal(text) == value
    assert "E" not in text
    assert decimal_text(value * Decimal("1.000")) == text


def test_hash_is_sha_256_of_the_bytes() -> None:
    # FIPS 180-4: the digest of "abc".
    assert content_hash(b"abc").startswith("ba7816bf8f01cfea")
    assert content_hash(b"{}") == hashlib.sha256(b"{}").hexdigest()


def test_figures_are_rounded_and_finite() -> None:
    assert figure(0.1 + 0.2) == Decimal("0.3")
    with pytest.raises(ValueError, match="finite"):
        figure(float("nan"))


def test_an_instant_needs_a_zone() -> None:
    assert utc_text(datetime(2012, 7, 3, tzinfo=UTC)) == "2012-07-03T00:00:00Z"
