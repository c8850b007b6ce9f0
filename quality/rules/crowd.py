"""What the symbols of a delivery say about one another: rows under the wrong name or date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.rules.jumps import UNIT
from quality.rules.model import Rule, Severity
from quality.rules.stretches import stretches
from quality.rules.thresholds import TICK
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
_LOOSE: Final = 2.0  # how much wider the other end of an exchange may fit
# Where two symbols surely changed places by so much, the leap of both back is their return, though
# one of them moved a good deal of its own that day.
_BACK_SHARE: Final = 0.5  # of the leap
# A stretch out of step or out of order is told from chance by this sum of its rows' scores; the
# largest of the clean sample is half of it.
_OUT_OF_STEP: Final = 30.0
_OUT_OF_ORDER: Final = 7.0
_UNTOLD: Final = -0.1  # the score of a row that says nothing: no stretch goes on for nothing
# A share listed abroad moves mostly overnight: its own usual gap is allowed for, where so many
# rows tell it, and up to so many daily ranges. Three in ten rows lie below the quantile; in
# normal gaps 4.5 times that is what 19 of 20 stay within.
_USUAL_OF: Final = 40  # rows
_USUAL_QUANTILE: Final = 0.3
_USUAL_TIMES: Final = 4.5
_MOST_ALLOWED: Final = 2.0
# Of few trades neither range nor gap says where a share stood.
_FEW_SHARES: Final = 3_000.0
_FLAT_SHARE: Final = 0.1
_LEAST_OTHERS: Final = 3

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
    Rule(
        name="dates_are_in_step",
        severity=Severity.ERROR,
        meaning="A symbol moves on the same sessions as the other symbols.",
        reason="Asked of a whole file only: over a long stretch its moves follow the others' of "
        "the session before or after, and not those of the same session.",
        applies=pl.col("out_of_step").is_not_null(),
        fails=pl.col("out_of_step"),
        sentence=lambda row: (
            f"The bar of {day(row['session'])}, close {price(row['close'])}, lies in a stretch "
            "that moves one session apart from all other symbols. Its dates look shifted."
        ),
        figures=("close",),
    ),
    Rule(
        name="rows_are_in_order",
        severity=Severity.ERROR,
        meaning="A session opens near the close of the session before.",
        reason="Asked of a whole file only: over a stretch of sessions each opens further from "
        "where the one before closed than it moves in a whole day, and the market does not.",
        applies=pl.col("out_of_order").is_not_null(),
        fails=pl.col("out_of_order"),
        sentence=lambda row: (
            f"The bar of {day(row['session'])}, open {price(row['open'])}, lies in a stretch of "
            "which no session opens near the close before it. Its rows look shuffled among dates."
        ),
        figures=("open", "close"),
    ),
)

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


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
        pl.col("volume").shift(1).alias("_volume_before"),
        (~same).alias("is_first"),
    )
    named = _exchanged(marked, _pairs(marked, whole_file=whole_file), whole_file=whole_file)
    return (
        marked.join(named, on="_row", how="left", maintain_order="left")
        .with_columns(pl.col("usable") & pl.col("other").is_null())
        .drop("_row", "_before", "_volume_before")
    )


def _pairs(marked: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Return the sessions on which one symbol leaps up and one down to each other's level."""
    leap = (pl.col("close") / pl.col("_before")).log()
    wide = pl.lit(_FAR_LEAP)
    if whole_file:
        wide = (_LEAP_MOVES * leap.abs().median().over("symbol")).clip(_LEAP)
    leaps = marked.select(
        "symbol", "session", "close", "volume", "_before", "_volume_before", leap.alias("leap"),
        wide.alias("wide"),
    ).filter(pl.col("leap").abs() >= pl.col("wide"))  # fmt: skip
    fits = pl.min_horizontal(_FITS_SHARE * pl.col("leap"), pl.lit(_FITS))
    both = leaps.filter(pl.col("leap") > 0).join(
        leaps.filter(pl.col("leap") < 0), on="session", suffix="_down"
    )
    return (
        both.filter(
            _near("close", "_before_down", _BACK_SHARE * pl.col("leap")),
            _near("close_down", "_before", _BACK_SHARE * pl.col("leap")),
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
    """Two symbols that changed places on a session: which leaped up, and how sure it is."""

    since: date
    up: str
    close_by: bool
    sure: bool
    far: bool

    @classmethod
    def of(cls, pair: Mapping[str, Any]) -> "_Exchange":
        return cls(
            since=pair["session"],
            up=pair["symbol"],
            close_by=pair["close_by"],
            sure=pair["sure"],
            far=pair["sure"] and pair["far"],
        )

    def is_undone_by(self, pair: Mapping[str, Any]) -> bool:
        """Whether both leap back; where one end is beyond doubt the other need not fit closely."""
        if pair["symbol"] == self.up or (pair["session"] - self.since).days > _LONGEST:
            return False
        far = self.far or (pair["sure"] and pair["far"])
        return bool(far or (self.close_by and pair["close_by"] and (self.sure or pair["sure"])))

    def yields_to(self, pair: Mapping[str, Any]) -> bool:
        """Whether a later leap of both tells more than this one."""
        return not self.far and (pair["close_by"] or not self.close_by)


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


def with_stretches(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add `out_of_step` and `out_of_order`; null where no whole file can tell."""
    frame = frame.with_columns(pl.lit(whole_file).alias("whole_file"))
    if not whole_file or frame.is_empty():
        none = pl.lit(None, dtype=pl.Boolean)
        return frame.with_columns(none.alias("out_of_step"), none.alias("out_of_order"))
    offsets = _offsets(frame)
    order = stretches(_order_scores(frame), offsets, _OUT_OF_ORDER)
    # Rows in no order are in step with some other session by chance only.
    late, early = (np.where(order, _UNTOLD, scores) for scores in _step_scores(frame))
    step = stretches(late, offsets, _OUT_OF_STEP) | stretches(early, offsets, _OUT_OF_STEP)
    # The last row of such a stretch is the first that is in its place again.
    order &= np.append(order[1:], False)
    return frame.with_columns(pl.Series("out_of_step", step), pl.Series("out_of_order", order))


def _offsets(frame: pl.DataFrame) -> Whole:
    begins = frame.select(
        (pl.col("symbol") != pl.col("symbol").shift(1)).fill_null(value=True)
    ).to_series()
    return np.append(begins.arg_true().to_numpy(), frame.height).astype(np.int64)


def _step_scores(frame: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return how much better each row's move fits the others' session before, and after."""
    steps = frame["step_no"].to_numpy().astype(np.int64)
    moves = (frame["adjusted_move"] / frame["sigma"]).fill_null(0.0).fill_nan(0.0).to_numpy()
    sound = frame["usable"] & (frame["code"] < UNIT).fill_null(value=False)
    moves = np.where(sound.to_numpy(), np.clip(moves, -3.0, 3.0), 0.0)
    low = int(steps.min()) - 1
    at = steps - low
    total = np.bincount(at, weights=moves, minlength=int(at.max()) + 2)
    count = np.bincount(at, minlength=int(at.max()) + 2)
    own_before, own_after = np.roll(moves, 1), np.roll(moves, -1)

    def others(shift: int, own: Floats) -> Floats:
        number = count[at + shift] - 1
        mean = (total[at + shift] - own) / np.maximum(number, 1)
        spread = np.sqrt(np.maximum(number, 1) / (1.0 + 0.35 * np.maximum(number - 1, 0)))
        return np.where(number >= _LEAST_OTHERS, np.clip(mean * spread, -3.0, 3.0), 0.0)

    now = others(0, moves)
    score_late = moves * (others(-1, own_before) - now)
    score_early = moves * (others(1, own_after) - now)
    return np.clip(score_late, -4.0, 4.0) + _UNTOLD, np.clip(score_early, -4.0, 4.0) + _UNTOLD


def _order_scores(frame: pl.DataFrame) -> Floats:
    """Return how far each row opens from the close before it, in usual daily ranges, less one."""
    split = pl.col("log_split") - pl.col("log_split").shift(1)
    same = (pl.col("symbol") == pl.col("symbol").shift(1)).fill_null(value=False)
    gap = (pl.col("open") / pl.col("close").shift(1)).log() + split
    span = pl.when("usable").then((pl.col("high") / pl.col("low")).log())
    usable = pl.col("usable") & pl.col("usable").shift(1).fill_null(value=False)
    gaps = frame.select(
        "symbol",
        "session",
        pl.when(same & usable).then(gap).alias("gap"),
        span.clip(0.0, 0.5).rolling_mean(21, min_samples=5, center=True).alias("span"),
        (TICK / pl.col("close")).alias("tick"),
        (pl.when("usable").then("volume").median().over("symbol") < _FEW_SHARES).alias("few"),
        ((span <= 0.0).mean().over("symbol") > _FLAT_SHARE).alias("flat"),
    )
    common = gaps.group_by("session").agg(
        pl.when(pl.col("gap").count() >= _LEAST_OTHERS + 1)
        .then(pl.col("gap").median())
        .alias("common")
    )
    beside = gaps.join(common, on="session", how="left", maintain_order="left")
    wide = pl.max_horizontal("span", "tick", pl.lit(0.002))
    own = (pl.col("gap") - pl.col("common").fill_null(0.0)).abs() / wide
    usual = _USUAL_TIMES * pl.col("own").quantile(_USUAL_QUANTILE).over("symbol")
    enough = pl.col("own").count().over("symbol") >= _USUAL_OF
    allowed = pl.when(enough).then(usual.clip(1.0, _MOST_ALLOWED)).otherwise(1.0)
    told = beside.with_columns(own.fill_nan(None).alias("own"))
    scores = told.select(
        pl.when(pl.col("few") | pl.col("flat"))
        .then(-1.0)
        .otherwise((pl.col("own") / allowed).clip(0.0, 3.0) - 1.0)
        .fill_null(-1.0)
    )
    return scores.to_series().to_numpy()
