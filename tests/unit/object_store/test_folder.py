from pathlib import Path

import pytest

from adapters.object_store import FolderStore, from_settings
from adapters.object_store.errors import StoreRefusedError
from config import settings
from tests.unit.object_store.contract import ObjectStoreContract


class TestFolderStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FolderStore:
        return FolderStore(tmp_path / "lake")


def test_a_write_that_was_cut_short_is_not_listed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("a/whole", b"1")
    (tmp_path / "a" / ".partial-x1").write_bytes(b"half")

    assert [o.key for o in store.list()] == ["a/whole"]


def test_a_path_that_is_a_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "lake").write_bytes(b"")

    with pytest.raises(StoreRefusedError, match=r"cannot be written.*\[lake\] path"):
        FolderStore(tmp_path / "lake").check()


def test_the_settings_choose_the_folder(tmp_path: Path) -> None:
    told = settings.load({"DESK_HOME": str(tmp_path)})

    assert from_settings(told).name == str(tmp_path / "lake")
