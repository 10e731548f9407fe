"""An encoder: its checked configuration, weights and tokenizer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from poolwise.encoders.arrangement import Arrangement
from poolwise.encoders.config import Config
from poolwise.encoders.families import Family
from poolwise.encoders.modules.dense_stack import DenseStack
from poolwise.encoders.modules.prompts import Prompts, SimilarityName, TextKind
from poolwise.encoders.pickling import dump_fields, expect_hash, load_fields
from poolwise.encoders.tokenizer.frame import Frame
from poolwise.encoders.tokenizer.settings import Side
from poolwise.encoders.tokenizer.split_points import PIECE
from poolwise.encoders.tokenizer.tokenizer import Tokenizer
from poolwise.encoders.windows import cut_ids, fit_to_length, with_unread
from poolwise.errors import RowError
from poolwise.inputs import check_choices, flag, rows, whole_number
from poolwise.readouts import Readout, parse
from poolwise.records import Floats, LongTexts, TokenizedText


@dataclass(frozen=True, eq=False)
class Encoder:
    """Configuration, weights and tokenizer of one encoder.

    ``name`` is a hub id, "demo", or a local folder's last name: outputs carry it. ``tensors`` are
    float32, read-only, named as in the state dict of transformers' ``AutoModel``. ``declared`` is
    the readout that a sentence-transformers folder declares, None where no readout expresses it;
    ``inexpressible`` then names the modules. ``dense_stack`` holds the layers that the step
    ``dense`` applies. ``max_length`` counts tokens, special ones included. ``notes`` name contents
    of the folder that are ignored. ``arrangement`` reorders the tokens of every text (see
    ``rearrange``). ``prompts`` are those that the folder names; ``prompt`` is prepended to every
    text, and None stands for their default (see ``prompted``). ``similarity`` is the measure by
    which the folder's vectors are meant to be compared.
    """

    name: str
    folder: Path
    family: Family
    config: Config
    tokenizer: Tokenizer = field(repr=False)
    tensors: Mapping[str, Floats] = field(repr=False)
    declared: Readout | None
    max_length: int
    notes: tuple[str, ...] = ()
    arrangement: Arrangement | None = None
    dense_stack: DenseStack | None = None
    prompts: Prompts = field(default_factory=Prompts)
    prompt: str | None = None
    similarity: SimilarityName = "cosine"
    inexpressible: str = ""

    def __reduce__(self) -> tuple[Callable[..., Encoder], tuple[Any, ...]]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return _unpickle, (type(self), dump_fields(values), self.hash)

    def __copy__(self) -> Self:
        """Shares everything: an encoder is immutable."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__ | {"_shared": self.shared})
        return copy

    def __deepcopy__(self, memo: object) -> Self:
        return self.__copy__()

    @property
    def depth(self) -> int:
        """Number of blocks; there are ``depth + 1`` hidden states."""
        return self.config.num_hidden_layers

    @property
    def width(self) -> int:
        """Dimensions of a hidden state."""
        return self.config.hidden_size

    def width_of(self, readout: Readout) -> int:
        """Dimensions of ``readout``. Raises ReadoutError where this encoder does not have it."""
        if not isinstance(readout, Readout):
            readout = parse(readout)
        return readout.width(self.width, self.depth, DenseStack.widths_of(self.dense_stack))

    def prompted(self, prompt: str | None = None, name: str | None = None) -> Self:
        """The same encoder with ``prompt``, or the folder's prompt of this name, before every text.

        Without arguments, the encoder itself; ``prompt=""`` is no prompt. The weights are shared.
        Raises EncoderError for a name that the folder does not have.
        """
        if prompt is None and name is None:
            return self
        return self._with(prompt=self.prompts.resolve(prompt, name))

    def prompted_as(
        self, kind: TextKind, prompt: str | None = None, name: str | None = None
    ) -> Self:
        """The same encoder with ``prompt``, or the folder's of this name, before every text that is
        measured as a query, or as a document; without arguments, the encoder itself."""
        if prompt is None and name is None:
            return self
        chosen = {**self.prompts.chosen, kind: self.prompts.resolve(prompt, name)}
        return self._with(prompts=replace(self.prompts, chosen=chosen))

    def with_kind_prompts(self, query: str, document: str) -> Self:
        """The same encoder, whose prompts named ``query`` and ``document`` are these."""
        texts = {**self.prompts.texts, "query": query, "document": document}
        return self._with(prompts=replace(self.prompts, texts=texts))

    def kind_prompt(self, kind: TextKind) -> str:
        """The prompt of queries, or of documents: the one given for them, or for every text, or the
        folder's; empty without one, as in sentence-transformers' ``encode_query``."""
        if kind in self.prompts.chosen:
            return self.prompts.chosen[kind]
        return self.prefix if self.prompt is not None else self.prompts.texts[kind]

    def _with(self, **changes: Any) -> Self:
        other = replace(self, **changes)
        other.__dict__["_shared"] = self.shared
        return other

    def without_weights(self) -> Encoder:
        """The same encoder without its tensors and engines, which still knows its hash: what is
        kept of a model that no longer runs."""
        values = {field.name: getattr(self, field.name) for field in fields(Encoder)}
        other = Encoder(**values | {"tensors": {}})
        other.shared["hash"] = self.hash
        return other

    @property
    def shared(self) -> dict[str, Any]:
        """What is computed once from the encoder whatever its prompt: its hash, its engines.

        Copies with other prompts have the same; a pickle has none of it.
        """
        # A cached_property of Python 3.11 holds a lock meanwhile, which a forked child never gets.
        values: dict[str, Any] = self.__dict__.setdefault("_shared", {})
        return values

    @property
    def prefix(self) -> str:
        """The prompt that is prepended to every text; empty without one."""
        return self.prompts.resolve(self.prompt)

    def omission_note(self, readout: Readout) -> str:
        """A sentence on the declared layers that ``readout`` omits; empty where it omits none.

        A last ``l2`` is not mentioned, since it changes no cosine.
        """
        if self.inexpressible:
            return (
                f"{self.name} declares {self.inexpressible}, which no readout expresses: {readout} "
                "gives other vectors"
            )
        if self.declared is None or not self.declared.has_dense or readout.has_dense:
            return ""
        return (
            f"{self.name} declares {self.declared}; {readout} leaves out dense, the layers that it "
            "was trained with after pooling"
        )

    @property
    def has_pooler(self) -> bool:
        """Whether the checkpoint has the pooler's weights."""
        return bool(self.family.pooler) and f"{self.family.pooler}.weight" in self.tensors

    @property
    def pooler_state(self) -> Literal["absent", "untrained", "trained"]:
        """Whether there is a pooler, and whether it was trained.

        transformers initialises the pooler's bias to exactly zero, and the first training step
        changes it: a pooler with a bias of zeros is untrained, and its weights are random.
        """
        if not self.has_pooler:
            return "absent"
        return "trained" if self.tensors[f"{self.family.pooler}.bias"].any() else "untrained"

    @property
    def word_embeddings(self) -> Floats:
        """The input embedding of every token, float32 [vocabulary, e]."""
        return self.tensors[self.family.words]

    @property
    def special_ids(self) -> Mapping[str, int]:
        """The special tokens and their ids, ``{"[CLS]": 101, …}``."""
        return self.tokenizer.special

    def norm(self, layer: int) -> tuple[Floats, Floats | None] | None:
        """Gain and bias, float32 [width] each, of the LayerNorm whose output is ``layer``.

        ``layer`` is an index of ``hidden_states``, from 0 (embeddings) to ``depth``. None where the
        hidden state is not a LayerNorm's output: after a projection (ALBERT, and ELECTRA with
        narrow embeddings, at 0) and between ModernBERT's blocks. The bias is None where the norm
        has none. Raises OptionError for a layer outside that range.
        """
        module = self._norm_module(layer)
        if not module:
            return None
        return self.tensors[f"{module}.weight"], self.tensors.get(f"{module}.bias")

    def _norm_module(self, layer: int) -> str:
        family = self.family
        layer = whole_number("layer", layer, 0, self.depth)
        if layer == 0:
            return "" if "embeddings_project.weight" in self.tensors else family.embedding_norm
        if layer == self.depth and family.final_norm:
            return family.final_norm
        if layer == 1 and "encoder.conv.LayerNorm.weight" in self.tensors:
            return "encoder.conv.LayerNorm"
        return family.block_norm.format(i=family.group(self.config.values, layer - 1))

    @property
    def hash(self) -> str:
        """SHA-256 over the checked config, every tensor (name, shape, values), the tokenizer, and
        the layers after pooling and the arrangement, if there are."""
        if "hash" not in self.shared:
            self.shared["hash"] = self._digest()
        digest: str = self.shared["hash"]
        return digest

    def _digest(self) -> str:
        from hashlib import sha256  # noqa: PLC0415 - loading an encoder needs none

        config = json.dumps(self.config.for_transformers(), sort_keys=True)
        digest = sha256(f"{config} {self.tokenizer.fingerprint}".encode())
        if self.arrangement is not None:
            digest.update(f" {self.arrangement.name}".encode())
        if self.dense_stack is not None:
            digest.update(f" {self.dense_stack.fingerprint}".encode())
        for name in sorted(self.tensors):
            tensor = self.tensors[name]
            digest.update(f" {name} {tensor.shape} ".encode())
            digest.update(tensor.data)
        return digest.hexdigest()

    def tokenize(
        self,
        texts: str | Iterable[str],
        *,
        long: LongTexts = "truncate",
        escape_special: bool = False,
    ) -> list[TokenizedText]:
        """The tokens of each text after the prompt, as transformers' tokenizer splits them.

        A text beyond ``max_length`` is truncated (``truncate``), refused (``error``), or split into
        windows of ``max_length`` that overlap by a quarter of it (``window``). A special token
        typed in a text is read as one, unless ``escape_special``. Raises TextError, naming the
        text's index in ``texts``, for lone surrogates and, with ``error``, for long texts.
        """
        check_choices(long=long)
        prefix, inputs = self.prefix, list(rows(texts))
        if prefix:
            inputs = [prefix + text if isinstance(text, str) else text for text in inputs]
        escape_special = flag("escape_special", escape_special)
        arrangement = self.arrangement
        room = self.max_length - (arrangement.n_added if arrangement else 0)
        max_ids = None if long == "window" else room + 1
        encoded = self.tokenizer.encode(inputs, escape_special=escape_special, max_ids=max_ids)
        tokenized = [
            fit_to_length(
                ids, self.tokenizer, room, long, index, complete=len(inputs[index]) <= PIECE
            )
            for index, ids in enumerate(encoded)
        ]
        if arrangement:
            return [arrangement(text) for text in tokenized]
        if not self._unread_prompt_tokens:
            return tokenized
        return [with_unread(text, self.unread(len(text.windows[0]))) for text in tokenized]

    def limited(self, max_length: int | None = None, side: Side | None = None) -> Self:
        """The same encoder, which reads at most ``max_length`` tokens of a text and cuts on this
        side; without arguments, the encoder itself. The weights are shared.

        Raises OptionError for a length that leaves no token of the text, or that it cannot read.
        """
        if max_length is None and side in (None, self.tokenizer.truncation_side):
            return self
        length = self.max_length
        if max_length is not None:
            frame = self.tokenizer.frame
            least = len(frame.before) + len(frame.after) + 1
            length = whole_number("max_length", max_length, least, self.max_length)
        side = self.tokenizer.truncation_side if side is None else side
        tokenizer = replace(self.tokenizer, truncation_side=side)
        return self._read_otherwise(max_length=length, tokenizer=tokenizer)

    def unlimited(self) -> Self:
        """The same encoder, which reads as many tokens of a text as it has positions for."""
        return self._read_otherwise(max_length=self.config.positions)

    def without_special_tokens(self) -> Self:
        """The same encoder, which adds no special tokens to a text."""
        return self._read_otherwise(tokenizer=replace(self.tokenizer, frame=Frame((), ())))

    def _read_otherwise(self, **changes: Any) -> Self:
        """Shares weights and engines, but not the hash, which the tokenizer is part of."""
        other = self._with(**changes)
        other.__dict__["_shared"] = {"engines": self.shared.setdefault("engines", {})}
        return other

    def tokens_of_ids(
        self, ids: Sequence[int], *, index: int = 0, long: LongTexts = "truncate"
    ) -> TokenizedText:
        """A text that the caller has tokenized: ``ids`` hold their own special tokens.

        Ids in the places of those that the tokenizer adds count as special. Raises TextError,
        naming ``index``, for no ids, for ids outside the vocabulary, and with ``error`` for more
        than ``max_length``.
        """
        known = len(ids) > 0 and all(0 <= i < self.tokenizer.vocab_size for i in ids)
        if not known:
            reason = f"token ids are from 0 to {self.tokenizer.vocab_size - 1}" if ids else "no ids"
            raise RowError(index, reason)
        return cut_ids(np.array(ids, np.int32), self.tokenizer, self.max_length, long, index)

    def unread(self, n_tokens: int) -> int:
        """The number of leading tokens, of ``n_tokens``, that no pool reads: those of the prompt,
        where the folder leaves it out of pooling. The last token is always read."""
        return min(self._unread_prompt_tokens, n_tokens - 1)

    @cached_property
    def _unread_prompt_tokens(self) -> int:
        """As sentence-transformers counts them: the tokens of the prompt as a text, without the
        special token at the end."""
        if not self.prefix or self.prompts.pooled:
            return 0
        (ids,) = self.tokenizer.encode([self.prefix])
        tokens = fit_to_length(ids, self.tokenizer, self.max_length, "truncate", 0).windows[0].ids
        return len(tokens) - (int(tokens[-1]) in self.tokenizer.declared_special_ids)


def _unpickle(kind: type[Encoder], data: bytes, digest: str) -> Encoder:
    encoder = kind(**load_fields(data))
    expect_hash(encoder.name, encoder.hash, digest, "this pickle")
    return encoder
