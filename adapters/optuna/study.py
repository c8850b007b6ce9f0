"""A study in Optuna: several workers may share it, and a killed one costs one trial."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Space = Mapping[str, tuple[str, float, float]]
Objective = Callable[[int, dict[str, float]], float]


@dataclass(frozen=True)
class Tried:
    """One configuration that was scored, or failed to be."""

    number: int
    state: str
    score: float | None
    parameters: dict[str, float]


def search(
    space: Space,
    objective: Objective,
    *,
    name: str,
    trials: int,
    seed: int,
    storage: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Tried, ...]:
    """Minimise `objective` over `space` until the study holds `trials` finished trials.

    Parameters
    ----------
    space : mapping
        Name to (kind, low, high); kind is "int", "float" or "log".
    objective : callable
        Given the trial's number and its parameters, returns the score to minimise. A
        ``ValueError`` makes the trial a failed one; the study goes on.
    name : str
        Name of the study; an existing one is resumed.
    trials : int
        Finished trials wanted, those of earlier runs included.
    seed : int
        Fixes the sampler.
    storage : str, optional
        Address of the database; in memory without it.
    progress : callable, optional
        Called with the trials done and wanted.

    Returns
    -------
    tuple of Tried
        All trials of the study, by number.
    """
    import optuna  # noqa: PLC0415  costs a second

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        load_if_exists=True,
        direction="minimize",
        sampler=optuna.samplers.TPESampler(
            seed=seed, multivariate=True, constant_liar=True, n_startup_trials=6
        ),
    )
    finished = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL)

    def score(trial: Any) -> float:
        return objective(trial.number, _suggested(trial, space))

    def report(current: Any, _: Any) -> None:
        if progress is not None:
            progress(len(current.get_trials(deepcopy=False, states=finished)), trials)

    missing = trials - len(study.get_trials(deepcopy=False, states=finished))
    if missing > 0:
        study.optimize(score, n_trials=missing, catch=(ValueError,), callbacks=[report])
    return tuple(
        Tried(
            number=trial.number,
            state=trial.state.name.lower(),
            score=trial.value,
            parameters=dict(trial.params),
        )
        for trial in study.get_trials(deepcopy=False)
    )


def _suggested(trial: Any, space: Space) -> dict[str, float]:
    drawn: dict[str, float] = {}
    for name, (kind, low, high) in space.items():
        if kind == "int":
            drawn[name] = trial.suggest_int(name, int(low), int(high))
        else:
            drawn[name] = trial.suggest_float(name, low, high, log=kind == "log")
    return drawn
