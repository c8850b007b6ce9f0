"""Charts over sessions: equity, drawdown, prices with our levels and trades."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import plotly.graph_objects as go

from dashboard import formats, palette
from dashboard.figures.frame import blank, direct_label, padded, session_axis, thinned
from dashboard.palette import Palette

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


def equity(
    sessions: Sequence[date], values: Sequence[float], *, start: float, height: int = 260
) -> go.Figure:
    """Equity in USD by session, with the starting capital as a thin line."""
    colours = palette.current()
    points = thinned(list(zip(sessions, values, strict=True)))
    days, levels = [p[0] for p in points], [p[1] for p in points]
    figure = blank(colours, height=height, y_title="Equity, USD")
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
    direct_label(figure, levels[-1], formats.amount(levels[-1]), colours.text)
    session_axis(figure, days)
    low, high = padded([*levels, start], share=0.15)
    # Dollars would be written twice on an axis of a few.
    figure.update_yaxes(tickformat=",.0f" if high - low > 5 else ",.2f", range=[low, high])
    return figure


def drawdown(sessions: Sequence[date], depths: Sequence[float], *, height: int = 180) -> go.Figure:
    """Loss from the highest equity so far, as positive fractions filled down from zero."""
    colours = palette.current()
    points = thinned(list(zip(sessions, depths, strict=True)))
    days = [p[0] for p in points]
    figure = blank(colours, height=height, y_title="Drawdown, %")
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
    session_axis(figure, days)
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
    figure = blank(colours, height=height, y_title="USD per share", right=96)
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
    session_axis(figure, days, ahead=ahead)
    outer = [m.price for m in marks] + ([band.low, band.high] if band else [])
    figure.update_yaxes(tickformat=",.2f", range=padded(levels + outer, share=0.14))
    return figure


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
