"""Models learn what is there, say so honestly, and never look ahead."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from quant.labels import average_uniqueness, forward_excess
from quant.models import (
    CrossValidation,
    Dataset,
    FittedModel,
    Hyperparameters,
    UnusableDataError,
    Windows,
    calibration_table,
    cross_validate,
    fit_calibration,
    fit_final,
    fit_outlook,
    trust_sentence,
    walk_forward_predictions,
    wilson_range,
)
from quant.splits import purged_k_fold
from quant.typing import FloatArray

SMALL = Windows(train=120, validation=40, test=20, step=20, rechoose_every=6)
PLAIN = Hyperparameters(n_rounds=40, max_depth=2)


def _dataset(*, edge: float, seed: int = 1, n_sessions: int = 500, n_symbols: int = 4) -> Dataset:
    """Random walks whose return after next depends on the first feature by `edge`."""
    rng = np.random.default_rng(seed)
    n_rows = n_sessions * n_symbols
    features = rng.normal(size=(n_rows, 6)).astype(np.float32)
    moves = rng.normal(size=(n_symbols, n_sessions)) * 0.02
    moves[:, 2:] += edge * 0.02 * features[:, 0].reshape(n_symbols, -1)[:, :-2]
    offsets = np.arange(n_symbols + 1) * n_sessions
    sessions = np.tile(np.arange(n_sessions), n_symbols)
    labels = forward_excess(
        100 * np.exp(np.cumsum(moves, axis=1)).ravel(),
        np.full(n_sessions, 100.0),
        offsets,
        sessions,
        horizon=1,
        volatility=np.full(n_rows, 0.02),
    )
    return Dataset(
        features=features,
        names=tuple("abcdef"),
        sessions=sessions,
        symbols=np.repeat(np.arange(n_symbols), n_sessions),
        labels=labels.value,
        weights=average_uniqueness(labels.start_session, labels.end_session, offsets),
        label_start=labels.start_session,
        label_end=labels.end_session,
        scale=labels.scale,
    )


def _scale(dataset: Dataset) -> FloatArray:
    assert dataset.scale is not None
    return dataset.scale


@pytest.fixture(scope="module")
def edge() -> Dataset:
    return _dataset(edge=0.8)


@pytest.fixture(scope="module")
def fitted(edge: Dataset) -> FittedModel:
    history = walk_forward_predictions(edge, PLAIN, seed=3, windows=SMALL)
    return fit_final(edge, PLAIN, seed=3, windows=SMALL, history=history)


def test_walk_forward_finds_a_planted_edge_and_not_one_in_noise(edge: Dataset) -> None:
    for data, low, high in ((edge, 0.65, 0.75), (_dataset(edge=0.0), 0.44, 0.56)):
        found = walk_forward_predictions(data, PLAIN, seed=3, windows=SMALL)
        rows = data.labelled(found.rows)
        # right more often than not: P(sign agrees) = 1/2 + atan(0.8)/π = 0.715 at best
        right = np.mean((found.margin[rows] > 0) == (data.labels[rows] > 0))
        assert low < right < high


def test_walk_forward_does_not_know_the_future(edge: Dataset) -> None:
    cut = 300
    later = edge.label_end > cut
    changed = replace(
        edge,
        labels=np.where(later, -edge.labels, edge.labels),
        features=np.where((edge.sessions > cut)[:, None], -edge.features, edge.features),
    )

    before, after = (
        walk_forward_predictions(data, seed=3, windows=SMALL) for data in (edge, changed)
    )

    # windows of 20 from session 160: those that start at or before the cut use earlier labels
    known = (edge.sessions >= 160) & (edge.sessions <= cut)
    np.testing.assert_array_equal(before.margin[known], after.margin[known])
    np.testing.assert_array_equal(before.probability[known], after.probability[known])
    assert not np.array_equal(before.margin, after.margin, equal_nan=True)


def test_chooser_is_given_matured_rows_only(edge: Dataset) -> None:
    seen: list[int] = []

    def choose(earlier: Dataset) -> Hyperparameters:
        seen.append(int(earlier.label_end.max()))
        return PLAIN

    walk_forward_predictions(edge, choose, seed=3, windows=SMALL, n_jobs=1)

    # test windows start at 160, 280, 400: the last exit is at the open of that session
    assert seen == [160, 280, 400]


def test_same_seed_gives_same_forecasts_whatever_the_jobs(edge: Dataset) -> None:
    one, two = (
        walk_forward_predictions(edge, PLAIN, seed=3, windows=SMALL, n_jobs=jobs) for jobs in (1, 2)
    )

    np.testing.assert_array_equal(one.probability, two.probability)
    assert fit_final(edge, PLAIN, seed=3).to_bytes() == fit_final(edge, PLAIN, seed=3).to_bytes()


def test_range_covers_about_eighty_per_cent(edge: Dataset) -> None:
    found = walk_forward_predictions(edge, PLAIN, seed=3, windows=SMALL)
    rows = edge.labelled(found.rows)
    excess = edge.labels[rows] * _scale(edge)[rows]

    inside = np.mean((excess >= found.low[rows]) & (excess <= found.high[rows]))
    assert inside == pytest.approx(0.80, abs=0.05)


def test_stored_model_predicts_the_same(edge: Dataset, fitted: FittedModel) -> None:
    again = FittedModel.from_bytes(fitted.to_bytes())
    first, second = (
        model.predict(edge.features[:9], edge.names, scale=_scale(edge)[:9])
        for model in (fitted, again)
    )

    np.testing.assert_array_equal(first.probability, second.probability)
    np.testing.assert_array_equal(first.high, second.high)
    assert again.to_bytes() == fitted.to_bytes()


def test_ranges_adapt_to_what_they_missed_since(edge: Dataset, fitted: FittedModel) -> None:
    def width(missed: FloatArray) -> FloatArray:
        told = FittedModel.from_bytes(fitted.to_bytes()).adapted(missed)
        said = told.predict(edge.features[:9], edge.names, scale=_scale(edge)[:9])
        return said.high - said.low

    usual = width(np.empty(0))
    assert (width(np.ones(5)) > usual).all()  # 0.2 less 5 times 0.02 times 0.8: 12 % may be missed
    assert (width(np.zeros(50)) < usual).all()
    np.testing.assert_array_equal(width(np.ones(50)), width(np.ones(200)))  # all that is known


def test_an_adapted_range_is_the_one_built_for_that_rate(edge: Dataset) -> None:
    rows = edge.labelled(np.arange(edge.n_rows))
    margin = np.random.default_rng(4).normal(size=rows.size)
    learnt = margin, edge.labels[rows], edge.weights[rows]
    missed = np.array([1.0, 0.0, 1.0, 1.0])  # 0.2 - 0.02 * (3 * 0.8 - 0.2) = 0.156

    adapted = fit_outlook(*learnt).adapted(missed)
    built, wider = (fit_outlook(*learnt, miss=miss) for miss in (0.156, 0.154))

    assert adapted.miss == pytest.approx(0.156)
    assert wider.below <= adapted.below <= built.below
    assert built.above <= adapted.above <= wider.above


def test_ranges_of_a_model_that_stands_hold_through_a_shift() -> None:
    rng = np.random.default_rng(8)
    labels = np.concatenate((rng.normal(size=1_000), 2.0 * rng.normal(size=1_500)))
    outlook = fit_outlook(np.zeros(1_000), labels[:1_000], np.ones(1_000))
    missed = np.zeros(1_500)
    for now, came in enumerate(labels[1_000:]):
        said = outlook.adapted(missed[: max(0, now - 6)]).forecast(np.zeros(1))
        missed[now] = float(not said.low[0] <= came <= said.high[0])

    assert missed.mean() == pytest.approx(0.20, abs=0.03)  # unchanged it would be 0.52


def test_a_model_stored_by_older_code_keeps_its_range(edge: Dataset, fitted: FittedModel) -> None:
    record = json.loads(fitted.to_bytes()) | {"format": "countersign-model-2"}
    for name in ("miss", "lower", "upper"):
        del record["outlook"][name]

    old = FittedModel.from_bytes(json.dumps(record).encode())

    said = [
        model.predict(edge.features[:9], edge.names, scale=_scale(edge)[:9])
        for model in (fitted, old, old.adapted(np.ones(20)))
    ]
    for name in ("low", "high"):
        np.testing.assert_array_equal(getattr(said[0], name), getattr(said[1], name))
        np.testing.assert_array_equal(getattr(said[0], name), getattr(said[2], name))


def test_contributions_add_up_to_the_margin(edge: Dataset, fitted: FittedModel) -> None:
    rows = edge.features[:20]
    margin = fitted.predict(rows, edge.names, scale=_scale(edge)[:20]).margin

    np.testing.assert_allclose(fitted.contributions(rows).sum(axis=1), margin, atol=1e-4)


def test_reasons_name_the_planted_feature_and_add_up(edge: Dataset, fitted: FittedModel) -> None:
    rows = edge.features[:20]
    reasons = fitted.reasons(rows, top=6)
    bias = fitted.contributions(rows)[:, -1]
    margin = fitted.predict(rows, edge.names, scale=_scale(edge)[:20]).margin
    start, end = expit(bias), expit(margin)  # before calibration

    moved = [sum(reason.points for reason in row) for row in reasons]
    np.testing.assert_allclose(start + moved, end, atol=1e-4)
    assert np.mean([row[0].name == "a" for row in reasons]) > 0.6


@pytest.mark.parametrize(
    ("columns", "names", "message"),
    [
        ([1, 0, 2, 3, 4, 5], "bacdef", "another order .* column 0 must be 'a', was 'b'"),
        ([0, 1, 2, 3, 4], "abcde", "missing: f; not known to it: none"),
        ([0, 1, 2, 3, 4, 5], "abcdez", "missing: f; not known to it: z"),
        ([0, 1, 2, 3, 4, 5, 5], "abcdeff", "repeated"),
    ],
)
def test_other_columns_are_refused(
    edge: Dataset, fitted: FittedModel, columns: list[int], names: str, message: str
) -> None:
    with pytest.raises(UnusableDataError, match=message):
        fitted.predict(edge.features[:2][:, columns], tuple(names), scale=_scale(edge)[:2])


def test_a_row_without_any_known_feature_is_refused(edge: Dataset, fitted: FittedModel) -> None:
    rows = edge.features[:3].copy()
    rows[1] = np.nan

    with pytest.raises(UnusableDataError, match="1 of 3 rows have no known feature"):
        fitted.predict(rows, edge.names, scale=_scale(edge)[:3])


def test_scale_is_asked_for_where_labels_are_scaled(edge: Dataset, fitted: FittedModel) -> None:
    with pytest.raises(UnusableDataError, match="pass `scale`"):
        fitted.predict(edge.features[:2], edge.names)


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "nothing but NaN.*: b"), (1.0, "are constant.*: b"), (np.inf, "infinite.*: b")],
)
def test_columns_that_teach_nothing_are_named(edge: Dataset, value: float, message: str) -> None:
    features = edge.features.copy()
    features[:, 1] = value

    for train in (
        lambda data: walk_forward_predictions(data, PLAIN, seed=1, windows=SMALL),
        lambda data: fit_final(data, PLAIN, seed=1),
    ):
        with pytest.raises(UnusableDataError, match=message):
            train(replace(edge, features=features))


def test_a_feature_named_twice_is_refused(edge: Dataset) -> None:
    with pytest.raises(UnusableDataError, match="twice: a"):
        replace(edge, names=("a", "a", "c", "d", "e", "f"))


def test_too_few_labels_are_refused(edge: Dataset) -> None:
    with pytest.raises(UnusableDataError, match=r"at least 100 rows .* there are 30"):
        fit_final(replace(edge.take(np.arange(30)), part=False), PLAIN, seed=1)


def test_cross_validation_scores_the_edge_and_reuses_its_matrices(edge: Dataset) -> None:
    folds = list(purged_k_fold(edge.sessions, edge.label_start, edge.label_end, n_folds=4))
    study = CrossValidation(edge, folds)

    score = study.score(PLAIN, seed=1)

    assert 0.70 < score.auc < 0.85
    assert score.log_loss < np.log(2.0)
    assert score.sessions.size == score.daily_returns.size
    assert score.daily_returns.mean() > 0.0
    once = cross_validate(edge, PLAIN, folds, seed=1)
    assert once.log_loss == score.log_loss


def test_wilson_range_of_the_card() -> None:
    # 53 % of 388: the 95 % range the approval card shows
    low, high = wilson_range(0.53, 388)

    assert (round(low, 2), round(high, 2)) == (0.48, 0.58)


def test_trust_sentence_of_the_card() -> None:
    probability = np.full(388, 0.57)
    won = (np.arange(388) < 206).astype(float)  # 53 %
    (past,) = calibration_table(probability, won, np.ones(388))

    assert trust_sentence(past, base_rate=0.52) == (
        "When it said 55–60 %, it was right 53 % of the time (388 cases, 95 % range 48–58 %): "
        "not distinguishable from luck."
    )


def test_overlapping_cases_widen_the_range() -> None:
    probability, won = np.full(400, 0.57), np.tile([1.0, 0.0], 200)
    (alone,) = calibration_table(probability, won, np.ones(400))
    (overlapping,) = calibration_table(probability, won, np.full(400, 0.2))

    assert overlapping.share_high - overlapping.share_low > 2 * (alone.share_high - alone.share_low)


@pytest.mark.parametrize("n_obs", [300, 3000])
def test_calibration_turns_overconfident_margins_back(n_obs: int) -> None:
    rng = np.random.default_rng(5)
    true = rng.normal(size=n_obs)
    won = (rng.random(n_obs) < 1 / (1 + np.exp(-true))).astype(float)

    fit = fit_calibration(3.0 * true, won, np.ones(n_obs))

    assert fit.kind == ("platt" if n_obs < 1000 else "isotonic")
    middle = np.array([-1.0, 0.0, 1.0])
    wanted = 1 / (1 + np.exp(-middle))
    np.testing.assert_allclose(fit.probability(3.0 * middle), wanted, atol=0.08)


@given(st.integers(0, 500), st.sampled_from([60, 1500]))
def test_calibration_never_decreases(seed: int, n_obs: int) -> None:
    rng = np.random.default_rng(seed)
    margin, won = rng.normal(size=n_obs), (rng.random(n_obs) < 0.5).astype(float)

    given_probability = fit_calibration(margin, won, np.ones(n_obs)).probability(
        np.linspace(-9, 9, 50)
    )

    assert (np.diff(given_probability) >= 0.0).all()
    assert (given_probability > 0.0).all()
    assert (given_probability < 1.0).all()


def test_a_model_that_points_the_wrong_way_gets_its_base_rate() -> None:
    rng = np.random.default_rng(6)
    won = (rng.random(200) < 0.5).astype(float)

    fit = fit_calibration(0.5 - won + rng.normal(size=200), won, np.ones(200))

    assert fit.probability(np.array([-2.0, 2.0])) == pytest.approx([won.mean()] * 2, abs=0.01)
