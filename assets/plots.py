"""What a training run came to, as pictures on one page, filed beside the model in the registry."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from assets.training import Trained
from quant.typing import Int32Array

if TYPE_CHECKING:
    import plotly.graph_objects as go

_INK, _TEAL, _AMBER, _GREY = "#1B2733", "#0F766E", "#B45309", "#6B7785"
_TITLES = (
    "Walk-forward record, net of costs",
    "Active Sharpe ratio a year along combinatorial paths",
    "Calibration of forecasts made out of sample (dotted: as forecast)",
    "Log loss that a group of features keeps away",
)


def page(trained: Trained, days: Int32Array, *, name: str) -> str:
    """Return a page in HTML that needs nothing from elsewhere.

    Parameters
    ----------
    trained : Trained
        What is shown.
    days : int32 array of shape (n_returns,)
        Sessions of `trained.returns`, in days since 1970-01-01.
    name : str
        Title of the page.
    """
    from plotly.subplots import make_subplots  # noqa: PLC0415  costs half a second

    figure = make_subplots(rows=4, cols=1, subplot_titles=_TITLES, vertical_spacing=0.08)
    _record(figure, trained, days)
    _paths(figure, trained)
    _calibration(figure, trained)
    _groups(figure, trained)
    met = sum(verdict.passed for verdict in trained.verdicts)
    told = f"{name}: {met} of {len(trained.verdicts)} gates met; record from {_dates(days)[0]}"
    figure.update_layout(
        title={"text": f"{told} to {_dates(days)[-1]}", "font_size": 15}, height=1_560,
        template="plotly_white", font_color=_INK, margin={"t": 140},
        legend={"orientation": "h", "y": 1.025, "x": 0.0, "yanchor": "bottom"},
    )  # fmt: skip
    text: str = figure.to_html(include_plotlyjs=True, full_html=True)
    return text.replace("<head>", f"<head><title>{escape(name)}</title>", 1)


def _dates(days: Int32Array) -> list[str]:
    return [str(day) for day in days.astype("datetime64[D]")]


def _record(figure: go.Figure, trained: Trained, days: Int32Array) -> None:
    """Growth of one unit, and of the part beyond the universe; the latter begins later."""
    for told, returns, colour in (
        ("net", trained.returns, _INK),
        ("active (beyond the universe)", trained.active, _TEAL),
    ):
        grown = 100.0 * (np.cumprod(1.0 + returns) - 1.0)
        figure.add_scatter(
            x=_dates(days[days.size - returns.size :]), y=grown, name=told, line_color=colour,
            row=1, col=1,
        )  # fmt: skip
    figure.update_yaxes(title="return since the start, %", row=1, col=1)


def _paths(figure: go.Figure, trained: Trained) -> None:
    ratios = np.sort(trained.paths)
    figure.add_bar(
        x=[str(n) for n in range(1, ratios.size + 1)], y=ratios, marker_color=_TEAL,
        showlegend=False, row=2, col=1,
    )  # fmt: skip
    figure.update_xaxes(title="path, worst first", row=2, col=1)
    figure.update_yaxes(title="Sharpe ratio a year", row=2, col=1)


def _calibration(figure: go.Figure, trained: Trained) -> None:
    bins = trained.model.calibration_table
    chance = [(one.low + one.high) / 2.0 for one in bins]
    ends = [min(chance, default=0.0), max(chance, default=1.0)]
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": _GREY, "dash": "dot"},
        showlegend=False, row=3, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=chance, y=[one.hit_share for one in bins], mode="markers", marker_color=_AMBER,
        text=[f"{one.n} forecasts" for one in bins], showlegend=False,
        error_y={
            "array": [one.share_high - one.hit_share for one in bins],
            "arrayminus": [one.hit_share - one.share_low for one in bins],
        },
        row=3, col=1,
    )  # fmt: skip
    figure.update_xaxes(title="probability forecast", row=3, col=1)
    figure.update_yaxes(title="share that came true, 95 % range", row=3, col=1)


def _groups(figure: go.Figure, trained: Trained) -> None:
    effects = sorted(trained.effects, key=lambda one: one.shuffled)
    figure.add_bar(
        x=[one.shuffled for one in effects], y=[one.group for one in effects], orientation="h",
        marker_color=_TEAL, showlegend=False, row=4, col=1,
    )  # fmt: skip
    figure.update_xaxes(
        title="rise of log loss when the group is shuffled", tickformat=".4f", row=4, col=1
    )
