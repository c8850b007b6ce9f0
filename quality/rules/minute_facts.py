"""From delivered minute bars to the frame that the minute rules read."""

from datetime import date, datetime
from typing import Any, Final

import polars as pl

from quality.calendar import Calendar
from quality.rules import bar, listings
from quality.rules.known import with_actions
from quality.rules.minute_hours import busy_hours
from quality.rules.minute_levels import with_levels
from quality.rules.minute_market import with_market
from quality.rules.minute_nights import reopens, with_nights
from quality.rules.minute_order import with_paths
from quality.rules.minute_sessions import with_sessions
from quality.rules.model import require_columns
from quality.rules.order import in_order
from quality.rules.prepare import measured, merged, typed
from quality.rules.thresholds import MEAN_TO_SIGMA, MINUTE, MINUTE_FILE, Limits

NEW_YORK: Final = "America/New_York"
_GROUP: Final = ("symbol", "session")
# A file of which so few bars lie outside regular hours holds regular hours only.
REGULAR_ONLY: Final = 0.02
# So many minutes must lie outside for a session to count as shifted, at ends exact to this.
_SHIFTED_MINUTES: Final = 15
_EXACT: Final = 5
# After an early close this share of the minutes to the usual close is no after-hours trade.
_GOES_ON: Final = 0.8
_DAY_MINUTES: Final = 1_440
# Sessions, and minutes in each, that tell how far single minutes of a file stand out.
_TELLING_SESSIONS: Final = 6
_TELLING_ROWS: Final = 60
_STANDS_OUT: Final = 1.8


def facts(
    bars: pl.DataFrame,
    *,
    calendar: Calendar,
    daily: pl.DataFrame | None,
    actions: pl.DataFrame | None,
    now: datetime | None,
    whole_file: bool,
) -> pl.DataFrame:
    """Return the delivered minutes with everything a rule asks of them beside them."""
    require_columns(bars, ("bar_start",), name="bars")
    stamped = typed(bars, name="bars").with_columns(
        pl.col("bar_start").dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    )
    frame = merged(in_order(stamped, "bar_start"), "bar_start")
    frame = frame.with_columns(
        _local(pl.col("bar_start")).alias("new_york"),
        pl.lit(whole_file).alias("whole_file"),
        pl.lit(value=False).alias("trusted"),
        *bar.soundness(),
    )
    frame = _with_hours(frame, calendar, now)
    frame = with_sessions(_with_place(frame, whole_file=whole_file), whole_file=whole_file)
    frame = _with_day(with_paths(frame, whole_file=whole_file), daily)
    return _with_past(frame, actions, whole_file=whole_file)


def _with_hours(frame: pl.DataFrame, calendar: Calendar, now: datetime | None) -> pl.DataFrame:
    """Add the session's hours and whether the minute lies in them."""
    hours = pl.DataFrame(
        [_hours_of(day, calendar, now) for day in frame["session"].unique().to_list()],
        schema={
            "session": pl.Date,
            "opens": pl.Datetime("us", "UTC"),
            "closes": pl.Datetime("us", "UTC"),
            "minutes_due": pl.Int64,
            "closes_early": pl.Boolean,
            "session_no": pl.Int64,
        },
        orient="row",
    )
    local = pl.col("new_york")
    same_day = (local.dt.date() == pl.col("session")) & pl.col("opens").is_not_null()
    regular = (pl.col("bar_start") >= pl.col("opens")) & (pl.col("bar_start") < pl.col("closes"))
    minute = local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute().cast(pl.Int64)
    return frame.join(hours, on="session", how="left", maintain_order="left").with_columns(
        (same_day & local.dt.hour().is_between(4, 19)).fill_null(value=False).alias("is_tradable"),
        regular.fill_null(value=False).alias("is_regular"),
        (pl.col("session_no") * _DAY_MINUTES + minute).fill_null(0).alias("step_no"),
        _local(pl.col("opens")).alias("opens_at"),
        _local(pl.col("closes")).alias("closes_at"),
        pl.lit(now, dtype=pl.Datetime("us", "UTC")).alias("now"),
    )


def _hours_of(day: date, calendar: Calendar, now: datetime | None) -> tuple[Any, ...]:
    """Return session, opening, closing, minutes due by `now`, early close, and its number."""
    if not calendar.is_session(day):
        return (day, None, None, None, None, None)
    opens, closes = calendar.open(day), calendar.close(day)
    end = closes if now is None else min(max(now, opens), closes)
    due = int((end - opens).total_seconds() // 60)
    number = len(calendar.sessions(calendar.days[0], day))
    return (day, opens, closes, due, calendar.is_early_close(day), number)


def _with_place(frame: pl.DataFrame, *, whole_file: bool) -> pl.DataFrame:
    """Add, for a whole file, whether a session's minutes are shifted, go on or stand alone.

    `shift` is of a whole session, or (`is_part`) of those of its minutes that lie beyond a hole.
    """
    names = ("shift", "is_part", "goes_on", "is_stray")
    if not whole_file:
        return frame.with_columns(
            pl.lit(None, dtype=pl.Int64).alias(names[0]),
            *(pl.lit(None, dtype=pl.Boolean).alias(name) for name in names[1:]),
        )
    known = frame.lazy().filter(pl.col("opens").is_not_null()).with_columns(_hole())
    outside = ~pl.col("is_regular")
    per_session = known.group_by(_GROUP).agg(
        pl.col("_hole").max(),
        pl.col("bar_start").get(pl.col("_hole").arg_max()).alias("_beyond"),
        (pl.col("bar_start").min() - pl.col("opens").first()).dt.total_minutes().alias("_early"),
        (pl.col("bar_start").max() - pl.col("closes").first()).dt.total_minutes().alias("_late"),
        outside.sum().alias("_outside"),
        pl.len().alias("_rows"),
        (
            (pl.col("bar_start") >= pl.col("closes"))
            & (pl.col("new_york").dt.hour() < 16)
            & pl.col("closes_early")
        )
        .sum()
        .alias("_after_early"),
        (16 * 60 - _minute_of(pl.col("closes").first())).alias("_left"),
    )
    # Both ends are off by the same whole half hours, and the bars in between are there.
    late = pl.col("_late") + 1
    off = (pl.col("_early") / 30).round() * 30
    shifted = (
        (off != 0)
        & ((pl.col("_early") - off).abs() <= _EXACT)
        & ((late - off).abs() <= _EXACT)
        & (pl.col("_outside") >= _SHIFTED_MINUTES)
    )
    told = per_session.select(
        *_GROUP,
        pl.when(shifted).then(off.cast(pl.Int64)).alias("shift"),
        "_beyond",
        _part().alias("_part"),
        ((pl.col("_left") > 0) & (pl.col("_after_early") >= _GOES_ON * pl.col("_left"))).alias(
            "_goes_on"
        ),
    ).collect()
    frame = _with_busy_hours(frame.join(told, on=_GROUP, how="left", maintain_order="left"))
    settled = pl.all_horizontal(pl.col("shift", "_part").is_null()) & ~pl.col("_goes_on").fill_null(
        value=False
    )
    stray = frame.select((outside & pl.col("is_tradable") & settled).mean()).item() or 0.0
    after = pl.col("bar_start") >= pl.col("closes") + pl.duration(minutes=1)
    lonely = outside & settled & (after | (pl.col("bar_start") < pl.col("opens")))
    late = pl.col("_part") > 0
    beyond = (pl.col("bar_start") >= pl.col("_beyond")) == late
    is_part = (beyond & (stray <= REGULAR_ONLY)).fill_null(value=False)
    return frame.with_columns(
        pl.when(is_part).then("_part").otherwise("shift").alias("shift"),
        is_part.alias("is_part"),
        (pl.col("_goes_on") & (pl.col("bar_start") >= pl.col("closes"))).alias("goes_on"),
        (lonely & (stray <= REGULAR_ONLY)).alias("is_stray"),
    ).drop("_goes_on", "_part", "_beyond")


def _with_busy_hours(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the shift of sessions that only their busy hours tell, as extended hours do."""
    apart = busy_hours(frame).rename({"shift": "_apart"})
    joined = frame.join(apart, on=_GROUP, how="left", maintain_order="left")
    told = pl.when(pl.col("_part").is_null()).then(pl.coalesce("shift", "_apart"))
    return joined.with_columns(told.alias("shift")).drop("_apart")


def _hole() -> pl.Expr:
    """Return how many minutes are missing before each; rows are sorted by symbol and time."""
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _GROUP)
    apart = (pl.col("bar_start") - pl.col("bar_start").shift(1)).dt.total_minutes() - 1
    return pl.when(same).then(apart).otherwise(0).fill_null(0).alias("_hole")


def _part() -> pl.Expr:
    """Return by how much the minutes beyond a session's hole are shifted; null for not at all.

    The session begins on time, goes on after its close for whole half hours and has a hole as
    long; or it ends on time and begins so much too early.
    """
    late, early = pl.col("_late") + 1, pl.col("_early")
    off = pl.when(late > -early).then(late).otherwise(early)
    whole = (off / 30).round().cast(pl.Int64) * 30
    on_time = pl.min_horizontal(late.abs(), early.abs()) <= _EXACT
    fits = (off - whole).abs() <= _EXACT
    as_long = (pl.col("_hole") - whole.abs()).abs() <= _EXACT
    enough = pl.col("_outside") >= _SHIFTED_MINUTES
    return pl.when(on_time & fits & as_long & enough & (whole != 0)).then(whole)


def _local(instant: pl.Expr) -> pl.Expr:
    return instant.dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None)


def _minute_of(instant: pl.Expr) -> pl.Expr:
    local = _local(instant)
    return local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute().cast(pl.Int64)


def _with_day(frame: pl.DataFrame, daily: pl.DataFrame | None) -> pl.DataFrame:
    """Add the official daily bar, the last regular minute and the session's sums."""
    names = ("high", "low", "close", "volume")
    if daily is None or daily.is_empty():
        frame = frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(f"day_{n}") for n in names)
    else:
        require_columns(daily, (*_GROUP, *names), name="daily")
        official = daily.select(
            *_GROUP, *(pl.col(n).cast(pl.Float64).alias(f"day_{n}") for n in names)
        ).unique(subset=_GROUP, keep="last")
        frame = frame.join(official, on=_GROUP, how="left", maintain_order="left")
    regular = frame.lazy().filter("is_regular")
    sums = regular.group_by(_GROUP).agg(
        pl.col("bar_start").max().alias("_last"),
        pl.col("volume").sum().alias("minutes_volume"),
        pl.col("bar_start").n_unique().cast(pl.Int64).alias("minutes_present"),
    )
    return (
        frame.join(sums.collect(), on=_GROUP, how="left", maintain_order="left")
        .with_columns(
            (pl.col("is_regular") & (pl.col("bar_start") == pl.col("_last")))
            .fill_null(value=False)
            .alias("is_last"),
        )
        .drop("_last")
    )


def _with_past(
    frame: pl.DataFrame, actions: pl.DataFrame | None, *, whole_file: bool
) -> pl.DataFrame:
    """Add how a minute stands beside the trusted minutes before it, and beside its peers."""
    told = listings.spans(_sessions(frame), actions, None)
    if told is not None:  # no firm is measured by the minutes of another under its ticker
        frame = in_order(listings.parted(frame, told, day="session"), "bar_start")
    frame = with_actions(frame, listings.of_actions(actions, told), None)
    frame = with_levels(frame, whole_file=whole_file)
    sound = pl.all_horizontal("complete", "positive", "counted", "consistent", "is_tradable")
    still = (pl.col("volume") == 0) & (pl.col("high") > pl.col("low"))
    in_place = pl.all_horizontal(pl.col("other", "tens").is_null()) & ~pl.col(
        "is_lone_end"
    ).fill_null(value=False)
    frame = frame.with_columns(
        (sound & (pl.col("versions") == 1) & ~still.fill_null(value=True) & in_place).alias(
            "usable"
        )
    )
    frame = with_market(frame, whole_file=whole_file)
    limits = _file_limits(frame) if whole_file else MINUTE
    frame = measured(frame, limits=limits, hindsight=whole_file)
    frame = with_nights(frame, whole_file=whole_file)
    frame = frame.with_columns(reopens().alias("reopens"))
    return frame if told is None else in_order(listings.joined(frame, told), "bar_start")


def _sessions(frame: pl.DataFrame) -> pl.DataFrame:
    """Return symbol, session and the session's number, once each."""
    days = frame.select("symbol", "session", pl.col("session_no").alias("step_no"))
    return days.drop_nulls().unique()


def _file_limits(frame: pl.DataFrame) -> Limits:
    """Return the limits of a whole file: how far single minutes usually stand out in it.

    Feeds differ, and simulated minutes put a day's high or low into one of them. What three of
    four sessions do is no bad tick; a bad tick stands out much further.
    """
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _GROUP)
    step = pl.when(same & pl.col("usable")).then((pl.col("close") / pl.col("close").shift(1)).log())
    bounce = pl.when(step * step.shift(-1) < 0).then(
        pl.min_horizontal(step.abs(), step.shift(-1).abs())
    )
    body_top = pl.max_horizontal("open", "close")
    body_bottom = pl.min_horizontal("open", "close")
    reach = pl.max_horizontal(
        (pl.col("high") / body_top).log(), (body_bottom / pl.col("low")).log()
    )
    per_session = (
        frame.lazy()
        .filter(pl.col("usable") & pl.col("is_regular"))
        .select(*_GROUP, step.abs().alias("step"), pl.max_horizontal(bounce, reach).alias("alone"))
        .group_by(_GROUP)
        .agg(pl.col("step").mean(), pl.col("alone").max(), pl.len().alias("rows"))
        .filter((pl.col("rows") >= _TELLING_ROWS) & (pl.col("step") > 0))
        .select("alone", (pl.col("alone") / pl.col("step")).alias("steps"))
        .collect()
    )
    if per_session.height < _TELLING_SESSIONS:
        return MINUTE_FILE._replace(spike_move=0.02, reach_move=0.02)
    steps = _STANDS_OUT / MEAN_TO_SIGMA * float(per_session["steps"].quantile(0.75) or 0.0)
    move = _STANDS_OUT * float(per_session["alone"].quantile(0.75) or 0.0)
    return MINUTE_FILE._replace(
        spike_sigmas=max(MINUTE_FILE.spike_sigmas, steps),
        spike_move=max(MINUTE_FILE.spike_move, move),
        reach_sigmas=max(MINUTE_FILE.reach_sigmas, steps / 0.61),
        reach_move=max(MINUTE_FILE.reach_move, move),
        error_sigmas=max(MINUTE_FILE.error_sigmas, steps),
        error_move=max(MINUTE_FILE.error_move, move),
    )
