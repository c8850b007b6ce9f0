"""The pictures of a training run show its own figures, and need nothing from elsewhere."""

import base64
import json
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assets import plots
from quant.models.calibration import CalibrationBin
from quant.models.explanation import GroupEffect

DAYS = np.array([15_523, 15_524, 15_525], dtype=np.int32)  # from Monday 2012-07-02 on
TRAINED: Any = SimpleNamespace(
    returns=np.array([0.10, 0.10, -0.10]),
    active=np.array([0.02, -0.02]),
    paths=np.array([0.4, -0.2, 0.1]),
    verdicts=[SimpleNamespace(passed=True), SimpleNamespace(passed=False)],
    model=SimpleNamespace(calibration_table=(CalibrationBin(0.50, 0.55, 40, 8.0, 0.6, 0.4, 0.7),)),
    effects=(GroupEffect("momentum", 9, 0.002, 0.001), GroupEffect("trend", 7, -0.001, 0.0)),
)


@pytest.fixture(scope="module")
def page() -> str:
    return plots.page(TRAINED, DAYS, name="sample-daily")


def traces(page: str) -> list[dict[str, Any]]:
    told = re.search(
        r"Plotly\.newPlot\(\s*\"[^\"]+\",\s*(\[.*?\]),\s*\{\"template\"", page, re.DOTALL
    )
    assert told is not None
    found: list[dict[str, Any]] = json.loads(told[1])
    return found


def values(axis: Any) -> list[float]:
    """What plotly wrote: a list, or the bytes of an array."""
    if isinstance(axis, dict):
        read = np.frombuffer(base64.b64decode(axis["bdata"]), dtype=axis["dtype"])
        return [float(value) for value in read]
    return list(axis)


def test_growth_is_compounded_and_dated(page: str) -> None:
    net, active = traces(page)[:2]

    assert net["x"] == ["2012-07-02", "2012-07-03", "2012-07-04"]
    assert values(net["y"]) == pytest.approx([10.0, 21.0, 8.9])
    assert active["x"] == ["2012-07-03", "2012-07-04"]
    assert values(active["y"]) == pytest.approx([2.0, -0.04])
    assert "sample-daily: 1 of 2 gates met; record from 2012-07-02 to 2012-07-04" in page


def test_paths_calibration_and_groups_are_those_of_the_run(page: str) -> None:
    paths, _, calibrated, groups = traces(page)[2:]

    assert values(paths["y"]) == [-0.2, 0.1, 0.4]
    assert values(calibrated["x"]) == pytest.approx([0.525])
    assert values(calibrated["error_y"]["array"]) == pytest.approx([0.1])
    assert values(calibrated["error_y"]["arrayminus"]) == pytest.approx([0.2])
    assert groups["y"] == ["trend", "momentum"]
    assert values(groups["x"]) == [-0.001, 0.002]


def test_the_page_loads_nothing(page: str) -> None:
    assert not re.search(r"<(script|link)[^>]+(src|href)=", page)
