"""What the quotes of a chain say of one another: stale, exchanged, beside another share's price."""

from datetime import date

import polars as pl

from quality.calendar import exchange
from quality.rules.model import Finding
from quality.rules.options import judge_options

FIRST, SECOND = date(2012, 6, 6), date(2012, 6, 7)


def chain(session: date = FIRST, spot: float = 100.0, *, volume: int = 0) -> pl.DataFrame:
    """Calls and puts of two expiries, worth their exercise value and two dollars."""
    rows = [
        ("IBM", session, expiry, float(strike), right, worth + 1.9, worth + 2.1, spot, volume)
        for expiry in (date(2012, 6, 15), date(2012, 7, 20))
        for strike in range(60, 145, 5)
        for right, worth in (("call", max(spot - strike, 0)), ("put", max(strike - spot, 0)))
    ]
    names = ["symbol", "session", "expiry", "strike", "right", "bid", "ask", "underlying_price"]
    frame = pl.DataFrame(rows, schema=[*names, "volume"], orient="row")
    return frame.with_columns((pl.col("strike") * 7).alias("open_interest"))


def told(*frames: pl.DataFrame) -> list[Finding]:
    return list(judge_options(pl.concat(frames), calendar=exchange()).findings)


def one_call(**to: float) -> pl.DataFrame:
    """The chain of the second session, where the share rose by 1.5 %, with one quote of its own."""
    there = (pl.col("strike") == 90.0) & (pl.col("right") == "call")
    there &= pl.col("expiry") == date(2012, 7, 20)
    return chain(SECOND, 101.5).with_columns(
        pl.when(there).then(value).otherwise(pl.col(name)).alias(name) for name, value in to.items()
    )


def test_a_quote_that_stands_while_the_strikes_beside_it_move_is_stale() -> None:
    (stale,) = told(chain(), one_call(bid=11.9, ask=12.1))

    assert (stale.rule, stale.session) == ("quote_is_not_stale", SECOND)
    assert (stale.figures["strike"], stale.figures["right"]) == (90.0, "call")


def test_a_wide_quote_may_stand_by_chance() -> None:
    before = chain().with_columns((pl.col("bid") - 1.0).clip(0.0), pl.col("ask") + 1.0)
    after = one_call(bid=10.9, ask=13.1)

    assert [f.rule for f in told(before, after)] == []


def test_a_chain_that_stands_while_its_share_moves_a_little_is_stale() -> None:
    old = chain(SECOND).with_columns(pl.lit(100.6).alias("underlying_price"))

    errors = told(chain(), old)

    assert {f.rule for f in errors} == {"quote_is_not_stale"}
    assert len(errors) == old.height
    assert told(chain(), chain(SECOND, 100.6)) == []


def test_a_chain_sent_again_with_its_trade_is_told_though_the_share_stands_too() -> None:
    assert {f.rule for f in told(chain(volume=5), chain(SECOND, volume=5))} == {
        "quote_is_not_stale"
    }
    assert told(chain(volume=5), chain(SECOND, volume=6)) == []


def test_quotes_of_a_day_without_a_session_make_no_chain_stale() -> None:
    sunday, monday = date(2012, 6, 10), date(2012, 6, 11)

    errors = told(chain(sunday, volume=5), chain(monday, volume=5))

    assert {(f.rule, f.session) for f in errors} == {("day_is_a_session", sunday)}


def test_calls_and_puts_exchanged_are_told_whole() -> None:
    right = pl.when(pl.col("right") == "call").then(pl.lit("put")).otherwise(pl.lit("call"))
    soon = pl.col("expiry") == date(2012, 6, 15)

    errors = told(chain().with_columns(pl.when(soon).then(right).otherwise("right").alias("right")))

    exchanged = [f for f in errors if f.rule == "sides_are_not_exchanged"]
    assert len(exchanged) == chain().filter(soon).height
    assert {f.figures["expiry"] for f in exchanged} == {"2012-06-15"}
    assert told(chain()) == []


def test_a_share_price_that_its_options_contradict_is_told_whole() -> None:
    other = chain().with_columns(pl.lit(125.0).alias("underlying_price"))
    near = chain().with_columns(pl.lit(104.0).alias("underlying_price"))

    wrong = [f for f in told(other) if f.rule == "share_price_fits_its_options"]

    assert len(wrong) == other.height
    assert "agree on 100.00" in wrong[0].message
    assert "share_price_fits_its_options" not in {f.rule for f in told(near)}
