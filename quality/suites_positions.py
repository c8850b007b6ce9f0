"""The suite of positions: what the broker says is held, beside itself."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from quality.own_tables import IS_ALONE, judged
from quality.rules.model import Judgement, Rule, Severity
from quality.rules.words import price

DATASET: Final = "positions"
CENT: Final = 0.01
_SHARE: Final = 1e-4  # of a value, for prices that are rounded
_COLUMNS: Final = (
    "quantity", "average_price", "market_price", "market_value", "unrealised", "as_of",
)  # fmt: skip
_PRICED: Final = pl.col("market_price").is_not_null() & pl.col("market_value").is_not_null()
_TOLD: Final = ("quantity", "average_price", "market_price", "market_value", "unrealised")


def _near(told: pl.Expr, computed: pl.Expr) -> pl.Expr:
    return (told - computed).abs() <= CENT + _SHARE * pl.col("market_value").abs()


RULES: Final[tuple[Rule, ...]] = (
    IS_ALONE,
    Rule(
        name="something_is_held",
        severity=Severity.ERROR,
        meaning="A position has a quantity that is not nought.",
        reason="A position of nothing is none; it would count as one in every limit.",
        fails=~(pl.col("quantity") != 0),
        sentence=lambda row: f"The position in {row['symbol']} has {row['quantity']:g} shares.",
        figures=_TOLD,
    ),
    Rule(
        name="symbol_is_of_the_universe",
        severity=Severity.ERROR,
        meaning="Every symbol held is one of the desk's.",
        reason="No model, rule or limit looks after a stranger.",
        fails=~pl.col("is_ours"),
        sentence=lambda row: (
            f"{row['quantity']:g} shares of {row['symbol']} are held, which is not in "
            "universe.toml."
        ),
        figures=_TOLD,
    ),
    Rule(
        name="prices_are_positive",
        severity=Severity.ERROR,
        meaning="What was paid and what it is worth now are above nought.",
        reason="Risk, limits and profit are made of both.",
        fails=~(pl.col("average_price") > 0) | (pl.col("market_price") <= 0).fill_null(value=False),
        sentence=lambda row: (
            f"{row['symbol']} was bought at {price(row['average_price'])} and stands at "
            f"{price(row['market_price'])}."
        ),
        figures=_TOLD,
    ),
    Rule(
        name="position_is_priced",
        severity=Severity.WARNING,
        meaning="The broker tells the price and the value of what is held.",
        reason="Without them the position counts as nothing in exposure.",
        fails=~_PRICED,
        sentence=lambda row: f"The broker tells no price or value of {row['symbol']}.",
    ),
    Rule(
        name="value_is_quantity_times_price",
        severity=Severity.ERROR,
        meaning="Market value is quantity times price, to a cent and a hundredth of a per cent.",
        reason="Another value has another price, another split or another account behind it.",
        applies=_PRICED,
        fails=~_near(pl.col("market_value"), pl.col("quantity") * pl.col("market_price")),
        sentence=lambda row: (
            f"{row['quantity']:g} shares of {row['symbol']} at {price(row['market_price'])} are "
            f"told to be worth {price(row['market_value'])}."
        ),
        figures=_TOLD,
    ),
    Rule(
        name="gain_is_that_since_the_purchase",
        severity=Severity.WARNING,
        meaning="The unrealised gain is quantity times the price's distance from what was paid.",
        reason="Beyond a hundredth of a per cent of the value: a split that one of them missed.",
        applies=_PRICED & pl.col("unrealised").is_not_null(),
        fails=~_near(
            pl.col("unrealised"),
            pl.col("quantity") * (pl.col("market_price") - pl.col("average_price")),
        ),
        sentence=lambda row: (
            f"{row['symbol']} was bought at {price(row['average_price'])} and stands at "
            f"{price(row['market_price'])}; a gain of {price(row['unrealised'])} is told on "
            f"{row['quantity']:g} shares."
        ),
        figures=_TOLD,
    ),
)


def judge_positions(positions: pl.DataFrame, *, universe: Sequence[str]) -> Judgement:
    """Judge what the broker says is held.

    Parameters
    ----------
    positions : frame with symbol, session, quantity, average_price, market_price, market_value, \
unrealised (USD), as_of
        Quantity in shares, negative when short; session is the market's own of `as_of`.
    universe : sequence of str
        The desk's symbols.
    """
    frame = positions.with_columns(is_ours=pl.col("symbol").is_in(list(universe)))
    return judged(frame, dataset=DATASET, rules=RULES, columns=_COLUMNS)
