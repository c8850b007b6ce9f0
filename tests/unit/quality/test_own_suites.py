"""The suites of what the desk makes itself: each rule refuses what it names, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ledger.market import Position
from quality.calendar import exchange
from quality.own_readings import positions
from quality.rules.model import Judgement, UnreadableDeliveryError
from quality.suites_features import judge_features
from quality.suites_positions import judge_positions
from quality.suites_predictions import judge_predictions

MON, TUE, HOLIDAY = date(2012, 7, 2), date(2012, 7, 3), date(2012, 7, 4)
NAMES = ("momentum", "volatility", "gap")
INSTANT = pl.Datetime("us", "UTC")


def at(session: date) -> datetime:
    """A quarter of an hour after a regular close."""
    return datetime(session.year, session.month, session.day, 20, 15, tzinfo=UTC)


def feature(symbol: str = "IBM", session: date = MON, **told: Any) -> dict[str, Any]:
    row = {"symbol": symbol, "session": session, "version": "v1", "values": [0.1, 0.2, -0.3],
           "known_at": at(session)}  # fmt: skip
    return row | told


def features(*rows: dict[str, Any]) -> Judgement:
    types = {"values": pl.List(pl.Float32), "known_at": INSTANT}
    frame = pl.DataFrame(list(rows), schema_overrides=types)
    return judge_features(frame, names=NAMES, calendar=exchange())


def test_sound_features_meet_every_rule() -> None:
    holes = feature(session=TUE, values=[0.3, float("nan"), 0.1])

    judged = features(feature(), feature("MSFT"), holes)

    assert judged.findings == ()
    assert judged.passed.height == 3
    assert judged.tally["checked"].min() == 0  # no symbol has five sessions here
    assert "bar_arrived" not in judged.tally["rule"].to_list()


@pytest.mark.parametrize(
    ("row", "rule", "said"),
    [
        (feature(values=[0.1, 0.2]), "every_feature_has_a_place", "2 values; its set v1 has 3"),
        (feature(values=[0.1, float("inf"), 0.0]), "no_feature_is_infinite", ": volatility."),
        (feature(values=[0.1, 0.2, -2e6]), "features_are_of_a_sober_size", ": gap."),
        (feature(session=HOLIDAY), "day_is_a_session", "when the exchange was closed"),
        (feature(known_at=at(MON) - timedelta(hours=1)), "known_after_the_close", "19:15 UTC"),
    ],
)
def test_each_error_of_features_is_named(row: dict[str, Any], rule: str, said: str) -> None:
    (finding,) = features(row, feature("MSFT")).findings

    assert (finding.rule, finding.symbol, str(finding.severity)) == (rule, "IBM", "error")
    assert said in finding.message


def test_the_same_row_twice_is_an_error_of_both() -> None:
    assert features(feature(), feature()).by_rule()["row_is_alone"] == 2


def test_copied_values_and_none_at_all_are_warned_of() -> None:
    days = exchange().sessions(date(2012, 6, 25), MON)
    none = [float("nan")] * 3
    told = [feature(session=d, values=[0.1 * n, 0.0, 0.0]) for n, d in enumerate(days[:-1])]

    copied = features(*told, feature(session=days[-1], values=told[-1]["values"]))
    empty = features(*told, feature(session=days[-1], values=none))

    assert [(f.rule, f.session) for f in copied.findings] == [("features_are_new", days[-1])]
    assert [(f.rule, f.session) for f in empty.findings] == [("some_feature_is_defined", days[-1])]
    assert {str(f.severity) for f in (*copied.findings, *empty.findings)} == {"warning"}


def prediction(symbol: str = "IBM", **told: Any) -> dict[str, Any]:
    row = {
        "symbol": symbol, "session": MON, "model_version": "desk/1", "probability": 0.55,
        "expected_return": 0.01, "low": -0.03, "high": 0.05, "horizon": 5, "volatility": 0.2,
        "contributions": '[{"feature": "gap", "value": 0.1, "points": 0.2}]',
        "feature_version": "v1", "known_at": at(MON),
    }  # fmt: skip
    return row | told


def predictions(*rows: dict[str, Any]) -> Judgement:
    frame = pl.DataFrame(list(rows), schema_overrides={"known_at": INSTANT})
    return judge_predictions(frame, calendar=exchange())


def test_sound_predictions_meet_every_rule() -> None:
    told = predictions(prediction(), prediction("MSFT", probability=0.4), prediction("FB"))

    assert told.findings == ()
    assert (told.tally["checked"] == 3).all()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"probability": 1.0}, "probability_is_one"),
        ({"probability": 0.0}, "probability_is_one"),
        ({"probability": float("nan")}, "probability_is_one"),
        ({"low": 0.02}, "range_holds_what_is_expected"),
        ({"high": float("nan"), "low": 0.02}, "range_holds_what_is_expected"),
        ({"expected_return": 1.5, "high": 2.0}, "return_is_of_a_sober_size"),
        ({"volatility": 0.0}, "volatility_is_known"),
        ({"volatility": float("nan")}, "volatility_is_known"),
        ({"horizon": 0}, "horizon_is_ahead"),
        ({"contributions": "{}"}, "reasons_can_be_read"),
        ({"contributions": '[{"feature": "gap"}]'}, "reasons_can_be_read"),
        ({"contributions": "gap"}, "reasons_can_be_read"),
        ({"known_at": at(MON) - timedelta(days=1)}, "known_after_the_close"),
    ],
)
def test_each_error_of_predictions_is_named(change: dict[str, Any], rule: str) -> None:
    (finding,) = predictions(prediction(**change), prediction("MSFT", probability=0.3)).findings

    assert (finding.rule, finding.symbol, str(finding.severity)) == (rule, "IBM", "error")


def test_a_model_that_says_the_same_of_all_is_warned_of() -> None:
    told = predictions(*(prediction(symbol) for symbol in ("A", "B", "C")))

    assert told.by_rule() == {"predictions_differ": 3}
    assert predictions(prediction("A"), prediction("B")).findings == ()


def held(symbol: str = "IBM", **told: Any) -> Position:
    """Ten shares bought at 100 that stand at 101.50."""
    row: dict[str, Any] = {
        "quantity": Decimal(10), "average_price": Decimal(100), "market_price": Decimal("101.50"),
        "market_value": Decimal("1015.00"), "unrealised": Decimal("15.00"), "as_of": at(MON),
        "received_at": at(MON),
    }  # fmt: skip
    return Position(symbol, **(row | told))


def book(*rows: Position) -> Judgement:
    return judge_positions(positions({p.symbol: p for p in rows}), universe=["IBM", "MSFT"])


def test_sound_positions_meet_every_rule_short_ones_too() -> None:
    short = held(
        "MSFT", quantity=Decimal(-4), market_value=Decimal("-406.00"), unrealised=Decimal("-6.00")
    )

    told = book(held(), short)

    assert told.findings == ()
    assert (told.tally["checked"] == 2).all()


@pytest.mark.parametrize(
    ("position", "rule", "severity"),
    [
        (
            held(quantity=Decimal(0), market_value=Decimal(0), unrealised=Decimal(0)),
            "something_is_held", "error",
        ),
        (held("XYZ"), "symbol_is_of_the_universe", "error"),
        (held(average_price=Decimal(0), unrealised=None), "prices_are_positive", "error"),
        (held(market_value=Decimal("1016.00")), "value_is_quantity_times_price", "error"),
        (held(unrealised=Decimal("30.00")), "gain_is_that_since_the_purchase", "warning"),
        (held(market_price=None), "position_is_priced", "warning"),
    ],
)  # fmt: skip
def test_each_error_of_positions_is_named(position: Position, rule: str, severity: str) -> None:
    (finding,) = book(position).findings

    assert (finding.rule, str(finding.severity)) == (rule, severity)


def test_a_cent_of_rounding_is_no_error() -> None:
    assert book(held(market_value=Decimal("1015.01"))).findings == ()


def test_a_table_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(UnreadableDeliveryError, match="missing: known_at"):
        judge_features(pl.DataFrame([feature()]).drop("known_at"), names=NAMES, calendar=exchange())
