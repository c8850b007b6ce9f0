"""Rows handed to XGBoost in blocks lie in the same bins as an array of them."""

import numpy as np
import pytest
import xgboost as xgb

from quant.models.bins import borders
from quant.models.layout import laid_out

MAX_BIN = 16


@pytest.mark.parametrize("n_rows", [1, 300, 16_384, 16_385, 40_000])
def test_rows_lie_in_the_bins_that_an_array_of_them_lies_in(n_rows: int) -> None:
    rng = np.random.default_rng(n_rows)
    values = rng.standard_normal((n_rows, 5)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    values[:, 3] = 0.0  # a sparse matrix could take it for nothing known
    bins = xgb.QuantileDMatrix(borders(values, MAX_BIN), max_bin=MAX_BIN)

    ours = laid_out(values, bins, max_bin=MAX_BIN, threads=1)

    theirs = xgb.QuantileDMatrix(values, ref=bins, max_bin=MAX_BIN)
    assert (ours.num_row(), ours.num_col()) == values.shape
    assert ours.num_nonmissing() == theirs.num_nonmissing() == np.isfinite(values).sum()
    assert grown(ours, values) == grown(theirs, values)


def grown(rows: xgb.QuantileDMatrix, values: np.ndarray) -> list[str]:
    """Trees that a label of two features, one of them often unknown, grows on the rows."""
    rows.set_info(label=np.nan_to_num(values[:, 0]) + np.isnan(values[:, 1]))
    told = {"max_bin": MAX_BIN, "max_depth": 4, "subsample": 0.8, "seed": 3, "nthread": 1}
    return xgb.train(told, rows, 5).get_dump(with_stats=True)
