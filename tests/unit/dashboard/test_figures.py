"""Figures draw what they are given, within their bounds."""

from datetime import date, timedelta

import pytest

from dashboard import figures, palette

DAYS = [date(2000, 1, 3) + timedelta(days=i) for i in range(5_000)]


def test_no_more_than_two_thousand_points_are_drawn_and_both_ends_stay() -> None:
    thinned = figures.thinned(list(range(5_000)))

    assert len(thinned) == 2_000
    assert (thinned[0], thinned[-1]) == (0, 4_999)


def test_short_series_are_drawn_whole() -> None:
    assert figures.thinned([1, 2, 3]) == [1, 2, 3]


def test_an_equity_curve_of_twenty_years_stays_bounded() -> None:
    figure = figures.equity(DAYS, [100.0 + i for i in range(5_000)], start=100.0)

    assert max(len(trace.x) for trace in figure.data) == 2_000


@pytest.mark.parametrize(
    ("last", "written"), [(99_996.40, ",.2f"), (100_003.0, ",.2f"), (103_000.0, ",.0f")]
)
def test_ticks_of_equity_are_never_written_twice(last: float, written: str) -> None:
    axis = figures.equity(DAYS[:2], [100_000.0, last], start=100_000.0).layout.yaxis

    assert axis.tickformat == written
    # Plotly writes about five ticks: whole dollars are enough where they lie a dollar apart.
    low, high = axis.range
    assert (written == ",.0f") == (high - low > 5)


def test_drawdown_is_drawn_downwards_in_per_cent() -> None:
    figure = figures.drawdown(DAYS[:2], [0.0, 0.25])

    assert list(figure.data[0].y) == [0.0, -25.0]


@pytest.mark.parametrize("points", [[0.0], [0.02, -0.01], [0.84, -0.3], [-9.96], [12.0, -40.0]])
def test_three_ticks_of_contributions_lie_within_the_axis(points: list[float]) -> None:
    axis = figures.contributions(["A feature"] * len(points), points).layout.xaxis

    left, middle, right = axis.tickvals
    assert axis.range[0] < left < middle == 0 < right < axis.range[1]
    assert right == -left


def test_a_forecast_spreads_from_the_last_close() -> None:
    band = figures.Band(low=90.0, high=120.0, middle=105.0, sessions=5)

    figure = figures.price(DAYS[:3], [98.0, 99.0, 100.0], band=band)

    area = next(trace for trace in figure.data if trace.fill == "toself")
    assert list(area.x) == [2, 7, 7, 2]
    assert list(area.y) == [100.0, 120.0, 90.0, 100.0]


def test_every_colour_of_the_theme_contrasts_with_its_background() -> None:
    for kind in ("light", "dark"):
        colours = palette.of(kind)
        for role in ("text", "muted", "up", "down", "care", "model", "replay"):
            assert _contrast(getattr(colours, role), colours.page) >= 4.5, (kind, role)


def _contrast(one: str, other: str) -> float:
    """WCAG 2.1, contrast ratio of two colours."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
