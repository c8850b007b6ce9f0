"""A filed model as MLflow reads it: rows of features in, log-odds out.

It is filed beside the model together with `quant`, so that whoever loads it needs no desk. Which
is why it imports nothing of the desk but that.
"""

from pathlib import Path
from typing import Any

import numpy as np

from quant.models import FittedModel
from quant.typing import FloatArray


class FiledMargins:
    """What MLflow asks of a loaded model."""

    def __init__(self, model: FittedModel) -> None:
        self._model = model

    def predict(self, rows: Any) -> FloatArray:
        """Log-odds of each row of a pandas frame; NaN is "unknown"."""
        features = rows[list(self._model.names)].to_numpy(dtype=np.float32)
        return self._model.learned.margins(features)


def _load_pyfunc(path: str) -> FiledMargins:  # the name is MLflow's
    return FiledMargins(FittedModel.from_bytes(Path(path).read_bytes()))
