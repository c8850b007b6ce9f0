"""Charts by name: what moved a forecast, its range, and how much of a limit is used."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard import formats, palette
from dashboard.figures.frame import blank, padded, wrapped
from dashboard.palette import Palette


@dataclass(frozen=True)
class Span:
    """An expected value with its 80 % range, as fractions."""

    label: str
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Usage:
    """How much of a limit is used: both as fractions in the same unit."""

    label: str
    used: float
    limit: float


def contributions(
    labels: Sequence[str], points: Sequence[float], *, height: int | None = None
) -> go.Figure:
    """What moved a probability from its base rate, in percentage points, largest first."""
    colours = palette.current()
    told = [wrapped(label) for label in labels]
    room = sum(34 if "<br>" in label else 26 for label in told)
    figure = blank(colours, height=height or 56 + room, y_title="", left=8)
    figure.add_bar(
        x=list(points),
        y=list(range(len(labels))),
        orientation="h",
        marker={"color": [colours.up if p >= 0 else colours.down for p in points]},
        text=[formats.number(p, decimals=1, signed=True) for p in points],
        textposition="outside",
        cliponaxis=False,
        hovertext=list(labels),
        hovertemplate="%{hovertext}<br>%{text} points<extra></extra>",
        width=0.6,
    )
    furthest = max([abs(p) for p in points] + [0.5])
    reach, mark = 1.35 * furthest, float(f"{furthest:.1g}")
    figure.update_xaxes(
        title={"text": "Percentage points, before calibration"},
        range=[-reach, reach],
        tickvals=[-mark, 0, mark],  # more run together where the labels leave little room
        tickangle=0,
        zeroline=True,
        zerolinecolor=colours.muted,
        showgrid=False,
    )
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=told,
        autorange="reversed",
        showgrid=False,
        automargin=True,
        ticklabelstandoff=6,
    )
    return figure


def spans(rows: Sequence[Span], *, height: int | None = None) -> go.Figure:
    """Expected values with their 80 % ranges, one line per label."""
    colours = palette.current()
    figure = blank(colours, height=height or 66 + 34 * len(rows), y_title="", left=8)
    for i, row in enumerate(rows):
        figure.add_scatter(
            x=[100 * row.low, 100 * row.high],
            y=[i, i],
            mode="lines",
            line={"color": palette.faint(colours.model, share=0.45), "width": 9},
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=[100 * r.middle for r in rows],
        y=list(range(len(rows))),
        mode="markers",
        marker={"color": colours.model, "size": 10},
        customdata=[
            [
                r.label,
                formats.percent(r.middle, signed=True),
                formats.percent(r.low, signed=True),
                formats.percent(r.high, signed=True),
            ]
            for r in rows
        ],
        hovertemplate=(
            "%{customdata[0]}: %{customdata[1]}<br>80 % range %{customdata[2]} "
            "to %{customdata[3]}<extra></extra>"
        ),
    )
    ends = [100 * end for row in rows for end in (row.low, row.high)] or [-1.0, 1.0]
    figure.update_xaxes(
        title={"text": "Expected return over the horizon, % (band: 80 % range)"},
        range=padded(ends, share=0.04),
        zeroline=True,
        zerolinecolor=colours.muted,
        showgrid=False,
    )
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[r.label for r in rows],
        range=[len(rows) - 0.4, -0.6],
        showgrid=False,
        automargin=True,
        ticklabelstandoff=6,
    )
    return figure


def usage(rows: Sequence[Usage], *, height: int | None = None) -> go.Figure:
    """Used shares of limits as bars, the limit itself as the full track."""
    colours = palette.current()
    figure = blank(colours, height=height or 40 + 34 * len(rows), y_title="", left=8, right=130)
    shares = [min(1.2, abs(r.used) / r.limit) if r.limit else 0.0 for r in rows]
    positions = list(range(len(rows)))
    figure.add_bar(
        x=[1.0] * len(rows),
        y=positions,
        orientation="h",
        width=0.42,
        marker={"color": palette.faint(colours.muted, share=0.18)},
        hoverinfo="skip",
    )
    figure.add_bar(
        x=shares,
        y=positions,
        orientation="h",
        width=0.42,
        marker={"color": [_usage_colour(s, colours) for s in shares]},
        customdata=[[r.label, formats.percent(r.used), formats.percent(r.limit)] for r in rows],
        hovertemplate="%{customdata[0]}: %{customdata[1]} of %{customdata[2]}<extra></extra>",
    )
    for i, row in enumerate(rows):
        figure.add_annotation(
            xref="paper",
            x=1.0,
            xshift=8,
            y=i,
            xanchor="left",
            showarrow=False,
            text=f"{formats.percent(row.used)} of {formats.percent(row.limit)}",
            font={"color": colours.text, "size": 13},
        )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(
        range=[0, 1.0], title={"text": "Share of the limit"}, tickformat=".0%", showgrid=False
    )
    figure.update_yaxes(
        tickvals=positions,
        ticktext=[r.label for r in rows],
        range=[len(rows) - 0.4, -0.6],
        showgrid=False,
        automargin=True,
        ticklabelstandoff=6,
    )
    return figure


def _usage_colour(share: float, colours: Palette) -> str:
    if share > 1.0:
        return colours.down
    return colours.care if share >= 0.8 else colours.text
