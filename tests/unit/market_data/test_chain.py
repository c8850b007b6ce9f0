"""The chain of sources: who is asked when, and who serves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import polars as pl
import pytest

from adapters.market_data.chain import Chain, Patience
from adapters.market_data.errors import (
    EmptyAnswerError,
    NoSourceError,
    NotOfferedError,
    SourceBusyError,
    SourceError,
    SourceRefusedError,
)
from adapters.market_data.retry import Pauses
from tests.unit.market_data.books import Book, StandingClock

DAY = date(2012, 7, 2)
COOL_DOWN = timedelta(minutes=30)


@dataclass
class Vendor:
    """Answers with what is planned for each question, in turn; then with every symbol it has."""

    name: str
    has: tuple[str, ...] = ("AAPL", "IBM")
    lacks: frozenset[str] = frozenset()
    plan: list[SourceError] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def daily(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        self.asked.append(tuple(symbols))
        if self.plan:
            raise self.plan.pop(0)
        found = [symbol for symbol in symbols if symbol in self.has]
        if not found:
            raise EmptyAnswerError(f"{self.name} is empty")
        return self.rows(*found)

    def minutes(self, symbols: Sequence[str], session: date) -> pl.DataFrame:
        raise NotOfferedError("no minutes")

    def actions(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        self.asked.append(tuple(symbols))
        if self.plan:
            raise self.plan.pop(0)
        return self.rows().rename({"session": "ex_date"}).with_columns(kind=pl.lit("split"))

    def rows(self, *symbols: str) -> pl.DataFrame:
        return pl.DataFrame(
            [(symbol, DAY, self.name) for symbol in symbols],
            schema={"symbol": pl.String, "session": pl.Date, "source": pl.String},
            orient="row",
        )


@dataclass
class Desk:
    """A chain of two vendors."""

    first: Vendor = field(default_factory=lambda: Vendor("alpaca"))
    second: Vendor = field(default_factory=lambda: Vendor("yahoo"))
    clock: StandingClock = field(default_factory=StandingClock)
    book: Book = field(default_factory=Book)

    def __post_init__(self) -> None:
        patience = Patience(5, COOL_DOWN, Pauses(0.5, 60.0))
        self.chain = Chain(
            [self.first, self.second],
            self.book,
            patience,
            self.clock,
            self.clock.forward,
            Random(1),
        )

    def served(self, *symbols: str) -> dict[str, str]:
        rows = self.chain.daily(symbols or ("AAPL", "IBM"), DAY, DAY)
        return dict(rows.select("symbol", "source").rows())


@pytest.fixture
def desk() -> Desk:
    return Desk()


def down(times: int) -> list[SourceError]:
    return [SourceError(f"down {n}") for n in range(times)]


def test_a_healthy_primary_serves_alone(desk: Desk) -> None:
    assert desk.served() == {"AAPL": "alpaca", "IBM": "alpaca"}
    assert desk.second.asked == []
    assert desk.clock.slept == []


def test_four_errors_in_a_row_change_nothing(desk: Desk) -> None:
    desk.first.plan = down(4)

    assert set(desk.served().values()) == {"alpaca"}
    assert desk.book.switches == []
    # 0.5 s doubled three times; each between half and all of it
    assert all(
        whole / 2 <= slept <= whole
        for slept, whole in zip(desk.clock.slept, [0.5, 1.0, 2.0, 4.0], strict=True)
    )


def test_after_the_fifth_error_in_a_row_the_next_serves(desk: Desk) -> None:
    desk.first.plan = down(5)

    assert set(desk.served().values()) == {"yahoo"}
    assert len(desk.first.asked) == 5
    assert desk.book.switches == [("alpaca", "yahoo")]
    assert desk.book.standing("alpaca").skipped_until == desk.clock.now() + COOL_DOWN


def test_errors_are_counted_over_questions_and_processes(desk: Desk) -> None:
    for _ in range(3):
        desk.book.failed("alpaca", "in a process that is gone", skip_until=None)
    desk.first.plan = down(2)

    assert set(desk.served().values()) == {"yahoo"}
    assert len(desk.first.asked) == 2


def test_an_answer_between_errors_breaks_the_row(desk: Desk) -> None:
    desk.first.plan = down(4)
    desk.served()
    desk.first.plan = down(4)

    assert set(desk.served().values()) == {"alpaca"}


def test_a_skipped_source_is_not_asked_until_its_cool_down_is_over(desk: Desk) -> None:
    desk.first.plan = down(5)
    desk.served()
    desk.clock.at += COOL_DOWN - timedelta(seconds=1)
    desk.served()
    assert len(desk.first.asked) == 5

    desk.clock.at += timedelta(seconds=1)

    assert set(desk.served().values()) == {"alpaca"}
    assert desk.book.standing("alpaca").failures == 0


def test_one_more_error_after_the_cool_down_skips_it_anew(desk: Desk) -> None:
    desk.first.plan = down(6)
    desk.served()
    desk.clock.at += COOL_DOWN

    assert set(desk.served().values()) == {"yahoo"}
    assert len(desk.first.asked) == 6
    assert desk.book.standing("alpaca").skipped_until == desk.clock.now() + COOL_DOWN


def test_an_empty_answer_is_an_error_like_any_other(desk: Desk) -> None:
    desk.first.has = ()

    assert set(desk.served().values()) == {"yahoo"}
    assert len(desk.first.asked) == 5


def test_a_refusal_is_not_repeated(desk: Desk) -> None:
    desk.first.plan = [SourceRefusedError("wrong keys")]

    assert set(desk.served().values()) == {"yahoo"}
    assert len(desk.first.asked) == 1
    assert desk.book.standing("alpaca").failures == 1


def test_the_wait_a_source_asks_for_is_kept(desk: Desk) -> None:
    desk.first.plan = [SourceBusyError("busy", wait=17.0)]

    assert set(desk.served().values()) == {"alpaca"}
    assert desk.clock.slept == [17.0]


def test_a_source_that_asks_for_too_long_a_wait_is_skipped_for_it(desk: Desk) -> None:
    desk.first.plan = [SourceBusyError("busy", wait=3600.0)]

    assert set(desk.served().values()) == {"yahoo"}
    assert desk.clock.slept == []
    assert desk.book.standing("alpaca").skipped_until == desk.clock.now() + timedelta(hours=1)


def test_what_was_answered_before_an_error_is_not_asked_again(desk: Desk) -> None:
    desk.first.plan = [
        SourceError("after the first", answered=["AAPL"], rows=[desk.first.rows("AAPL")])
    ]

    assert desk.served() == {"AAPL": "alpaca", "IBM": "alpaca"}
    assert desk.first.asked == [("AAPL", "IBM"), ("IBM",)]


def test_the_next_is_asked_for_the_rest_alone(desk: Desk) -> None:
    desk.first.plan = [
        SourceError("after the first", answered=["AAPL"], rows=[desk.first.rows("AAPL")]),
        *down(4),
    ]

    assert desk.served() == {"AAPL": "alpaca", "IBM": "yahoo"}
    assert desk.second.asked == [("IBM",)]


def test_a_symbol_the_primary_has_not_comes_from_the_next(desk: Desk) -> None:
    desk.first.has = ("AAPL",)

    assert desk.served() == {"AAPL": "alpaca", "IBM": "yahoo"}
    assert desk.book.switches == []


def test_a_symbol_nobody_has_is_left_out_and_nobody_is_blamed(desk: Desk) -> None:
    assert desk.served("AAPL", "FB") == {"AAPL": "alpaca"}
    assert desk.second.asked == [("FB",)]
    assert desk.book.of == {}


def test_a_source_is_not_asked_for_what_it_never_has(desk: Desk) -> None:
    desk.first.lacks = frozenset({"SPX"})
    desk.second.has = ("SPX",)

    assert desk.served("SPX") == {"SPX": "yahoo"}
    assert desk.first.asked == []
    assert desk.book.of == {}


def test_no_actions_are_an_answer(desk: Desk) -> None:
    assert desk.chain.actions(["AAPL"], DAY, DAY).is_empty()
    assert desk.second.asked == []


def test_minutes_nobody_offers_are_told_and_nobody_is_blamed(desk: Desk) -> None:
    with pytest.raises(NotOfferedError, match="alpaca: no minutes yahoo: no minutes"):
        desk.chain.minutes(["AAPL"], DAY)
    assert desk.book.of == {}


def test_when_all_are_skipped_each_is_asked_once_more(desk: Desk) -> None:
    desk.first.plan, desk.second.plan = down(5), down(5)
    with pytest.raises(NoSourceError, match=r"No source gave daily bars .*\(alpaca, yahoo\)"):
        desk.served()
    assert desk.book.switches == [("alpaca", None), ("yahoo", None)]

    desk.first.plan = down(1)

    assert set(desk.served().values()) == {"yahoo"}


def test_those_before_a_source_make_a_chain_of_their_own(desk: Desk) -> None:
    better = desk.chain.before("yahoo")

    assert [source.name for source in better.sources] == ["alpaca"]
    assert desk.chain.before("alpaca").sources == []
