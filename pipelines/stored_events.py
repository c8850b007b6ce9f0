"""A batch of Dagster's events as one insert.

A run over a range tells of each partition by an event of its own: of the first run 15,530, alike
but for partition and time. Dagster writes every one out by itself, and compiles an insert with
a value for each of their columns; that was half of the run's processor time before training.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from dagster import AssetMaterialization, EventLogEntry
from dagster._core.events import StepMaterializationData
from dagster_shared.serdes import serialize_value
from sqlalchemy.dialects.postgresql import ARRAY

# They stand in a text where partition and time are filled in; nobody else writes such values.
_PARTITION, _TIME = "\N{SYMBOL FOR NULL}partition\N{SYMBOL FOR NULL}", 1.2345678901234567e-300
_MARKS = (json.dumps(_PARTITION), json.dumps(_TIME))


def texts(events: Sequence[EventLogEntry]) -> Iterator[str]:
    """Yield what Dagster's `serialize_value` makes of each event.

    What differs from the one before by partition and time alone is filled into its text.
    """
    blank, text = None, ""
    for event in events:
        partition = _partition(event)
        if partition is None:
            yield serialize_value(event)
            continue
        now = _without(event)
        if now != blank:
            blank, text = now, serialize_value(now)
        if [text.count(mark) for mark in _MARKS] != [1, 1]:
            yield serialize_value(event)
            continue
        filled = text.replace(_MARKS[0], json.dumps(partition))
        yield filled.replace(_MARKS[1], json.dumps(event.timestamp))


def insert_of(table: sa.Table, rows: Sequence[dict[str, Any]]) -> sa.Insert:
    """Return an insert of rows in their order; for every batch it is the same statement."""
    columns = [table.c[name] for name in rows[0]]
    told = (
        sa.func.unnest(
            *(
                sa.cast(sa.literal([row[c.name] for row in rows], ARRAY(c.type)), ARRAY(c.type))
                for c in columns
            )
        )
        .table_valued(*(sa.column(c.name, c.type) for c in columns), with_ordinality="place")
        .render_derived()
    )
    ordered = sa.select(*(told.c[c.name] for c in columns)).order_by(told.c.place)
    return table.insert().from_select([c.name for c in columns], ordered)


def _partition(event: EventLogEntry) -> str | None:
    """Return the partition of a materialisation, None of anything else."""
    data = event.dagster_event.event_specific_data if event.dagster_event else None
    return data.materialization.partition if isinstance(data, StepMaterializationData) else None


def _without(event: EventLogEntry) -> EventLogEntry:
    """Return the event with marks for its partition and time."""
    told = event.dagster_event
    assert told is not None
    data = told.event_specific_data
    assert isinstance(data, StepMaterializationData)
    made: AssetMaterialization = data.materialization._replace(partition=_PARTITION)
    return event._replace(
        timestamp=_TIME,
        dagster_event=told._replace(event_specific_data=data._replace(materialization=made)),
    )
