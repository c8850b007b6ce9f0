"""Landed bars are judged, and what passed is written with all that was said of it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import polars as pl

from adapters.market_data import load
from adapters.object_store.protocol import ObjectStore
from assets.blocks import blocks, late
from assets.desk_time import decision_time
from config.universe import Universe
from quality import suites, verdicts
from quality.calendar import exchange
from quality.rules import prepare
from quality.rules.daily import judge_daily
from quality.rules.model import Judgement
from warehouse import Warehouse, actions, bars, findings, index, landings, quarantine
from warehouse import late as lateness
from warehouse import verdicts as warehouse_verdicts
from warehouse.versions import Appended

# What the rules look back at: a year of sessions for volatility, and room for gaps.
_JUDGED_WITH = timedelta(days=400)
_DAY = timedelta(days=1)
_TABLES = (
    "market.daily_bars",
    "market.landings",
    "quality.verdicts",
    "quality.findings",
    "quality.quarantine",
    "quality.reports",
)


@dataclass(frozen=True)
class Delivery:
    """What the lake holds of some sessions: their objects and every value of their bars."""

    sessions: list[date]
    landed: pl.DataFrame
    rows: pl.DataFrame


@dataclass(frozen=True)
class Batch:
    """Rows that were learned together: a block of sessions, or corrections landed at one time."""

    rows: pl.DataFrame
    sessions: Sequence[date]
    corrected_at: datetime | None = None  # when corrections were learned

    @property
    def first(self) -> date:
        """Return the first session."""
        return min(self.sessions)

    @property
    def last(self) -> date:
        """Return the last session."""
        return max(self.sessions)

    def known_at(self, session: date) -> datetime:
        """Return when what is said of a session's row was known."""
        decided = decision_time(session)
        return decided if self.corrected_at is None else max(decided, self.corrected_at)


@dataclass(frozen=True)
class Part:
    """A batch that was judged."""

    batch: Batch
    judgement: Judgement
    is_first_word: bool  # nothing was known of its sessions before

    def earlier(self, begin: date) -> pl.DataFrame:
        """Return its rows from a day on as later parts find them in the warehouse."""
        since = pl.col("session") >= begin
        refused = self.judgement.verdicts.filter(since, pl.col("status") != "passed")
        passed = self.judgement.passed.filter(since).join(refused, on=prepare.KEY, how="anti")
        return _previous(passed, self.judgement.held.filter(since).select(prepare.BAR))


@dataclass(frozen=True)
class Done:
    """What became of a batch."""

    first: date
    last: date
    passed: int
    held: int


@dataclass
class _Behind:
    """Writes one part while its caller judges the next."""

    writer: ThreadPoolExecutor
    part: Part | None = None
    writing: Future[Done] | None = None

    def write(self, part: Part, work: Callable[[], Done]) -> None:
        """Begin to write a part; the one before must be `settled`."""
        self.part, self.writing = part, self.writer.submit(work)

    def settled(self) -> Iterator[Done]:
        """Wait for the part that is being written, if one is, and yield what became of it."""
        if self.writing is not None:
            done = self.writing.result()
            self.part = self.writing = None
            yield done


@dataclass
class Gate:
    """Judges landed daily bars and writes them, in the order in which they were learned."""

    store: ObjectStore
    warehouse: Warehouse
    universe: Universe
    docs: Path
    run_id: str
    tally: Appended = field(default_factory=Appended)
    held: int = 0
    findings: int = 0
    report: str = ""

    def load(self, chunks: Sequence[list[date]]) -> Iterator[Done]:
        """Judge and write the bars of each chunk of sessions; yield what became of each part.

        While a part is judged, the next chunk is read and the part before is written. A part that
        says something new of known sessions is written before anything else is judged.
        """
        with ThreadPoolExecutor(max_workers=1) as writer:
            behind = _Behind(writer)
            for delivery in self._deliveries(chunks):
                chunk, delivered = delivery.sessions, delivery.rows
                corrections = delivered.filter(~pl.col("assumed"))
                for batch in batches(delivered, chunk, self._learned_late(chunk)):
                    if batch.corrected_at is not None:
                        yield from behind.settled()
                    part = self._judged(batch, behind.part)
                    yield from behind.settled()
                    mine = _objects(delivery.landed, batch, corrections)
                    behind.write(part, partial(self._written, part, mine))
                    if not part.is_first_word:
                        yield from behind.settled()
            yield from behind.settled()

    def _deliveries(self, chunks: Sequence[list[date]]) -> Iterator[Delivery]:
        """Yield what was landed for each chunk of sessions, read while the one before is judged."""
        with ThreadPoolExecutor(max_workers=1) as beside:
            coming = beside.submit(self._delivered, chunks[0])
            suites.prepare()
            prepare.ready()
            for following in chunks[1:]:
                ready = coming.result()
                coming = beside.submit(self._delivered, following)
                yield ready
            yield coming.result()

    def _delivered(self, chunk: list[date]) -> Delivery:
        names = self.universe.names
        landed = load.objects(self.store, "daily", chunk[0], chunk[-1], names).landed()
        rows = load.versions(self.store, chunk[0], chunk[-1], symbols=names)
        return Delivery(chunk, landed, rows)

    def _learned_late(self, chunk: list[date]) -> list[datetime]:
        with self.warehouse.reader() as conn:
            learned = lateness.replaced(
                conn,
                self.universe.names,
                chunk[0] - _JUDGED_WITH,
                chunk[-1],
                after=decision_time(chunk[0]),
                as_of=decision_time(chunk[-1]),
                index=self.universe.index,
            )
        return late(learned)

    def _judged(self, batch: Batch, before: Part | None) -> Part:
        """Judge a batch after the part `before`, which may not be in the warehouse yet."""
        first, last = batch.first, batch.last
        names, begin = self.universe.names, first - _JUDGED_WITH
        as_of = batch.known_at(last)
        with self.warehouse.reader() as conn:
            earlier = self._earlier(conn, batch, before)
            known = actions.known(conn, names, begin, last, as_of=as_of)
            benchmark = index.bars(conn, self.universe.index, begin, last, as_of=as_of)
            is_first_word = batch.corrected_at is None and bars.are_unknown(conn, first, last)
        judgement = judge_daily(
            batch.rows,
            calendar=exchange(),
            previous=earlier,
            actions=known,
            index=benchmark,
            sessions=batch.sessions,
            until=exchange().last_closed(as_of),
        )
        return Part(batch, judgement, is_first_word)

    def _earlier(
        self, conn: duckdb.DuckDBPyConnection, batch: Batch, before: Part | None
    ) -> pl.DataFrame:
        """Return what is believed of the rows that a batch is judged by."""
        names, begin = self.universe.names, batch.first - _JUDGED_WITH
        as_of = batch.known_at(batch.last)
        # Corrections are seen among the rows around them, a delivery after the earlier ones.
        end = batch.last if batch.corrected_at is not None else batch.first - _DAY
        if before is not None:
            end = before.batch.first - _DAY
            if end < begin:
                return before.earlier(begin)
        asked = bars.asked(names, begin, end, as_of)
        believed = bars.accepted(conn, prepare.BAR, asked, judged=True, by=None)
        held = quarantine.held_bars(conn, names, begin, end, as_of=as_of)
        stored = _previous(believed, held)
        return stored if before is None else pl.concat([stored, before.earlier(begin)])

    def _written(self, part: Part, landed: pl.DataFrame) -> Done:
        batch, judgement, corrected = part.batch, part.judgement, part.batch.corrected_at
        report = suites.record(
            judgement,
            suite="daily_bars",
            sessions=batch.sessions,
            docs_dir=self.docs,
            # A repeated run renders its sessions' page anew.
            run_id="delivery" if corrected is None else f"correction {corrected.isoformat()}",
        )
        self.tally += self._store(batch, judgement, report, landed)
        self.held += judgement.held.height
        self.findings += len(judgement.findings)
        self.report = report.path
        return Done(batch.first, batch.last, judgement.passed.height, judgement.held.height)

    def _store(
        self, batch: Batch, judgement: Judgement, report: suites.Report, landed: pl.DataFrame
    ) -> Appended:
        found = verdicts.finding_rows(judgement, known_at=batch.known_at)
        held = verdicts.quarantine_rows(judgement, known_at=batch.known_at)
        judged = verdicts.verdict_rows(judgement, known_at=batch.known_at, report=report.path)
        page = verdicts.report_row(
            report,
            suite="daily_bars",
            first=batch.first,
            last=batch.last,
            run_id=self.run_id,
        )

        def write(conn: duckdb.DuckDBPyConnection) -> Appended:
            tally = bars.append_bars(conn, judgement.passed)
            landings.record(conn, landed)
            findings.record(conn, found)
            quarantine.record(conn, held)
            warehouse_verdicts.record(conn, judged)
            findings.record_reports(conn, page)
            return tally

        return self.warehouse.write(write, *_TABLES)


def batches(
    delivered: pl.DataFrame, sessions: list[date], cuts: Sequence[datetime]
) -> Iterator[Batch]:
    """Yield what was delivered in the order in which it was learned.

    Blocks of sessions come with each bar's first value; a correction comes when it was learned,
    before the block whose sessions know it, so that a history loaded at once says the same as
    one that was loaded day by day.
    """
    first = delivered.filter("assumed")
    waiting = delivered.filter(~pl.col("assumed")).sort("known_at", maintain_order=True)
    for block in blocks(sessions, [*cuts, *waiting["known_at"].unique()]):
        is_due = (pl.col("known_at") <= decision_time(block[0])) & (pl.col("session") < block[0])
        yield from _corrections(waiting.filter(is_due))
        waiting = waiting.filter(~is_due)
        yield Batch(first.filter(pl.col("session").is_between(block[0], block[-1])), block)
    yield from _corrections(waiting)


def _corrections(rows: pl.DataFrame) -> Iterator[Batch]:
    for (known_at,), learned in rows.group_by("known_at", maintain_order=True):
        assert isinstance(known_at, datetime)
        yield Batch(learned, sorted(set(learned["session"])), known_at)


def _previous(believed: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return earlier rows, those in quarantine not trusted: a jump they began stays open."""
    # Of several values of one bar the last is looked at: chance must not say which that is.
    told = held.sort(prepare.BAR).with_columns(trusted=pl.lit(value=False))
    whole = believed.select(held.columns).cast({"volume": pl.Float64})
    return pl.concat([whole.with_columns(trusted=pl.lit(value=True)), told])


def _objects(landed: pl.DataFrame, batch: Batch, corrections: pl.DataFrame) -> pl.DataFrame:
    """Return the objects that are loaded with a batch: one row is written once, with its rows."""
    if batch.corrected_at is not None:
        return landed.filter(pl.col("object_key").is_in(batch.rows["object_key"].unique()))
    overlaps = (pl.col("first_session") <= batch.last) & (pl.col("last_session") >= batch.first)
    waiting = corrections["object_key"].unique()
    return landed.filter(overlaps & ~pl.col("object_key").is_in(waiting))
