"""Every kind of model learns by the same rules, and from nothing it was not given."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from quant.models import Hyperparameters, UnusableDataError
from quant.models.bins import borders
from quant.models.dataset import candidates, search_space
from quant.models.learners import FAMILIES, Checked, Lesson, prepare, read
from quant.models.linear import Linear

N, WIDTH = 600, 5
RNG = np.random.default_rng(11)
FEATURES = RNG.normal(size=(N, WIDTH)).astype(np.float32)
FEATURES[RNG.random(FEATURES.shape) < 0.05] = np.nan
CHANCE = expit(1.5 * np.nan_to_num(FEATURES[:, 1]))
WON = (RNG.random(N) < CHANCE).astype(np.float64)
LEARNT = np.arange(N) < 400
LESSON = Lesson(WON, LEARNT.astype(np.float64))
CHECKED = Checked(FEATURES[400:500], WON[400:500], np.ones(100))


def small(family: str) -> Hyperparameters:
    return replace(candidates(family)[0], n_rounds=30, max_depth=2, l2=1.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_finds_what_is_there(family: str) -> None:
    fit = prepare(family, FEATURES).fit(LESSON, small(family), seed=3)

    unseen = FEATURES[~LEARNT]
    agreed = np.corrcoef(fit.model.margins(unseen), np.nan_to_num(unseen[:, 1]))
    assert agreed[0, 1] > 0.8


def test_trials_on_prepared_rows_stop_where_xgboost_alone_does() -> None:
    bench = prepare("xgboost", FEATURES)
    lesson = replace(LESSON, checked=CHECKED)
    bins = xgb.QuantileDMatrix(borders(FEATURES, 64), max_bin=64)
    rows = xgb.QuantileDMatrix(FEATURES, WON, ref=bins, max_bin=64)
    rows.set_info(weight=LESSON.weights)  # afterwards, so that bins do not depend on the lesson
    checked = xgb.QuantileDMatrix(CHECKED.features, CHECKED.won, ref=rows, max_bin=64)
    for depth, patience in ((1, 3), (2, 1), (2, 15), (1, 3)):
        settings = replace(
            Hyperparameters(), n_rounds=40, max_depth=depth, early_stopping_rounds=patience
        )
        theirs = xgb.train(
            {
                "objective": "binary:logistic", "eval_metric": "logloss", "seed": 3,
                "base_score": lesson.base_rate, "max_bin": 64, "max_depth": depth,
                "learning_rate": settings.learning_rate, "subsample": settings.subsample,
                "min_child_weight": settings.min_child_weight, "reg_lambda": settings.l2,
                "colsample_bynode": settings.feature_share,
            },
            rows, settings.n_rounds, evals=[(checked, "checked")],
            early_stopping_rounds=patience, verbose_eval=False,
        )  # fmt: skip

        ours = bench.fit(lesson, settings, seed=3)

        best = (0, theirs.best_iteration + 1)
        np.testing.assert_array_equal(
            ours.model.margins(FEATURES),
            theirs.predict(rows, output_margin=True, iteration_range=best),
        )
        assert ours.model.n_rounds == best[1]
        assert ours.loss == pytest.approx(theirs.best_score, rel=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_of_weight_zero_teach_nothing(family: str) -> None:
    other = replace(LESSON, won=np.where(LEARNT, WON, 1.0 - WON))
    bench = prepare(family, FEATURES)

    one, two = (bench.fit(told, small(family), seed=3) for told in (LESSON, other))

    np.testing.assert_array_equal(one.model.margins(FEATURES), two.model.margins(FEATURES))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_is_forecast_alike_whatever_rows_stand_beside_it(family: str) -> None:
    model = prepare(family, FEATURES).fit(LESSON, small(family), seed=3).model
    together = model.margins(FEATURES)
    for stored in (FEATURES, np.asfortranarray(FEATURES)):
        for beside in (1, 2, 3, 7, 64):
            apart = [model.margins(stored[i : i + beside]) for i in range(0, N, beside)]
            np.testing.assert_array_equal(np.concatenate(apart), together)


@pytest.mark.parametrize("family", FAMILIES)
def test_fits_at_the_same_time_are_those_one_after_the_other(family: str) -> None:
    lessons = [LESSON, replace(LESSON, won=1.0 - WON), replace(LESSON, weights=np.ones(N))] * 2

    def fitted(jobs: int) -> list[str]:
        bench = prepare(family, FEATURES, n_jobs=jobs)
        with ThreadPoolExecutor(jobs) as pool:
            fits = pool.map(lambda told: bench.fit(told, small(family), seed=3), lessons)
            return [fit.model.to_text() for fit in fits]

    assert fitted(1) == fitted(3)


@pytest.mark.parametrize("family", FAMILIES)
def test_contributions_add_up_to_the_margin(family: str) -> None:
    model = prepare(family, FEATURES).fit(LESSON, small(family), seed=3).model

    shares = model.contributions(FEATURES[:50])

    assert shares.shape == (50, WIDTH + 1)
    np.testing.assert_allclose(shares.sum(axis=1), model.margins(FEATURES[:50]), atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_was_stored_is_read_back(family: str) -> None:
    model = prepare(family, FEATURES).fit(LESSON, small(family), seed=3).model

    again = read(family, model.to_text())

    np.testing.assert_allclose(again.margins(FEATURES), model.margins(FEATURES), atol=1e-6)
    assert again.n_rounds == model.n_rounds


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_is_that_of_the_checked_rows(family: str) -> None:
    fit = prepare(family, FEATURES).fit(replace(LESSON, checked=CHECKED), small(family), seed=3)

    said = expit(fit.model.margins(CHECKED.features))
    by_hand = -np.mean(np.where(CHECKED.won == 1.0, np.log(said), np.log(1.0 - said)))
    assert fit.loss == pytest.approx(by_hand, abs=1e-5)


@pytest.mark.parametrize("family", ["xgboost", "lightgbm"])
def test_growth_stops_when_checked_rows_gain_nothing(family: str) -> None:
    noise = replace(CHECKED, won=1.0 - CHECKED.won)  # the opposite of what is learnt
    told = replace(small(family), n_rounds=100, early_stopping_rounds=5)

    fit = prepare(family, FEATURES).fit(replace(LESSON, checked=noise), told, seed=3)

    assert fit.model.n_rounds == 1


def test_a_forests_rounds_are_its_trees() -> None:
    fit = prepare("forest", FEATURES).fit(replace(LESSON, checked=CHECKED), small("forest"), seed=3)

    assert fit.model.n_rounds == 30  # side by side: no checked row stops them


def test_the_linear_model_is_that_of_scikit_learn() -> None:
    rows = np.nan_to_num(FEATURES[LEARNT].astype(np.float64))
    rows = np.clip((rows - rows.mean(axis=0)) / rows.std(axis=0), -5.0, 5.0)
    theirs = LogisticRegression(C=1 / 20.0, tol=1e-10, max_iter=1000).fit(rows, WON[LEARNT])

    known = np.where(LEARNT[:, None], np.nan_to_num(FEATURES), np.nan).astype(np.float32)
    ours = prepare("linear", known).fit(LESSON, Hyperparameters("linear", l2=20.0), seed=0).model

    assert isinstance(ours, Linear)
    np.testing.assert_allclose(ours.coefficients, theirs.coef_[0], atol=1e-4)
    assert ours.intercept == pytest.approx(float(theirs.intercept_[0]), abs=1e-4)


def test_the_linear_model_standardises_by_what_it_learns_from() -> None:
    moved = np.where(LEARNT[:, None], FEATURES, FEATURES + 100.0).astype(np.float32)

    one, two = (
        prepare("linear", x).fit(LESSON, small("linear"), seed=0) for x in (FEATURES, moved)
    )

    assert one.model.to_text() == two.model.to_text()


def test_a_column_without_any_value_adds_nothing_to_a_line() -> None:
    blank = FEATURES.copy()
    blank[:, 0] = np.nan

    fit = prepare("linear", blank).fit(LESSON, small("linear"), seed=0)

    assert np.isfinite(fit.model.margins(blank)).all()
    assert fit.model.contributions(blank)[:, 0].tolist() == [0.0] * N


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_searched_are_settings_there_are(family: str) -> None:
    names = set(Hyperparameters.__dataclass_fields__)

    assert set(search_space(family)) <= names
    assert {told.family for told in candidates(family)} == {family}


@pytest.mark.parametrize("family", ["xgboost", "lightgbm", "forest"])
@pytest.mark.parametrize("outcomes", [40.0, 165.0, 5_000.0])
def test_under_every_setting_searched_a_feature_that_tells_grows_a_branch(
    family: str, outcomes: float
) -> None:
    n = 990
    rng = np.random.default_rng(3)
    sign = rng.permutation(np.repeat([-1.0, 1.0], n // 2))
    won = np.where(rng.random(n) < 0.8, sign > 0, sign < 0).astype(np.float64)
    strictest: dict[str, Any] = {
        name: low if name in {"max_depth", "subsample", "feature_share"} else high
        for name, (_, low, high) in search_space(family, outcomes).items()
    }
    settings = replace(candidates(family)[0], **strictest)
    features = np.repeat(sign[:, None], 5, axis=1)
    bench = prepare(family, features, max_bin=settings.max_bin)

    fit = bench.fit(Lesson(won, np.full(n, outcomes / n)), settings, seed=1)

    assert np.ptp(fit.model.margins(features)) > 0.0


def test_much_data_is_searched_as_widely_as_ever() -> None:
    for family in FAMILIES:
        assert search_space(family, 100_000.0) == search_space(family)


def test_an_unknown_kind_is_refused() -> None:
    for ask in (search_space, candidates, lambda name: prepare(name, FEATURES)):
        with pytest.raises(UnusableDataError, match="no model is called 'oracle'"):
            ask("oracle")
