"""Which markets are judged, and the record of those that have been.

Each market is a line of a file as soon as it is judged: a study that is killed and started again
with the same folder goes on where it was.
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.planted_truth import oracle, worlds
from benchmarks.planted_truth.judged import POLICY, judged, least_variance, thresholds
from benchmarks.planted_truth.leaks import LEAKS, Planted, planted
from quant.models.trials import TRIAL_WINDOWS
from quant.probes import Finding

Kind = Literal["generated", "resampled", "power"]
LEVELS = (0.0, 0.5, 1.0, 2.0)  # true Sharpe ratios a year, active and net
Record = dict[str, Any]
_PLACES: dict[Kind, int] = {"generated": 1, "resampled": 2, "power": 3}


@dataclass(frozen=True)
class Market:
    """One market to judge."""

    kind: Kind
    number: int
    seed: int
    level: float | None = None  # the true ratio, of a power market
    edge: float = 0.0

    @property
    def key(self) -> str:
        """What tells it from every other market of the study."""
        place = "" if self.level is None else f"@{self.level:g}"
        return f"{self.kind}{place}/{self.number}"


@dataclass(frozen=True)
class Size:
    """How many markets of each kind."""

    nulls: int  # of each half
    power: int  # at each level

    def __str__(self) -> str:
        return f"{2 * self.nulls} null markets, {self.power} at each true ratio"


FULL, REDUCED = Size(nulls=100, power=30), Size(nulls=4, power=3)


def nulls(size: Size, seed: int) -> list[Market]:
    """Markets nobody can do better in than hold."""
    kinds: tuple[Kind, ...] = ("generated", "resampled")
    return [Market(kind, n, _seed(seed, kind, n)) for n in range(size.nulls) for kind in kinds]


def power(size: Size, seed: int) -> list[Market]:
    """Markets with a planted edge; the strongest come first."""
    edges = oracle.strength(np.array(LEVELS))
    return [
        Market("power", n, _seed(seed, "power", n, round(10 * level)), level, float(edge))
        for n in range(size.power)
        for level, edge in zip(LEVELS[::-1], edges[::-1], strict=True)
    ]


def run(markets: Sequence[Market], folder: Path, *, workers: int) -> list[Record]:
    """Judge what has not been judged yet, and return the records of all."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "markets.jsonl"
    told = fingerprint()
    done = {record["key"]: record for record in _kept(file, told)}
    missing = [market for market in markets if done.get(market.key, {}).get("seed") != market.seed]
    with file.open("a", encoding="utf-8") as out:
        for record in _progress(_judged(missing, workers), len(missing)):
            out.write(json.dumps(record | {"study": told}) + "\n")
            out.flush()
            done[record["key"]] = record
    return [done[market.key] for market in markets]


def leaks_planted(folder: Path, *, seed: int, most: int | None) -> list[Planted]:
    """Every leak planted in every manner; those of one leak are kept as soon as they are made."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "leaks.jsonl"
    told = [seed, most]
    done = {line["leak"]: line["planted"] for line in _lines(file) if line["of"] == told}
    with file.open("a", encoding="utf-8") as out:
        for leak in LEAKS:
            if leak not in done:
                done[leak] = [asdict(one) for one in planted(leak, seed, most=most)]
                out.write(json.dumps({"leak": leak, "of": told, "planted": done[leak]}) + "\n")
                out.flush()
    return [_planted(one) for leak in LEAKS for one in done[leak]]


def _planted(told: Record) -> Planted:
    few = told["few"]
    return Planted(
        told["leak"],
        told["manner"],
        Finding(**told["finding"]),
        None if few is None else Finding(**few),
    )


def kept(markets: Sequence[Market], folder: Path) -> list[Record]:
    """Records of those markets that have been judged."""
    done = {record["key"]: record for record in _kept(folder / "markets.jsonl", fingerprint())}
    told = (done.get(market.key, {}) for market in markets)
    return [r for r, market in zip(told, markets, strict=True) if r.get("seed") == market.seed]


def fingerprint() -> str:
    """What every figure depends on: another one of these, and old records do not count."""
    told = [
        worlds.N_SYMBOLS, worlds.N_SESSIONS, worlds.N_TOLD, asdict(POLICY), thresholds(),
        asdict(TRIAL_WINDOWS), least_variance(), "trials traded",
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def record_of(market: Market) -> Record:
    """Judge one market."""
    if market.kind == "resampled":
        world = worlds.resampled(market.seed)
    else:
        world = worlds.generated(market.seed, edge=market.edge)
    found = judged(world, seed=market.seed, settings_too=market.level == max(LEVELS))
    return {"key": market.key, **asdict(market), **asdict(found)}


def _judged(markets: Sequence[Market], workers: int) -> Iterator[Record]:
    if workers == 1:
        yield from map(record_of, markets)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(record_of, markets)


def _kept(file: Path, told: str) -> Iterator[Record]:
    """Records of this study."""
    yield from (record for record in _lines(file) if record["study"] == told)


def _lines(file: Path) -> Iterator[Record]:
    """What the file holds; the last line may be cut off where the writer was killed."""
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):
                yield json.loads(line)


def _progress(records: Iterable[Record], of: int) -> Iterator[Record]:
    began = time.monotonic()
    for done, record in enumerate(records, start=1):
        yield record
        left = (time.monotonic() - began) / done * (of - done)
        bar = "█" * (30 * done // of)
        sys.stderr.write(f"\r{bar:<30} {done}/{of} markets, {left / 60:.0f} min left ")
        sys.stderr.flush()
    if of:
        sys.stderr.write("\n")


def _seed(base: int, kind: Kind, number: int, extra: int = 0) -> int:
    return ((base * 10 + _PLACES[kind]) * 100 + extra) * 10_000 + number
