"""Synthetic markets: what every bar must obey, and what makes them look like markets."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from adapters.market_data import generated
from quality.calendar import exchange
from quality.rules.minute import judge_minutes
from quality.rules.model import Severity

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


LIVELY = generated.Events(
    listed_late=0.6, delisted=0.3, renamed=0.2, reused=1.0, idle=5, distressed=0.3,
    split_above=60.0, reverse_below=8.0, boards_meet=21,
)  # fmt: skip


@pytest.fixture(scope="module")
def lively() -> generated.GeneratedMarket:
    """Two and a half years in which much happens."""
    return generated.market(SESSIONS[:650], symbols=60, seed=8, events=LIVELY)


def test_every_kind_of_event_happens_also_as_usual(made: generated.GeneratedMarket) -> None:
    ratios = made.actions.filter(pl.col("kind") == "split")["ratio"]

    assert set(made.actions["kind"]) == {"split", "cash_dividend", "symbol_change", "delisting"}
    assert (ratios > 1).any()
    assert (ratios < 1).any()
    assert (made.firms.group_by("symbol").len()["len"] > 1).any(), "no ticker was taken again"


def test_a_ticker_has_bars_of_its_firm_alone_and_all_of_them(
    lively: generated.GeneratedMarket,
) -> None:
    spans = lively.firms.sort("symbol", "first")
    overlaps = pl.col("first") <= pl.col("last").shift(1).over("symbol")
    assert not spans.select(overlaps.fill_null(value=False).any()).item()

    bars = lively.daily.join_where(
        spans.rename({"symbol": "ticker"}),
        pl.col("symbol") == pl.col("ticker"),
        pl.col("session") >= pl.col("first"),
        pl.col("session") <= pl.col("last"),
    )

    assert bars.height == lively.daily.height
    number = {day: n for n, day in enumerate(SESSIONS)}
    lengths = [number[last] - number[first] + 1 for first, last in spans["first", "last"].rows()]
    assert sum(lengths) == lively.daily.height


def test_every_end_of_a_ticker_is_told_for_the_session_after_its_last_bar(
    lively: generated.GeneratedMarket,
) -> None:
    told = lively.actions.filter(pl.col("kind").is_in(["delisting", "symbol_change"]))
    ended = lively.firms.drop_nulls("ended")

    following = {day: SESSIONS[n + 1] for n, day in enumerate(SESSIONS[:-1])}
    expected = {
        (s, following[last], why) for s, last, why in ended["symbol", "last", "ended"].rows()
    }
    assert set(told["symbol", "session", "kind"].rows()) == expected
    assert (told["announced_at"].dt.date() < told["session"]).all()


def test_a_firm_goes_on_under_its_new_ticker(lively: generated.GeneratedMarket) -> None:
    changes = lively.actions.filter(pl.col("kind") == "symbol_change")
    firm_of = {
        (s, first): firm for firm, s, first in lively.firms["firm", "symbol", "first"].rows()
    }
    last_of = {(s, last): firm for firm, s, last in lively.firms["firm", "symbol", "last"].rows()}
    before = {day: SESSIONS[n - 1] for n, day in enumerate(SESSIONS) if n}

    assert changes.height > 3
    for old, day, new in changes["symbol", "session", "detail"].rows():
        assert firm_of[new, day] == last_of[old, before[day]]


def test_joined_shares_keep_their_worth(lively: generated.GeneratedMarket) -> None:
    closes = lively.daily.with_columns(
        before=pl.col("close").shift(1).over("symbol"),
    )
    joined = lively.actions.filter(pl.col("ratio") < 1).join(closes, on=["symbol", "session"])

    assert joined.height > 3
    worth = (joined["close"] * joined["ratio"] / joined["before"]).log().abs()
    assert (worth < 0.5).all()


@pytest.mark.parametrize("length", [390, 210])
def test_minutes_add_up_to_their_day(made: generated.GeneratedMarket, length: int) -> None:
    session = SESSIONS[-1]
    daily = made.daily.filter(pl.col("session") == session)
    opens = pl.Series([dt.datetime(2010, 1, 7, 14, 30, tzinfo=dt.UTC)] * len(daily))

    minutes = generated.minutes(daily, opens, seed=1, lengths=pl.Series([length] * len(daily)))
    summed = minutes.group_by("symbol", maintain_order=True).agg(
        pl.len(),
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )

    assert (summed["len"] == length).all()
    expected = daily.select("symbol", "open", "high", "low", "close", "volume")
    assert summed.drop("len").equals(expected)
    assert minutes["bar_start"].min() == dt.datetime(2010, 1, 7, 14, 30, tzinfo=dt.UTC)


def test_a_days_high_and_low_stand_among_their_neighbours() -> None:
    """On the day before Independence Day, which ended at one o'clock."""
    days = exchange().sessions(dt.date(2012, 4, 2), dt.date(2012, 7, 3))
    daily = generated.market(days, symbols=40, seed=2).daily.filter(pl.col("session") == days[-1])
    opens = pl.Series([exchange().open(days[-1])] * daily.height)
    lengths = pl.Series([exchange().minutes(days[-1])] * daily.height)

    minutes = generated.minutes(daily, opens, seed=3, lengths=lengths)

    assert minutes["bar_start"].max() == exchange().close(days[-1]) - dt.timedelta(minutes=1)
    judged = judge_minutes(minutes, calendar=exchange(), daily=daily)
    assert [f for f in judged.findings if f.severity is Severity.ERROR] == []


def test_a_session_too_short_for_a_path_is_refused(made: generated.GeneratedMarket) -> None:
    daily = made.daily.head(1)

    with pytest.raises(ValueError, match="at least 40 minutes, the shortest has 5"):
        generated.minutes(
            daily,
            pl.Series([dt.datetime(2004, 1, 2, tzinfo=dt.UTC)]),
            seed=1,
            lengths=pl.Series([5]),
        )


def test_a_market_without_symbols_is_refused() -> None:
    with pytest.raises(ValueError, match="0 symbols"):
        generated.market(SESSIONS, symbols=0, seed=1)
