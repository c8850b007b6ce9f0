"""Charts of agreement: what came true against what was said, verdicts by symbol and session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import plotly.graph_objects as go

from dashboard import formats, palette
from dashboard.figures.frame import blank, padded, session_axis


@dataclass(frozen=True)
class Bin:
    """One bin of a calibration plot: mean prediction, share come true, its 95 % range, cases."""

    predicted: float
    observed: float
    low: float
    high: float
    cases: int


def calibration(bins: Sequence[Bin], *, height: int = 280) -> go.Figure:
    """What came true against what was said, with 95 % ranges; on the diagonal it keeps its word."""
    colours = palette.current()
    figure = blank(colours, height=height, y_title="Came true, %")
    edge = [100 * v for b in bins for v in (b.predicted, b.low, b.high)] or [40.0, 60.0]
    low, high = padded(edge, share=0.08)
    low, high = max(0.0, low), min(100.0, high)
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        hoverinfo="skip",
        line={"color": colours.muted, "width": 1, "dash": "dot"},
    )
    figure.add_scatter(
        x=[100 * b.predicted for b in bins],
        y=[100 * b.observed for b in bins],
        mode="markers",
        marker={"color": colours.model, "size": 9},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [100 * (b.high - b.observed) for b in bins],
            "arrayminus": [100 * (b.observed - b.low) for b in bins],
            "color": colours.model,
            "thickness": 1.5,
            "width": 4,
        },
        customdata=[
            [formats.probability(b.predicted), formats.probability(b.observed), b.cases]
            for b in bins
        ],
        hovertemplate=(
            "said %{customdata[0]}, came true %{customdata[1]}<br>"
            "%{customdata[2]} cases<extra></extra>"
        ),
    )
    figure.update_xaxes(
        title={"text": "Model said, %"}, range=[low, high], showgrid=False, ticksuffix=""
    )
    figure.update_yaxes(range=[low, high])
    return figure


def verdicts(
    symbols: Sequence[str],
    sessions: Sequence[date],
    states: Sequence[Sequence[int | None]],
    texts: Sequence[Sequence[str]],
    *,
    height: int | None = None,
) -> go.Figure:
    """Quality verdicts, symbols down and sessions across: 0 held, 1 by a person, 2 passed."""
    colours = palette.current()
    figure = blank(colours, height=height or 76 + 30 * len(symbols), y_title="", left=8)
    figure.add_heatmap(
        z=[[v if v is not None else -1 for v in row] for row in states],
        x=list(range(len(sessions))),
        y=list(range(len(symbols))),
        text=[list(row) for row in texts],
        hovertemplate="%{text}<extra></extra>",
        zmin=-1,
        zmax=2,
        showscale=False,
        xgap=1,
        ygap=3,
        colorscale=_steps(
            palette.faint(colours.muted, share=0.12),
            colours.down,
            colours.care,
            palette.faint(colours.up, share=0.55),
        ),
    )
    session_axis(figure, list(sessions))
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(
        tickvals=list(range(len(symbols))),
        ticktext=list(symbols),
        autorange="reversed",
        showgrid=False,
        automargin=True,
        title=None,
    )
    return figure


def _steps(*colours: str) -> list[list[float | str]]:
    """A colour scale without blending: one flat step for each colour."""
    n = len(colours)
    return [[edge, c] for i, c in enumerate(colours) for edge in (i / n, (i + 1) / n)]
