"""Made-up bars mark what is computed from them, and nothing before them."""

from datetime import date

import numpy as np
import polars as pl

from assets.features import _simulated
from quant.features import DailyPanel


def test_a_symbol_is_marked_from_its_first_simulated_bar_on() -> None:
    days = np.array([0, 1, 2, 0, 1, 2], dtype=np.int32)  # 1 to 3 Jan 1970, twice
    ones = np.ones(6)
    panel = DailyPanel(
        symbols=("AAA", "BBB"),
        offsets=np.array([0, 3, 6]),
        sessions=days,
        open=ones,
        high=ones,
        low=ones,
        close=ones,
        volume=ones,
        split_factor=ones,
        return_factor=ones,
        index_sessions=np.array([], dtype=np.int32),
        index_close=np.array([]),
    )
    made_up = pl.DataFrame({"symbol": ["BBB"], "session": [date(1970, 1, 2)]})

    marked = _simulated(panel, made_up)

    assert marked.tolist() == [False, False, False, False, True, True]
    assert not _simulated(panel, made_up.clear()).any()
