"""Small markets, clean ways to learn from them, and the ways that see the future.

`python -m tests.unit.quant.planted_leaks 200` counts what the probes catch and what they suspect
without cause, as the tables of `docs/reports/leakage.md`; with `--trees` what those of a training
run say of the desk's own boosted trees.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta
from sklearn.neighbors import KNeighborsRegressor

from quant.backtest import backtest
from quant.labels import forward_excess
from quant.models.dataset import Dataset, Hyperparameters
from quant.probes import (
    Finding,
    Rows,
    absent_members,
    future_features,
    lagged_features,
    last_bar_removed,
    matured_before_use,
    overlapping_labels,
    overnight_gain,
    served_difference,
    shuffled_label,
)
from quant.splits import Fold, default_embargo, purged_k_fold
from quant.typing import BoolArray, Float64Array, FloatArray, Int64Array

N_SESSIONS, N_SYMBOLS, HORIZON = 700, 4, 5
NAMES = ("return_5", "deviation_21", "scaled_63", "rank_5", "level")
_KNOWN_FROM = 64  # sessions of history the longest feature needs
SERVED = (200, 350, 500, 650)  # sessions whose features are computed anew from data cut there

_HEAD_OF_TREES = (
    "| probe | nothing leaks | 95 % range | forward shift | 95 % range |\n|---|---|---|---|---|\n"
)

Leak = str


@dataclass(frozen=True)
class Toy:
    """Closes as first told, closes as corrected later, splits by session, and who is a member."""

    closes: Float64Array  # (n_sessions, n_symbols), unadjusted
    corrected: Float64Array
    ratios: Float64Array  # 2 where a share was split that session, else 1
    joined: Int64Array  # session from which a symbol is a member
    left: Int64Array  # session from which it is none


def market(seed: int) -> Toy:
    """Random walks with a common factor, fat tails and quiet and wild times; no edge at all."""
    rng = np.random.default_rng(seed)
    shape = (N_SESSIONS, N_SYMBOLS)
    wild = np.exp(0.3 * np.cumsum(rng.normal(size=N_SESSIONS)) / np.sqrt(60.0))
    common = rng.standard_t(4, size=(N_SESSIONS, 1))
    moves = 0.008 * np.clip(wild, 0.3, 3.0)[:, None] * (common + rng.standard_t(4, size=shape))
    ratios = np.ones(shape)
    ratios[rng.integers(300, 640, N_SYMBOLS), np.arange(N_SYMBOLS)] = 2.0
    closes = 80.0 * np.exp(np.cumsum(np.clip(moves, -0.3, 0.3), axis=0)) / ratios.cumprod(axis=0)
    corrected = closes.copy()
    for session in SERVED:
        corrected[session, rng.integers(N_SYMBOLS)] *= 1.05
    joined = np.array([0] * (N_SYMBOLS - 1) + [int(rng.integers(510, 640))])
    left = np.array([int(rng.integers(360, 640))] + [N_SESSIONS] * (N_SYMBOLS - 1))
    return Toy(closes, corrected, ratios, joined, left)


def features(toy: Toy, leak: Leak | None, *, until: int = N_SESSIONS - 1) -> FloatArray:
    """Features (session, symbol, feature) from what was known after the close of `until`.

    A leak is a mistake in this code, which is the same in training and in serving: only the data
    it is given differs.
    """
    seen = slice(0, until + 1)
    serving = until < N_SESSIONS - 1
    told = toy.corrected if leak == "restatement" and not serving else toy.closes
    factor = toy.ratios[seen].cumprod(axis=0)
    closes = told[seen] * factor
    five = _back(closes, 5)
    deviation = closes / _mean(closes, 21) - 1.0
    scaled = (five - _mean(five, 63)) / _spread(five, 63)
    counted = np.arange(until + 1)[:, None] >= toy.joined
    level = np.log(told[seen])
    if leak == "forward shift":
        five = np.concatenate((five[1:], np.full((1, N_SYMBOLS), np.nan)))
    if leak == "centred window":
        deviation = closes / _centred(closes, 10) - 1.0
    if leak == "full-sample scaling":
        scaled = (five - np.nanmean(five, axis=0)) / np.nanstd(five, axis=0)
    if leak == "ranks over future members":
        counted = np.broadcast_to(toy.joined <= until, counted.shape)
    if leak == "future-adjusted price":
        level = np.log(closes / factor[-1])
    return np.stack((five, deviation, scaled, _ranks(five, counted), level), axis=-1)


def served(toy: Toy, leak: Leak | None) -> Finding:
    """What the comparison of training with serving says."""
    whole = features(toy, leak)
    stored = np.concatenate([whole[session] for session in SERVED])
    anew = np.concatenate([features(toy, leak, until=session)[session] for session in SERVED])
    return served_difference(stored, anew, NAMES)


@dataclass(frozen=True)
class Sample:
    """Rows to learn from."""

    features: FloatArray
    labels: FloatArray
    rows: Rows
    start: Int64Array
    end: Int64Array


def sample(toy: Toy, leak: Leak | None = None, *, stale: int = 0) -> Sample:
    """Rows of all symbols, each with its own label or the one of `stale` sessions before."""
    adjusted = toy.closes * toy.ratios.cumprod(axis=0)
    days = np.arange(N_SESSIONS)
    sessions = np.tile(days, N_SYMBOLS).astype(np.int64)
    opens = np.concatenate((adjusted[:1], adjusted[:-1])).T.ravel()  # no gap over night
    labels = forward_excess(
        opens, np.full(N_SESSIONS, 100.0), np.arange(N_SYMBOLS + 1) * N_SESSIONS, sessions,
        horizon=HORIZON,
    )  # fmt: skip
    value = np.roll(labels.value.reshape(N_SYMBOLS, -1), stale, axis=1).ravel()
    told = features(toy, leak)[:, :, :4].transpose(1, 0, 2).reshape(-1, 4)
    kept: BoolArray = (sessions >= _KNOWN_FROM + 63) & (sessions < N_SESSIONS - HORIZON - 2)
    symbols = np.repeat(np.arange(N_SYMBOLS), N_SESSIONS)
    return Sample(
        features=told[kept],
        labels=value[kept],
        rows=Rows(sessions[kept], symbols[kept], HORIZON),
        start=labels.start_session[kept].astype(np.int64),
        end=labels.end_session[kept].astype(np.int64),
    )


def purged(of: Sample) -> tuple[Fold, ...]:
    embargo = default_embargo(of.rows.sessions, of.start, of.end)
    return tuple(purged_k_fold(of.rows.sessions, of.start, of.end, n_folds=3, embargo=embargo))


def careless(of: Sample, seed: int) -> tuple[Fold, ...]:
    """Sessions dealt out at random, so that every tested label overlaps with fitted ones."""
    days = np.unique(of.rows.sessions)
    dealt = np.random.default_rng(seed).integers(0, 3, days.size)
    group = dealt[np.searchsorted(days, of.rows.sessions)]
    nothing = np.empty(0, dtype=np.int64)
    return tuple(
        Fold(np.flatnonzero(group != n), nothing, np.flatnonzero(group == n)) for n in range(3)
    )


def neighbours(folds: tuple[Fold, ...]) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """A procedure that can memorise: the mean label of the 15 nearest rows."""

    def forecast(values: FloatArray, labels: FloatArray) -> FloatArray:
        given = np.full(labels.shape, np.nan)
        usable: BoolArray = ~np.isnan(values.sum(axis=1))
        for fold in folds:
            fit = fold.train[usable[fold.train] & np.isfinite(labels[fold.train])]
            asked = fold.test[usable[fold.test]]
            middle, scale = values[fit].mean(axis=0), values[fit].std(axis=0)
            model = KNeighborsRegressor(15).fit((values[fit] - middle) / scale, labels[fit])
            given[asked] = model.predict((values[asked] - middle) / scale)
        return given

    return forecast


def filled_at_the_close(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    """A backtest that trades at the very close it decides on."""
    earned = np.zeros(closes.shape[0])
    earned[1:] = (weights[:-1] * (closes[1:] / closes[:-1] - 1.0)).sum(axis=1)
    return earned


def filled_at_the_open(opens: FloatArray, closes: FloatArray, weights: FloatArray) -> FloatArray:
    return backtest(opens, closes, np.full(opens.shape, 1e9), weights).returns


# Mistakes in the features: training sees what serving cannot.
IN_FEATURES: tuple[Leak, ...] = (
    "forward shift",
    "centred window",
    "full-sample scaling",
    "ranks over future members",
    "future-adjusted price",
    "restatement",
)


def planted(seed: int) -> Iterator[tuple[Leak, Finding]]:
    """Each leak, with what the probe that is there for it says."""
    toy, rng = market(seed), np.random.default_rng(seed)
    for leak in IN_FEATURES:
        yield leak, served(toy, leak)
    clean = sample(toy)
    yield "unpurged overlap", overlapping_labels(careless(clean, seed), clean.start, clean.end)
    loose = neighbours(careless(clean, seed))
    yield "unpurged overlap", shuffled_label(loose, *_asked(clean), rng=rng)
    shifted = sample(toy, "forward shift")
    forecast = neighbours(purged(shifted))
    yield "forward shift", last_bar_removed(forecast, *_asked(shifted))
    stale = sample(toy, stale=HORIZON + 1)
    yield "labels six sessions old", future_features(neighbours(purged(stale)), *_asked(stale))
    older = sample(toy, stale=HORIZON + 6)
    yield "labels eleven sessions old", lagged_features(neighbours(purged(older)), *_asked(older))
    yield "survivor universe", absent_members(_survivors(toy), lambda day: _members(toy, day))
    rows = np.arange(clean.labels.size)
    yield (
        "in-sample calibration",
        matured_before_use([(rows, rows)], clean.rows.sessions, clean.end),
    )
    yield "same-close fill", overnight_gain(filled_at_the_close)


def honest(seed: int) -> Iterator[tuple[str, Finding]]:
    """What every probe says where nothing leaks."""
    toy = market(seed)
    clean = sample(toy)
    folds = purged(clean)
    asked = _asked(clean)
    forecast = neighbours(folds)
    sessions, rows = clean.rows.sessions, np.arange(clean.labels.size)
    border = int(np.median(sessions))
    matured = rows[clean.end <= border]
    everyone = ((day, _members(toy, day)) for day in range(100, N_SESSIONS, 20))
    for finding in (
        served(toy, None),
        shuffled_label(forecast, *asked, rng=np.random.default_rng(seed)),
        lagged_features(forecast, *asked),
        future_features(forecast, *asked),
        last_bar_removed(forecast, *asked),
        overlapping_labels(folds, clean.start, clean.end),
        matured_before_use([(matured, rows[sessions >= border])], sessions, clean.end),
        overnight_gain(filled_at_the_open),
        absent_members(everyone, lambda day: _members(toy, day)),
    ):
        yield finding.probe, finding


def of_trees(of: Sample, seed: int) -> tuple[Finding, ...]:
    """What the probes of a training run say of boosted trees."""
    from assets.probing import findings  # costs seconds; tests ask the other probes

    dataset = Dataset(
        features=of.features.astype(np.float32),
        names=NAMES[:4],
        sessions=of.rows.sessions,
        symbols=of.rows.symbols,
        labels=of.labels,
        weights=np.ones(of.labels.size),
        label_start=of.start,
        label_end=of.end,
    )
    return findings(dataset, Hyperparameters(), n_rounds=30, seed=seed, device="cpu")


def _asked(of: Sample) -> tuple[FloatArray, FloatArray, Rows]:
    return of.features, of.labels, of.rows


def _members(toy: Toy, day: int) -> frozenset[str]:
    present = (toy.joined <= day) & (day < toy.left)
    return frozenset(str(n) for n in np.flatnonzero(present))


def _survivors(toy: Toy) -> Iterator[tuple[int, frozenset[str]]]:
    last = _members(toy, N_SESSIONS - 1)
    for day in range(100, N_SESSIONS, 20):
        yield day, _members(toy, day) & last


def _back(closes: FloatArray, n: int) -> FloatArray:
    moved = np.full(closes.shape, np.nan)
    moved[n:] = closes[n:] / closes[:-n] - 1.0
    return moved


def _mean(values: FloatArray, n: int) -> FloatArray:
    return _rolled(values, n, np.mean)


def _spread(values: FloatArray, n: int) -> FloatArray:
    return _rolled(values, n, np.std)


def _rolled(values: FloatArray, n: int, figure: Callable[..., FloatArray]) -> FloatArray:
    out = np.full(values.shape, np.nan)
    out[n - 1 :] = figure(np.lib.stride_tricks.sliding_window_view(values, n, axis=0), axis=-1)
    return out


def _centred(closes: FloatArray, half: int) -> FloatArray:
    """Mean over `half` sessions either side, as far as there are any."""
    return np.array(
        [closes[max(0, t - half) : t + half + 1].mean(axis=0) for t in range(len(closes))]
    )


def _ranks(values: FloatArray, counted: BoolArray) -> FloatArray:
    """Share of the counted symbols that each one is not below."""
    below = (values[:, None, :] <= values[:, :, None]) & counted[:, None, :]
    share: FloatArray = below.sum(axis=2) / np.maximum(counted.sum(axis=1, keepdims=True), 1)
    return share


def _range(hits: int, cases: int) -> str:
    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, cases - hits + 1))
    high = 1.0 if hits == cases else float(beta.ppf(0.975, hits + 1, cases - hits))
    return f"{hits} of {cases} | {100 * low:.1f}–{100 * high:.1f} %"


def main(cases: int) -> None:
    caught: Counter[tuple[str, str]] = Counter()
    alarms: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for seed in range(cases):
        for leak, finding in planted(seed):
            caught[leak, finding.probe] += not finding.passed
        for probe, finding in honest(10_000 + seed):
            asked[probe] += 1
            alarms[probe] += not finding.passed
    sys.stdout.write("| leak | probe | caught | 95 % range |\n|---|---|---|---|\n")
    for (leak, probe), hits in caught.items():
        sys.stdout.write(f"| {leak} | {probe} | {_range(hits, cases)} |\n")
    sys.stdout.write("\n| probe | false alarms | 95 % range |\n|---|---|---|\n")
    for probe in asked:
        sys.stdout.write(f"| {probe} | {_range(alarms[probe], cases)} |\n")


def main_of_trees(cases: int) -> None:
    alarms: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    for seed in range(cases):
        for told, toy, leak in (
            (alarms, market(10_000 + seed), None),
            (caught, market(seed), "forward shift"),
        ):
            suspected = [f.probe for f in of_trees(sample(toy, leak), seed) if not f.passed]
            told.update([*suspected, *(["any"] if suspected else [])])
    sys.stdout.write(_HEAD_OF_TREES)
    for probe in sorted({*alarms, *caught}):
        figures = f"{_range(alarms[probe], cases)} | {_range(caught[probe], cases)}"
        sys.stdout.write(f"| {probe} | {figures} |\n")


if __name__ == "__main__":
    told = argparse.ArgumentParser(description="Count what the leakage probes catch.")
    told.add_argument("cases", type=int, help="markets for each row")
    told.add_argument("--trees", action="store_true", help="of the desk's own boosted trees")
    asked = told.parse_args()
    (main_of_trees if asked.trees else main)(asked.cases)
