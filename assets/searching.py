"""Search for settings: each configuration is walked forward, traded, and told from all others."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from adapters.optuna.study import Scored, Tried, search
from assets.judging import Market, traded
from quant.backtest import Costs
from quant.models import Dataset, Hyperparameters
from quant.models.crossval import score_of
from quant.models.dataset import candidates, search_space
from quant.models.trials import TRIAL_WINDOWS, WalkedTrials
from quant.signals import Policy
from quant.typing import FloatArray

N_JOBS = 2  # fits at the same time; results do not depend on it


@dataclass(frozen=True)
class Plan:
    """What is asked of a training run."""

    study: str
    trials: int
    seed: int
    device: str
    policy: Policy
    thresholds: Mapping[str, float]
    point_in_time: bool
    real_data: bool  # no simulated row among those it learns from
    storage: str | None = None
    family: str = "xgboost"
    groups: Mapping[str, str] = field(default_factory=dict)  # of features, by name
    least_variance: float = 1.0  # of trials' ratios, in multiples of luck's
    anchored: bool = False  # each training window begins with the first session

    @property
    def subject(self) -> str:
        """What is searched, on whatever day."""
        return self.study.partition("@")[0]


@dataclass(frozen=True)
class Trial:
    """One configuration that was scored, with what trading its walked forecasts earned.

    ``returns`` are active and net of costs, ``gross`` the same before them; both begin with the
    session of ordinal ``first_session``. A trial that did not finish has neither, one that failed
    its ``error``.
    """

    number: int
    state: str
    score: float | None
    configuration: dict[str, float]
    configuration_hash: str
    returns: FloatArray
    gross: FloatArray
    first_session: int | None
    error: str = ""


Keep = Callable[[tuple[Trial, ...]], None]


def searched(
    dataset: Dataset,
    market: Market,
    plan: Plan,
    progress: Callable[[str, int, int], None],
    *,
    keep: Keep | None = None,
) -> tuple[Trial, ...]:
    """Score configurations until the study holds as many as were asked for; return all of it.

    `keep` is given each trial as soon as it ends, and at last all of the study, also those that
    other workers made or left: what was scored counts whatever becomes of the run.
    """
    kept = keep or _let_go
    usual = candidates(plan.family)[0]
    windows = WalkedTrials(
        dataset,
        usual,
        device=plan.device,
        n_jobs=N_JOBS,
        windows=replace(TRIAL_WINDOWS, anchored=plan.anchored),
    )

    def objective(_: int, drawn: dict[str, float]) -> Scored:
        margin = windows.margins(hyperparameters(plan, drawn), seed=plan.seed)
        gained = traded(dataset, market, margin, plan.policy)
        return Scored(
            score_of(dataset, margin).log_loss,
            returns=tuple(gained.net.tolist()),
            gross=tuple(gained.gross.tolist()),
            first_session=gained.first_session,
        )

    tried = search(
        search_space(plan.family, windows.outcomes),
        objective,
        name=_study(plan, dataset),
        trials=plan.trials,
        seed=plan.seed,
        storage=plan.storage,
        ended=lambda one: kept((_trial(one, plan),)),
        progress=lambda done, of: progress("trials", done, of),
    )
    trials = tuple(_trial(one, plan) for one in tried)
    kept(trials)
    return trials


def _let_go(_trials: tuple[Trial, ...]) -> None:
    return


def _study(plan: Plan, dataset: Dataset) -> str:
    """Name of the study: what it holds belongs to its data, windows, policy, costs and seed."""
    asked = _hash({"seed": plan.seed}, plan)[:16]
    return f"{plan.study}/walked/{fingerprint(dataset)}/{asked}"


def _trial(tried: Tried, plan: Plan) -> Trial:
    return Trial(
        number=tried.number,
        state=tried.state,
        score=tried.score,
        configuration=tried.parameters,
        configuration_hash=_hash(tried.parameters, plan),
        returns=np.array(tried.returns, dtype=np.float64),
        gross=np.array(tried.gross, dtype=np.float64),
        first_session=tried.first_session,
        error=tried.error,
    )


def fingerprint(dataset: Dataset) -> str:
    """Hash of what is learnt from: features, labels, weights, their decay, when each row was."""
    told = hashlib.blake2b(digest_size=8)
    for values in (dataset.features, dataset.labels, dataset.weights, dataset.sessions):
        told.update(np.ascontiguousarray(values).data)
    if dataset.time_decay != 1.0:  # a study without one is resumed under the name it always had
        told.update(repr(dataset.time_decay).encode())
    return told.hexdigest()


def configuration_of(plan: Plan, parameters: Mapping[str, object]) -> dict[str, object]:
    """Return parameters with what is judged beside them: windows, policy and costs of trading.

    Trials filed before policy and costs were told stay, under hashes without them: what is tried
    once more under a hash of now counts once more, and from then on no more. Counting too many
    refuses a model; counting too few would promote luck. Nothing is said of windows that roll:
    what was tried before there was a choice is the same configuration.
    """
    windows = {"anchored": True} if plan.anchored else {}
    return {**parameters, **windows, "policy": asdict(plan.policy), "costs": asdict(Costs())}


def configuration_hash(configuration: Mapping[str, object], study: str) -> str:
    """Return what tells two configurations apart: the study's subject and all it was made of."""
    told = json.dumps({"study": study, **configuration}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def walked_configurations(plan: Plan) -> dict[str, dict[str, object]]:
    """What each walk-forward window chooses among, by hash: scored as well, and so they count."""
    told = [configuration_of(plan, asdict(one)) for one in candidates(plan.family)]
    return {configuration_hash(one, plan.subject): one for one in told}


def _hash(parameters: Mapping[str, object], plan: Plan) -> str:
    return configuration_hash(configuration_of(plan, parameters), plan.subject)


def hyperparameters(plan: Plan, drawn: Mapping[str, float]) -> Hyperparameters:
    """Settings of a model by what was drawn for a trial."""
    space = search_space(plan.family)
    whole = {name for name, (kind, _, _) in space.items() if kind == "int"}
    typed = {name: int(value) if name in whole else value for name, value in drawn.items()}
    usual = candidates(plan.family)[0]
    return replace(usual, **typed)  # type: ignore[arg-type]  # names and kinds come from the space
