"""A second model that learnt from the rules' own entries, asked where they may begin."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from assets.desk_time import decision_time
from assets.material import aligned, learnt_columns
from config.settings import Settings
from config.universe import Universe
from quant.entries import FAMILY, FEWEST_ENTRIES, PENALTY, Word, entry_samples, word_of
from quant.features import DAILY, DailyPanel
from quant.models import Dataset
from quant.strategies import SwingRules
from warehouse import Warehouse, features

_CUTS = (0.6, 0.8)  # of the sessions: what was said by then must not know the rest


@dataclass(frozen=True)
class SecondModel:
    """What it said, what it learnt from, and what makes another of it another trial."""

    word: Word
    dataset: Dataset
    threshold: float
    seed: int

    @property
    def configuration(self) -> dict[str, object]:
        """What of it belongs to the configuration of every trial it filters."""
        return {
            "second": FAMILY,
            "penalty": PENALTY,
            "features": DAILY.select(self.dataset.names).version,
            "threshold": self.threshold,
        }

    @property
    def sentence(self) -> str:
        """How many entries it rests on, and why nothing is begun where they are too few."""
        known = f"{self.word.n_entries} entries of the rules have a known outcome"
        if self.word.is_silent:
            return (
                f"Nothing is begun: the second model says nothing yet. {known}; it needs "
                f"{FEWEST_ENTRIES}, half of them to learn from and half forecast before they were "
                "known, of gains and of losses."
            )
        return f"Begun where a second model gives {self.threshold:.0%} or more; {known}."

    def told(self) -> dict[str, object]:
        """What is stored of it beside the gates."""
        return {
            "entries": self.word.n_entries,
            "needed": FEWEST_ENTRIES,
            "silent": self.word.is_silent,
            "sentence": self.sentence,
        }


def second_model(
    warehouse: Warehouse,
    settings: Settings,
    universe: Universe,
    panel: DailyPanel,
    rules: SwingRules,
    session: date,
) -> SecondModel:
    """Fit it anew, window by window, to all entries of a panel that were known by a session."""
    with warehouse.reader() as conn:
        rows, values = features.matrix(
            conn, DAILY.version, universe.names, settings.history.first_session, session,
            as_of=decision_time(session),
        )  # fmt: skip
    names = learnt_columns(settings.training.features, values)
    matrix = aligned(panel, rows, values[:, [DAILY.names.index(name) for name in names]])
    return of_entries(
        panel,
        entry_samples(panel, matrix, names, rules, minimum_history=universe.minimum_history),
        threshold=settings.strategy.threshold,
        seed=settings.training.seed,
    )


def of_entries(panel: DailyPanel, dataset: Dataset, *, threshold: float, seed: int) -> SecondModel:
    """Return the second model of a panel's entries."""
    word = word_of(
        dataset, n_symbols=len(panel.symbols), n_sessions=panel.index_sessions.size, seed=seed
    )
    return SecondModel(word, dataset, threshold, seed)


def said_without_future(second: SecondModel) -> bool:
    """Return whether sessions that are cut off change no word before them."""
    said, dataset = second.word.probability, second.dataset
    n_sessions, n_symbols = said.shape
    for share in _CUTS:
        cut = int(share * n_sessions)
        known = replace(dataset, labels=np.where(dataset.label_end < cut, dataset.labels, np.nan))
        then = word_of(
            known.take(np.flatnonzero(dataset.sessions < cut).astype(np.int64)),
            n_symbols=n_symbols,
            n_sessions=cut,
            seed=second.seed,
        )
        if not np.array_equal(then.probability, said[:cut], equal_nan=True):
            return False
    return True
