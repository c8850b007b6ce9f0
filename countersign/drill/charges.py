"""What a dispatcher is to do to itself: one file each, taken by whoever deletes it."""

import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Charges:
    """Charges laid in a folder, and which of them went off."""

    folder: Path
    laid: dict[str, str] = field(default_factory=dict)  # file name: fault class
    struck: Counter[str] = field(default_factory=Counter)
    _number: int = 0

    def lay(self, name: str, fault: str, told: str = "") -> None:
        """Lay one that goes off when a process comes to the point `name`."""
        self._number += 1
        path = self.folder / f"{name}-{self._number}"
        unfinished = self.folder / f".{path.name}"
        unfinished.write_text(told, encoding="ascii")
        unfinished.rename(path)
        self.laid[path.name] = fault

    def count(self) -> Counter[str]:
        """Return how many of each fault class went off so far."""
        left = {path.name for path in self.folder.iterdir()}
        for name in [name for name in self.laid if name not in left]:
            fault = self.laid.pop(name)
            self.struck[fault] += bool(fault)  # one without a name only accompanies another
        return self.struck

    def clear(self) -> None:
        """Take away what has not gone off."""
        self.count()
        for name in list(self.laid):
            with suppress(FileNotFoundError):
                (self.folder / name).unlink()
        self.laid.clear()


def folder_of(home: Path) -> Path:
    """Return where the charges of a temporary desk lie."""
    return home / "charges"


def take(folder: Path, name: str) -> str | None:
    """Take a charge of that name; None when there is none. Of several takers one gets it."""
    for entry in os.scandir(folder):
        if entry.name.rpartition("-")[0] != name:
            continue
        with suppress(FileNotFoundError):
            told = Path(entry.path).read_text(encoding="ascii")
            Path(entry.path).unlink()
            return told
    return None
