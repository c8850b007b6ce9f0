"""Expected values: company records of splits and dividends, and NYSE's calendar."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from arch.data import frenchdata, sp500

from adapters.market_data import landing, load, sample
from adapters.object_store import FolderStore

UNTIL = date(2005, 3, 31)
AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    store = FolderStore(tmp_path_factory.mktemp("lake"))
    sample.seed(store, until=UNTIL, landed_at=AT)
    return store


@pytest.fixture(scope="module")
def dividends() -> pl.DataFrame:
    return sample.actions(sample.stocks()).filter(pl.col("kind") == "cash_dividend")


def amounts(dividends: pl.DataFrame, symbol: str, year: int) -> list[float]:
    rows = dividends.filter((pl.col("symbol") == symbol) & (pl.col("session").dt.year() == year))
    return [round(amount, 4) for amount in rows["amount"]]


def test_the_special_dividend_of_microsoft_is_found(dividends: pl.DataFrame) -> None:
    # 3.00 USD special and 0.08 USD regular, both with ex-date 15 November 2004.
    paid = dividends.filter(symbol="MSFT", session=date(2004, 11, 15))

    assert paid["amount"].to_list() == [pytest.approx(3.08)]


def test_quarterly_dividends_are_those_the_companies_declared(dividends: pl.DataFrame) -> None:
    assert amounts(dividends, "IBM", 2007) == [0.30, 0.40, 0.40, 0.40]
    assert amounts(dividends, "IBM", 2011) == [0.65, 0.75, 0.75, 0.75]
    assert amounts(dividends, "MSFT", 2009) == [0.13, 0.13, 0.13, 0.13]
    assert amounts(dividends, "AAPL", 2012) == [2.65, 2.65]


def test_who_paid_nothing_has_no_dividend(dividends: pl.DataFrame) -> None:
    assert dividends.filter(pl.col("symbol").is_in(["GOOG", "FB"])).is_empty()
    assert dividends.filter(symbol="AAPL")["session"].min() == date(2012, 8, 9)


def test_every_implied_dividend_is_marked_and_plausible(dividends: pl.DataFrame) -> None:
    assert dividends["implied"].all()
    assert dividends["amount"].is_between(0.05, 3.5).all()


def test_splits_are_on_record_and_not_implied() -> None:
    splits = sample.actions(sample.stocks()).filter(pl.col("kind") == "split")

    assert splits.select("symbol", "session", "ratio", "implied").rows() == [
        ("AAPL", date(2000, 6, 21), 2.0, False),
        ("AAPL", date(2005, 2, 28), 2.0, False),
        ("MSFT", date(2003, 2, 18), 2.0, False),
    ]


def test_the_rate_is_the_treasury_bill_month_compounded() -> None:
    rates = sample.rates()

    # Fama and French: 0.50 % for December 2000.
    december = rates.filter(session=date(2000, 12, 1))["annual_rate"].item()
    assert december == pytest.approx(1.0050**12 - 1.0, abs=1e-12)


def test_the_index_is_the_published_one() -> None:
    closes = sample.index_bars().filter(session=date(2000, 3, 24))

    assert closes["close"].item() == pytest.approx(1527.46, abs=0.005)  # the record close of 2000


def test_nothing_after_the_last_session_is_landed(lake: FolderStore) -> None:
    for kind in ("daily", "index", "rates", "actions"):
        for landed in landing.landings(lake, kind):
            assert max(o.last for o in landed.objects) <= UNTIL
    assert load.daily(lake, UNTIL + timedelta(days=1), date(2013, 3, 1)).is_empty()


def test_the_layout_is_that_of_a_bucket(lake: FolderStore) -> None:
    assert lake.exists("equities/daily/symbol=AAPL/2004.parquet")
    assert lake.exists("indices/daily/symbol=SPX/2004.parquet")
    assert lake.exists("corporate_actions/2004.parquet")


def test_seeding_again_lands_nothing(lake: FolderStore) -> None:
    before = [o.key for o in lake.list()]

    again = sample.seed(lake, until=UNTIL, landed_at=AT + timedelta(days=1))

    assert [landed.key for landed in again] == ["", "", "", ""]
    assert [o.key for o in lake.list()] == before


def test_a_later_seed_adds_what_is_new_and_keeps_the_rest(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    sample.seed(store, until=date(2000, 6, 30), landed_at=AT)
    sample.seed(store, until=date(2000, 7, 31), landed_at=AT + timedelta(hours=1))

    bars = load.daily(store, date(2000, 3, 1), date(2000, 12, 31))

    assert bars.filter(symbol="IBM").height == 106  # NYSE sessions, 1 March to 31 July 2000
    assert bars["assumed"].all()


def test_prices_are_as_quoted_then(lake: FolderStore) -> None:
    bars = load.daily(lake, date(2005, 2, 25), date(2005, 2, 28), symbols=["AAPL"])

    assert bars["close"].to_list() == [88.99, 44.86]  # the 2:1 split is not adjusted


def test_a_date_before_the_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`until` must not lie before"):
        sample.seed(FolderStore(tmp_path), until=date(1999, 12, 31))


def test_the_index_and_the_rates_are_those_of_the_packages_own_loader() -> None:
    index, rates = sample.index_bars(), sample.rates()

    bars = sp500.load()
    assert index["session"].to_list() == [day.date() for day in bars.index]
    for name in ("Open", "High", "Low", "Close", "Volume"):
        np.testing.assert_array_equal(index[name.lower()].to_numpy(), bars[name].to_numpy())
    # Its loader reads 201207 as so many nanoseconds.
    bills = frenchdata.load()["RF"]
    months = np.asarray(bills.index, dtype="datetime64[ns]").astype(np.int64)
    monthly = dict(zip(months.tolist(), bills, strict=True))
    july = rates.filter(pl.col("session") == date(2012, 7, 2))["annual_rate"].item()
    assert july == pytest.approx((1.0 + monthly[201207] / 100.0) ** 12 - 1.0)
    assert rates["session"].min() == date(1970, 1, 2)
    assert rates.height == sum(month >= 197001 for month in monthly)
