"""A desk with two and a half years of real bars and a model, built once for the tests here."""

from collections.abc import Iterator

import pytest

from countersign.processes.postgres import Cluster
from tests.integration.pipelines import small
from tests.integration.pipelines.small import FIRST, LAST, SmallDesk


@pytest.fixture(scope="module")
def desk(postgres_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDesk]:
    with small.fresh(postgres_server, tmp_path_factory.mktemp("home")) as made:
        for kind, frame in small.history().items():
            made.land(frame, kind)
        made.close(LAST)
        made.run("backfill", FIRST, LAST)
        made.run("train_model")
        yield made
