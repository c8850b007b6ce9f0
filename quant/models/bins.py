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
    known = np.count_nonzero(~np.isnan(columns), axis=1)
    places = np.rint(np.linspace(0.0, 1.0, max_bin) * np.maximum(known - 1, 0)[:, None])
    chosen = np.take_along_axis(columns, places.astype(np.int64), axis=1)
    different = 1 + np.count_nonzero(columns[:, 1:] > columns[:, :-1], axis=1)
    for k in np.flatnonzero(different <= max_bin):
        values = np.unique(columns[k, : known[k]])
        chosen[k, : values.size], chosen[k, values.size :] = values, np.nan
    repeated = chosen[:, 1:] == chosen[:, :-1]
    chosen[:, 1:][repeated] = np.nan
    return np.ascontiguousarray(np.sort(chosen, axis=1).T)
