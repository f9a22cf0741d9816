"""What a prediction is compared with: a closed union of records, each of which has only the fields that mean something for it.

Several kinds of noise and several shares come back in these records under the same names:
noise_offset  one more draw for each channel of a clip, so much of it
same_noise    whether all frames of a sample start from the same noise
snr_gamma     min-SNR weight; 0 for none
drop          share of batches without reference and token, for guidance
pure          share of samples that are nothing but noise; times of the others are 1000 sqrt(u)
person        how much more a pixel of the person counts
base          weight of the fetched patches' own error
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from animato.core.errors import InputError
from animato.training.tables import build


@dataclass(frozen=True)
class Noised:
    """What all records have whose samples are noisy."""

    noise_offset: float = 0.05
    same_noise: bool = False


@dataclass(frozen=True)
class Velocity(Noised):
    """a noise - s x0, as published for networks with a ReferenceNet."""

    kind: ClassVar[str] = "velocity"
    snr_gamma: float = 5.0
    drop: float = 0.1


@dataclass(frozen=True)
class SubsetVelocity(Noised):
    """Velocity of a network with four conditions, of which a sample has a subset (training/conditions.py).

    drop        share of samples without reference
    drop_first  share of samples without the first frame
    drop_each   share of samples without the poses, and, by itself, without what CLIP sees
    drop_all    share of samples without any condition
    keep_all    share of the others that have every condition; the shares above are of what then is left
    """

    kind: ClassVar[str] = "velocity"
    snr_gamma: float = 5.0
    drop: float = 0.1
    drop_first: float = 0.5
    drop_each: float = 0.5
    drop_all: float = 0.1
    keep_all: float = 0.1


@dataclass(frozen=True)
class Epsilon(Noised):
    """The noise. taus: thresholds of training with single pictures among clips; [] for samples as they come."""

    kind: ClassVar[str] = "epsilon"
    drop: float = 0.1
    taus: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Clean(Noised):
    """x0 over a copy head's patches."""

    kind: ClassVar[str] = "clean"
    pure: float = 0.4
    person: float = 3.0
    base: float = 0.5


@dataclass(frozen=True)
class BegunClean(Clean):
    """x0 over a copy head's patches, of clips whose first frame is given or not. drop_first: share of samples without it."""

    drop_first: float = 0.5


@dataclass(frozen=True)
class Fetch:
    """A copy head's patches alone, with which a copy head begins. There is no noise in it."""

    kind: ClassVar[str] = "fetch"
    person: float = 3.0
    base: float = 0.5


Objective = Velocity | SubsetVelocity | Epsilon | Clean | BegunClean | Fetch
Record = type[Velocity] | type[SubsetVelocity] | type[Epsilon] | type[Clean] | type[BegunClean] | type[Fetch]
RECORDS: tuple[Record, ...] = (Velocity, SubsetVelocity, Epsilon, Clean, BegunClean, Fetch)  # of one kind: fewer fields first
OVER_COPY = (Clean, BegunClean, Fetch)  # for networks with a copy head, and for no others
SHARES = ("drop", "drop_first", "drop_each", "drop_all", "keep_all", "pure")

ONCE: Mapping[str, Any] = {  # recipes once had one record with the fields of every kind: what they were by default
    "noise_offset": 0.05,
    "snr_gamma": 5.0,
    "drop": 0.1,
    "drop_first": 0.5,
    "drop_each": 0.5,
    "drop_all": 0.1,
    "keep_all": 0.1,
    "pure": 0.4,
    "person": 3.0,
    "base": 0.5,
    "same_noise": False,
    "taus": [],
}


def read_objective(content: Mapping[str, Any], where: str) -> Objective:
    """The record of a recipe's table. Raises InputError, which says which fields the kind has.

    Of the records of one kind it is the first one that has all fields given; `fit_objective` makes it the one a system learns by.
    """
    kind = content.get("kind", Velocity.kind)
    records = [record for record in RECORDS if record.kind == kind]
    if not records:
        raise InputError(f"{where}: kind must be one of {', '.join(kinds(RECORDS))}, not {kind!r}.")
    known = _names(records[-1])
    given = {name: value for name, value in content.items() if name != "kind" and not (name not in known and _idle(name, value))}
    for name in given:
        if name not in known:
            raise InputError(f"{where}: '{name}' means nothing for the kind '{kind}', which has {', '.join(known)}: leave it out.")
    record: Any = next(record for record in records if set(given) <= set(_names(record)))
    return build(record, given, where)


def fit_objective(objective: Objective, records: tuple[Record, ...], system: str) -> Objective:
    """The same as the record that a system learns by. Raises InputError for another kind, or a field that means nothing for the system."""
    record: Any = next((record for record in records if record.kind == objective.kind), None)
    if record is None:
        raise InputError(f"{system} learns by the objective {' or '.join(kinds(records))}, not '{objective.kind}': set objective.kind.")
    values = asdict(objective)
    for name in values.keys() - set(_names(record)):
        if not _idle(name, values[name]):
            raise InputError(
                f"objective.{name} means nothing for {system}, whose '{record.kind}' has {', '.join(_names(record))}: leave it out."
            )
    return record(**{name: value for name, value in values.items() if name in _names(record)})


def kinds(records: tuple[Record, ...]) -> list[str]:
    """Their names, each once."""
    return list(dict.fromkeys(record.kind for record in records))


def check_shares(objective: Objective) -> None:
    """Raises InputError for what is no share of samples."""
    for name, value in asdict(objective).items():
        if name in SHARES and not 0 <= value <= 1:
            raise InputError(f"objective.{name} = {value} is no share of samples: choose a number from 0 to 1.")


def _names(record: Record) -> list[str]:
    return [field.name for field in fields(record)]


def _idle(name: str, value: Any) -> bool:
    """Whether a field of another record says nothing: it is off, or what it was when recipes wrote out the fields of every kind."""
    return name in ONCE and (not value or value == ONCE[name])
