"""Alpha158 against pyqlib's formulas in pandas, on real bars; and the laws every feature keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from quant.features import ALPHA158, daily_features
from quant.features.panel import ROW_COLUMNS
from tests.unit.quant.panels import random_panel, since
from tests.unit.quant.real_bars import PANEL, A, Series

MATRIX = daily_features(PANEL, registry=ALPHA158)
MADE = random_panel(n_symbols=4, n_sessions=300, seed=3)
WHOLE = daily_features(MADE, registry=ALPHA158)
CUT = int(np.unique(MADE.sessions)[-40])
BEFORE = MADE.sessions < CUT

SPAN = A.h - A.l
TOP, BOTTOM = np.maximum(A.o, A.c), np.minimum(A.o, A.c)
MOVE, VOLUME_MOVE = A.c.diff(), A.v.diff()
TURNOVER = (A.c / A.c.shift() - 1.0).abs() * A.v
UP = (A.c > A.c.shift()).astype(float).where(MOVE.notna())
DOWN = (A.c < A.c.shift()).astype(float).where(MOVE.notna())

BAR: dict[str, Series] = {
    "KMID": (A.c - A.o) / A.o,
    "KLEN": SPAN / A.o,
    "KMID2": (A.c - A.o) / SPAN,
    "KUP": (A.h - TOP) / A.o,
    "KUP2": (A.h - TOP) / SPAN,
    "KLOW": (BOTTOM - A.l) / A.o,
    "KLOW2": (BOTTOM - A.l) / SPAN,
    "KSFT": (2.0 * A.c - A.h - A.l) / A.o,
    "KSFT2": (2.0 * A.c - A.h - A.l) / SPAN,
    "OPEN0": A.o / A.c,
    "HIGH0": A.h / A.c,
    "LOW0": A.l / A.c,
    "VWAP0": A.typical / A.c,
}


def line(n: int) -> tuple[Series, Series, Series]:
    """Slope, explained share and last residual of the lines through windows of closes."""
    windows = sliding_window_view(A.c.to_numpy(), n)
    slope, level = np.polyfit(np.arange(n), windows.T, 1)
    rest = windows - level[:, None] - slope[:, None] * np.arange(n)
    shares = 1.0 - rest.var(axis=1) / windows.var(axis=1)
    told = (np.r_[np.full(n - 1, np.nan), figure] for figure in (slope, shares, rest[:, -1]))
    one, two, three = (pd.Series(figure, index=A.c.index) for figure in told)
    return one, two, three


def newest_place(x: Series, n: int) -> Series:
    """Place of the largest value among `n`, the latest of equals; the newest is 1."""
    return x.rolling(n).apply(lambda w: n - np.argmax(w[::-1]), raw=True) / n


def gains(move: Series, n: int) -> Series:
    return move.clip(lower=0.0).rolling(n).sum() / move.abs().rolling(n).sum()


def losses(move: Series, n: int) -> Series:
    return gains(-move, n)


ROLLING: dict[str, Callable[[int], Series]] = {
    "ROC": lambda n: A.c.shift(n) / A.c,
    "MA": lambda n: A.c.rolling(n).mean() / A.c,
    "STD": lambda n: A.c.rolling(n).std() / A.c,
    "BETA": lambda n: line(n)[0] / A.c,
    "RSQR": lambda n: line(n)[1],
    "RESI": lambda n: line(n)[2] / A.c,
    "MAX": lambda n: A.h.rolling(n).max() / A.c,
    "MIN": lambda n: A.l.rolling(n).min() / A.c,
    "QTLU": lambda n: A.c.rolling(n).quantile(0.8) / A.c,
    "QTLD": lambda n: A.c.rolling(n).quantile(0.2) / A.c,
    "RANK": lambda n: A.c.rolling(n).rank(pct=True),
    "RSV": lambda n: (A.c - A.l.rolling(n).min()) / (A.h.rolling(n).max() - A.l.rolling(n).min()),
    "IMAX": lambda n: newest_place(A.h, n),
    "IMIN": lambda n: newest_place(-A.l, n),
    "IMXD": lambda n: newest_place(A.h, n) - newest_place(-A.l, n),
    "CORR": lambda n: A.c.rolling(n).corr(np.log(A.v + 1.0)),
    "CORD": lambda n: (A.c / A.c.shift()).rolling(n).corr(np.log(A.v / A.v.shift() + 1.0)),
    "CNTP": lambda n: UP.rolling(n).mean(),
    "CNTN": lambda n: DOWN.rolling(n).mean(),
    "CNTD": lambda n: UP.rolling(n).mean() - DOWN.rolling(n).mean(),
    "SUMP": lambda n: gains(MOVE, n),
    "SUMN": lambda n: losses(MOVE, n),
    "SUMD": lambda n: gains(MOVE, n) - losses(MOVE, n),
    "VMA": lambda n: A.v.rolling(n).mean() / A.v,
    "VSTD": lambda n: A.v.rolling(n).std() / A.v,
    "WVMA": lambda n: TURNOVER.rolling(n).std() / TURNOVER.rolling(n).mean(),
    "VSUMP": lambda n: gains(VOLUME_MOVE, n),
    "VSUMN": lambda n: losses(VOLUME_MOVE, n),
    "VSUMD": lambda n: gains(VOLUME_MOVE, n) - losses(VOLUME_MOVE, n),
}
EXPECTED = {name: (lambda figure=figure: figure) for name, figure in BAR.items()} | {
    f"{name}{n}": (lambda of=of, n=n: of(n))
    for name, of in ROLLING.items()
    for n in (5, 10, 20, 30, 60)
}


def test_the_columns_are_those_of_pyqlib_in_its_order() -> None:
    assert ALPHA158.names == tuple(EXPECTED)
    assert len(ALPHA158) == 158


@pytest.mark.parametrize("name", ALPHA158.names)
def test_a_column_equals_the_formula_in_pandas(name: str) -> None:
    ours = MATRIX[: PANEL.offsets[1], ALPHA158.names.index(name)].astype(np.float64)
    expected = EXPECTED[name]().to_numpy(dtype=np.float64)
    full = np.isfinite(expected)

    assert full.sum() > 3_000 - 70
    np.testing.assert_allclose(ours[full], expected[full], rtol=3e-5, atol=2e-6)
    assert np.isnan(ours[~full]).all()


def differing(a: np.ndarray, b: np.ndarray) -> list[str]:
    return [
        name
        for k, name in enumerate(ALPHA158.names)
        if not np.array_equal(a[:, k], b[:, k], equal_nan=True)
    ]


def test_another_future_leaves_the_past_as_it_was() -> None:
    rng = np.random.default_rng(9)
    changed = {name: getattr(MADE, name).copy() for name in ROW_COLUMNS}
    for values in changed.values():
        values[~BEFORE] *= np.exp(rng.normal(0.0, 0.3, int((~BEFORE).sum())))

    other = daily_features(replace(MADE, **changed), registry=ALPHA158)

    assert differing(other[BEFORE], WHOLE[BEFORE]) == []
    assert differing(other, WHOLE) == list(ALPHA158.names)


def test_new_sessions_equal_the_whole_to_the_bit() -> None:
    later = daily_features(MADE, registry=ALPHA158, from_session=CUT)
    tail = since(MADE, CUT, rows_before=ALPHA158.exact_look_back)
    alone = daily_features(tail, registry=ALPHA158)[tail.sessions >= CUT]

    assert differing(later, WHOLE[~BEFORE]) == []
    assert differing(alone, later) == []


def test_a_value_stands_when_its_look_back_is_full_and_not_before() -> None:
    for k, feature in enumerate(ALPHA158):
        for first, end in pairwise(MADE.offsets.tolist()):
            assert np.isnan(WHOLE[first:end, k][: feature.look_back]).all()
        assert np.isfinite(WHOLE[:, k]).any()
    assert not np.isinf(WHOLE).any()
