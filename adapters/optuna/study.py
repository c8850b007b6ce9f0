"""A study in Optuna: several workers may share it, and a killed one costs one trial."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError

from trading.errors import RetryError

Space = Mapping[str, tuple[str, float, float]]
_RETURNS, _GROSS, _FIRST = "daily_returns", "gross_returns", "first_session"
_ERROR = "error"


class StudyUnreachableError(RetryError):
    """The database of the studies gave no answer; trials that had finished are kept."""


@dataclass(frozen=True)
class Scored:
    """A trial's score, to be made small, and what it earned: returns per session.

    ``returns`` are net of costs, ``gross`` the same before them; both begin with the session of
    ordinal ``first_session``.
    """

    score: float
    returns: tuple[float, ...] = ()
    gross: tuple[float, ...] = ()
    first_session: int | None = None


@dataclass(frozen=True)
class Tried:
    """One configuration that was scored, or failed to be for its ``error``, by any worker."""

    number: int
    state: str
    score: float | None
    parameters: dict[str, float]
    returns: tuple[float, ...] = ()
    gross: tuple[float, ...] = ()
    first_session: int | None = None
    error: str = ""


Objective = Callable[[int, dict[str, float]], Scored]


def search(
    space: Space,
    objective: Objective,
    *,
    name: str,
    trials: int,
    seed: int,
    storage: str | None = None,
    ended: Callable[[Tried], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Tried, ...]:
    """Minimise `objective` over `space` until the study holds `trials` finished trials.

    Workers that search the same study by the same storage share its trials; each ends when all
    of them together have finished enough, so that at most one trial per further worker is too
    many. A worker that dies leaves its trial running for ever, which nobody waits for.

    Parameters
    ----------
    space : mapping
        Name to (kind, low, high); kind is "int", "float" or "log".
    objective : callable
        Given the trial's number and its parameters, returns the score and the returns. A
        ``ValueError`` makes the trial a failed one; the study goes on.
    name : str
        Name of the study; an existing one is resumed.
    trials : int
        Finished trials wanted, those of earlier runs and other workers included.
    seed : int
        Fixes the sampler: a worker alone tries the same, whether it was interrupted or not.
    storage : str, optional
        Address of the database, postgresql://…; in memory without it.
    ended : callable, optional
        Called with each trial this worker finished, before it begins another.
    progress : callable, optional
        Called with the trials done and wanted.

    Returns
    -------
    tuple of Tried
        All trials of the study, by number.

    Raises
    ------
    StudyUnreachableError
        If the database does not answer.
    """
    import optuna  # noqa: PLC0415  costs a second

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            study_name=name,
            storage=None if storage is None else _stored(storage),
            load_if_exists=True,
            direction="minimize",
        )
        while (done := _finished(study)) < trials:
            tried = _try(study, space, objective, seed)
            if ended is not None:
                ended(tried)
            if progress is not None:
                progress(min(done + 1, trials), trials)
        return tuple(_tried(trial) for trial in study.get_trials(deepcopy=False))
    except (optuna.exceptions.StorageInternalError, DBAPIError) as e:
        raise StudyUnreachableError(
            f"The study {name} cannot be read or written: {e}. See that PostgreSQL runs "
            "(./desk status), then train again: finished trials are kept."
        ) from e


def _stored(address: str) -> Any:
    """The studies' database, over the driver the desk has."""
    from optuna.storages import RDBStorage  # noqa: PLC0415

    return RDBStorage(
        address.replace("postgresql://", "postgresql+psycopg://", 1),
        engine_kwargs={} if address.startswith("sqlite") else {"pool_size": 1, "max_overflow": 1},
    )


def _finished(study: Any) -> int:
    import optuna  # noqa: PLC0415

    ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL)
    return len(study.get_trials(deepcopy=False, states=ended))


def _try(study: Any, space: Space, objective: Objective, seed: int) -> Tried:
    import optuna  # noqa: PLC0415

    # A sampler that begins anew in each trial: what comes next depends on the trials there are,
    # not on the process that made them, and two workers do not draw the same.
    made = len(study.get_trials(deepcopy=False))
    study.sampler = optuna.samplers.TPESampler(
        seed=seed + made, multivariate=True, constant_liar=True, n_startup_trials=6
    )
    trial = study.ask()
    try:
        scored = objective(trial.number, _suggested(trial, space))
    except ValueError as e:
        trial.set_user_attr(_ERROR, str(e))
        return _tried(study.tell(trial, state=optuna.trial.TrialState.FAIL))
    trial.set_user_attr(_RETURNS, list(scored.returns))
    trial.set_user_attr(_GROSS, list(scored.gross))
    trial.set_user_attr(_FIRST, scored.first_session)
    return _tried(study.tell(trial, scored.score))


def _tried(trial: Any) -> Tried:
    return Tried(
        number=trial.number,
        state=trial.state.name.lower(),
        score=trial.value,
        parameters=dict(trial.params),
        returns=tuple(trial.user_attrs.get(_RETURNS, ())),
        gross=tuple(trial.user_attrs.get(_GROSS, ())),
        first_session=trial.user_attrs.get(_FIRST),
        error=trial.user_attrs.get(_ERROR, ""),
    )


def _suggested(trial: Any, space: Space) -> dict[str, float]:
    drawn: dict[str, float] = {}
    for name, (kind, low, high) in space.items():
        if kind == "int":
            drawn[name] = trial.suggest_int(name, int(low), int(high))
        else:
            drawn[name] = trial.suggest_float(name, low, high, log=kind == "log")
    return drawn
