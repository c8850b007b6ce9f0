"""Charts of what could be lost: shares of equity as bars, figures of many methods as points."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dashboard import formats, palette
from dashboard.figures.frame import blank, wrapped
from dashboard.palette import Palette

_DOTS = ("circle", "diamond", "circle-open", "diamond-open")


def losses(labels: Sequence[str], shares: Sequence[float]) -> go.Figure:
    """Losses as shares of equity, one bar each; a gain points to the left."""
    colours = palette.current()
    figure = _by_name(labels, colours, right=16)
    figure.add_bar(
        x=[100 * share for share in shares],
        y=list(range(len(labels))),
        orientation="h",
        width=0.55,
        marker={"color": [colours.down if share > 0 else colours.up for share in shares]},
        text=[formats.percent(share, decimals=2) for share in shares],
        textposition="outside",
        cliponaxis=False,
        hovertext=list(labels),
        hovertemplate="%{hovertext}: %{text}<extra></extra>",
    )
    reach = max(abs(100 * share) for share in shares) or 1.0
    least = min(0.0, *(100 * share for share in shares))
    figure.update_xaxes(
        title={"text": "Loss, % of equity"},
        range=[1.3 * least, 1.3 * reach],
        zeroline=True,
        zerolinecolor=colours.muted,
    )
    return figure


def losses_by_method(
    methods: Sequence[str], measures: Mapping[str, Sequence[float | None]]
) -> go.Figure:
    """What each method says of each measure: a row each, a point for every measure."""
    colours = palette.current()
    figure = _by_name(methods, colours, right=16)
    for i, (measure, shares) in enumerate(measures.items()):
        figure.add_scatter(
            x=[None if share is None else 100 * share for share in shares],
            y=list(range(len(methods))),
            mode="markers",
            name=measure,
            marker={"size": 10, "symbol": _DOTS[i % 4], "color": colours.series[i // 2 % 4]},
            customdata=[[method, formats.percent(share, decimals=2)]
                        for method, share in zip(methods, shares, strict=True)],
            hovertemplate=f"%{{customdata[0]}}<br>{measure}: %{{customdata[1]}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        margin={"t": 34},
        height=figure.layout.height + 24,
    )
    figure.update_xaxes(title={"text": "Loss, % of equity"}, rangemode="tozero")
    return figure


def _by_name(labels: Sequence[str], colours: Palette, *, right: int) -> go.Figure:
    """An empty chart with a named row for each label, the first on top."""
    told = [wrapped(label) for label in labels]
    room = sum(38 if "<br>" in label else 28 for label in told)
    figure = blank(colours, height=56 + room, y_title="", left=8, right=right)
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=told,
        range=[len(labels) - 0.4, -0.6],
        showgrid=False,
        automargin=True,
        ticklabelstandoff=6,
    )
    return figure
