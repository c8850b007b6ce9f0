"""Figures over cash say what cash was taken to earn, and where nobody knows."""

import pytest

from dashboard.cards.beside_gates import cash_sentence


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (0, "Cash, idle cash too, earned 2.1 % a year."),
        (
            63,
            "Cash, idle cash too, earned 2.1 % a year; it is taken to earn nothing in 63 sessions "
            "for which no rate is stored.",
        ),
        (252, "Cash taken to earn nothing: no rates are stored."),
    ],
)
def test_the_sentence_on_cash(without: int, said: str) -> None:
    told = {"cash_return": 0.021, "sessions": 252, "without_rate": without}

    assert cash_sentence(told).replace("\N{NO-BREAK SPACE}", " ") == said
