"""Every chart of the desk. The only module that knows Plotly."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import plotly.graph_objects as go
import streamlit as st

from dashboard import formats, palette
from dashboard.palette import Palette

T = TypeVar("T")

MOST_POINTS = 2_000
_LABEL_WIDTH = 36  # characters
_FONT = '"Source Sans", "Source Sans 3", sans-serif'
_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Mark:
    """A horizontal level on a price chart: its label, its price and whether it is dashed."""

    label: str
    price: float
    dashed: bool = False


@dataclass(frozen=True)
class Band:
    """A forecast range in prices, `sessions` ahead of the last close."""

    low: float
    high: float
    middle: float
    sessions: int


@dataclass(frozen=True)
class Trade:
    """One fill on a price chart."""

    session: date
    price: float
    is_buy: bool


@dataclass(frozen=True)
class Bin:
    """One bin of a calibration plot: mean prediction, hit rate, its 95 % range, cases."""

    predicted: float
    observed: float
    low: float
    high: float
    cases: int


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


def equity(
    sessions: Sequence[date], values: Sequence[float], *, start: float, height: int = 260
) -> go.Figure:
    """Equity in USD by session, with the starting capital as a thin line."""
    colours = palette.current()
    points = thinned(list(zip(sessions, values, strict=True)))
    days, levels = [p[0] for p in points], [p[1] for p in points]
    figure = _blank(colours, height=height, y_title="Equity, USD")
    figure.add_scatter(
        x=[0, len(days) - 1],
        y=[start, start],
        mode="lines",
        hoverinfo="skip",
        line={"color": colours.muted, "width": 1, "dash": "dot"},
    )
    figure.add_scatter(
        x=list(range(len(days))),
        y=levels,
        mode="lines+markers" if len(days) < 30 else "lines",
        line={"color": colours.text, "width": 2},
        marker={"size": 5},
        customdata=[[formats.day(d), formats.money(v)] for d, v in points],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )
    _direct_label(figure, levels[-1], formats.amount(levels[-1]), colours.text)
    _session_axis(figure, days)
    figure.update_yaxes(tickformat=",.0f", range=_padded([*levels, start], share=0.15))
    return figure


def drawdown(sessions: Sequence[date], depths: Sequence[float], *, height: int = 180) -> go.Figure:
    """Loss from the highest equity so far, as positive fractions filled down from zero."""
    colours = palette.current()
    points = thinned(list(zip(sessions, depths, strict=True)))
    days = [p[0] for p in points]
    figure = _blank(colours, height=height, y_title="Drawdown, %")
    figure.add_scatter(
        x=list(range(len(days))),
        y=[-100 * p[1] for p in points],
        mode="lines",
        fill="tozeroy",
        line={"color": colours.down, "width": 1.5},
        fillcolor=palette.faint(colours.down),
        customdata=[[formats.day(d), formats.percent(-v)] for d, v in points],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
    )
    _session_axis(figure, days)
    deepest = max([100 * p[1] for p in points] + [1.0])
    figure.update_yaxes(range=[-1.15 * deepest, 0.05 * deepest])
    return figure


def price(
    sessions: Sequence[date],
    closes: Sequence[float],
    *,
    marks: Sequence[Mark] = (),
    band: Band | None = None,
    trades: Sequence[Trade] = (),
    height: int = 230,
) -> go.Figure:
    """Closes in steel grey with our levels, our trades and the forecast's 80 % range."""
    colours = palette.current()
    points = thinned(list(zip(sessions, closes, strict=True)))
    days, levels = [p[0] for p in points], [p[1] for p in points]
    ahead = band.sessions if band else 0
    figure = _blank(colours, height=height, y_title="USD per share", right=96)
    figure.add_scatter(
        x=list(range(len(days))),
        y=levels,
        mode="lines",
        line={"color": colours.price, "width": 2},
        customdata=[[formats.day(d), formats.price(v)] for d, v in points],
        hovertemplate="%{customdata[0]}<br>close %{customdata[1]} USD<extra></extra>",
    )
    if band:
        _forecast(figure, band, start=len(days) - 1, last=levels[-1], colours=colours)
    _levels(figure, marks, colours=colours)
    _trades(figure, trades, days=days, colours=colours)
    _session_axis(figure, days, ahead=ahead)
    outer = [m.price for m in marks] + ([band.low, band.high] if band else [])
    figure.update_yaxes(tickformat=",.2f", range=_padded(levels + outer, share=0.14))
    return figure


def contributions(
    labels: Sequence[str], points: Sequence[float], *, height: int | None = None
) -> go.Figure:
    """What moved a probability from its base rate, in percentage points, largest first."""
    colours = palette.current()
    told = [_wrapped(label) for label in labels]
    room = sum(34 if "<br>" in label else 26 for label in told)
    figure = _blank(colours, height=height or 56 + room, y_title="", left=8)
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
    reach = max([abs(p) for p in points] + [0.5]) * 1.35
    figure.update_xaxes(
        title={"text": "Percentage points, before calibration"},
        range=[-reach, reach],
        nticks=5,
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
    )
    return figure


def calibration(bins: Sequence[Bin], *, height: int = 280) -> go.Figure:
    """Hit rate against what was said, with 95 % ranges; on the diagonal it keeps its word."""
    colours = palette.current()
    figure = _blank(colours, height=height, y_title="Came true, %")
    edge = [100 * v for b in bins for v in (b.predicted, b.low, b.high)] or [40.0, 60.0]
    low, high = _padded(edge, share=0.08)
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


def spans(rows: Sequence[Span], *, height: int | None = None) -> go.Figure:
    """Expected values with their 80 % ranges, one line per label."""
    colours = palette.current()
    figure = _blank(colours, height=height or 66 + 34 * len(rows), y_title="", left=8)
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
        range=_padded(ends, share=0.04),
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
    )
    return figure


def usage(rows: Sequence[Usage], *, height: int | None = None) -> go.Figure:
    """Used shares of limits as bars, the limit itself as the full track."""
    colours = palette.current()
    figure = _blank(colours, height=height or 40 + 34 * len(rows), y_title="", left=8, right=130)
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
    )
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
    figure = _blank(colours, height=height or 76 + 30 * len(symbols), y_title="", left=8)
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
    _session_axis(figure, list(sessions))
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


def _wrapped(label: str) -> str:
    """A long label on two lines, the rest of it left to the hover text."""
    lines = textwrap.wrap(label, width=_LABEL_WIDTH)
    return "<br>".join(
        [lines[0], textwrap.shorten(" ".join(lines[1:]), _LABEL_WIDTH)][: len(lines)]
    )


def _steps(*colours: str) -> list[list[float | str]]:
    """A colour scale without blending: one flat step for each colour."""
    n = len(colours)
    return [[edge, c] for i, c in enumerate(colours) for edge in (i / n, (i + 1) / n)]


def _usage_colour(share: float, colours: Palette) -> str:
    if share > 1.0:
        return colours.down
    return colours.care if share >= 0.8 else colours.text


def _blank(
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


def _session_axis(figure: go.Figure, days: Sequence[date], *, ahead: int = 0) -> None:
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


def _padded(values: Sequence[float], *, share: float) -> list[float]:
    low, high = min(values), max(values)
    room = (high - low) * share or abs(high) * 0.01 or 1.0
    return [low - room, high + room]


def _direct_label(figure: go.Figure, y: float, text: str, colour: str) -> None:
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


def _forecast(figure: go.Figure, band: Band, *, start: int, last: float, colours: Palette) -> None:
    end = start + band.sessions
    figure.add_scatter(
        x=[start, end, end, start],
        y=[last, band.high, band.low, last],
        mode="none",
        fill="toself",
        fillcolor=palette.faint(colours.model, share=0.22),
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[start, end],
        y=[last, band.middle],
        mode="lines",
        hoverinfo="skip",
        line={"color": colours.model, "width": 1.5},
    )
    figure.add_annotation(
        x=end,
        y=band.high,
        text=f"80{_SPACE}% range",
        showarrow=False,
        xanchor="right",
        yanchor="bottom",
        font={"color": colours.model, "size": 12},
    )


def _levels(figure: go.Figure, marks: Sequence[Mark], *, colours: Palette) -> None:
    for mark in marks:
        figure.add_hline(
            y=mark.price,
            line={"color": colours.text, "width": 1.2, "dash": "dash" if mark.dashed else "solid"},
        )
        figure.add_annotation(
            xref="paper",
            x=1.0,
            y=mark.price,
            xanchor="left",
            xshift=6,
            showarrow=False,
            text=f"{mark.label} {formats.price(mark.price)}",
            font={"color": colours.text, "size": 12},
        )


def _trades(
    figure: go.Figure, trades: Sequence[Trade], *, days: Sequence[date], colours: Palette
) -> None:
    place = {d: i for i, d in enumerate(days)}
    shown = [t for t in trades if t.session in place]
    figure.add_scatter(
        x=[place[t.session] for t in shown],
        y=[t.price for t in shown],
        mode="markers",
        marker={
            "color": colours.text,
            "size": 11,
            "symbol": ["triangle-up" if t.is_buy else "triangle-down" for t in shown],
        },
        customdata=[
            ["Bought" if t.is_buy else "Sold", formats.price(t.price), formats.day(t.session)]
            for t in shown
        ],
        hovertemplate="%{customdata[0]} at %{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    )
