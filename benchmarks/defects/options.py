"""Option chains by Black and Scholes, and defects of quotes planted into them."""

from collections.abc import Hashable
from datetime import date, timedelta
from functools import cache
from math import erf

import numpy as np
import polars as pl

from benchmarks.defects.planted import Spoiled, by_name
from quality.calendar import exchange
from quality.rules.model import Finding

RATE = 0.02
CONTRACT = ("symbol", "session", "expiry", "strike", "right")
SPLIT = ("O2", date(2012, 6, 11), 2.0)
_SHARES = (("O1", 187.0, 0.22), ("O2", 402.0, 0.35), ("O3", 34.0, 0.5))


@cache
def splits() -> pl.DataFrame:
    """The one split of the chains, on record."""
    symbol, day, ratio = SPLIT
    return pl.DataFrame({"symbol": [symbol], "ex_date": [day], "kind": ["split"], "ratio": [ratio]})


@cache
def chains(seed: int = 4) -> pl.DataFrame:
    """Ten sessions of three shares: calls and puts at three expiries, a split among them."""
    rng = np.random.default_rng(seed)
    sessions = exchange().sessions(date(2012, 6, 4), date(2012, 6, 15))
    expiries = [date(2012, 7, 20), date(2012, 8, 17), date(2012, 12, 21)]
    rows = []
    for symbol, level, volatility in _SHARES:
        daily = volatility / np.sqrt(252.0)
        path = level * np.exp(np.cumsum(daily * rng.normal(1.0, 0.3, 10) * rng.choice([-1, 1], 10)))
        width = level * 0.05
        strikes = np.round(level / width) * width + width * np.arange(-7, 8)
        for at, session in enumerate(sessions):
            ratio = SPLIT[2] if symbol == SPLIT[0] and session >= SPLIT[1] else 1.0
            for expiry in expiries:
                years = (expiry - session).days / 365.0
                for strike in strikes:
                    skew = volatility * (1.0 - 0.3 * np.log(strike / path[at]))
                    for right in ("call", "put"):
                        value = _value(path[at], float(strike), years, skew, right) / ratio
                        spread = max(0.05, 0.02 * value)
                        rows.append(
                            (
                                symbol, session, expiry, round(float(strike) / ratio, 2), right,
                                max(0.0, round(value - spread / 2, 2)),
                                round(value + spread / 2, 2),
                                round(float(path[at]) / ratio, 2),
                            )
                        )  # fmt: skip
    names = [*CONTRACT, "bid", "ask", "underlying_price"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _value(spot: float, strike: float, years: float, volatility: float, right: str) -> float:
    """Return the value of a right by Black and Scholes (1973), at least that of its exercise."""
    spread = volatility * np.sqrt(years)
    d1 = (np.log(spot / strike) + (RATE + 0.5 * volatility**2) * years) / spread
    d2 = d1 - spread
    sign = 1.0 if right == "call" else -1.0
    paid = strike * np.exp(-RATE * years) * _normal(sign * d2)
    value = sign * (spot * _normal(sign * d1) - paid)
    return float(max(value, sign * (spot - strike), 0.0))


def _normal(x: float) -> float:
    return 0.5 * (1.0 + erf(x / np.sqrt(2.0)))


def key_of(found: Finding) -> Hashable:
    """Return the contract and session of a finding."""
    figures = found.figures
    return (
        found.symbol, found.session, figures["expiry"], figures["strike"], figures["right"],
    )  # fmt: skip


def keys(frame: pl.DataFrame) -> frozenset[Hashable]:
    named = frame.select(*CONTRACT[:2], pl.col("expiry").cast(pl.String), *CONTRACT[3:])
    return frozenset(named.iter_rows())


def one(frame: pl.DataFrame, rng: np.random.Generator, among: pl.Expr | None = None) -> pl.Expr:
    """Choose one quote, of those `among` allows."""
    rows = frame if among is None else frame.filter(among)
    row = rows.row(int(rng.integers(rows.height)), named=True)
    return pl.all_horizontal(pl.col(name) == row[name] for name in CONTRACT)


def spoiled(frame: pl.DataFrame, where: pl.Expr, **to: pl.Expr) -> Spoiled:
    """Replace columns of the quotes that are meant; all of them must be found."""
    marked = frame.with_columns(where.alias("_wrong"))
    changed = marked.with_columns(
        pl.when("_wrong").then(value).otherwise(pl.col(name)).alias(name)
        for name, value in to.items()
    )
    wrong = keys(changed.filter("_wrong"))
    return Spoiled(changed.drop("_wrong"), wrong)


def worth() -> pl.Expr:
    sign = pl.when(pl.col("right") == "call").then(1.0).otherwise(-1.0)
    return (sign * (pl.col("underlying_price") - pl.col("strike"))).clip(0.0)


def below_intrinsic(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """An option deep in the money, offered at half to nine tenths of its exercise value."""
    deep = worth() > 0.22 * pl.col("underlying_price")
    share = float(rng.uniform(0.5, 0.85))
    return spoiled(frame, one(frame, rng, deep), bid=worth() * (share - 0.02), ask=worth() * share)


def crossed(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """Bid and ask exchanged."""
    return spoiled(frame, one(frame, rng), bid=pl.col("ask") + 0.01, ask=pl.col("bid"))


def expired(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A quote after the contract's end, or of one that ends on a Sunday."""
    day = [date(2012, 5, 18), date(2012, 7, 22)][int(rng.integers(2))]
    return spoiled(frame, one(frame, rng), expiry=pl.lit(day))


def stale(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """The quotes of one expiry of a share as on the session before, while the share moved."""
    symbol = str(rng.choice(["O1", "O3"]))
    own = frame.filter(symbol=symbol).group_by("session").agg(pl.col("underlying_price").first())
    moves = own.sort("session").with_columns(
        pl.col("underlying_price").log().diff().abs().alias("m")
    )
    days = moves.filter(pl.col("m") > 0.012)["session"].to_list()
    day = days[int(rng.integers(len(days)))]
    expiry = frame["expiry"].unique().sort()[int(rng.integers(3))]
    contract = ["symbol", "expiry", "strike", "right"]
    old = frame.sort(*contract, "session").with_columns(
        pl.col("bid", "ask").shift(1).over(contract).name.prefix("old_")
    )
    where = (pl.col("symbol") == symbol) & (pl.col("session") == day) & (pl.col("expiry") == expiry)
    plant = spoiled(old, where, bid=pl.col("old_bid"), ask=pl.col("old_ask"))
    # A quote whose true value hardly changed is no worse for being old.
    changed = (pl.col("bid") - pl.col("old_bid")).abs() > 0.006 * pl.col("underlying_price")
    telling = keys(old.filter(where & changed))
    return Spoiled(plant.frame.drop("old_bid", "old_ask"), telling, touched=plant.wrong - telling)


def strike_kept_at_a_split(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """Contracts of one expiry whose strikes did not follow the split."""
    symbol, day, ratio = SPLIT
    expiry = frame["expiry"].unique().sort()[int(rng.integers(3))]
    where = (pl.col("symbol") == symbol) & (pl.col("session") >= day) & (pl.col("expiry") == expiry)
    return spoiled(frame, where, strike=(pl.col("strike") * ratio).round(2))


def share_of_another_day(frame: pl.DataFrame, rng: np.random.Generator) -> Spoiled:
    """A quote that carries another price of its share."""
    factor = float(rng.choice([0.5, 0.8, 1.25, 2.0]))
    return spoiled(frame, one(frame, rng), underlying_price=pl.col("underlying_price") * factor)


PLANTERS = by_name(
    below_intrinsic, crossed, expired, stale, strike_kept_at_a_split, share_of_another_day
)


def look_alikes() -> list[tuple[str, pl.DataFrame]]:
    """Return chains in which nothing is wrong though much looks so."""
    frame = chains()
    day = date(2012, 6, 13)
    thin = frame.with_columns(
        pl.when(pl.col("bid") < 0.4).then(0.0).otherwise(pl.col("bid")).alias("bid")
    )
    wide = frame.with_columns((pl.col("bid") * 0.85).round(2), (pl.col("ask") * 1.18).round(2))
    saturday = frame.with_columns(pl.col("expiry") + timedelta(days=1))
    return [
        ("strikes that followed a split", frame),
        ("far strikes without a bid", thin),
        ("wide quotes of a wild morning", wide),
        ("expiries dated the Saturday after, as before 2015", saturday),
        ("one session of a chain", frame.filter(session=day)),
        ("a chain without its other side", frame.filter(right="put")),
    ]
