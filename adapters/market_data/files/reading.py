"""A file's table on its way into the desk's columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from adapters.market_data.files.delivery import PROBLEM, FileKind, FileOptions
from adapters.market_data.files.text import Table


@dataclass
class Reading:
    """A table on its way into the desk's columns: what was found in it so far."""

    table: Table
    kind: FileKind
    name: str
    options: FileOptions
    roles: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[pl.Series] = field(default_factory=list)

    def column(self, role: str) -> pl.Series | None:
        """Return the file's column for a role, None when it has none."""
        return self.table.frame[self.roles[role]] if role in self.roles else None

    def blame(self, role: str, bad: pl.Series, what: str) -> None:
        """Note the rows whose column for `role` could not be read."""
        if not bad.any():
            return
        name = self.roles[role]
        raw = self.table.frame[name].cast(pl.String, strict=False)
        said = pl.concat_str(
            pl.lit(f"its {name or role} '"), pl.col("raw").fill_null(""), pl.lit(f"' is {what}")
        )
        told = pl.DataFrame({"raw": raw, "bad": bad}).select(pl.when("bad").then(said))
        self.problems.append(told.to_series())

    def problem(self) -> pl.Series:
        """Return what is wrong with each row in one sentence, null for nothing."""
        parts = [self.table.frame[PROBLEM], *self.problems]
        if len(parts) == 1:
            return parts[0].alias(PROBLEM)
        frame = pl.DataFrame({str(n): part for n, part in enumerate(parts)})
        said = pl.concat_str(pl.all(), separator="; ", ignore_nulls=True)
        return frame.select(pl.when(said != "").then(said).alias(PROBLEM)).to_series()
