"""What every object store must do; a folder's and a bucket's tests both run this."""

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from adapters.object_store import ObjectStore
from adapters.object_store.errors import (
    ObjectDamagedError,
    ObjectExistsError,
    ObjectMissingError,
)
from adapters.object_store.protocol import digest


class ObjectStoreContract:
    """Tests over the fixture `store`, an empty store."""

    def test_an_object_comes_back_as_it_was_put(self, store: ObjectStore) -> None:
        assert store.put("a/b.parquet", b"bars") is True

        assert store.get("a/b.parquet") == b"bars"
        assert store.exists("a/b.parquet")

    def test_the_same_object_again_changes_nothing(self, store: ObjectStore) -> None:
        store.put("a", b"bars")

        assert store.put("a", b"bars") is False
        assert [o.key for o in store.list()] == ["a"]

    def test_an_object_is_never_edited(self, store: ObjectStore) -> None:
        store.put("a", b"bars")

        with pytest.raises(ObjectExistsError, match="never edited"):
            store.put("a", b"other bars")
        assert store.get("a") == b"bars"

    def test_listing_goes_on_after_a_cursor_in_key_order(self, store: ObjectStore) -> None:
        for key in ("m/3", "m/1", "m/2", "n/1", "m/1-x/1"):
            store.put(key, key.encode())

        assert [o.key for o in store.list("m/")] == ["m/1", "m/1-x/1", "m/2", "m/3"]
        assert [o.key for o in store.list("m/", after="m/1-x/1")] == ["m/2", "m/3"]
        assert [o.size for o in store.list("n/")] == [3]
        assert list(store.list("none/")) == []

    def test_a_prefix_need_not_end_at_a_folder(self, store: ObjectStore) -> None:
        store.put("year/2011", b"")
        store.put("year/2012", b"")

        assert [o.key for o in store.list("year/2012")] == ["year/2012"]

    def test_a_missing_object_is_named(self, store: ObjectStore) -> None:
        with pytest.raises(ObjectMissingError, match="no object gone"):
            store.get("gone")
        assert not store.exists("gone")

    def test_damaged_bytes_are_refused(self, store: ObjectStore) -> None:
        store.put("a", b"torn")

        assert store.get("a", sha256=digest(b"torn")) == b"torn"
        with pytest.raises(ObjectDamagedError, match="is damaged"):
            store.get("a", sha256=digest(b"whole"))

    @pytest.mark.parametrize("key", ["", "/a", "../a", "a//b", "a/../b", "a/", ".hidden", "a b"])
    def test_keys_are_plain_relative_paths(self, store: ObjectStore, key: str) -> None:
        with pytest.raises(ValueError, match="key must be names"):
            store.put(key, b"")

    def test_columns_can_be_read_in_place(self, store: ObjectStore) -> None:
        buffer = pa.BufferOutputStream()
        pq.write_table(pa.table({"close": [1.0, 2.0], "open": [3.0, 4.0]}), buffer)
        store.put("equities/daily/symbol=A/2012.parquet", buffer.getvalue().to_pybytes())
        filesystem, root = store.filesystem()

        data = pads.dataset(
            [f"{root}equities/daily/symbol=A/2012.parquet"],
            format="parquet",
            filesystem=filesystem,
        )

        assert data.to_table(["close"]).to_pydict() == {"close": [1.0, 2.0]}

    def test_a_store_that_can_be_used_says_so(self, store: ObjectStore) -> None:
        store.check()

        assert list(store.list()) == []

    def test_a_deleted_object_is_gone(self, store: ObjectStore) -> None:
        store.put("a", b"bars")

        store.delete("a")

        assert not store.exists("a")
