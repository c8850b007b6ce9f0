"""Models with their figures in MLflow: logged as runs, registered as versions."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trading.errors import RetryError

MODEL_FILE = "model.json"


class RegistryUnreachableError(RetryError):
    """The MLflow server gave no answer; nothing was registered."""


class MlflowRegistry:
    """Runs and model versions on an MLflow tracking server.

    Parameters
    ----------
    tracking_uri : str
        Address of the server.
    experiment : str
        Name the runs are filed under.
    """

    def __init__(self, tracking_uri: str, *, experiment: str = "countersign") -> None:
        self._uri = tracking_uri
        self._experiment = experiment

    def register(
        self,
        name: str,
        model: bytes,
        *,
        booster: Any,
        parameters: Mapping[str, object],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        reports: Mapping[str, str],
    ) -> tuple[str, int]:
        """Log a run with its model and register it as the next version of `name`.

        Parameters
        ----------
        name : str
            Name of the registered model.
        model : bytes
            What `model` reads back.
        booster : xgboost.Booster
            The same model in the form other tools read.
        parameters, metrics, tags : mappings
            What the run is filed with.
        reports : mapping
            File name to text, stored beside the model.

        Returns
        -------
        tuple of (str, int)
            Identifier of the run and version number.

        Raises
        ------
        RegistryUnreachableError
            If the server does not answer; a run without a registered version is never used.
        """
        mlflow = self._connected()
        try:
            mlflow.set_experiment(self._experiment)
            with mlflow.start_run(run_name=name, tags=dict(tags)) as run:
                mlflow.log_params(dict(parameters))
                mlflow.log_metrics(dict(metrics))
                self._log_files(mlflow, model, reports)
                mlflow.xgboost.log_model(
                    booster, name="model", pip_requirements=["xgboost-cpu", "numpy"]
                )
            client = mlflow.MlflowClient()
            if not client.search_registered_models(f"name = '{name}'"):
                client.create_registered_model(name)
            version = client.create_model_version(
                name, f"runs:/{run.info.run_id}/model", run_id=run.info.run_id
            )
            client.set_registered_model_alias(name, "challenger", version.version)
        except mlflow.exceptions.MlflowException as e:
            raise RegistryUnreachableError(
                f"The model registry at {self._uri} did not take the model: {e}. "
                "See that MLflow runs (./desk status), then train again."
            ) from e
        return str(run.info.run_id), int(version.version)

    def model(self, run_id: str) -> bytes:
        """Return the bytes that were registered with the run.

        Raises
        ------
        RegistryUnreachableError
            If the server or its artifact store does not answer.
        """
        mlflow = self._connected()
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = mlflow.artifacts.download_artifacts(
                    run_id=run_id, artifact_path=MODEL_FILE, dst_path=folder
                )
            except mlflow.exceptions.MlflowException as e:
                raise RegistryUnreachableError(
                    f"The model of run {run_id} cannot be read from {self._uri}: {e}. "
                    "See that MLflow runs (./desk status)."
                ) from e
            return Path(path).read_bytes()

    def _connected(self) -> Any:
        # Few retries: a run that waits two minutes for a dead registry looks hung.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow  # noqa: PLC0415  costs two seconds
        import mlflow.xgboost  # noqa: PLC0415

        mlflow.set_tracking_uri(self._uri)
        return mlflow

    @staticmethod
    def _log_files(mlflow: Any, model: bytes, reports: Mapping[str, str]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, MODEL_FILE).write_bytes(model)
            for name, text in reports.items():
                Path(folder, name).write_text(text, encoding="utf-8")
            mlflow.log_artifacts(folder)
