"""Whether a model may be champion, decided from its verdicts, a signer and waivers alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from quant.gates.verdicts import GATES, GateVerdict, title

Environment = Literal["replay", "paper", "live"]

# Whoever could waive these could promote luck, a leak, hindsight or a simulator.
NEVER_WAIVED = frozenset(
    {
        "deflated_sharpe",
        "overfitting_probability",
        "leakage_probes",
        "universe_point_in_time",
        "real_data",
    }
)
_SHORTEST_REASON = 20


@dataclass(frozen=True)
class Waiver:
    """Two people's word that a gate need not be met until `expires_at` (market time, UTC)."""

    gate: str
    people: tuple[str, ...]
    reason: str
    expires_at: datetime


@dataclass(frozen=True)
class Candidacy:
    """Who asks for which model to be champion.

    Attributes
    ----------
    model_version : str
        Name and number in the registry, as in "sample-daily/3".
    signer : str
        The person who signs for it.
    trainer : str
        The person or process that trained it; empty where nobody knows.
    reason : str
        Why; kept with the version.
    environment : str
        Where it would trade.
    asked_at : datetime
        Market time (aware UTC).
    """

    model_version: str
    signer: str
    trainer: str
    reason: str
    environment: Environment
    asked_at: datetime


@dataclass(frozen=True)
class Decision:
    """What was decided of a candidacy: it stands only without refusals.

    ``refusals`` names every failing figure at once; ``waived`` says which gates were let pass,
    by whom, why and until when; ``waived_until`` is the first of those ends, None without any.
    """

    candidacy: Candidacy
    refusals: tuple[str, ...]
    waived: tuple[str, ...]
    waived_until: datetime | None = None

    @property
    def promoted(self) -> bool:
        """Whether the model may be champion."""
        return not self.refusals


def decide(
    verdicts: Sequence[GateVerdict], candidacy: Candidacy, waivers: Iterable[Waiver] = ()
) -> Decision:
    """Decide a candidacy.

    Parameters
    ----------
    verdicts : sequence of GateVerdict
        What the gates said of the model. A gate that said nothing refuses.
    candidacy : Candidacy
        Who asks for what.
    waivers : iterable of Waiver
        For gates that are not met; one for a gate that is met changes nothing.

    Returns
    -------
    Decision
        With every refusal, not only the first.
    """
    granted = tuple(waivers)
    said = {verdict.name: verdict for verdict in verdicts}
    refusals = list(_refused_signer(candidacy))
    leant_on: list[Waiver] = []
    waived: list[str] = []
    for gate in GATES:
        verdict = said.get(gate)
        if verdict is not None and verdict.passed:
            continue
        failing = f"{title(gate)}: never judged" if verdict is None else verdict.sentence
        told = [_objection(w, candidacy) for w in granted if w.gate == gate]
        if told and None in told:
            waiver = next(w for w in granted if w.gate == gate and not _objection(w, candidacy))
            leant_on.append(waiver)
            waived.append(
                f"{failing}; waived by {' and '.join(sorted(set(waiver.people)))} until "
                f"{waiver.expires_at:%Y-%m-%d %H:%M} UTC: {waiver.reason}"
            )
        else:
            refusals.append("; ".join([failing, *(o for o in told if o is not None)]))
    until = min((waiver.expires_at for waiver in leant_on), default=None)
    return Decision(candidacy, tuple(refusals), tuple(waived), until)


def _refused_signer(candidacy: Candidacy) -> Iterable[str]:
    if not candidacy.signer.strip():
        yield "Nobody has signed for it"
    if not candidacy.trainer.strip():
        yield "Nobody knows who trained it, so nobody can be told apart from its trainer"
    elif candidacy.signer == candidacy.trainer:
        yield f"{candidacy.signer} trained it and cannot sign for it as well"
    if len(candidacy.reason.strip()) < _SHORTEST_REASON:
        yield f"The reason needs at least {_SHORTEST_REASON} characters"


def _objection(waiver: Waiver, candidacy: Candidacy) -> str | None:
    """Why a waiver does not count; None if it does."""
    people = {person for person in waiver.people if person.strip()}
    objections = (
        (waiver.gate in NEVER_WAIVED, "this gate can never be waived"),
        (candidacy.environment == "live", "a waiver holds on paper only"),
        (len(people) < 2, "a waiver needs two different people"),
        (
            candidacy.trainer in people,
            f"{candidacy.trainer} trained the model and cannot waive its gates",
        ),
        (
            len(waiver.reason.strip()) < _SHORTEST_REASON,
            f"a waiver's reason needs at least {_SHORTEST_REASON} characters",
        ),
        (
            waiver.expires_at <= candidacy.asked_at,
            f"its waiver expired on {waiver.expires_at:%Y-%m-%d %H:%M} UTC",
        ),
    )
    return next((sentence for holds, sentence in objections if holds), None)
