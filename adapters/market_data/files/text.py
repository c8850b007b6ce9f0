"""From the bytes of a delimited text to columns of strings, each row with its line."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from adapters.market_data.files import words
from adapters.market_data.files.delivery import LINE, PROBLEM, UnreadableFileError

_SAMPLE: Final = 400  # lines looked at to learn how the file is written
_SEPARATORS: Final = ("\t", "|", ";", ",")  # a decimal comma loses against any other of them
_BLOCK: Final = 1 << 25  # bytes counted at once
# A table of so many columns ends with at most so many lines that are no rows.
_FOOTED, _FOOTERS = 4, 3
_FOOTER: Final = re.compile(
    r"(?i)\W*(total|row count|rows?\b|records?\b|end of|source|downloaded|generated|exported|"
    r"copyright|data (provided|source|from)|disclaimer|note\b)"
)
_VALUE: Final = re.compile(r"[-+$€£]?[\d.,:/ T-]*\d[\d.,:/ TZ%+-]*[KMBkmb]?")


@dataclass(frozen=True)
class Table:
    """The columns of a file as it has them, and the columns `line` and `problem`.

    `has_names` is false when the file names no column: then they are column_1, column_2, …
    """

    frame: pl.DataFrame
    has_names: bool = True
    separator: str = ""
    symbol: str = ""  # when the file states it once for all rows
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The file's own columns."""
        return [name for name in self.frame.columns if name not in {LINE, PROBLEM}]


@dataclass(frozen=True)
class _Layout:
    separator: str
    names: tuple[str, ...]  # empty when there is no heading
    width: int
    skipped: int  # lines before the first row


def table(data: bytes, *, name: str, declared: Sequence[str] = ()) -> Table:
    """Return the table in a text; `declared` are column names that a heading must have.

    Raises
    ------
    UnreadableFileError
        If it is no text, or no table.
    """
    text = _utf8(data, name)
    layout = _layout(_first_lines(text), name=name, declared=declared)
    lines = _Lines(text, layout)
    if lines.rows == 0:
        raise UnreadableFileError(
            f"The file {name} has the columns {words.named(layout.names)} and no row below them."
        )
    names = layout.names or tuple(f"column_{n}" for n in range(1, layout.width + 1))
    frame = lines.frame()
    frame.columns = [*_unique(names), LINE, PROBLEM]
    notes = tuple(f"The last line {line[:60]!r} is no row; it was left out." for line in lines.left)
    return Table(frame, has_names=bool(layout.names), separator=layout.separator, notes=notes)


def _utf8(data: bytes, name: str) -> bytes:
    """Return the text as UTF-8 without byte order mark, its lines ended by a line feed."""
    encoding = _encoding(data)
    if encoding != "utf-8":
        try:
            data = data.decode(encoding).encode()
        except UnicodeDecodeError as e:
            raise UnreadableFileError(
                f"The file {name} is neither text, JSON, Parquet nor Arrow: {e}."
            ) from e
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in data[:4096]:
        raise UnreadableFileError(
            f"The file {name} is neither text, JSON, Parquet nor Arrow; it begins with "
            f"{data[:8]!r}."
        )
    if b"\r" in data[:1_000_000]:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if data.endswith(b"\x1a"):
        data = data.rstrip(b"\x1a")
    return data


def _encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[:4000]
    if head[1::2].count(0) > len(head) // 3:
        return "utf-16-le"
    if head[::2].count(0) > len(head) // 3:
        return "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252" if b"\x00" not in head else "utf-8"
    return "utf-8"


def _first_lines(text: bytes) -> list[str]:
    head = text[: 1 << 20].split(b"\n", _SAMPLE * 2)
    if len(head) > 1 and len(text) > 1 << 20:
        head = head[:-1]
    return [line.decode("utf-8", "replace") for line in head[: _SAMPLE * 2]]


def _layout(lines: list[str], *, name: str, declared: Sequence[str]) -> _Layout:
    """Learn how the lines are written: separator, heading, number of columns."""
    sample = [(n, line) for n, line in enumerate(lines) if line.strip() and line[0] != "#"]
    if not sample:
        raise UnreadableFileError(f"The file {name} has no line with anything in it.")
    if re.match(r"\s*<(!doctype|html)", sample[0][1], re.IGNORECASE):
        raise UnreadableFileError(
            f"The file {name} is a web page, perhaps the vendor's error message. Fetch it again."
        )
    told = re.fullmatch(r"\s*\"?sep=(.)\"?\s*", sample[0][1])
    separator = told[1] if told else _separator([line for _, line in sample])
    if told:
        sample = sample[1:]
    fields = [(n, _fields(line, separator)) for n, line in sample]
    at = _heading(fields, declared)
    if at is None:
        width = Counter(len(f) for _, f in fields).most_common(1)[0][0]
        first = next(n for n, f in fields if len(f) == width)
        if width < 2 or not any(_is_value(field) for field in dict(fields)[first]):
            raise UnreadableFileError(
                f"The file {name} is no table of market data; it begins with {sample[0][1][:80]!r}."
            )
        return _Layout(separator, (), width, first)
    number, heading = fields[at]
    below = [f for _, f in fields[at + 1 :]]
    names = _named(heading, below)
    return _Layout(separator, names, len(names), number + 1)


def _separator(lines: list[str]) -> str:
    """Return what stands between the fields: the one whose number per line varies least."""
    tail = [_unquoted(line) for line in lines[len(lines) // 4 :]] or lines
    best, best_share = " ", 0.0
    for candidate in _SEPARATORS:
        counts = Counter(line.count(candidate) for line in tail)
        number, agreeing = counts.most_common(1)[0]
        share = agreeing / len(tail)
        if number > 0 and share > best_share + 0.2:
            best, best_share = candidate, share
    return best


def _unquoted(line: str) -> str:
    return re.sub(r'"[^"]*"', '""', line) if '"' in line else line


def _fields(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    try:
        return next(csv.reader([line], delimiter=separator))
    except (csv.Error, StopIteration):
        return line.split(separator)


def _heading(fields: list[tuple[int, list[str]]], declared: Sequence[str]) -> int | None:
    """Return which of the first lines names the columns, None when none does."""
    wanted = {words.key(name) for name in declared}
    for at, (_, row) in enumerate(fields[:40]):
        filled = [field for field in row if field.strip()]
        known = sum(words.is_known(field) or words.key(field) in wanted for field in filled)
        values = sum(_is_value(field) for field in filled)
        if (known >= 2 and known > values) or _is_of_two(fields[at : at + 2]):
            return at
        if len(filled) >= 4 and values == 0 and at + 1 < len(fields):
            below = fields[at + 1][1]
            if sum(_is_value(field) for field in below) >= 3:
                return at
    return None


def _is_of_two(rows: list[tuple[int, list[str]]]) -> bool:
    """Whether a line of tickers stands above one of prices, as pandas writes two levels."""
    first = [words.key(row[0]) for _, row in rows if row]
    return first == ["ticker", "price"]


def _is_value(field: str) -> bool:
    return bool(_VALUE.fullmatch(field.strip().strip('"')))


def _named(heading: list[str], below: list[list[str]]) -> tuple[str, ...]:
    """Return the names of the columns, when rows have one field more than the heading too."""
    names = [name.strip() for name in heading]
    if not below:
        return tuple(names)
    width = Counter(len(row) for row in below).most_common(1)[0][0]
    if width == len(names) + 1:
        rows = [row for row in below if len(row) == width]
        if all(not row[-1].strip() for row in rows):
            return (*names, "")
        return ("", *names)  # row names without a heading, as R writes them
    return tuple(names)


def _unique(names: Sequence[str]) -> list[str]:
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


class _Lines:
    """The rows of a text: where each begins, and which have the wrong number of fields."""

    def __init__(self, text: bytes, layout: _Layout) -> None:
        self._layout = layout
        self._text = _spaced(text) if layout.separator == " " else text
        ends = np.flatnonzero(np.frombuffer(self._text, dtype=np.uint8) == 10)
        if not self._text.endswith(b"\n"):
            ends = np.append(ends, len(self._text))
        starts = np.concatenate([[0], ends[:-1] + 1]) if ends.size else ends
        self._starts, self._ends = starts[layout.skipped :], ends[layout.skipped :]
        self._numbers = np.arange(layout.skipped + 1, layout.skipped + 1 + self._starts.size)
        self._drop_blank()
        self.left = self._drop_footers()

    @property
    def rows(self) -> int:
        """Lines that hold a row."""
        return int(self._starts.size)

    def frame(self) -> pl.DataFrame:
        """Return the fields as strings (column_1 …), line and problem."""
        ragged = np.flatnonzero(self._separators() != self._layout.width - 1)
        body, problems = self._repaired(ragged)
        try:
            frame = pl.read_csv(
                body,
                has_header=False,
                separator="," if self._layout.separator == " " else self._layout.separator,
                infer_schema=False,
                truncate_ragged_lines=True,
                schema={f"column_{n}": pl.String for n in range(1, self._layout.width + 1)},
                raise_if_empty=False,
            )
        except pl.exceptions.PolarsError as e:
            raise UnreadableFileError(f"The text cannot be cut into columns: {e}.") from e
        if frame.height != self.rows:
            raise UnreadableFileError(
                f"{self.rows:,} lines were expected below the heading, {frame.height:,} came: a "
                "quotation mark spans lines. Write one row on one line."
            )
        return frame.with_columns(
            pl.Series(LINE, self._numbers, dtype=pl.Int64),
            pl.Series(PROBLEM, problems, dtype=pl.String),
        )

    def _drop_blank(self) -> None:
        """Leave out lines of nothing, and comments."""
        first = np.frombuffer(self._text + b"\n", dtype=np.uint8)[self._starts]
        short = (self._ends - self._starts) < 4 * self._layout.width
        empty = self._ends == self._starts
        for at in np.flatnonzero(short & ~empty):
            line = self._text[self._starts[at] : self._ends[at]]
            empty[at] = not line.strip(b' \t,;|"')
        keep = ~empty & (first != ord("#"))
        self._starts, self._ends = self._starts[keep], self._ends[keep]
        self._numbers = self._numbers[keep]

    def _drop_footers(self) -> list[str]:
        """Leave out what stands below the rows and counts or praises them; return it."""
        left: list[str] = []
        while self.rows > 1 and self._layout.width >= _FOOTED and len(left) < _FOOTERS:
            last = self._text[self._starts[-1] : self._ends[-1]].decode("utf-8", "replace")
            fields = [field for field in _fields(last, self._layout.separator) if field.strip()]
            if len(fields) > 2 or not _FOOTER.match(last):
                break
            left.append(last)
            self._starts, self._ends = self._starts[:-1], self._ends[:-1]
            self._numbers = self._numbers[:-1]
        return left

    def _separators(self) -> npt.NDArray[np.int64]:
        """Return how many separators each line has, those in quotation marks not counted."""
        separator = "," if self._layout.separator == " " else self._layout.separator
        if b'"' in self._text:
            return self._separators_quoted(separator)
        counts = np.zeros(self._starts.size, dtype=np.int64)
        raw = np.frombuffer(self._text, dtype=np.uint8)
        at = 0
        while at < self._starts.size:
            begin = int(self._starts[at])
            to = max(int(np.searchsorted(self._starts, begin + _BLOCK)), at + 1)
            end = int(self._ends[to - 1])
            found = np.flatnonzero(raw[begin:end] == ord(separator)) + begin
            right = np.searchsorted(found, self._ends[at:to])
            left = np.searchsorted(found, self._starts[at:to])
            counts[at:to] = right - left
            at = to
        return counts

    def _separators_quoted(self, separator: str) -> npt.NDArray[np.int64]:
        lines = pl.Series(
            [
                self._text[a:b].decode("utf-8", "replace")
                for a, b in zip(self._starts, self._ends, strict=True)
            ]
        )
        bare = lines.str.replace_all(r'"[^"]*"', "")
        counts = bare.str.count_matches(separator, literal=True).cast(pl.Int64)
        # A mark that is never closed would swallow the lines below it.
        torn = bare.str.contains('"', literal=True)
        return counts.set(torn, -1).to_numpy()

    def _repaired(self, ragged: npt.NDArray[np.int64]) -> tuple[bytes, list[str | None]]:
        """Return the rows, ragged lines cut or filled to the right width, and what was wrong."""
        problems: list[str | None] = [None] * self.rows
        if self._is_whole() and not ragged.size:
            return self._text[self._starts[0] :], problems
        lines = [self._text[a:b] for a, b in zip(self._starts, self._ends, strict=True)]
        separator = "," if self._layout.separator == " " else self._layout.separator
        width = self._layout.width
        for at in ragged:
            line = lines[at].decode("utf-8", "replace")
            fields = _fields(line.replace('"', "") if line.count('"') % 2 else line, separator)
            problems[at] = (
                f"it has {len(fields)} fields where the file has {width}"
                if len(fields) != width
                else "its quotation marks do not close"
            )
            written = io.StringIO()
            csv.writer(written, delimiter=separator, lineterminator="").writerow(
                (fields + [""] * width)[:width]
            )
            lines[at] = written.getvalue().encode()
        return b"\n".join(lines) + b"\n", problems

    def _is_whole(self) -> bool:
        """Whether the rows are all the lines from the first of them on."""
        return (
            bool(np.all(self._starts[1:] == self._ends[:-1] + 1))
            and int(self._ends[-1]) >= len(self._text) - 1
        )


def _spaced(text: bytes) -> bytes:
    """Return a text whose fields stand apart by blanks with commas between them."""
    lines = (b",".join(line.split()) for line in text.split(b"\n"))
    return b"\n".join(lines)
