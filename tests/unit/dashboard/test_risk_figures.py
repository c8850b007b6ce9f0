"""The risk page's tables, from the sheet of a close."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from config import scenarios
from config.documents import ROOT
from quant.risk import Holdings, risk_sheet


@pytest.fixture(scope="module", name="found")
def _found() -> pl.DataFrame:
    """Figures of two symbols over two years and a half, as `risk.figures` holds them."""
    rng = np.random.default_rng(1)
    index = rng.normal(3e-4, 0.01, 650)
    holdings = Holdings(
        symbols=("AAPL", "IBM"),
        sectors=("Tech", "Tech"),
        weights=np.array([0.05, 0.03]),
        quantities=np.array([8.0, 15.0]),
        volumes=np.array([1e7, 4e6]),
        sessions=np.datetime64("2010-01-04") + np.arange(650),
        returns=index[:, None] + rng.normal(0, 0.01, (650, 2)),
        index=index,
    )
    told = scenarios.load(ROOT / "scenarios.toml").scenarios
    sheet = risk_sheet(holdings, told, rng=rng)
    rows = [vars(figure) for figure in sheet.figures]
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        session=pl.lit(date(2012, 7, 2))
    )


def _shown(found: pl.DataFrame) -> AppTest:
    def page() -> None:
        import streamlit as st

        from dashboard.panels import risk_figures

        risk_figures.show(st.session_state["found"])

    at = AppTest.from_function(page, default_timeout=120)
    at.session_state["found"] = found
    return at.run()


def _text(at: AppTest) -> str:
    blocks = [*at.subheader, *at.markdown, *at.caption]
    return "\n".join(str(block.value) for block in blocks).replace("\N{NO-BREAK SPACE}", " ")


def test_every_section_shows_its_figures(found: pl.DataFrame) -> None:
    at = _shown(found)

    assert not at.exception
    text = _text(at)
    for sentence in (
        "What the portfolio could lose",
        "Value at risk 99.0 % | historical | 1 session |",
        "Loss 99 %, 10 sessions",
        "| Monte Carlo, fat tails |",
        "Whose risk it is",
        "| **AAPL** |",
        "Index −10 % | market | 0.8 % |",
        "Largest position gaps 30 % | gap\\: AAPL | 1.5 % |",
        "Did the figures hold?",
        "Hypothetical, historical 95 % |",
        "| 400 |",
        ":material/check: fits",
    ):
        assert sentence in text, text


def test_a_record_that_does_not_fit_says_so(found: pl.DataFrame) -> None:
    joint = (pl.col("measure") == "christoffersen_p_value") & (pl.col("level") == 0.95)
    worse = found.with_columns(pl.when(joint).then(0.01).otherwise(pl.col("value")).alias("value"))

    assert "does not fit" in _text(_shown(worse))


def test_without_figures_each_section_says_what_is_missing(found: pl.DataFrame) -> None:
    text = _text(_shown(found.clear()))

    assert "No risk figure yet." in text
    assert "No stress figure yet." in text
    assert "Whose risk it is" not in text
