"""The frame of every chart: its size, type, axes, thinning, and how it is put on a page."""

import textwrap
from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeVar

import plotly.graph_objects as go
import streamlit as st

from dashboard import formats
from dashboard.palette import Palette

T = TypeVar("T")

MOST_POINTS = 2_000
_LABEL_WIDTH = 36  # characters
_FONT = '"Source Sans", "Source Sans 3", sans-serif'


def show(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    as_of: datetime | date | None,
    source: str,
) -> None:
    """Draw `figure` with its alternative text, and below it its date and source."""
    st.plotly_chart(
        figure, theme=None, key=key, alt=alt, config={"displayModeBar": False}, width="stretch"
    )
    when = formats.moment(as_of) if isinstance(as_of, datetime) else formats.day(as_of)
    st.caption(f"As of {when} · source {source}")


def thinned(rows: Sequence[T], *, most: int = MOST_POINTS) -> list[T]:
    """At most `most` of `rows`, evenly spread, the first and the last among them."""
    if len(rows) <= most:
        return list(rows)
    step = (len(rows) - 1) / (most - 1)
    return [rows[round(i * step)] for i in range(most)]


def blank(
    colours: Palette, *, height: int, y_title: str, left: int = 72, right: int = 76
) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": left, "r": right, "t": 10, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": _FONT, "size": 13, "color": colours.muted},
        hoverlabel={
            "bgcolor": colours.panel,
            "bordercolor": colours.line,
            "font": {"family": _FONT, "size": 13, "color": colours.text},
        },
        showlegend=False,
        dragmode=False,
    )
    figure.update_xaxes(
        showgrid=False,
        zeroline=False,
        linecolor=colours.line,
        fixedrange=True,
        title={"standoff": 6, "font": {"size": 12}},
    )
    figure.update_yaxes(
        gridcolor=colours.line,
        zeroline=False,
        fixedrange=True,
        griddash="solid",
        gridwidth=1,
        title={"text": y_title, "standoff": 8, "font": {"size": 12}},
        nticks=6,
    )
    return figure


def session_axis(figure: go.Figure, days: Sequence[date], *, ahead: int = 0) -> None:
    n = len(days)
    n_ticks = min(5, n)
    at = sorted({round(i * (n - 1) / max(1, n_ticks - 1)) for i in range(n_ticks)})
    figure.update_xaxes(
        tickvals=at,
        ticktext=_day_labels([days[i] for i in at]),
        tickangle=0,
        range=[-0.5, n - 0.5 + ahead],
    )


def _day_labels(days: Sequence[date]) -> list[str]:
    """Days for an axis; the year stands below the first and where it changes."""
    labels = []
    for i, day in enumerate(days):
        is_new = i == 0 or day.year != days[i - 1].year
        labels.append(formats.axis_day(day) + (f"<br>{day.year}" if is_new else ""))
    return labels


def wrapped(label: str) -> str:
    """A long label on two lines, the rest of it left to the hover text."""
    lines = textwrap.wrap(label, width=_LABEL_WIDTH)
    return "<br>".join(
        [lines[0], textwrap.shorten(" ".join(lines[1:]), _LABEL_WIDTH)][: len(lines)]
    )


def padded(values: Sequence[float], *, share: float) -> list[float]:
    low, high = min(values), max(values)
    room = (high - low) * share or abs(high) * 0.01 or 1.0
    return [low - room, high + room]


def direct_label(figure: go.Figure, y: float, text: str, colour: str) -> None:
    """Write `text` beside the last value, clear of the grid."""
    figure.add_annotation(
        xref="paper",
        x=1.0,
        y=y,
        text=text,
        showarrow=False,
        xanchor="left",
        xshift=8,
        font={"color": colour, "size": 13},
    )
