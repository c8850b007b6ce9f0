"""Where features are cut into bins: at their own quantiles, from a sort and not from a sketch."""

from typing import Final

import numpy as np

from quant.typing import Float32Array

# Of more rows so many are drawn: a quantile's rank is then off by 0.4 % of them (a standard
# deviation, at the median), a quarter of a bin of 64.
_SAMPLE: Final = 16_384


def borders(features: Float32Array, max_bin: int) -> Float32Array:
    """Return values of each feature that a bin begins with.

    XGBoost takes its bins from a matrix of these as from any other, without merging sketches of
    every row, which takes longer than growing the trees.

    Parameters
    ----------
    features : array of shape (n_rows, n_features)
        NaN is "unknown".
    max_bin : int
        Bins of a feature.

    Returns
    -------
    array of shape (max_bin, n_features)
        Ascending, NaN behind them: all values of a feature that has no more than `max_bin`
        different ones, else its quantiles from the least to the largest, each once.
    """
    rows = features.shape[0]
    if rows > _SAMPLE:
        drawn = np.random.default_rng(0).choice(rows, _SAMPLE, replace=False, shuffle=False)
        features = features[np.sort(drawn)]
    columns = np.sort(np.ascontiguousarray(features.T), axis=1)
    chosen = np.full((max_bin, columns.shape[0]), np.nan, dtype=np.float32)
    for k, column in enumerate(columns):
        found = _borders(column[~np.isnan(column)], max_bin)
        chosen[: found.size, k] = found
    return chosen


def _borders(ascending: Float32Array, max_bin: int) -> Float32Array:
    differs = np.diff(ascending, prepend=np.float32(np.nan)) != 0.0
    if np.count_nonzero(differs) > max_bin:
        places = np.linspace(0, ascending.size - 1, max_bin).round().astype(np.int64)
        ascending, differs = ascending[places], np.diff(ascending[places], prepend=np.nan) != 0.0
    chosen: Float32Array = ascending[differs]
    return chosen
