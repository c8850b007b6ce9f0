"""Synthetic markets: what every bar must obey, and what makes them look like markets."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from adapters.market_data import generated

SESSIONS = [
    day
    for number in range(2200)
    if (day := dt.date(2004, 1, 1) + dt.timedelta(days=number)).weekday() < 5
]


@pytest.fixture(scope="module")
def made() -> generated.GeneratedMarket:
    return generated.market(SESSIONS, symbols=60, seed=3)


def test_the_same_seed_gives_the_same_market(made: generated.GeneratedMarket) -> None:
    again = generated.market(SESSIONS, symbols=60, seed=3)
    other = generated.market(SESSIONS, symbols=60, seed=4)

    assert again.daily.equals(made.daily)
    assert again.actions.equals(made.actions)
    assert not other.daily.equals(made.daily)


def test_every_bar_holds_its_open_and_close(made: generated.GeneratedMarket) -> None:
    bars = made.daily

    assert (bars["low"] <= bars.select(pl.min_horizontal("open", "close")).to_series()).all()
    assert (bars["high"] >= bars.select(pl.max_horizontal("open", "close")).to_series()).all()
    assert (bars["low"] > 0).all()
    assert (bars["volume"] > 0).all()
    assert bars.select("symbol", "session").is_unique().all()


def test_firms_are_listed_late_and_delisted(made: generated.GeneratedMarket) -> None:
    lives = made.daily.group_by("symbol").agg(
        pl.col("session").min().alias("first"), pl.col("session").max().alias("last")
    )

    assert (lives["first"] > SESSIONS[0]).any()
    assert (lives["last"] < SESSIONS[-1]).any()
    assert (lives["last"] == SESSIONS[-1]).any()


def test_a_split_changes_the_price_and_not_the_worth(made: generated.GeneratedMarket) -> None:
    closes = made.daily.with_columns(
        (pl.col("close") / pl.col("close").shift(1).over("symbol")).alias("change")
    )
    splits = made.actions.filter(pl.col("kind") == "split").join(closes, on=["symbol", "session"])

    assert len(splits) > 0
    worth = (splits["change"] * splits["ratio"]).log().abs()
    assert (worth < 0.5).all()  # a day's return, not a halving


def test_volatility_comes_in_clusters_and_tails_are_heavy(made: generated.GeneratedMarket) -> None:
    returns = np.diff(np.log(made.index["close"].to_numpy()))
    size = np.abs(returns) - np.abs(returns).mean()
    clustering = float((size[1:] * size[:-1]).sum() / (size**2).sum())
    z = (returns - returns.mean()) / returns.std()

    # Independent normal returns: autocorrelation 0 (standard error 1/sqrt(1571) = 0.025),
    # kurtosis 3.
    assert clustering > 0.05
    assert float((z**4).mean()) > 3.5


def test_symbols_move_with_the_market(made: generated.GeneratedMarket) -> None:
    wide = made.daily.pivot(on="symbol", index="session", values="close").sort("session")
    whole = [name for name in wide.columns[1:] if wide[name].null_count() == 0][:10]
    returns = np.diff(np.log(wide.select(whole).to_numpy()), axis=0)
    index = np.diff(np.log(made.index.sort("session")["close"].to_numpy()))

    correlations = [float(np.corrcoef(column, index)[0, 1]) for column in returns.T]
    assert min(correlations) > 0.1


def test_minutes_add_up_to_their_day(made: generated.GeneratedMarket) -> None:
    session = SESSIONS[-1]
    daily = made.daily.filter(pl.col("session") == session)
    opens = pl.Series([dt.datetime(2010, 1, 7, 14, 30, tzinfo=dt.UTC)] * len(daily))

    minutes = generated.minutes(daily, opens, seed=1)
    summed = minutes.group_by("symbol", maintain_order=True).agg(
        pl.len(),
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )

    assert (summed["len"] == 390).all()
    expected = daily.select("symbol", "open", "high", "low", "close", "volume")
    assert summed.drop("len").equals(expected)
    assert minutes["bar_start"].min() == dt.datetime(2010, 1, 7, 14, 30, tzinfo=dt.UTC)


def test_a_market_without_symbols_is_refused() -> None:
    with pytest.raises(ValueError, match="0 symbols"):
        generated.market(SESSIONS, symbols=0, seed=1)
