"""poolwise.embed_corpus: the rows of many inputs into Parquet parts, each row exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from warnings import warn

from poolwise.api.embed import fit_provenance, named_readouts
from poolwise.api.inputs import as_model
from poolwise.encoders.tokenizer.unknown_tokens import UnknownTokens
from poolwise.errors import OptionError, PoolwiseWarning, RowError
from poolwise.inputs import whole_number
from poolwise.jobs import (
    CorpusResult,
    JobOptions,
    JobRequest,
    Shard,
    in_workers,
    make_parts,
    run_job,
    update_job,
)
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.job import MakeParts
from poolwise.jobs.ray_cluster import parse_address
from poolwise.jobs.ray_workers import on_ray
from poolwise.jobs.rejection import BadRows
from poolwise.jobs.request import PART_ROWS
from poolwise.jobs.targets import load_targets, open_target
from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.records import LongTexts, Precision
from poolwise.texts import texts_from
from poolwise.texts.corpus_rows import Corpus, open_corpus
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.python_data import paths_of
from poolwise.transforms import Transform, stateless
from poolwise.transforms.fitted_readout import FittedReadout, prompted

if TYPE_CHECKING:
    from poolwise.transforms.fitted_readout import AnyReadout

SAMPLE = 1000
"""First rows that are looked at before the job begins."""

Dtype = Literal["float32", "float16", "int8", "binary"]


def embed_corpus(
    model: Model | str | Path,
    inputs: str | Path | Sequence[str | Path],
    output: str | Path,
    readouts: AnyReadout | Iterable[AnyReadout] | Mapping[str, AnyReadout] | None = None,
    *,
    column: str | None = None,
    id_column: str | None = None,
    keep: Sequence[str] = (),
    encoding: str = "utf-8",
    max_text_bytes: int = MAX_TEXT_BYTES,
    limit: int | None = None,
    fit: object = None,
    with_text: bool = False,
    long: LongTexts = "truncate",
    escape_special: bool = False,
    prompt: str | None = None,
    prompt_name: str | None = None,
    precision: Precision = "exact",
    dtype: Dtype = "float32",
    part_rows: int = PART_ROWS,
    on_bad_row: BadRows = "null",
    workers: int | None = None,
    ray: bool | str | None = None,
    shard: tuple[int, int] | None = None,
    resume: bool = False,
    update: bool = False,
    to: str | Sequence[str] = (),
    progress: bool = False,
) -> CorpusResult:
    """Embed every row of ``inputs`` into Parquet parts of ``part_rows`` rows in ``output``.

    Each row of the inputs is in exactly one part, whatever ends the job and however often: a part
    appears whole or not at all, and ``resume`` goes on behind those that are there. With the native
    engine the bytes of the parts are the same with any number of workers and interruptions. Memory
    depends neither on the number of rows nor on ``part_rows``. ``output/_SUCCESS`` appears last.

    ``inputs`` are files, folders, globs, URLs and ``hf:NAME``, as ``open_texts`` takes them, but no
    pipes: a job reads them again. They must not change until the job is done. Rows have the columns
    of ``embed``'s Parquet, ``problem``, and ``text_hash``, the first 8 bytes of the text's SHA-256.

    A row without a text (null, empty, another type, not in the encoding, refused by the tokenizer,
    too large for the memory) is counted and listed. By ``on_bad_row`` it is kept with null vectors
    (``null``), left out (``skip``), or ends the job (``fail``). ``dtype`` is the type of the
    vectors' values: ``int8`` and ``binary`` add the step of that name to each readout. ``fit`` are
    texts on which steps are fitted, once; what they learn is kept in the folder.

    ``update`` takes inputs that have changed since: the output becomes what a new job would make,
    and rows whose id and text are as before keep their vectors; the result counts them.

    ``to`` names targets that are brought to the rows of the parts when all are there:
    ``postgresql://…?table=NAME`` (pgvector), ``lance:DIR#TABLE``, ``faiss:FILE``, ``usearch:FILE``.

    ``workers`` processes compute with a core (or a GPU) each; None: this process with all cores.
    With ``ray`` they are those of a Ray cluster (None: a CPU less than it has): its address as
    ``HOST:PORT`` or ``ray://HOST:PORT``, ``"local"`` for one that is started and shut down, or
    ``"auto"`` (True) for that of RAY_ADDRESS or one that runs here, else a local one. All its
    nodes must see ``output``, the inputs and the model at the same paths.
    ``shard=(i, n)`` makes only every n-th part from the i-th on: the jobs of an array share a
    folder. Raises ReadoutError, TextError, OptionError, and StoreError where the output cannot be
    written, holds something else, or holds a job that was begun otherwise.
    """
    targets = {address: open_target(address) for address in ([to] if isinstance(to, str) else to)}
    make = _made_by(ray, workers)
    named, column_names = named_readouts(readouts)
    loaded = as_model(model)
    plain_readouts = named or [loaded.resolve_readout(None)]
    fitted = [_with_dtype(f, dtype) for f in plain_readouts]
    loaded = prompted(loaded, fitted, prompt, prompt_name)
    fit_texts = None if fit is None else texts_from(fit)
    if fit_texts is None:
        for readout in fitted:
            (readout.transform or stateless(readout.readout)).check_fitted()
    else:
        for _ in fit_texts:  # their hash is known at the end
            pass

    def fit_steps() -> dict[str, Transform]:
        return {
            str(f.readout): loaded.fit(fit_texts, f.readout, precision=precision, progress=progress)
            for f in fitted
            if fit_texts is not None and f.transform is None and f.readout.needs_fit
        }

    columns = [
        column_names.get(str(plain.readout), str(typed.readout))
        for plain, typed in zip(plain_readouts, fitted, strict=True)
    ]
    corpus = open_corpus(
        _names(inputs),
        column=column,
        id_column=id_column,
        keep=keep,
        encoding=encoding,
        max_text_bytes=max_text_bytes,
    )
    options = JobOptions(
        part_rows=part_rows,
        limit=limit,
        on_bad_row=on_bad_row,
        with_text=with_text,
        long=long,
        escape_special=escape_special,
        precision=precision,
        dtype="float16" if dtype == "float16" else "float32",
    )
    for note in _notes(loaded, fitted, corpus):
        warn(note, PoolwiseWarning, stacklevel=2)
    request = JobRequest(
        loaded,
        corpus,
        dict(zip(columns, fitted, strict=True)),
        options,
        fit=fit_steps,
        fitted_on=fit_provenance(fit_texts).get("fitted_on", {}),
    )
    folder = Path(output)
    if update and JobFolder(folder).plan.exists():
        if shard is not None:
            raise OptionError("an update is not cut into shards: leave the shard out")
        result = update_job(request, folder, make, progress=progress)
    else:
        parts = None if shard is None else Shard(*shard)
        result = run_job(request, folder, make, resume=resume, shard=parts, progress=progress)
    if not targets or not result.complete:
        return result
    return replace(result, targets=load_targets(JobFolder(folder), targets, progress=progress))


def _made_by(ray: bool | str | None, workers: int | None) -> MakeParts:
    """What makes the parts: this process, its workers, or those of a Ray cluster."""
    if workers is not None:
        whole_number("workers", workers, 1)
    if ray is not None and ray is not False:
        return on_ray(parse_address(ray), workers)
    return make_parts if workers is None else in_workers(workers)


def _notes(model: Model, readouts: Sequence[FittedReadout], corpus: Corpus) -> Iterator[str]:
    """What should be known before hours of work: declared layers that a readout leaves out, and a
    vocabulary that does not know the first texts."""
    yield from filter(None, (model.omission_note(f.readout) for f in readouts))
    unknown = UnknownTokens(model.tokenizer)
    first = [row.text for row in islice(corpus.rows(0), SAMPLE) if not row.problem]
    with suppress(RowError):  # such a row is rejected when it is met
        unknown.add(model.tokenize(first))
    yield from unknown.notes()


def _names(inputs: object) -> list[str]:
    paths = paths_of(inputs)
    if paths is None:
        raise OptionError(
            f"inputs is {inputs!r:.60}, expected names of files, folders or globs: a job reads "
            "them again after an interruption; for texts in memory use poolwise.embed"
        )
    return [str(path) for path in paths]


def _with_dtype(fitted: FittedReadout, dtype: Dtype) -> FittedReadout:
    """The readout with the step that makes its values of this type, if there is one."""
    if dtype in ("float32", "float16"):
        return fitted
    readout = fitted.readout
    if readout.steps and readout.steps[-1].name == dtype:
        return fitted
    if fitted.transform is not None:
        raise OptionError(
            f"{readout} has fitted steps, to which dtype {dtype} cannot add one: choose float32, "
            f"or fit {readout}|{dtype}"
        )
    return FittedReadout.of(parse(f"{readout}|{dtype}"))
