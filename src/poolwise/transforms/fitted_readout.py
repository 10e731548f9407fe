"""readout.toml: a readout, its provenance, and the file of its fitted steps."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from warnings import warn

import tomli_w

from poolwise.encoders import Encoder
from poolwise.encoders.untrusted_files import read_text
from poolwise.errors import EncoderError, PoolwiseWarning, ReadoutError, StoreError
from poolwise.files import AtomicFile, atomic_write, os_errors_as, publish_pair
from poolwise.json_values import unicode
from poolwise.readouts import Readout, parse
from poolwise.transforms.transform import Transform

SUFFIX = ".toml"

_USE = "# poolwise embed MODEL TEXTS -o OUT --readout THIS_FILE"

LARGEST = 1 << 18
"""Bytes of a readout.toml."""

MAX_DOTS = 4096
"""In a readout.toml: the time to read a dotted key grows with the square of its dots."""

AnyEncoder = TypeVar("AnyEncoder", bound=Encoder)

AnyReadout: TypeAlias = "str | Path | Readout | FittedReadout"
"""A spec such as ``mean@-1|l2``, a parsed readout, or a readout.toml."""


@dataclass(frozen=True, slots=True)
class FittedReadout:
    """A readout, the fitted ``transform`` of its steps where some learn, and its ``provenance``.

    ``prompt`` stood in front of the texts that it was chosen on, or of the documents where queries
    searched them; ``query_prompt`` in front of the queries. None where that is unknown.
    """

    readout: Readout
    transform: Transform | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    prompt: str | None = None
    query_prompt: str | None = None

    def __str__(self) -> str:
        """The readout's text."""
        return str(self.readout)

    def save(self, path: str | Path) -> None:
        """Write ``path`` and, for fitted steps, a ``.safetensors`` of that name beside it.

        What stood there is replaced; the two are of one readout at every moment. Raises StoreError
        where they cannot be written, ReadoutError if a step was never fitted.
        """
        path = Path(path)
        beside = path.with_suffix(".safetensors")
        document: dict[str, object] = {"readout": str(self.readout)}
        if self.transform is not None:
            document["transform"] = beside.name
        if self.prompt is not None:
            document["prompt"] = self.prompt
        if self.query_prompt is not None:
            document["query_prompt"] = self.query_prompt
        _check(path, document)
        # A path in the provenance may hold what is no character, which is then spelled out.
        document["made"] = {
            unicode(key): unicode(str(fact)) for key, fact in self.provenance.items()
        }
        content = f"{_USE}\n{tomli_w.dumps(document)}".encode()
        if self.transform is not None:
            _write_pair(path, content, beside, self.transform.to_bytes())
            return
        with atomic_write(path) as file:
            file.write(content)
        with os_errors_as(beside):
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | Path) -> FittedReadout:
        """What ``save`` wrote. Raises StoreError for any other file, ReadoutError for a readout
        that cannot be understood."""
        path = Path(path)
        try:
            document = _parsed(read_text(path, LARGEST))
        except EncoderError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise StoreError(f"{path} cannot be read: {reason}") from error
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{path} is not a readout.toml: {str(error)[:200]}") from error
        spec, beside = document.get("readout"), document.get("transform")
        provenance = document.get("made", {})
        prompts = [document.get("prompt"), document.get("query_prompt")]
        if not isinstance(spec, str) or not isinstance(provenance, dict):
            raise StoreError(f'{path} is not a readout.toml; expected a line readout = "mean@-1"')
        for prompt in prompts:
            if not isinstance(prompt, str | None):
                raise StoreError(f"{path}: prompt = {str(prompt)!r:.60}; expected a text")
        readout = parse(spec)
        if beside is None:
            if readout.needs_fit:
                raise StoreError(f"{path} names {spec}, but no file of what its steps have learned")
            return cls(readout, None, provenance, *prompts)
        if not isinstance(beside, str) or Path(beside).name != beside:
            raise StoreError(
                f"{path}: transform = {beside!r:.100}; expected a file's name beside it"
            )
        transform = Transform.load(path.with_name(beside))
        if transform.spec != str(readout):
            raise StoreError(f"{path} names {spec}, but {beside} was fitted for {transform.spec}")
        return cls(readout, transform, provenance, *prompts)

    @classmethod
    def of(cls, readout: AnyReadout) -> FittedReadout:
        """A readout in any of its forms: a spec, a parsed one, or the path of a ``readout.toml``.

        Raises ReadoutError for a spec, StoreError for a file, that cannot be understood.
        """
        if isinstance(readout, FittedReadout):
            return readout
        if isinstance(readout, Readout):
            return cls(readout)
        if isinstance(readout, Path) or (isinstance(readout, str) and readout.endswith(SUFFIX)):
            return cls.load(Path(os.path.expanduser(readout)))  # noqa: PTH111 - pathlib's may fail
        return cls(parse(readout))

    def check_model(self, model_hash: str) -> None:
        """Raise ReadoutError if the steps were fitted on another model's vectors; warn if the
        readout was chosen for another model."""
        chosen_for = self.model_hash
        if chosen_for == model_hash:
            return
        model = self.provenance.get("model", "another model")
        hashes = f"hash {str(chosen_for)[:12]}; this model's hash is {model_hash[:12]}"
        if self.transform is not None:
            raise ReadoutError(f"{self.readout} was fitted on {model}, {hashes}; sweep this one")
        if chosen_for is not None:
            warn(
                f"{self.readout} was chosen for {model}, {hashes}; another readout may suit this "
                "one better: sweep it",
                PoolwiseWarning,
                stacklevel=3,
            )

    @property
    def model_hash(self) -> str | None:
        """The hash of the model that it was chosen for; None where that is unknown."""
        return self.provenance.get("model_hash")


def is_readout(value: object) -> bool:
    """Whether ``value`` is a readout, or a text that the grammar knows."""
    if not isinstance(value, str):
        return isinstance(value, Readout | FittedReadout)
    try:
        parse(value)
    except ReadoutError:
        return False
    return True


def _parsed(content: str) -> dict[str, Any]:
    """Raises ValueError, of which TOML's own error is one, and RecursionError."""
    if content.count(".") > MAX_DOTS:
        raise ValueError(f"it has more than {MAX_DOTS:,} dots")
    return tomllib.loads(content)


def _write_pair(path: Path, content: bytes, beside: Path, states: bytes) -> None:
    with os_errors_as(path), ExitStack() as stack:
        files = []
        for name, data in ((beside, states), (path, content)):
            files.append(AtomicFile(name, overwrite=True))
            stack.callback(files[-1].discard)
            files[-1].file.write(data)
        publish_pair(*files)


def _check(path: Path, document: Mapping[str, object]) -> None:
    """Raise StoreError for text that could not be read back."""
    for key, value in document.items():
        if unicode(str(value)) != value:
            raise StoreError(
                f"{path}: {key} = {value!r:.200} holds half of a surrogate pair, which is no "
                "character and has no place in TOML; choose another"
            )


def prompted(
    encoder: AnyEncoder,
    readouts: Iterable[FittedReadout],
    prompt: str | None = None,
    name: str | None = None,
) -> AnyEncoder:
    """The encoder with ``prompt``, or that of this name, or the one that the readouts were chosen
    with; its prompts ``query`` and ``document`` are theirs, where they were chosen for search.

    A prompt that the caller has set on the encoder stays. Raises ReadoutError where the readouts
    were chosen with different ones, EncoderError for a name that there is not.
    """
    chosen = {(r.prompt, r.query_prompt) for r in readouts if r.prompt is not None}
    queries = {query for _, query in chosen if query is not None}
    if len(chosen) == 1 and queries:
        encoder = encoder.with_kind_prompts(queries.pop(), next(iter(chosen))[0] or "")
    encoder = encoder.prompted(prompt, name)
    if encoder.prompt is not None or not chosen:
        return encoder
    texts = {text for text, _ in chosen if text is not None}
    if len(chosen) > 1 and (len(texts) > 1 or len(queries) > 1):
        names = " and ".join(map(repr, sorted(texts if len(texts) > 1 else queries)))
        raise ReadoutError(f"these readouts were chosen with the prompts {names}: read them apart")
    return encoder.prompted(*texts)
