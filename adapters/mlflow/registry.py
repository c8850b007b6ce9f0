"""Models with their figures in MLflow: logged as runs, registered as versions."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import quant
from adapters.mlflow import filed_margins
from quant.gates import Decision
from trading.errors import NotAllowedError, RetryError

MODEL_FILE = "model.json"
CHAMPION = "champion"
_PREVIOUS = "previous_champion"
_PINNED = [f"{package}=={installed(package)}" for package in ("xgboost-cpu", "numpy")]
# An ensemble may need every library, and a model's bytes say only to `quant` which it needs.
_READING = [*_PINNED, f"lightgbm=={installed('lightgbm')}"]
_READER = Path(filed_margins.__file__)


class RegistryUnreachableError(RetryError):
    """The MLflow server gave no answer; nothing was registered."""


class PromotionRefusedError(NotAllowedError):
    """A model was not made champion; the message holds every reason."""


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
        booster: Any | None,
        parameters: Mapping[str, object],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        reports: Mapping[str, str],
        inputs: Sequence[str],
    ) -> tuple[str, int]:
        """Log a run with its model and register it as the next version of `name`.

        Parameters
        ----------
        name : str
            Name of the registered model.
        model : bytes
            What `model` reads back.
        booster : xgboost.Booster, optional
            The same model in the form other tools read; None where it has none, and is filed with
            the desk's own code that reads it.
        parameters, metrics, tags : mappings
            What the run is filed with.
        reports : mapping
            File name to text, stored beside the model.
        inputs : sequence of str
            Names of the features, in order: the model's signature.

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
                logged = self._log_model(mlflow, model, booster, _signature(inputs))
            client = mlflow.MlflowClient()
            if not client.search_registered_models(f"name = '{name}'"):
                client.create_registered_model(name)
            version = client.create_model_version(
                name, logged.model_uri, run_id=run.info.run_id, model_id=logged.model_id
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

    def champion(self, name: str) -> int | None:
        """Return the version that holds the alias, or None.

        Raises
        ------
        RegistryUnreachableError
            If the server does not answer.
        """
        mlflow = self._connected()
        try:
            return _champion(mlflow.MlflowClient(), name)
        except mlflow.exceptions.MlflowException as e:
            raise self._unanswered(e) from e

    def trainer(self, model_version: str) -> str:
        """Return who trained a version; empty where its run does not say.

        Raises
        ------
        RegistryUnreachableError
            If the server does not answer, or knows no such version.
        """
        mlflow = self._connected()
        name, number = _parts(model_version)
        try:
            client = mlflow.MlflowClient()
            run = client.get_run(client.get_model_version(name, str(number)).run_id)
        except mlflow.exceptions.MlflowException as e:
            raise self._unanswered(e) from e
        return str(run.data.tags.get("trainer", ""))

    def promote(self, decision: Decision) -> int | None:
        """Give the champion alias to the version a decision is about: there is no other way.

        The version keeps who signed, why, what was waived, and whom it followed. Repeating it
        changes nothing.

        Returns
        -------
        int or None
            The version that was champion before.

        Raises
        ------
        PromotionRefusedError
            If the decision refuses, with every failing figure.
        RegistryUnreachableError
            If the server does not answer; the alias stands as it stood.
        """
        told = decision.candidacy
        if not decision.promoted:
            raise PromotionRefusedError(
                f"{told.model_version} stays challenger: {'; '.join(decision.refusals)}."
            )
        name, number = _parts(told.model_version)
        tags = {
            "promoted_by": told.signer,
            "promoted_at": told.asked_at.isoformat(),
            "promotion_reason": told.reason,
            "waived": "; ".join(decision.waived),
        }
        mlflow = self._connected()
        try:
            client = mlflow.MlflowClient()
            before = _champion(client, name)
            if before == number:
                return self._followed(client, name, number)
            # The tags come first: a champion without a signature must never be seen.
            for key, value in (tags | {_PREVIOUS: str(before or "")}).items():
                client.set_model_version_tag(name, str(number), key, value)
            client.set_registered_model_alias(name, CHAMPION, str(number))
        except mlflow.exceptions.MlflowException as e:
            raise self._unanswered(e) from e
        return before

    def roll_back(self, name: str, *, by: str, reason: str) -> tuple[int, int]:
        """Give the alias back to the champion before this one, in one call.

        Returns
        -------
        tuple of (int, int)
            The version that lost the alias, and the one that has it now.

        Raises
        ------
        PromotionRefusedError
            If there is no champion, or none before it.
        RegistryUnreachableError
            If the server does not answer; the alias stands as it stood.
        """
        mlflow = self._connected()
        try:
            client = mlflow.MlflowClient()
            current = _champion(client, name)
            before = None if current is None else self._followed(client, name, current)
            if current is None or before is None:
                raise PromotionRefusedError(
                    f"{name} has no champion to go back to: "
                    + ("none stands." if current is None else f"{name}/{current} was the first.")
                )
            client.set_model_version_tag(name, str(current), "rolled_back_by", by)
            client.set_model_version_tag(name, str(current), "rolled_back_reason", reason)
            client.set_registered_model_alias(name, CHAMPION, str(before))
        except mlflow.exceptions.MlflowException as e:
            raise self._unanswered(e) from e
        return current, before

    @staticmethod
    def _followed(client: Any, name: str, number: int) -> int | None:
        """The champion before `number`."""
        told = client.get_model_version(name, str(number)).tags.get(_PREVIOUS, "")
        return int(told) if told else None

    def _unanswered(self, error: Exception) -> RegistryUnreachableError:
        return RegistryUnreachableError(
            f"The model registry at {self._uri} did not answer: {error}. "
            "See that MLflow runs (./desk status), then repeat."
        )

    def _connected(self) -> Any:
        # Few retries: a run that waits two minutes for a dead registry looks hung.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow  # noqa: PLC0415  costs two seconds
        import mlflow.pyfunc  # noqa: PLC0415
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

    @staticmethod
    def _log_model(mlflow: Any, model: bytes, booster: Any | None, signature: Any) -> Any:
        """Log the model as other tools load it, with its signature and pinned requirements."""
        if booster is not None:
            return mlflow.xgboost.log_model(
                booster, name="model", signature=signature, pip_requirements=_PINNED
            )
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, MODEL_FILE).write_bytes(model)
            return mlflow.pyfunc.log_model(
                name="model",
                loader_module=_READER.stem,
                data_path=str(Path(folder, MODEL_FILE)),
                code_paths=[str(_READER), str(Path(quant.__file__).parent)],
                signature=signature,
                pip_requirements=_READING,
            )


def _signature(inputs: Sequence[str]) -> Any:
    """Features in, log-odds out."""
    from mlflow.models import ModelSignature  # noqa: PLC0415  costs two seconds
    from mlflow.types import ColSpec, Schema  # noqa: PLC0415

    return ModelSignature(
        inputs=Schema([ColSpec("float", name) for name in inputs]),
        outputs=Schema([ColSpec("float", "margin")]),
    )


def _champion(client: Any, name: str) -> int | None:
    found = client.search_registered_models(f"name = '{name}'")
    held = found[0].aliases.get(CHAMPION) if found else None
    return None if held is None else int(held)


def _parts(model_version: str) -> tuple[str, int]:
    name, _, number = model_version.rpartition("/")
    if not name or not number.isdigit():
        raise PromotionRefusedError(
            f"A model version reads name/number, as in sample-daily/3, was {model_version!r}."
        )
    return name, int(number)
