"""Which stored features the model that serves can be asked with, if any."""

from collections.abc import Mapping
from typing import Any

import duckdb

from quant.features import DAILY
from trading.errors import AskError
from warehouse import features


class UnservableModelError(AskError):
    """The model learnt from features that the desk no longer computes."""

    def __init__(self, model_version: str, message: str) -> None:
        super().__init__(message)
        self.model_version = model_version


def served_version(conn: duckdb.DuckDBPyConnection, model: Mapping[str, Any]) -> str:
    """Return the version whose rows a model of `models.versions` is asked with.

    That is the present one where it holds all columns of the model's as they were, else the
    model's own, of which only sessions before an upgrade have rows.
    """
    learnt = str(model["feature_version"])
    try:
        names = features.names(conn, learnt)
    except features.UnknownVersionError:
        return learnt  # nobody can tell whether its columns are those of today
    return DAILY.version if DAILY.holds(learnt, names) else learnt


def require_served(version: str, model: Mapping[str, Any]) -> None:
    """Refuse a model without rows whose features are not those computed now.

    Raises
    ------
    UnservableModelError
        If `version` is not the present one.
    """
    if version != DAILY.version:
        name = str(model["model_version"])
        raise UnservableModelError(
            name,
            f"The model {name} ({model['status']}) cannot predict: it learnt from features of "
            f"version {version}, and since an upgrade the desk computes version {DAILY.version}. "
            "Train a model (./desk materialize trained_model) and promote it (./desk promote).",
        )
