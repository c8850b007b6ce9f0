"""The registry against a real MLflow server."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest

from adapters.mlflow.registry import (
    MlflowRegistry,
    PromotionRefusedError,
    RegistryUnreachableError,
)
from countersign.processes.ports import LOOPBACK, next_free
from quant.gates import Candidacy, Decision
from quant.models import FittedModel
from quant.models.dataset import candidates
from quant.models.learners import Lesson, prepare
from quant.models.outlook import fit_outlook

# The server needs longer to start than a whole room of other tests.
pytestmark = [pytest.mark.desk, pytest.mark.timeout(180)]


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("mlflow")
    url = f"http://{LOOPBACK}:{(port := next_free(25_100))}"
    command = [
        sys.executable, "-m", "mlflow", "server", f"--host={LOOPBACK}", f"--port={port}",
        "--workers=1", f"--backend-store-uri=sqlite:///{home / 'runs.db'}",
        f"--artifacts-destination={home / 'artifacts'}",
    ]  # fmt: skip
    with (home / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as one:
        try:
            _wait(url, one, home / "log")
            yield url
        finally:
            one.terminate()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=1, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    pytest.fail(f"MLflow did not start: {log.read_text(errors='replace')[-2000:]}")


def filed(
    registry: MlflowRegistry, content: bytes, *, name: str = "sample-daily"
) -> tuple[str, int]:
    import xgboost as xgb

    rows = xgb.DMatrix(np.arange(8.0).reshape(4, 2), label=[0, 1, 0, 1])
    return registry.register(
        name,
        content,
        booster=xgb.train({"objective": "binary:logistic"}, rows, num_boost_round=1),
        parameters={"max_depth": 3},
        metrics={"deflated_sharpe": 0.25},
        tags={"status": "challenger", "trainer": "desk"},
        reports={"gates.md": "| gate | verdict |"},
        inputs=["return_5", "volatility_21"],
    )


def test_what_was_filed_is_read_back_byte_for_byte_and_versions_count(server: str) -> None:
    registry = MlflowRegistry(server)

    first_run, first = filed(registry, b'{"model": 1}')
    second_run, second = filed(registry, b'{"model": 2}')

    assert (first, second) == (1, 2)
    assert registry.model(first_run) == b'{"model": 1}'
    assert registry.model(second_run) == b'{"model": 2}'


def test_a_registered_model_says_what_it_is_fed_in_which_order(server: str) -> None:
    from mlflow.models import get_model_info

    filed(MlflowRegistry(server), b"{}", name="signed-daily")

    signature = get_model_info("models:/signed-daily/1").signature
    assert signature is not None
    assert signature.inputs.input_names() == ["return_5", "volatility_21"]


def test_a_run_nobody_filed_is_told_with_its_address(server: str) -> None:
    with pytest.raises(RegistryUnreachableError, match="See that MLflow runs"):
        MlflowRegistry(server).model("0" * 32)


def decided(name: str, number: int, *refusals: str) -> Decision:
    asked = Candidacy(
        model_version=f"{name}/{number}",
        signer="ann",
        trainer="desk",
        reason="It met every gate for two quarters.",
        environment="paper",
        asked_at=datetime(2012, 7, 2, 21, 0, tzinfo=UTC),
    )
    return Decision(asked, refusals=refusals, waived=())


def test_the_alias_follows_decisions_and_goes_back_in_one_call(server: str) -> None:
    registry, name = MlflowRegistry(server), "promoted-daily"
    numbers = [filed(registry, b"{}", name=name)[1] for _ in range(2)]
    assert numbers == [1, 2]
    assert registry.champion(name) is None
    assert registry.trainer(f"{name}/1") == "desk"

    assert registry.promote(decided(name, 1)) is None
    assert registry.promote(decided(name, 2)) == 1
    assert registry.promote(decided(name, 2)) == 1  # again: nothing changes
    assert registry.champion(name) == 2

    assert registry.roll_back(name, by="bea", reason="Outcomes fell below the band.") == (2, 1)
    assert registry.champion(name) == 1
    with pytest.raises(PromotionRefusedError, match="promoted-daily/1 was the first"):
        registry.roll_back(name, by="bea", reason="Outcomes fell below the band.")


def test_a_refused_model_gets_no_alias_and_is_told_every_figure(server: str) -> None:
    registry, name = MlflowRegistry(server), "refused-daily"
    filed(registry, b"{}", name=name)

    with pytest.raises(PromotionRefusedError, match=r"Sharpe 0\.62.*; Trades 60"):
        registry.promote(decided(name, 1, "Sharpe 0.62 (needs > 1.00)", "Trades 60 (needs > 100)"))

    assert registry.champion(name) is None
    with pytest.raises(PromotionRefusedError, match="none stands"):
        registry.roll_back(name, by="bea", reason="There is nothing to go back to.")


def test_a_version_nobody_registered_cannot_be_champion(server: str) -> None:
    registry = MlflowRegistry(server)

    with pytest.raises(RegistryUnreachableError, match="did not answer"):
        registry.promote(decided("sample-daily", 99))
    with pytest.raises(PromotionRefusedError, match="reads name/number"):
        registry.trainer("sample-daily")


def test_a_model_that_only_the_desk_reads_is_filed_with_what_reads_it(
    server: str, tmp_path: Path
) -> None:
    from mlflow.models import get_model_info

    registry, rows = MlflowRegistry(server), np.array([[0.5, np.nan], [-1.0, 0.25]])
    model = lines()

    run_id, number = registry.register(
        "lines-daily", model.to_bytes(), booster=None, parameters={"l2": 10.0}, metrics={},
        tags={"trainer": "desk"}, reports={}, inputs=model.names,
    )  # fmt: skip

    assert number == 1
    assert registry.model(run_id) == model.to_bytes()
    signature = get_model_info("models:/lines-daily/1").signature
    assert signature is not None
    assert signature.inputs.input_names() == list(model.names)
    assert signature.outputs.input_names() == ["margin"]
    said = said_elsewhere(server, "models:/lines-daily/1", rows, tmp_path)
    assert said == pytest.approx(model.learned.margins(rows.astype(np.float32)).tolist())


def lines() -> FittedModel:
    """A model of lines, fitted to eighty rows that the first feature decides."""
    rng = np.random.default_rng(5)
    features = rng.normal(size=(80, 2)).astype(np.float32)
    won = (features[:, 0] > 0).astype(np.float64)
    settings = candidates("linear")[0]
    learned = prepare("linear", features).fit(Lesson(won, np.ones(80)), settings, seed=1).model
    outlook = fit_outlook(learned.margins(features), won - 0.5, np.ones(80))
    return FittedModel(
        names=("return_5", "rsi_14"), settings=settings, outlook=outlook, scaled=False, horizon=1,
        last_session=79, n_train=80, learned=learned,
    )  # fmt: skip


def said_elsewhere(server: str, model: str, rows: np.ndarray, folder: Path) -> list[float]:
    """What a process that knows nothing of the desk is told by the model."""
    script = (
        "import json, mlflow, numpy as np, pandas as pd, sys\n"
        f"mlflow.set_tracking_uri({server!r})\n"
        f"rows = np.array(json.loads(sys.argv[1]), dtype=np.float32)\n"
        f"model = mlflow.pyfunc.load_model({model!r})\n"
        "names = model.metadata.get_input_schema().input_names()\n"
        "print(json.dumps(model.predict(pd.DataFrame(rows, columns=names)).tolist()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, json.dumps(rows.tolist())],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: list[float] = json.loads(done.stdout.splitlines()[-1])
    return told
