"""What a watch remembers: probe texts, a server's vectors of them, and what was said of those."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from poolwise.doctor.diagnosis import Diagnosis
from poolwise.doctor.difference import ProbeVectors
from poolwise.doctor.drift import Drift
from poolwise.doctor.precision import NumberFormat
from poolwise.doctor.probe_texts import ProbeKind
from poolwise.doctor.statement import Aspect
from poolwise.doctor.target import Target
from poolwise.errors import StoreError
from poolwise.files.atomic import atomic_write
from poolwise.json_values import to_plain
from poolwise.model import Model
from poolwise.provenance import with_date

FORMAT = 1

_FORMAT = "poolwise_doctor_watch"


@dataclass(frozen=True, slots=True)
class Said:
    """What a state keeps of a Statement."""

    value: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What a state keeps of a Diagnosis."""

    identified: bool
    agrees: bool | None
    verdict: str
    statements: Mapping[Aspect, Said]

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> Findings:
        said = {s.aspect: Said(s.value, s.sentence) for s in diagnosis.statements}
        return cls(diagnosis.identified, diagnosis.agrees, diagnosis.verdict, said)


@dataclass(frozen=True, slots=True)
class WatchState:
    """The right vectors of ``endpoint`` (a URL without secrets) since ``date``.

    ``kinds`` are all texts that are sent, the answered ones in the order of ``vectors``.
    """

    model: str
    model_hash: str
    endpoint: str
    date: str
    kinds: Mapping[ProbeKind, Sequence[str]]
    vectors: ProbeVectors
    findings: Findings

    def write(self, path: Path) -> None:
        """Write it where no file is. Raises NameTakenError, StoreError."""
        target, drift = self.vectors.target, self.vectors.drift
        document = {
            _FORMAT: FORMAT,
            "model": self.model,
            "model_hash": self.model_hash,
            "endpoint": self.endpoint,
            "date": self.date,
            "texts": self.kinds,
            "refused": self.vectors.refused,
            "numbers": target.format,
            "dimensions": target.width,
            "vectors": base64.b64encode(target.values.astype("<f4").tobytes()).decode(),
            "drift": drift,
            "diagnosis": self.findings,
        }
        with atomic_write(path, overwrite=False) as file:
            file.write(json.dumps(to_plain(document), ensure_ascii=False, indent=1).encode())


def new_state(
    model: Model,
    endpoint: str,
    kinds: Mapping[ProbeKind, Sequence[str]],
    vectors: ProbeVectors,
    diagnosis: Diagnosis,
) -> WatchState:
    """The state of now."""
    date = str(with_date({})["date"])
    found = Findings.of(diagnosis)
    return WatchState(model.name, model.hash, endpoint, date, kinds, vectors, found)


def read_state(path: Path, model: Model) -> WatchState | None:
    """The state at ``path``, which is of this model; None where no file is.

    Raises StoreError for what is no such state, or is of another model or format.
    """
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise _damaged(path, f"it is no JSON ({error})") from error
    if not isinstance(document, dict) or _FORMAT not in document:
        raise _damaged(path, f"it has no {_FORMAT}")
    if document[_FORMAT] != FORMAT:
        raise StoreError(
            f"{path} has the format {document[_FORMAT]!r:.20}, expected {FORMAT}: another version "
            "of poolwise wrote it; use that version, or another state"
        )
    try:
        state = _state(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, _reason(error)) from error
    if state.model_hash != model.hash:
        raise StoreError(
            f"{path} is of the model {state.model} ({state.model_hash:.12}), and this is "
            f"{model.name} ({model.hash:.12}): give each model a state of its own, or delete this "
            "one if the model was replaced on purpose"
        )
    return state


def _state(document: dict[str, Any]) -> WatchState:
    kinds: dict[ProbeKind, list[str]] = {
        kind: [_text(text) for text in document["texts"][kind]] for kind in get_args(ProbeKind)
    }
    if not kinds["plain"]:
        raise ValueError("no plain text")
    refused = {_text(text): _text(words) for text, words in document["refused"].items()}
    answered = [text for texts in kinds.values() for text in texts if text not in refused]
    width = document["dimensions"]
    values = np.frombuffer(base64.b64decode(document["vectors"], validate=True), "<f4")
    target = Target(
        values.reshape(len(answered), width).astype(np.float64),
        NumberFormat(**document["numbers"]),
    )
    if not np.isfinite(target.values).all():
        raise ValueError("vectors that are not finite")
    drift = document["drift"]
    return WatchState(
        _text(document["model"]),
        _text(document["model_hash"]),
        _text(document["endpoint"]),
        _text(document["date"]),
        kinds,
        ProbeVectors(answered, target, refused, _drift(drift)),
        _findings(document["diagnosis"]),
    )


def _drift(document: dict[str, Any]) -> Drift:
    drift = Drift(**document)
    if not all(math.isfinite(value) for value in (drift.again, drift.beside, drift.swapped)):
        raise ValueError("a drift that is not finite")
    return drift


def _findings(document: dict[str, Any]) -> Findings:
    agrees = document["agrees"]
    return Findings(
        bool(document["identified"]),
        None if agrees is None else bool(agrees),
        _text(document["verdict"]),
        {
            aspect: Said(_text(said["value"]), _text(said["sentence"]))
            for aspect, said in document["statements"].items()
            if aspect in get_args(Aspect)
        },
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} where a text is expected")
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    return f"it holds {error}" if isinstance(error, TypeError) else str(error)


def _damaged(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"{path} is no state of poolwise doctor --watch, or is damaged: {reason}; delete it to "
        "begin anew, or name another file"
    )
