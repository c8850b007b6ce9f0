"""Candlestick patterns bar by bar against TA-Lib, on real quotes as they stood."""

from __future__ import annotations

import numpy as np
import pytest
import talib
from bokeh_sampledata import stocks

from quant.features import DAILY, DailyPanel, daily_features
from tests.unit.quant.panels import business_days
from tests.unit.quant.wider_figures import PATTERNS

SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT", "FB")
REGISTRY = DAILY.select([feature.name for feature in DAILY if feature.group == "pattern"])


def quotes(name: str) -> list[np.ndarray]:
    return [np.array(getattr(stocks, symbol)[name], dtype=np.float64) for symbol in SYMBOLS]


def real_panel() -> DailyPanel:
    columns = {name: quotes(name) for name in ("open", "high", "low", "close", "volume")}
    lengths = [values.size for values in columns["close"]]
    ones = np.ones(sum(lengths))
    return DailyPanel(
        symbols=SYMBOLS,
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        sessions=np.concatenate([business_days(n) for n in lengths]),
        split_factor=ones,
        return_factor=ones,
        index_sessions=np.empty(0, dtype=np.int32),
        index_close=np.empty(0),
        **{name: np.concatenate(values) for name, values in columns.items()},
    )


PANEL = real_panel()
MATRIX = daily_features(PANEL, registry=REGISTRY)


def test_every_pattern_has_its_counterpart() -> None:
    assert set(PATTERNS) == set(REGISTRY.names)
    assert len(REGISTRY) >= 20


@pytest.mark.parametrize("name", REGISTRY.names)
def test_a_pattern_equals_talib_on_every_bar(name: str) -> None:
    theirs = getattr(talib, f"CDL{PATTERNS[name]}")
    found = 0
    for i, bars in enumerate(zip(*map(quotes, ("open", "high", "low", "close")), strict=True)):
        ours = MATRIX[PANEL.offsets[i] : PANEL.offsets[i + 1], REGISTRY.names.index(name)]
        expected = theirs(*bars)
        # TA-Lib says 0 while it has too little history, ours says that there is no value.
        known = REGISTRY[name].look_back
        assert np.isnan(ours[:known]).all()
        np.testing.assert_array_equal(ours[known:], expected[known:])
        found += int(np.count_nonzero(expected))
    assert found >= 2
