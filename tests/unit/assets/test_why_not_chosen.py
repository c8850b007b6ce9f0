"""A symbol with a forecast and no weight says which rule left it out."""

import pytest

from assets.proposing import Known, not_chosen
from config.strategies import StrategySettings

POLICY = StrategySettings(name="model swing", kind="top_k", k=2, threshold=0.51)


def known(**said: tuple[float, float | None]) -> Known:
    return Known(
        closes={}, barred={}, ranges={}, signals={}, verdicts={}, held_back={}, version=None,
        gates=(), snapshot=1,
        predictions={
            symbol: {"probability": probability, "margin": margin}
            for symbol, (probability, margin) in said.items()
        },
    )  # fmt: skip


def test_below_the_threshold_it_names_the_threshold() -> None:
    assert not_chosen(known(A=(0.5, 0.0)), POLICY, "A") == "51.0 % are needed to buy"


@pytest.mark.parametrize("margin", [0.1, None])
def test_equals_that_contend_for_the_last_place_say_so(margin: float | None) -> None:
    said = known(A=(0.6, 0.4), B=(0.55, margin), C=(0.55, margin))

    assert not_chosen(said, POLICY, "B") == (
        "the model does not tell 2 symbols apart, 1 of the 2 places are left for them, "
        "and none is chosen by its name"
    )


def test_a_weaker_one_of_equals_is_not_among_the_strongest() -> None:
    said = known(A=(0.6, 0.4), B=(0.6, 0.3), C=(0.55, 0.1), D=(0.55, 0.1), E=(0.55, 0.1))

    assert not_chosen(said, POLICY, "C") == "not among the 2 strongest"
    assert not_chosen(said, replace_k(4), "C").startswith("the model does not tell 3 symbols")


def test_one_of_equal_probability_says_what_ranks_the_others_above_it() -> None:
    said = known(A=(0.6, 0.4), B=(0.6, 0.3), C=(0.6, 0.2), D=(0.55, 0.1))
    larger = "the same probability, and a larger margin before it was calibrated"

    assert not_chosen(said, POLICY, "C") == f"not among the 2 strongest; 2 others have {larger}"
    assert not_chosen(said, replace_k(1), "B") == (
        f"not among the 1 strongest; one other has {larger}"
    )
    assert not_chosen(said, POLICY, "D") == "not among the 2 strongest"


def replace_k(k: int) -> StrategySettings:
    return POLICY.model_copy(update={"k": k})
