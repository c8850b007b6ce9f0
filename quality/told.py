"""What people and programs are told of a file that was judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from adapters.market_data.files import Delivery
from quality.rules.model import Finding, Judgement, Rule, Severity

MOST_OF_A_RULE: Final = 100_000  # findings listed; all are counted


@dataclass(frozen=True)
class Told:
    """One finding as a person or a program is told of it; `line` is null for what is not there."""

    symbol: str
    session: date | None
    bar_start: datetime | None
    rule: str
    severity: Severity
    message: str
    figures: Mapping[str, Any]
    line: int | None = None
    file: str | None = None


@dataclass
class Inspection:
    """What the rules say of a file.

    Attributes
    ----------
    findings : list of Told
        At most `MOST_OF_A_RULE` of each rule.
    by_rule : Counter
        All findings of each rule.
    tally : frame
        As in `Judgement.tally`, over the whole file.
    judgements : list of Judgement
        Filled when asked to be kept.
    notes : list of str
        What was assumed, in plain sentences.
    """

    kind: str
    rows: int
    symbols: int
    first_session: date | None
    last_session: date | None
    findings: list[Told] = field(default_factory=list)
    by_rule: Counter[str] = field(default_factory=Counter)
    severities: dict[str, Severity] = field(default_factory=dict)
    tallies: list[pl.DataFrame] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def by_severity(self) -> dict[str, int]:
        """Count the findings of each severity."""
        counts = {str(severity): 0 for severity in Severity}
        for rule, count in self.by_rule.items():
            counts[str(self.severities[rule])] += count
        return counts

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but notes."""
        counts = self.by_severity()
        return counts[Severity.ERROR] == 0 and counts[Severity.WARNING] == 0

    @property
    def tally(self) -> pl.DataFrame:
        """Return rule, severity, meaning, reason, checked, failed."""
        return (
            pl.concat(self.tallies)
            .group_by("rule", "severity", "meaning", "reason", maintain_order=True)
            .agg(pl.col("checked", "failed").sum())
        )

    def whole(self) -> Judgement:
        """Return one judgement of the file, for its report; the judgements must have been kept."""
        day = self.first_session or date.min
        findings = tuple(
            Finding(
                finding_id=f"{one.rule}-{number}",
                dataset=self.kind,
                symbol=one.symbol or "no symbol",
                session=one.session or day,
                bar_start=one.bar_start,
                rule=one.rule,
                severity=one.severity,
                message=one.message,
                figures=one.figures,
            )
            for number, one in enumerate(self.findings)
        )
        parts = self.judgements
        return Judgement(
            dataset=self.kind,
            passed=pl.concat([part.passed for part in parts], how="diagonal"),
            held=pl.concat([part.held for part in parts], how="diagonal"),
            findings=findings,
            verdicts=pl.concat([part.verdicts for part in parts], how="diagonal"),
            outcomes=pl.concat([part.outcomes for part in parts], how="diagonal"),
            tally=self.tally,
        )

    def add(self, found: Sequence[Told], untold: Mapping[str, int] = MappingProxyType({})) -> None:
        """Count findings and list them up to the limit of their rule; `untold` are counted only."""
        for one in found:
            self.by_rule[one.rule] += 1
            self.severities[one.rule] = one.severity
            if self.by_rule[one.rule] <= MOST_OF_A_RULE:
                self.findings.append(one)
        self.by_rule.update(untold)

    def room(self, rule: str) -> int:
        """Return how many more findings of a rule are listed."""
        return max(0, MOST_OF_A_RULE - self.by_rule[rule])

    def count(self, rule: Rule, asked: int, failing: Sequence[Told], *, failed: int) -> None:
        """Add a rule that was asked of the whole file, of `asked` rows and refusing `failed`."""
        self.add(failing, {rule.name: failed - len(failing)} if failed > len(failing) else {})
        row = (rule.name, str(rule.severity), rule.meaning, rule.reason, asked, failed)
        names = ["rule", "severity", "meaning", "reason", "checked", "failed"]
        self.tallies.append(pl.DataFrame([row], schema=names, orient="row"))


class Lines:
    """Finds the line that a finding is about."""

    def __init__(self, delivery: Delivery) -> None:
        self._frame = delivery.frame
        self._keys = ["symbol", "bar_start" if delivery.kind == "minute" else "session"]
        # A chain has many quotes of a share and day: its finding's figures tell which it is.
        self._figures = ["strike", "right", "bid", "ask"] if delivery.kind == "options" else []

    def told(self, findings: Sequence[Finding]) -> list[Told]:
        """Return the findings with their lines, the first where several rows have the key."""
        if not findings:
            return []
        keys = [*self._keys, *self._figures]
        values = {
            **{key: [getattr(f, key) for f in findings] for key in self._keys},
            **{key: [f.figures.get(key) for f in findings] for key in self._figures},
        }
        asked = pl.DataFrame({key: self._like(key, values[key]) for key in keys})
        files = [c for c in ("file",) if c in self._frame.columns]
        rows = self._frame.select(*keys, "line", *files).join(
            asked.unique(), on=keys, how="semi", nulls_equal=True
        )
        first = rows.unique(subset=keys, keep="first", maintain_order=True)
        at = asked.join(first, on=keys, how="left", maintain_order="left", nulls_equal=True)
        named = at["file"] if files else [None] * at.height
        return [
            Told(
                f.symbol, f.session, f.bar_start, f.rule, f.severity, f.message, f.figures,
                line, file,
            )
            for f, line, file in zip(findings, at["line"], named, strict=True)
        ]  # fmt: skip

    def _like(self, key: str, values: Sequence[Any]) -> pl.Series:
        return pl.Series(values, dtype=self._frame.schema[key], strict=False)
