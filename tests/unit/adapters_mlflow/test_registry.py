"""The registry against a real MLflow server."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from adapters.mlflow.registry import MlflowRegistry, RegistryUnreachableError
from countersign.processes.ports import LOOPBACK, next_free

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


def filed(registry: MlflowRegistry, content: bytes) -> tuple[str, int]:
    import xgboost as xgb

    rows = xgb.DMatrix(np.arange(8.0).reshape(4, 2), label=[0, 1, 0, 1])
    return registry.register(
        "sample-daily",
        content,
        booster=xgb.train({"objective": "binary:logistic"}, rows, num_boost_round=1),
        parameters={"max_depth": 3},
        metrics={"deflated_sharpe": 0.25},
        tags={"status": "challenger"},
        reports={"gates.md": "| gate | verdict |"},
    )


def test_what_was_filed_is_read_back_byte_for_byte_and_versions_count(server: str) -> None:
    registry = MlflowRegistry(server)

    first_run, first = filed(registry, b'{"model": 1}')
    second_run, second = filed(registry, b'{"model": 2}')

    assert (first, second) == (1, 2)
    assert registry.model(first_run) == b'{"model": 1}'
    assert registry.model(second_run) == b'{"model": 2}'


def test_a_run_nobody_filed_is_told_with_its_address(server: str) -> None:
    with pytest.raises(RegistryUnreachableError, match="See that MLflow runs"):
        MlflowRegistry(server).model("0" * 32)
