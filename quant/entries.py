"""From entries that rules would begin to the rows a second model learns from, and its word.

The rules choose what to buy and when; the second model learns from what became of their entries
whether the next one will pay (López de Prado 2018, "Advances in Financial Machine Learning",
Wiley, 50-53, calls these meta-labels).
"""

from dataclasses import dataclass, replace

import numpy as np

from quant.features import DailyPanel
from quant.labels import Labels, average_uniqueness, triple_barrier
from quant.models import (
    Dataset,
    Hyperparameters,
    UnusableDataError,
    Windows,
    walk_forward_predictions,
)
from quant.models.dataset import MIN_TRAINING_ROWS
from quant.models.walkforward import MIN_EFFECTIVE_HISTORY
from quant.samples import session_ordinals
from quant.strategies import SwingRules, bars_of, swing
from quant.typing import BoolArray, Float32Array, FloatArray, Int64Array, IntArray

# As many outcomes to learn from, and as many again that were forecast before they were known and
# say what its words mean: below, a probability would be a guess about a guess.
FEWEST_ENTRIES = 2 * MIN_TRAINING_ROWS
# Entries are few: each window learns from all before it. Half a year is validated on, as in a
# quarter rules may well begin nothing; a window without any entry there has no word.
WINDOWS = Windows(train=252, validation=126, test=21, step=21, anchored=True, rechoose_every=1)
# The kind of model that hundreds of rows can teach, and its penalty for each entry learnt from, as
# much as an even outcome's p (1 - p) = 1/4: a coefficient goes half of the way to where entries
# draw it, whether they are many or few, so that what the margins of earlier windows meant holds
# for later ones. Nothing is searched: no more is tried than this.
FAMILY = "linear"
PENALTY = 0.25


@dataclass(frozen=True)
class Word:
    """What the second model says of entries.

    Attributes
    ----------
    probability : array of shape (n_sessions, n_symbols)
        That an entry decided on at this close gains, calibrated on entries whose outcome was
        known by then; NaN where nothing is said.
    n_entries : int
        Entries of the record whose outcome is known.
    """

    probability: FloatArray
    n_entries: int

    @property
    def is_silent(self) -> bool:
        """Whether nothing is said in any session."""
        return not bool(np.isfinite(self.probability).any())

    def allowed(self, threshold: float) -> BoolArray:
        """Where an entry may be begun; nowhere that nothing is said."""
        may: BoolArray = self.probability >= threshold
        return may


def entry_samples(
    panel: DailyPanel,
    features: Float32Array,
    names: tuple[str, ...],
    rules: SwingRules,
    *,
    minimum_history: int,
) -> Dataset:
    """Rows whose features are known; an entry that the rules begin on one is labelled by its end.

    The rules are followed with room for every symbol: which of the entries of one session get a
    place is decided by the others and not by the entry. A label runs from the next open to the
    first of three barriers: the rules' own stop as it stands at the decision, a gain as large, or
    the open after their longest time. It is the trade's own return, before costs.

    Parameters
    ----------
    panel : DailyPanel
        Bars, with the sessions of the index as the calendar. Where it knows memberships, entries
        before a symbol joined or after it left teach nothing.
    features : array of shape (n_rows, n_features)
        One row for each row of the panel, known at the close of its session.
    names : tuple of str
        Names of the columns.
    rules : SwingRules
        What is followed.
    minimum_history : int
        Sessions a symbol must have before a row of it counts.

    Returns
    -------
    Dataset
        Labels of rows without an entry are NaN; weights of those with one are their average
        uniqueness among the entries of their symbol.

    Raises
    ------
    ValueError
        If a bar falls on a session without an index bar.
    """
    ordinals = session_ordinals(panel)
    columns = np.repeat(np.arange(len(panel.symbols)), np.diff(panel.offsets))
    labels = _outcomes(panel, ordinals.astype(np.int64), columns, rules)
    seen = np.arange(panel.n_rows) - np.repeat(panel.offsets[:-1], np.diff(panel.offsets)) + 1
    usable = (seen >= minimum_history) & np.isfinite(features).any(axis=1)
    if panel.member is not None:
        usable &= panel.member
    begun = np.flatnonzero(usable & np.isfinite(labels.scale)).astype(np.int64)
    weights = np.ones(panel.n_rows)
    weights[begun] = average_uniqueness(
        labels.start_session[begun],
        labels.end_session[begun],
        np.searchsorted(begun, panel.offsets),
    )
    return Dataset(
        features=features[usable],
        names=names,
        sessions=ordinals[usable],
        symbols=columns[usable].astype(np.int32),
        labels=labels.excess[usable],
        weights=weights[usable],
        label_start=labels.start_session[usable],
        label_end=labels.end_session[usable],
        part=True,  # a column that tells nothing of them yet bars no one from leaving a position
    )


def word_of(dataset: Dataset, *, n_symbols: int, n_sessions: int, seed: int) -> Word:
    """What a second model, walked forward, said of each session's entries before they were made.

    It is fitted anew every 21 sessions to entries whose labels had ended. It says nothing before
    there are `FEWEST_ENTRIES` of them, as many as `MIN_EFFECTIVE_HISTORY` of which it forecast
    before they ended: on those its probabilities are calibrated.

    Parameters
    ----------
    dataset : Dataset
        From `entry_samples`.
    n_symbols, n_sessions : int
        Of the panel it was made of.
    seed : int
        Fixes what is drawn.

    Returns
    -------
    Word
        One row for each session of the panel's index.
    """
    entries = dataset.labelled(np.arange(dataset.n_rows))
    said = np.full((n_sessions, n_symbols), np.nan)
    won = dataset.labels[entries] > 0.0
    needed = WINDOWS.train + WINDOWS.validation
    short = np.unique(dataset.sessions).size <= needed
    if entries.size < FEWEST_ENTRIES or short or won.all() or not won.any():
        return Word(said, int(entries.size))
    try:
        walked = walk_forward_predictions(dataset, _settings, seed=seed, n_jobs=1, windows=WINDOWS)
    except UnusableDataError:  # no window holds entries of both outcomes to learn from
        return Word(said, int(entries.size))
    rows = walked.rows
    first = _first_sessions(dataset, rows, walked.window)
    forecast = entries[np.isfinite(walked.margin[entries])]
    known = _ended_by(first, dataset.label_end[entries], np.ones(entries.size))
    tried = _ended_by(first, dataset.label_end[forecast], dataset.weights[forecast])
    rows = rows[(known >= FEWEST_ENTRIES) & (tried >= MIN_EFFECTIVE_HISTORY)]
    said[dataset.sessions[rows], dataset.symbols[rows]] = walked.probability[rows]
    return Word(said, int(entries.size))


def _outcomes(
    panel: DailyPanel, ordinals: Int64Array, columns: Int64Array, rules: SwingRules
) -> Labels:
    """Triple-barrier label of each row; its scale is NaN where the rules begin nothing."""
    bars = bars_of(panel)
    roomy = replace(rules, gross=rules.position * max(1, len(panel.symbols)))
    followed = swing(bars, rules=roomy)
    reach = np.where(followed.entered, 1.0 - followed.stops / bars.closes, np.nan)
    distance = reach[ordinals, columns]
    own = panel.return_factor
    return triple_barrier(
        panel.open * own,
        panel.high * own,
        panel.low * own,
        panel.offsets,
        ordinals,
        horizon=rules.longest,
        volatility=distance / np.sqrt(rules.longest),
        profit=1.0,
        stop=1.0,
        side=np.isfinite(distance).astype(np.int64),
    )


def _settings(earlier: Dataset) -> Hyperparameters:
    """Settings for entries that had ended before a window."""
    worth = float(earlier.weights.sum())
    return Hyperparameters(family=FAMILY, l2=PENALTY * max(1.0, worth))


def _first_sessions(dataset: Dataset, rows: Int64Array, window: IntArray) -> IntArray:
    """First session of the test window that each of `rows` is in."""
    first = np.full(int(window.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, window[rows], dataset.sessions[rows])
    return first[window[rows]]


def _ended_by(first: IntArray, end: IntArray, weights: FloatArray) -> FloatArray:
    """Sum of the weights of labels that had ended by each session."""
    order = np.argsort(end, kind="stable")
    total = np.concatenate(([0.0], np.cumsum(weights[order])))
    summed: FloatArray = total[np.searchsorted(end[order], first, side="right")]
    return summed
