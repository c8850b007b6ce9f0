"""One whole desk for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.desk.running import WholeDesk


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeDesk]:
    """A desk that has come up."""
    desk = WholeDesk(tmp_path_factory.mktemp("desk") / "home")
    done = desk.run("up", "--detach")
    assert done.returncode == 0, done.stdout + done.stderr
    yield desk
    desk.run("down")
