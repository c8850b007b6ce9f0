"""The page Alerts: what is open, what lasts, and a rule made with plain words."""

from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from config.settings import Settings
from dashboard import data
from ledger import alert_rules, alerts, audit
from tests.unit.dashboard import rows
from tests.unit.dashboard.conftest import SHELL


@pytest.fixture
def desk(desk_settings: Settings) -> Settings:
    """A desk whose market has been heard, with one condition that lasts."""
    with data.engine().begin() as conn:
        rows.fill_market(conn, heard_at=rows.fresh())
        _raise(conn, "IBM")
    return desk_settings


def _raise(conn: object, subject: str) -> None:
    alerts.raise_once(
        conn,  # type: ignore[arg-type]
        severity="warning",
        kind="unknown_position",
        subject=subject,
        message=f"The broker holds 5 {subject}.",
        desk_at=data.now(),
        condition="5",
    )


def _page() -> AppTest:
    at = AppTest.from_file(str(SHELL), default_timeout=120).run()
    return at.switch_page("views/alerts.py").run()


def _text(at: AppTest) -> str:
    return "\n".join(str(block.value) for block in [*at.markdown, *at.caption])


def test_a_condition_that_was_seen_moves_to_what_lasts(desk: Settings) -> None:
    at = _page()
    assert "Nothing.** What you acknowledge stays here" in _text(at)
    assert "Alerts stay on this desk." in _text(at)

    next(button for button in at.button if button.label == "Seen").click().run()

    assert not at.exception
    assert "No open alert." in _text(at)
    assert "The broker holds 5 IBM. :gray[since" in _text(_page())


@pytest.mark.parametrize(
    ("typed", "kept"), [("1,250", "1250"), ("250", "250"), ("1,5", None), ("twelve", None)]
)
def test_the_rule_kept_is_the_one_on_the_screen(
    desk: Settings, typed: str, kept: str | None
) -> None:
    at = _page()
    at.text_input(key="rule-threshold").set_value("190").run()
    at.text_input(key="rule-threshold").set_value(typed)
    at.button(key="rule-make").click().run()

    with data.asked() as conn:
        made = alert_rules.active(conn)
    assert [rule.threshold for rule in made] == ([] if kept is None else [Decimal(kept)])
    assert ("Write a number" in _text(at)) == (kept is None)


def test_a_price_below_zero_is_refused_with_what_was_wanted_and_what_came(desk: Settings) -> None:
    at = _page()
    at.text_input(key="rule-threshold").set_value("-190").run()
    at.button(key="rule-make").click().run()

    assert not at.exception
    assert (
        "A threshold of last price must be 0 or more, was −190.00 USD\\: it is never negative, so "
        "the rule would never hold."
    ) in _text(at)
    with data.asked() as conn:
        assert alert_rules.active(conn) == []


def test_a_rule_is_made_in_plain_words_and_retired(desk: Settings) -> None:
    at = _page()
    at.selectbox(key="rule-area").set_value("profit").run()
    at.selectbox(key="rule-measure").set_value("day_gain").run()
    at.text_input(key="rule-threshold").set_value("−1.5").run()
    assert "**Tell us when** gain since the last close below −1.5 %" in _text(at)

    at.button(key="rule-make").click().run()

    assert not at.exception
    assert "It is watched from now on." in _text(at)
    with data.asked() as conn:
        (rule,) = alert_rules.active(conn)
        assert audit.entries(conn, last=1)[0].action == "alert_rule.make"
    assert (rule.measure, rule.comparison, rule.threshold) == (
        "day_gain",
        "below",
        Decimal("-0.015"),
    )
    at.button(key=f"retire-{rule.rule_id}").click().run()
    with data.asked() as conn:
        assert alert_rules.active(conn) == []


def test_what_is_no_number_makes_no_rule(desk: Settings) -> None:
    at = _page()
    at.text_input(key="rule-threshold").set_value("cheap").run()

    assert "Write a number" in _text(at)
    assert not [button for button in at.button if button.key == "rule-make"]


def test_only_what_is_new_is_told_in_the_corner(desk: Settings) -> None:
    at = _page()
    assert not at.toast
    with data.engine().begin() as conn:
        _raise(conn, "MSFT")
    data.alerts.clear()

    at.run()
    assert [toast.value for toast in at.toast] == ["The broker holds 5 MSFT. [See alerts](/alerts)"]
    assert not at.run().toast
