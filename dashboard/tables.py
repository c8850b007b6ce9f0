"""Small tables as Markdown: right-aligned figures, theme colours, readable by screen readers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Column:
    """A column's heading and whether it holds figures."""

    heading: str
    is_figure: bool = False


def text(heading: str) -> Column:
    """A column of words."""
    return Column(heading)


def figure(heading: str) -> Column:
    """A column of figures, right-aligned."""
    return Column(heading, is_figure=True)


def markdown(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """The table as Markdown; cells are Markdown themselves."""
    lines = [
        "| " + " | ".join(column.heading or "&nbsp;" for column in columns) + " |",
        "|" + "|".join("---:" if column.is_figure else ":---" for column in columns) + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def show(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Draw the table."""
    st.markdown(markdown(columns, rows), width="stretch")
