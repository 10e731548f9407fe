"""``diagnose``: which readout of a model made these vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from poolwise.doctor.cost_request import CostRequest
from poolwise.doctor.diagnosis import Diagnosis
from poolwise.doctor.evidence import N_PLAIN, Evidence, probe, stored_evidence
from poolwise.doctor.identify import Identification, identify
from poolwise.doctor.map_search import Mapping, search_map
from poolwise.doctor.nearness import nearness
from poolwise.doctor.reader import Reader
from poolwise.doctor.recomposed import recomposed
from poolwise.doctor.source import StoredVectors, VectorSource
from poolwise.doctor.statement import Statement
from poolwise.doctor.statements import statements
from poolwise.doctor.verdict import verdict
from poolwise.model import Model


def diagnose_source(
    model: Model,
    source: VectorSource | StoredVectors,
    *,
    prompts: Sequence[str] = (),
    plain: int = N_PLAIN,
    cost: CostRequest | None = None,
    progress: bool = False,
) -> Diagnosis:
    """What made the vectors of ``source``, compared with everything that ``model`` can give.

    ``prompts`` are tried beside the folder's own and those of published models. ``cost`` asks what
    a difference from the folder costs. Raises EndpointError where a server fails, StudyError where
    the data of ``cost`` cannot carry an answer.
    """
    reader = Reader(model)
    if isinstance(source, StoredVectors):
        evidence = stored_evidence(source, reader)
    else:
        evidence = probe(source, reader, plain=plain, progress=progress)
    return diagnose_evidence(model, evidence, prompts=prompts, cost=cost, progress=progress)


def diagnose_evidence(
    model: Model,
    evidence: Evidence,
    *,
    prompts: Sequence[str] = (),
    cost: CostRequest | None = None,
    progress: bool = False,
) -> Diagnosis:
    """As ``diagnose_source``, of vectors that are there. More texts go out only where no readout
    gives them and a map after one is sought."""
    reader = Reader(model)
    found = identify(reader, evidence, prompts)
    mapped = None
    if not found.identified:
        mapped = search_map(reader, evidence, found, progress=progress)
    diagnosis = _diagnosis(reader, evidence, found, mapped)
    if cost is None:
        return diagnosis
    costs, notes = cost.measure(
        reader, evidence, found, mapped, diagnosis.differences, progress=progress
    )
    return replace(diagnosis, costs=costs, notes=[*diagnosis.notes, *notes])


def _diagnosis(
    reader: Reader, evidence: Evidence, found: Identification, mapped: Mapping | None
) -> Diagnosis:
    model = reader.model
    said: list[Statement] = list(statements(reader, evidence, found))
    readout = recomposed(reader, found) if found.identified else None
    if mapped is not None:
        said = [*mapped.statements(), *said]
    identified = found.identified or mapped is not None
    differences = [statement for statement in said if statement.agrees is False]
    agrees: bool | None = not differences
    if not identified:
        agrees = False
    elif model.declared is None and agrees:
        agrees = None
    description = mapped.description if mapped is not None else found.best.name
    return Diagnosis(
        model.name,
        evidence.description,
        identified,
        None if readout is None else str(readout),
        description,
        mapped.map.error if mapped is not None else found.error,
        found.tolerance,
        None if model.declared is None else str(model.declared),
        agrees,
        verdict(model, found, mapped, None if readout is None else str(readout), differences),
        said,
        len(evidence.texts),
        found.target.width,
        list(evidence.notes),
        None if mapped is None else mapped.map,
        nearness(reader, evidence, found, mapped),
        model.provenance(),
    )
