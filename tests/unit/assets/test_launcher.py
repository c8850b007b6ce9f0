"""A model is its launcher's: nobody signs for one of their own."""

import pytest

from assets.models import launcher


def test_the_person_a_run_names_trained_it() -> None:
    named = {"countersign/person": "maria", "dagster/sensor_name": "model_is_due"}

    assert launcher(named) == "maria"


@pytest.mark.parametrize("tag", ["dagster/sensor_name", "dagster/schedule_name"])
def test_what_starts_by_itself_is_the_desks(tag: str) -> None:
    assert launcher({tag: "nightly"}) == "desk"


def test_what_a_person_starts_on_a_page_is_the_system_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOGNAME", "ann")

    assert launcher({"dagster/from_ui": "true"}) == "ann"
