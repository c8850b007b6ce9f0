"""Every process that may send bears one hash of its code and of its settings."""

from pathlib import Path

import pytest

from config.build import build_hash, source_hash


def test_a_home_without_files_of_its_own_has_the_sources_hash(tmp_path: Path) -> None:
    assert build_hash(tmp_path) == source_hash()


@pytest.mark.parametrize("name", ["desk.toml", "universe.toml"])
def test_other_settings_are_another_build_for_what_starts_from_then_on(
    tmp_path: Path, name: str
) -> None:
    """A process keeps the one it began with; a further one, here another home, has its own."""
    homes = [tmp_path / number for number in "abc"]
    for home, told in zip(
        homes, ("restricted = []", "restricted = []", "restricted = ['IBM']"), strict=True
    ):
        home.mkdir()
        (home / name).write_text(told)
    first = build_hash(homes[0])

    assert first != source_hash()
    assert first == build_hash(homes[1])
    assert first != build_hash(homes[2])
    (homes[0] / name).write_text("restricted = ['IBM']")
    assert build_hash(homes[0]) == first


def test_what_the_desk_itself_writes_into_its_home_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "runtime.json").write_text("{}")

    assert build_hash(tmp_path) == source_hash()
