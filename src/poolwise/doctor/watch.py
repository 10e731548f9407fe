"""Whether a server still makes the vectors that it made once; and if not, what has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poolwise.doctor.diagnose import diagnose_evidence
from poolwise.doctor.difference import (
    DRIFTS,
    LOW_PRECISION,
    Difference,
    ProbeVectors,
    difference,
    probe_vectors,
)
from poolwise.doctor.evidence import Evidence, probes, send
from poolwise.doctor.probe_texts import ProbeKind
from poolwise.doctor.reader import Reader
from poolwise.doctor.source import VectorSource
from poolwise.doctor.timed_source import TimedSource
from poolwise.doctor.watch_result import StatementChange, WatchResult, statement_changes
from poolwise.doctor.watch_state import Findings, WatchState, new_state
from poolwise.model import Model


@dataclass(frozen=True, slots=True)
class Watch:
    """Of the server at ``endpoint`` (its URL as it may be shown), whose state is at ``path``."""

    model: Model
    endpoint: str
    path: Path
    prompts: Sequence[str] = ()
    progress: bool = False

    def run(self, source: VectorSource, state: WatchState | None) -> WatchResult:
        """Ask the server, and compare with ``state``, or write one where it is None.

        Raises EndpointError where the server fails, StoreError where the state cannot be written.
        """
        timed = TimedSource(source)
        kinds = probes(Reader(self.model)) if state is None else state.kinds
        texts = [text for texts in kinds.values() for text in texts]
        evidence = send(timed, texts, plain=len(kinds["plain"]), progress=self.progress)
        vectors = probe_vectors(evidence, self.model.width)
        seconds = timed.median_seconds
        if state is None:
            return self._first(kinds, evidence, vectors, seconds)
        return self._compared(state, evidence, vectors, seconds)

    def _first(
        self,
        kinds: Mapping[ProbeKind, Sequence[str]],
        evidence: Evidence,
        vectors: ProbeVectors,
        seconds: float | None,
    ) -> WatchResult:
        diagnosis = diagnose_evidence(
            self.model, evidence, prompts=self.prompts, progress=self.progress
        )
        state = new_state(self.model, self.endpoint, kinds, vectors, diagnosis)
        state.write(self.path)
        notes = [f"{self.path} holds these vectors now; later runs compare with them."]
        return WatchResult(
            "first run",
            diagnosis.verdict,
            self.model.name,
            self.endpoint,
            self.path,
            state.date,
            len(vectors.texts),
            None,
            _noise(vectors),
            seconds,
            diagnosis.identified,
            diagnosis.agrees,
            diagnosis=diagnosis,
            notes=notes + _unsteady(vectors),
        )

    def _compared(
        self, state: WatchState, evidence: Evidence, vectors: ProbeVectors, seconds: float | None
    ) -> WatchResult:
        apart = difference(state.kinds, state.vectors, vectors)
        noise = _noise(state.vectors)
        news = _news(state.vectors, vectors, apart, noise)
        day = state.date.partition("T")[0]
        notes = _unsteady(state.vectors)
        if state.endpoint != self.endpoint:
            notes.append(f"{self.path} was written of another server, {state.endpoint}.")
        diagnosis, changes, found = None, list[StatementChange](), state.findings
        verdict = (
            f"The vectors of {self.endpoint} are those of {day}: {len(apart.texts)} texts, at most "
            f"{apart.largest:.1g} apart."
        )
        if news:
            diagnosis = diagnose_evidence(
                self.model, evidence, prompts=self.prompts, progress=self.progress
            )
            found = Findings.of(diagnosis)
            changes = statement_changes(state.findings, found)
            verdict = f"The vectors of {self.endpoint} have changed since {day}: {'; '.join(news)}."
            notes.append(
                f"{self.path} stays as it was; delete it to take the vectors of now as right."
            )
        return WatchResult(
            "changed" if news else "unchanged",
            verdict,
            self.model.name,
            self.endpoint,
            self.path,
            state.date,
            len(apart.texts),
            apart.largest,
            noise,
            seconds,
            found.identified,
            found.agrees,
            list(apart.by_kind(noise)),
            changes,
            diagnosis,
            notes,
        )


def _news(before: ProbeVectors, now: ProbeVectors, apart: Difference, noise: float) -> list[str]:
    """What is not as it was, beyond ``noise``; empty where nothing is."""
    news = []
    old_width, width = apart.dimensions
    if old_width != width:
        news.append(f"they have {width:,} dimensions, and had {old_width:,}")
    if before.target.binary != now.target.binary:
        news.append(f"their numbers are {now.target.format}, and were {before.target.format}")
    moved = int((apart.gaps > noise).sum())
    if moved:
        n = len(apart.texts)
        news.append(f"those of {moved} of {n} texts moved, by up to {apart.largest:.2g}")
    more = len(set(now.refused) - set(before.refused))
    fewer = len(set(before.refused) - set(now.refused))
    if more:
        news.append(f"{more} more texts are refused")
    if fewer:
        news.append(f"{fewer} texts are refused no more")
    if now.again > noise:
        news.append(f"a text's vector is another each time, by up to {now.again:.2g}")
    elif now.swapped > before.swapped:
        news.append(f"{now.swapped} vectors of a request are those of other texts")
    elif now.beside > max(noise, DRIFTS * before.beside):
        news.append(f"a text's vector is another beside others, by {now.beside:.2g}")
    return news


def _noise(vectors: ProbeVectors) -> float:
    """The distance from these vectors that means nothing: all that they are apart each time."""
    return max(vectors.noise, DRIFTS * vectors.again)


def _unsteady(vectors: ProbeVectors) -> list[str]:
    if vectors.again <= LOW_PRECISION:
        return []
    return [
        "At the first run a text had another vector each time: changes of up to "
        f"{_noise(vectors):.2g} are not seen."
    ]
