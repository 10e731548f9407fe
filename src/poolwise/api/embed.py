"""poolwise.embed: every text of a source into one file of vectors."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import warn

from poolwise.api.inputs import as_model
from poolwise.encoders.tokenizer.unknown_tokens import UnknownTokens
from poolwise.errors import OptionError, PoolwiseWarning
from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import ROW_FLAGS, LongTexts, Precision
from poolwise.stores import create
from poolwise.texts import Texts, texts_from
from poolwise.transforms.fitted_readout import FittedReadout, prompted

if TYPE_CHECKING:
    from poolwise.transforms.fitted_readout import AnyReadout


@dataclass(frozen=True, slots=True)
class EmbedResult:
    """What was written: ``rows``, the width of each readout, ``columns`` (their readouts by name),
    and how many rows have each flag."""

    output: Path
    rows: int
    readouts: Mapping[str, int]
    columns: Mapping[str, str]
    flags: Mapping[str, int]
    notes: Sequence[str]
    seconds: float
    provenance: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        """How many texts, how fast, and where they are."""
        rate = self.rows / max(self.seconds, 1e-9)
        return (
            f"{self.rows:,} texts embedded in {self.seconds:.1f} s ({rate:,.0f}/s): {self.output}"
        )

    def __str__(self) -> str:
        return self.verdict


def embed(
    model: Model | str | Path,
    texts: object,
    output: str | Path,
    readouts: AnyReadout | Iterable[AnyReadout] | Mapping[str, AnyReadout] | None = None,
    *,
    fit: object = None,
    with_text: bool = False,
    long: LongTexts = "truncate",
    escape_special: bool = False,
    prompt: str | None = None,
    prompt_name: str | None = None,
    precision: Precision = "exact",
    force: bool = False,
    progress: bool = False,
) -> EmbedResult:
    """Embed ``texts`` and write the vectors to ``output`` (.parquet, .npy or .safetensors).

    The file appears whole or not at all; memory does not depend on the number of texts. ``texts``
    and ``fit`` (texts on which steps are fitted) are what ``texts.texts_from`` takes: paths,
    frames, data sets, lists. ``readouts`` are by default what the model declares. Their columns are
    called as they are; a dict, ``{"embedding": "mean@-1"}``, gives names that SQL takes without
    quotes, and the file's metadata say which readout each is. For an array in memory use
    ``Model.embed``.

    Raises ReadoutError, TextError, OptionError, and StoreError where the output exists (unless
    ``force``) or cannot be written.
    """
    source, fit_source = texts_from(texts), None if fit is None else texts_from(fit)
    given, column_names = named_readouts(readouts)
    encoder = as_model(model)
    fitted = given or [encoder.resolve_readout(None)]
    encoder = prompted(encoder, fitted, prompt, prompt_name)
    for note in filter(None, (encoder.omission_note(f.readout) for f in fitted)):
        warn(note, PoolwiseWarning, stacklevel=2)
    options: dict[str, Any] = {"precision": precision, "progress": progress}
    provenance: dict[str, Any] = {**encoder.provenance(precision)}
    counts: Counter[str] = Counter()
    unknown_tokens = UnknownTokens(encoder.tokenizer)
    with create(
        Path(output),
        [_spec(f) for f in fitted],
        metadata=provenance,
        with_text=with_text,
        extra_columns=source.extra_columns,
        column_names=column_names,
        overwrite=force,
    ) as store:
        transforms = {
            _spec(f): encoder.fit(fit_source, f.readout, **options)
            for f in fitted
            if fit_source is not None and f.transform is None and f.readout.needs_fit
        }
        provenance |= fit_provenance(fit_source)
        store.metadata |= provenance
        start = time.monotonic()
        for batch in encoder.extract(
            source,
            fitted,
            transforms=transforms,
            long=long,
            escape_special=escape_special,
            **options,
        ):
            store.write(batch)
            counts.update({"rows": len(batch)} | batch.flag_counts())
            unknown_tokens.add(batch.tokens)
        store.metadata |= {"texts": source.name, "texts_sha256": source.hash}
    return EmbedResult(
        output=Path(output),
        rows=counts["rows"],
        readouts={_spec(f): encoder.width_of(f.readout) for f in fitted},
        columns={column_names.get(name, name): name for name in map(_spec, fitted)},
        flags={flag: counts[flag] for flag in ROW_FLAGS},
        notes=[*source.notes, *unknown_tokens.notes()],
        seconds=time.monotonic() - start,
        provenance=provenance,
    )


def fit_provenance(texts: Texts | None) -> dict[str, Any]:
    """The provenance of fitted steps; empty where no step was fitted on ``texts``."""
    if texts is None or texts.hash is None:
        return {}
    sampled = {"sampled": [asdict(sample) for sample in texts.samples]} if texts.samples else {}
    return {"fitted_on": {"texts": texts.name, "texts_sha256": texts.hash, **sampled}}


def named_readouts(
    readouts: AnyReadout | Iterable[AnyReadout] | Mapping[str, AnyReadout] | None,
) -> tuple[list[FittedReadout], dict[str, str]]:
    """The readouts, and by readout the names of columns that are not called as it is."""
    if not isinstance(readouts, Mapping):
        return [FittedReadout.of(readout) for readout in _several(readouts)], {}
    named = {name: FittedReadout.of(readout) for name, readout in readouts.items()}
    names: dict[str, str] = {}
    for name, fitted in named.items():
        spec = _spec(fitted)
        if names.setdefault(spec, name) != name:
            raise OptionError(
                f"{spec} has two column names, {names[spec]} and {name}: one is enough"
            )
    return list(named.values()), {spec: name for spec, name in names.items() if spec != name}


def _spec(fitted: FittedReadout) -> str:
    return str(fitted.readout)


def _several(readouts: AnyReadout | Iterable[AnyReadout] | None) -> Iterable[AnyReadout]:
    if readouts is None:
        return ()
    return [readouts] if isinstance(readouts, str | Path | Readout | FittedReadout) else readouts
