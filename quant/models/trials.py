"""What each configuration of a search would have forecast, walked forward."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from quant.models.dataset import Dataset, Hyperparameters, UnusableDataError, require_trainable
from quant.models.learners import Fit
from quant.models.walkforward import Windows, window_fits
from quant.splits import Fold
from quant.typing import FloatArray

# The windows of the record that is judged, fitted anew twice a year and not once a month: trials
# are compared with each other, all with models equally old, at a sixth of the fits.
TRIAL_WINDOWS = Windows(test=126, step=126)


class WalkedTrials:
    """Walk-forward windows prepared once, each fitted anew by every configuration.

    A row is forecast by a model that learnt from earlier sessions only, bins included.

    Parameters
    ----------
    dataset : Dataset
        Rows without a label are forecast but train nothing.
    usual : Hyperparameters
        Kind of model and number of bins, which all configurations share.
    device : str
        "cpu" or "cuda".
    n_jobs : int
        Windows fitted at the same time.
    windows : Windows
        Their lengths in sessions.

    Raises
    ------
    UnusableDataError
        If a column is empty, constant or infinite, or no window can train.
    ValueError
        If there are too few sessions for one window.
    """

    def __init__(
        self,
        dataset: Dataset,
        usual: Hyperparameters,
        *,
        device: str = "cpu",
        n_jobs: int = 2,
        windows: Windows = TRIAL_WINDOWS,
    ) -> None:
        require_trainable(dataset)
        self._dataset = dataset
        self._n_jobs = n_jobs
        folds = windows.of(dataset)

        def prepared(fold: Fold) -> Callable[..., Fit] | None:
            return window_fits(dataset, fold.train, fold.validation, usual, device=device)

        with ThreadPoolExecutor(max_workers=max(1, n_jobs)) as pool:
            fits = tuple(pool.map(prepared, folds))
        self._windows = [
            (fold, fit) for fold, fit in zip(folds, fits, strict=True) if fit is not None
        ]
        if not self._windows:
            raise UnusableDataError(
                "no walk-forward window can train: every one has too few labelled rows or labels "
                "of one class only. Load more history."
            )

    @property
    def outcomes(self) -> float:
        """Independent outcomes a window teaches: the median of their weights' sums."""
        weights = self._dataset.weights
        taught = (weights[self._dataset.labelled(fold.train)].sum() for fold, _ in self._windows)
        return float(np.median(list(taught)))

    def margins(self, settings: Hyperparameters, *, seed: int) -> FloatArray:
        """Forecast each window by one configuration fitted to the sessions before it.

        Parameters
        ----------
        settings : Hyperparameters
            The trial.
        seed : int
            Fixes sampling: equal data, settings and seed give equal margins whatever `n_jobs`.

        Returns
        -------
        array of shape (n_rows,)
            Log-odds; NaN where none was forecast, which is the same for every configuration.
        """

        def forecast(told: tuple[Fold, Callable[..., Fit]]) -> tuple[Fold, FloatArray]:
            fold, fits = told
            return fold, fits(settings, seed=seed).model.margins(self._dataset.features[fold.test])

        margin = np.full(self._dataset.n_rows, np.nan)
        with ThreadPoolExecutor(max_workers=max(1, self._n_jobs)) as pool:
            for fold, given in pool.map(forecast, self._windows):
                margin[fold.test] = given
        return margin
