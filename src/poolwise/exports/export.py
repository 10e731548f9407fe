"""From a model and a readout to a folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from poolwise.encoders.modules import read_modules
from poolwise.errors import EncoderError
from poolwise.exports.card import card
from poolwise.exports.check import (
    check_texts,
    own_vectors,
    sentence_transformers_differ,
    transformers_differ,
)
from poolwise.exports.cutting import cut
from poolwise.exports.encoder_files import write_encoder
from poolwise.exports.evidence import evidence
from poolwise.exports.folder import whole_folder
from poolwise.exports.stack import alone, stacked
from poolwise.exports.stack_files import write_stack
from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import Sentence
from poolwise.transforms import stateless
from poolwise.transforms.chosen import Chosen

Format = Literal["sentence-transformers", "transformers"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: ``blocks`` of ``of`` are left; ``difference`` is the round trip's.

    That is the largest difference from poolwise's own vectors of ``texts`` texts, as a share of
    their largest value, when ``format``'s library loads the folder.
    """

    folder: Path
    format: Format
    readout: Readout
    modules: tuple[str, ...]
    blocks: int
    of: int
    width: int
    difference: float
    texts: int


def export(
    model: Model,
    readout: str | Readout | Chosen,
    folder: str | Path,
    *,
    format: Format = "sentence-transformers",  # noqa: A002 - what the command line calls it
    fit: Iterable[str | Sentence] | None = None,
    check: Sequence[str] = (),
    findings: Path | None = None,
    force: bool = False,
) -> Exported:
    """Write ``readout`` of ``model`` as a folder that others load, after loading it once.

    ``sentence-transformers`` gives its stock modules, ``transformers`` the encoder alone, cut to
    the layer that is read. Steps come fitted in a Chosen, or are fitted on ``fit``. The folder is
    compared with poolwise's own vectors of a few texts and of those in ``check``, and appears
    whole or not at all; ``force`` replaces a model's folder. ``findings`` is a sweep's
    findings.json, whose verdict on this readout goes into the model card.

    Raises ReadoutError for a readout that cannot be expressed, StoreError where the folder cannot
    be written or reads back otherwise, MissingExtraError without sentence-transformers.
    """
    if model.arrangement is not None:
        raise EncoderError(f"{model.name}: no folder can hold tokens in another order")
    chosen = readout if isinstance(readout, Chosen) else Chosen(model.asked(readout))
    chosen.check_model(model.hash)
    asked = chosen.readout
    steps = chosen.transform or (stateless(asked) if fit is None else model.fit(asked, fit))
    steps.check_fitted()
    on = alone(model, asked) if format == "transformers" else stacked(model, asked, steps)
    left = cut(model, on.blocks)
    texts = [*check_texts(model), *check]
    expected = own_vectors(model, texts, asked, steps)
    with whole_folder(Path(folder), replace=force, never=model.folder) as partial:
        source = read_modules(model.folder)
        write_encoder(left, partial, source.encoder, hidden_states=on.mixes)
        if format == "transformers":
            pooled = expected if asked.pool.kind == "pooler" else None
            difference = transformers_differ(partial, model, left, texts, pooled)
        else:
            write_stack(on, left, partial, lower_case=source.lower_case)
            difference = sentence_transformers_differ(partial, texts, expected, asked.steps)
        made = Exported(
            folder=Path(folder),
            format=format,
            readout=asked,
            modules=on.names,
            blocks=on.blocks,
            of=model.depth,
            width=expected.shape[1],
            difference=difference,
            texts=len(texts),
        )
        page = card(made, model, left, evidence(chosen, findings, model.hash))
        (partial / "README.md").write_text(page, encoding="utf-8")
    return made
