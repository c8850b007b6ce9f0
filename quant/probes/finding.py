"""What a probe found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What a probe found: `figure` against `limit`, and the sentence a person reads."""

    probe: str
    passed: bool
    figure: float
    limit: float
    sentence: str
