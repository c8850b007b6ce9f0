"""What the symbols of a delivery say about one another: rows under the wrong name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from quality.rules.model import Rule, Severity
from quality.rules.words import day, price

# Two symbols that leap to each other's level are exchanged: neither a crash nor a surge does that.
# With hindsight a leap is known to be far beyond the symbol's own; at the gate it must be larger.
_LEAP: Final = 0.10
_FAR_LEAP: Final = 0.40
_LONGEST: Final = 90  # days until an exchange is undone
_LEAP_MOVES: Final = 8.0  # times the median move of the symbol
_FITS: Final = 0.06
_FITS_SHARE: Final = 0.35  # of the leap
_FITS_VOLUME: Final = 1.6  # a log
_FOLLOWING: Final = 3  # rows that tell whether a symbol stays where it leaped to
_LOOSE: Final = 2.0  # how much wider the other end of an exchange may fit
# Where two symbols surely changed places by so much, the leap of both back is their return, though
# one of them moved a good deal of its own that day.
_BACK_SHARE: Final = 0.5  # of the leap

CROWD_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="bar_is_of_its_symbol",
        severity=Severity.ERROR,
        meaning="A bar does not continue another symbol's series.",
        reason="Two symbols leap by 10 % or more to within 6 % of each other's last close, or a "
        "symbol leaps to the very bar of another: the rows are relabelled.",
        applies=pl.col("other").is_not_null() | ~pl.col("is_first"),
        fails=pl.col("other").is_not_null(),
        sentence=lambda row: (
            f"The bar of {day(row['session'])} closes at {price(row['close'])}, where the series "
            f"of {row['other']} continues, not that of {row['symbol']}. It looks relabelled."
        ),
        figures=("close", "volume", "other"),
    ),
)


def with_other(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add `other`, the symbol whose series a row continues, and `is_first` of its symbol.

    `frame` is sorted by symbol and session, with `log_split` and `usable`. Without hindsight only
    the session of the exchange is told; in a whole file all of them until it is undone.
    """
    same = (pl.col("symbol") == pl.col("symbol").shift(1)).fill_null(value=False)
    near = same & (pl.col("step_no") - pl.col("step_no").shift(1) <= 5)
    sound = pl.all_horizontal("complete", "positive") & (pl.col("versions") == 1)
    before = pl.col("close").shift(1) * (pl.col("log_split").shift(1) - pl.col("log_split")).exp()
    marked = frame.with_row_index("_row").with_columns(
        pl.when(near & sound & sound.shift(1)).then(before).alias("_before"),
        pl.when(_all_after(near & sound)).then(_after()).alias("_after"),
        (pl.col("close") / pl.col("close").shift(1)).log().abs().alias("_quoted"),
        pl.col("volume").shift(1).alias("_volume_before"),
        (~same).alias("is_first"),
    )
    named = _exchanged(marked, _pairs(marked, whole_file=whole_file), whole_file=whole_file)
    return (
        marked.join(named, on="_row", how="left", maintain_order="left")
        .with_columns(pl.col("usable") & pl.col("other").is_null())
        .drop("_row", "_before", "_after", "_quoted", "_volume_before")
    )


def _all_after(sound: pl.Expr) -> pl.Expr:
    """Whether the rows that tell what follows a row are all of its symbol and sound."""
    return pl.all_horizontal(sound.shift(-n) for n in range(1, _FOLLOWING + 1))


def _after() -> pl.Expr:
    """Return the middle close of the rows after each row, for as many shares as the row has."""
    level = pl.col("close") * pl.col("log_split").exp()
    return level.rolling_median(_FOLLOWING).shift(-_FOLLOWING) * (-pl.col("log_split")).exp()


def _pairs(marked: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Return the sessions on which one symbol leaps up and one down to each other's level.

    With hindsight both stay there or both come back: where one does alone, they met by chance.
    """
    leap = (pl.col("close") / pl.col("_before")).log()
    back = (pl.col("_after") / pl.col("_before")).log().abs()
    stays = (pl.col("_after") / pl.col("close")).log().abs() < back
    wide = pl.lit(_FAR_LEAP)
    if whole_file:
        wide = (_LEAP_MOVES * leap.abs().median().over("symbol")).clip(_LEAP)
    leaps = marked.select(
        "symbol", "session", "close", "volume", "log_split", "_before", "_volume_before",
        leap.alias("leap"), wide.alias("wide"), stays.alias("stays"),
        (pl.col("_quoted") >= wide).alias("quoted"),
    ).filter(pl.col("leap").abs() >= pl.col("wide"))  # fmt: skip
    fits = pl.min_horizontal(_FITS_SHARE * pl.col("leap"), pl.lit(_FITS))
    both = leaps.filter(pl.col("leap") > 0).join(
        leaps.filter(pl.col("leap") < 0), on="session", suffix="_down"
    )
    return (
        both.filter(
            _near("close", "_before_down", _BACK_SHARE * pl.col("leap")),
            _near("close_down", "_before", _BACK_SHARE * pl.col("leap")),
            (pl.col("stays") == pl.col("stays_down")).fill_null(value=True) | (not whole_file),
        )
        .with_columns(
            (
                _near("close", "_before_down", _LOOSE * fits)
                & _near("close_down", "_before", _LOOSE * fits)
            ).alias("close_by"),
            (
                _near("close", "_before_down", fits)
                & _near("close_down", "_before", fits)
                & _near("volume", "_volume_before_down", pl.lit(_FITS_VOLUME))
                & _near("volume_down", "_volume_before", pl.lit(_FITS_VOLUME))
            )
            .fill_null(value=False)
            .alias("sure"),
            (pl.min_horizontal("leap", -pl.col("leap_down")) >= _FAR_LEAP).alias("far"),
        )
        .sort("session")
    )


def _near(one: str, two: str, within: pl.Expr) -> pl.Expr:
    return (pl.col(one) / pl.col(two)).log().abs() < within


@dataclass(frozen=True)
class _Exchange:
    """Two symbols that changed places on a session: which leaped up, and how sure it is.

    `splits` are the logs of the splits of each symbol until then.
    """

    since: date
    up: str
    splits: Mapping[str, float]
    close_by: bool
    sure: bool
    far: bool

    @classmethod
    def of(cls, pair: Mapping[str, Any]) -> "_Exchange":
        return cls(
            since=pair["session"],
            up=pair["symbol"],
            splits=_splits(pair),
            close_by=pair["close_by"],
            sure=pair["sure"],
            far=pair["sure"] and pair["far"],
        )

    def is_undone_by(self, pair: Mapping[str, Any]) -> bool:
        """Whether both leap back; where one end is beyond doubt the other need not fit closely.

        Both leap as they are quoted: a split on record that the price did not follow is no way
        back. The one that leaped up comes down again, but where a split let them cross meanwhile.
        """
        again_up = pair["symbol"] == self.up and _splits(pair) == self.splits
        leaps = pair["quoted"] and pair["quoted_down"]
        if again_up or not leaps or (pair["session"] - self.since).days > _LONGEST:
            return False
        far = self.far or (pair["sure"] and pair["far"])
        return bool(far or (self.close_by and pair["close_by"] and (self.sure or pair["sure"])))

    def yields_to(self, pair: Mapping[str, Any]) -> bool:
        """Whether a later leap of both tells more than this one."""
        leaps = pair["quoted"] and pair["quoted_down"]
        return leaps and not self.far and (pair["close_by"] or not self.close_by)


def _splits(pair: Mapping[str, Any]) -> dict[str, float]:
    """Return the logs of the splits of both symbols of a pair."""
    both = ("", "_down")
    return {pair[f"symbol{which}"]: pair[f"log_split{which}"] for which in both}


def _exchanged(marked: pl.DataFrame, pairs: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Return the rows (`_row`, `other`) between each exchange of two symbols and its undoing."""
    spans: list[tuple[str, str, date, date | None]] = []
    waiting: dict[tuple[str, str], _Exchange] = {}
    for pair in pairs.iter_rows(named=True):
        names = (pair["symbol"], pair["symbol_down"])
        one, two = min(names), max(names)
        now, sure = pair["session"], pair["sure"]
        if not whole_file:
            spans += [(one, two, now, None)] if sure else []
            continue
        begun = waiting.get((one, two))
        if begun is not None and begun.is_undone_by(pair):
            spans.append((one, two, begun.since, now))
            del waiting[one, two]
        elif begun is None or begun.yields_to(pair):
            waiting[one, two] = _Exchange.of(pair)
    # One that is never undone must be larger: among hundreds of symbols two cross by chance.
    spans += [(*names, begun.since, None) for names, begun in waiting.items() if begun.far]
    schema = {"symbol": pl.String, "other": pl.String, "since": pl.Date, "until": pl.Date}
    told = pl.DataFrame(
        spans + [(two, one, since, until) for one, two, since, until in spans],
        schema=schema,
        orient="row",
    )
    inside = pl.col("session") >= pl.col("since")
    inside &= (pl.col("session") < pl.col("until")).fill_null(value=whole_file) | (
        pl.col("session") == pl.col("since")
    )
    return (
        marked.filter(pl.col("symbol").is_in(told["symbol"].implode()))
        .select("_row", "symbol", "session")
        .join(told, on="symbol")
        .filter(inside)
        .select(pl.col("_row"), "other")
        .unique("_row", keep="first")
    )
