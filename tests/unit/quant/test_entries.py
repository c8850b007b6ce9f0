"""A second model learns from the rules' own entries, and speaks when it knows enough of them."""

from dataclasses import replace

import numpy as np
import pytest

from quant.entries import FEWEST_ENTRIES, Word, entry_samples, word_of
from quant.features import DailyPanel
from quant.models import Dataset
from quant.samples import session_ordinals
from quant.strategies import SwingRules, bars_of, swing
from quant.typing import FloatArray, IntArray
from tests.unit.quant.panels import random_panel
from tests.unit.quant.real_bars import panel as real_panel

RULES = SwingRules()
# They begin more often than the desk's own.
EAGER = SwingRules(fast=5, slow=15, strength=12.0, longest=5)
NAMES = ("foretelling", "noise_1", "noise_2")


def noise(panel: DailyPanel) -> np.ndarray:
    drawn = np.random.default_rng(2).normal(size=(panel.n_rows, len(NAMES)))
    return drawn.astype(np.float32)


@pytest.fixture(scope="module", name="market")
def _market() -> DailyPanel:
    return random_panel(n_symbols=12, n_sessions=1_400, seed=4)


@pytest.fixture(scope="module", name="dataset")
def _dataset(market: DailyPanel) -> Dataset:
    """Entries of which the first feature tells half of what becomes of them."""
    plain = entry_samples(market, noise(market), NAMES, EAGER, minimum_history=1)
    entries = plain.labelled(np.arange(plain.n_rows))
    features = plain.features.copy()
    features[entries, 0] += 1.5 * np.sign(plain.labels[entries])
    return replace(plain, features=features)


def word(dataset: Dataset, panel: DailyPanel, n_sessions: int | None = None) -> Word:
    days = panel.index_sessions.size if n_sessions is None else n_sessions
    return word_of(dataset, n_symbols=len(panel.symbols), n_sessions=days, seed=7)


@pytest.fixture(scope="module", name="said")
def _said(dataset: Dataset, market: DailyPanel) -> Word:
    return word(dataset, market)


def trade(
    bars: FloatArray, ordinals: IntArray, row: int, distance: float, longest: int
) -> tuple[float, int] | None:
    """Follow one purchase bar by bar: its return and the session it ended in."""
    if row + 1 >= len(bars) or ordinals[row + 1] != ordinals[row] + 1:
        return None
    entry = bars[row + 1, 0]
    floor, ceiling = entry * (1.0 - distance), entry * (1.0 + distance)
    for at in range(row + 1, len(bars)):
        opened, high, low = bars[at]
        if ordinals[at] >= ordinals[row] + 1 + longest or not floor < opened < ceiling:
            return float(opened / entry - 1.0), int(ordinals[at])
        if low <= floor:
            return -distance, int(ordinals[at])
        if high >= ceiling:
            return distance, int(ordinals[at])
    return None


def test_every_entry_of_the_rules_has_what_became_of_it_and_nothing_else_has() -> None:
    panel = real_panel()
    told = entry_samples(panel, noise(panel), NAMES, RULES, minimum_history=1)
    bars, ordinals = bars_of(panel), session_ordinals(panel)
    # Three places are room for three symbols: nothing is crowded out.
    followed = swing(bars, rules=RULES)
    prices = np.column_stack((panel.open, panel.high, panel.low)) * panel.return_factor[:, None]

    for symbol, (first, last) in enumerate(zip(panel.offsets, panel.offsets[1:], strict=False)):
        own = slice(int(first), int(last))
        for row, session in enumerate(ordinals[own]):
            at = int(first) + row
            if not followed.entered[session, symbol]:
                assert np.isnan(told.labels[at])
                continue
            distance = 1.0 - followed.stops[session, symbol] / bars.closes[session, symbol]
            expected = trade(prices[own], ordinals[own], row, distance, RULES.longest)
            if expected is None:
                assert np.isnan(told.labels[at])
                continue
            assert told.labels[at] == pytest.approx(expected[0], abs=1e-12)
            assert told.label_end[at] == expected[1]
            assert told.label_start[at] == session + 1
    assert np.isfinite(told.labels).sum() > 150


def test_too_few_entries_are_counted_and_nothing_is_said() -> None:
    panel = real_panel()
    told = entry_samples(panel, noise(panel), NAMES, RULES, minimum_history=1)

    silent = word(told, panel)

    assert silent.n_entries == int(np.isfinite(told.labels).sum()) < FEWEST_ENTRIES
    assert silent.is_silent
    assert not silent.allowed(0.01).any()


def test_entries_that_all_gained_teach_nothing(dataset: Dataset, market: DailyPanel) -> None:
    assert word(replace(dataset, labels=np.abs(dataset.labels)), market).is_silent


def test_a_late_halt_changes_nothing_that_was_said_before(
    dataset: Dataset, market: DailyPanel, said: Word
) -> None:
    entries = dataset.labelled(np.arange(dataset.n_rows))
    halted = entries[dataset.sessions[entries] >= 1_100][0]
    ends = dataset.label_end.copy()
    ends[halted] = dataset.sessions[halted] + 250

    later = word(replace(dataset, label_end=ends), market)

    assert np.isfinite(said.probability[:1_100]).any()
    np.testing.assert_array_equal(later.probability[:1_100], said.probability[:1_100])


def test_it_tells_entries_apart_and_means_what_it_says(dataset: Dataset, said: Word) -> None:
    entries = dataset.labelled(np.arange(dataset.n_rows))
    chance = said.probability[dataset.sessions[entries], dataset.symbols[entries]]
    won = dataset.labels[entries] > 0.0
    spoken = np.isfinite(chance)

    assert spoken.sum() > 100
    likely, unlikely = spoken & (chance > 0.6), spoken & (chance < 0.4)
    assert won[likely].mean() > 0.7
    assert won[unlikely].mean() < 0.3
    # Three standard errors of coins thrown as often, calibrated on a hundred others.
    error = 1.5 * np.sqrt(1.0 / spoken.sum() + 1.0 / 100.0)
    assert abs(chance[spoken].mean() - won[spoken].mean()) < error
    np.testing.assert_array_equal(said.allowed(0.6)[~np.isfinite(said.probability)], False)


def test_it_is_silent_until_enough_entries_have_ended(dataset: Dataset, said: Word) -> None:
    first = int(np.argmax(np.isfinite(said.probability).any(axis=1)))
    ended = dataset.label_end[dataset.labelled(np.arange(dataset.n_rows))]

    assert np.count_nonzero(ended <= first) >= FEWEST_ENTRIES
    assert np.count_nonzero(ended <= first - 400) < FEWEST_ENTRIES


def test_what_comes_later_changes_no_word(dataset: Dataset, market: DailyPanel, said: Word) -> None:
    cut = 1_100
    later = dataset.sessions >= cut
    altered = replace(
        dataset,
        features=np.where(later[:, None], -dataset.features, dataset.features),
        labels=np.where(dataset.label_end >= cut, -dataset.labels, dataset.labels),
    )
    known = replace(dataset, labels=np.where(dataset.label_end < cut, dataset.labels, np.nan))

    assert np.isfinite(said.probability[:cut]).any()
    for other in (
        word(altered, market).probability[:cut],
        word(known.take(np.flatnonzero(~later)), market, cut).probability,
    ):
        np.testing.assert_array_equal(other, said.probability[:cut])


def test_a_column_that_tells_nothing_changes_no_word(
    dataset: Dataset, market: DailyPanel, said: Word
) -> None:
    empty = np.full((dataset.n_rows, 1), np.nan, dtype=np.float32)
    wider = replace(
        dataset, features=np.hstack((dataset.features, empty)), names=(*NAMES, "never_known")
    )

    np.testing.assert_allclose(word(wider, market).probability, said.probability, atol=1e-6)


def test_nothing_is_said_or_learnt_of_rows_without_features_or_history(
    market: DailyPanel,
) -> None:
    features = noise(market)
    blank = slice(int(market.offsets[3]) + 600, int(market.offsets[3]) + 900)
    features[blank] = np.nan
    always = replace(market, member=None)

    told = entry_samples(always, features, NAMES, EAGER, minimum_history=252)
    rows = [np.count_nonzero(told.symbols == symbol) for symbol in range(len(market.symbols))]
    known = [length - 251 - (300 if at == 3 else 0) for at, length in enumerate(lengths(market))]

    assert rows == known
    assert np.isfinite(told.features).all()


def lengths(panel: DailyPanel) -> list[int]:
    return [int(length) for length in np.diff(panel.offsets)]
