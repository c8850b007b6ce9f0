"""What a training run learns from: bars, features and the names of what is asked for."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from assets.desk_time import decision_time
from config.settings import Settings
from config.universe import Universe
from quant.features import CORE, DAILY, DailyPanel
from quant.models import UnusableDataError
from quant.models.dataset import informative
from quant.typing import Float32Array, Float64Array
from warehouse import Warehouse, adjustment, features, index

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Material:
    """What a training run learns from."""

    panel: DailyPanel
    index_open: Float64Array
    matrix: Float32Array
    names: tuple[str, ...]  # of its columns
    snapshot: int
    simulated: bool  # whether any row of it is


def material_of(
    warehouse: Warehouse, settings: Settings, universe: Universe, session: date
) -> Material:
    """Everything known at the close of a session that a model may learn from."""
    first = settings.training.first_session or settings.history.first_session
    as_of = decision_time(session)
    with warehouse.reader() as conn:
        panel = adjustment.panel(
            conn, universe.names, first, session, as_of=as_of, index=universe.index,
            members_of=universe.name,
        )  # fmt: skip
        rows, values = features.matrix(
            conn, DAILY.version, universe.names, first, session, as_of=as_of
        )
        bars = index.bars(conn, universe.index, first, session, as_of=as_of)
        snapshot = warehouse.snapshot()
    names = learnt_columns(settings.training.features, values)
    return Material(
        panel=panel,
        index_open=bars["open"].to_numpy(),
        matrix=aligned(panel, rows, values[:, [DAILY.names.index(name) for name in names]]),
        names=names,
        snapshot=snapshot,
        simulated=bool(rows["simulated"].any()),
    )


def learnt_columns(asked: str | tuple[str, ...], values: Float32Array) -> tuple[str, ...]:
    """Names of the features a model learns from, of the stored `values` of all.

    Asked for "all", it learns from those that have two values at least: a pattern that never
    came tells nothing. A list is taken as it stands, and refused where a column tells nothing.

    Raises
    ------
    UnusableDataError
        If there is no feature of a name, or one is named twice.
    """
    if asked == "core":
        return CORE.names
    if asked == "all":
        kept = informative(values)
        return tuple(name for name, keep in zip(DAILY.names, kept, strict=True) if keep)
    unknown = [name for name in asked if name not in DAILY]
    twice = sorted({name for name in asked if asked.count(name) > 1})
    if unknown or twice:
        raise UnusableDataError(
            f"`[training] features` must name each of {len(DAILY)} daily features once at most; "
            f"not known: {', '.join(unknown) or 'none'}; twice: {', '.join(twice) or 'none'}."
        )
    return tuple(asked)


def aligned(panel: DailyPanel, rows: pl.DataFrame, values: Float32Array) -> Float32Array:
    """Feature values in the order of the panel's rows; NaN where none are stored."""
    wanted = pl.DataFrame(
        {
            "symbol": np.repeat(np.array(panel.symbols), np.diff(panel.offsets)),
            "session": pl.Series(panel.sessions).cast(pl.Date),
        }
    )
    stored = rows.select("symbol", "session").with_row_index("place")
    places = wanted.join(stored, on=["symbol", "session"], how="left", maintain_order="left")[
        "place"
    ]
    matrix = np.full((panel.n_rows, values.shape[1]), np.nan, dtype=np.float32)
    found = places.is_not_null().to_numpy()
    matrix[found] = values[places.drop_nulls().to_numpy()]
    return matrix


def subject_of(settings: Settings, universe: Universe, names: tuple[str, ...]) -> str:
    """What is searched: features, label and kind of model, the same on every day.

    Two configurations of one subject are one trial where parameters, policy and costs are equal
    (`assets.searching.configuration_of`). The label is that of the horizon against the index.

    The version is that of the features learnt from, kernels' source included: after an edit of a
    kernel other numbers may have been tried, which nobody can tell without trying, so that they
    count again. Counting too many refuses a model; counting too few would promote luck. An edit
    of another feature changes nothing here. Nothing is said of a time decay that forgets nothing:
    what was tried before there was one is the same configuration.
    """
    version, asked = DAILY.select(names).version, settings.training
    label = f"h{asked.horizon}/{universe.index}"
    decay = "" if asked.time_decay == 1.0 else f"/decay{asked.time_decay}"
    return f"{universe.programme}/{version}/{label}/{asked.model}{decay}"
