"""A tokenizer as transformers builds it: the vocabulary, and what the folder says beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from poolwise.encoders.tokenizer.added_tokens import Added, Token
from poolwise.encoders.tokenizer.classes import AS_IT_IS, TokenizerClass
from poolwise.encoders.tokenizer.settings import Settings
from poolwise.encoders.tokenizer.spec import Spec, model_type
from poolwise.encoders.untrusted_files import describe, safe_name
from poolwise.errors import EncoderError, some


@dataclass(frozen=True)
class Build:
    """``found`` is the checked contents of a tokenizer.json, ``settings`` what stands beside it.

    Tokens beyond the ``rows`` of the word embeddings are left aside. ``where`` names the folder.
    """

    found: Spec
    settings: Settings
    rows: int
    where: str

    def spec(self) -> Spec:
        """The tokenizer.json that transformers would write."""
        tokens = self._kept
        if self.settings.splits_special:
            tokens = self._without_special(tokens)
        builds = self.settings.builds
        return {**self.found, **(self._steps(builds) if builds else {}), "added_tokens": tokens}

    @property
    def special(self) -> dict[str, int]:
        """The special tokens and their ids."""
        return {token["content"]: token["id"] for token in self._kept if token.get("special")}

    @property
    def named(self) -> frozenset[int]:
        """The ids of the tokens that the folder names as special ones, by role or without."""
        tokens = (*self.settings.roles.values(), *self.settings.extra)
        return frozenset(self._added.number(token["content"]) for token in tokens)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user must know of this."""
        return (*self._aside(), *self._assumptions())

    @cached_property
    def _vocab(self) -> Mapping[str, Any]:
        pieces = self.found["model"].get("vocab")
        if isinstance(pieces, list):
            named = (piece[0] if isinstance(piece, list) and piece else piece for piece in pieces)
            return {str(name): number for number, name in enumerate(named)}
        return pieces if isinstance(pieces, dict) else {}

    @cached_property
    def _added(self) -> Added:
        settings, size = self.settings, len(self.found["model"].get("vocab") or ())
        added = Added(self._vocab, size, self.where)
        stored = {token.get("id"): token for token in self.found["added_tokens"]}
        if settings.builds is None:
            added.add(stored.values(), stored)
        numbered = {**settings.listed, **(stored if settings.older else {})}
        in_order = sorted(numbered.items(), key=lambda item: int(item[0]))
        added.add((token for _, token in in_order), (number for number, _ in in_order))
        added.add_missing((*settings.roles.values(), *settings.extra))
        return added

    @property
    def _kept(self) -> list[Token]:
        return [token for token in self._added.tokens if token["id"] < self.rows]

    def _without_special(self, tokens: list[Token]) -> list[Token]:
        """Under ``split_special_tokens`` no text can spell a special token."""
        for token in tokens:
            content = token["content"]
            if token["special"] and content not in self._vocab:
                raise EncoderError(
                    f"{self.where}: split_special_tokens is set, but {describe(content)} is not in "
                    "the vocabulary; poolwise cannot do both"
                )
        return [token for token in tokens if not token["special"]]

    def _steps(self, builds: TokenizerClass) -> Spec:
        """The steps of a class that builds its own."""
        settings, kind = self.settings, model_type(self.found["model"])
        if kind != builds.model:
            raise EncoderError(
                f"{self.where}: tokenizer_class {settings.kind} reads a {builds.model} vocabulary, "
                f"but tokenizer.json holds {describe(kind)}. If tokenizer.json is right, set "
                'tokenizer_class to "PreTrainedTokenizerFast" in tokenizer_config.json'
            )
        return {
            "normalizer": builds.normalizer(settings.options, self._charsmap),
            "pre_tokenizer": builds.pre_tokenizer(settings.options),
            "post_processor": self._frame(builds),
            "model": self._model(builds),
        }

    @property
    def _charsmap(self) -> Spec | None:
        """The first map of characters in the normalizer, which SentencePiece models have."""
        node = self.found["normalizer"]
        steps = node.get("normalizers") if isinstance(node, dict) else None
        for step in steps if isinstance(steps, list) else [node]:
            if isinstance(step, dict) and step.get("type") == "Precompiled":
                return step
        return None

    def _frame(self, builds: TokenizerClass) -> Any:
        if builds.keeps_frame and self.found.get("post_processor") is not None:
            return self.found["post_processor"]
        ends = {}
        for key, role in zip(("cls", "sep"), builds.frame, strict=True):
            content = self.settings.roles[role]["content"]
            ends[key] = [content, self._added.number(content)]
            if ends[key][1] >= self.rows:
                raise EncoderError(
                    f"{self.where} lacks the special token {safe_name(content)} ({role})"
                )
        return {"type": "BertProcessing", **ends}

    def _model(self, builds: TokenizerClass) -> Spec:
        found, unknown = self.found["model"], self.settings.roles["unk_token"]["content"]
        vocab = found.get("vocab")
        match builds.model:
            case "WordPiece":
                more: Spec = {
                    "unk_token": unknown,
                    "continuing_subword_prefix": "##",
                    "max_input_chars_per_word": 100,
                }
            case "BPE":
                more = {
                    "dropout": None,
                    "unk_token": None,
                    "continuing_subword_prefix": "",
                    "end_of_word_suffix": "",
                    "fuse_unk": False,
                    "merges": found.get("merges"),
                }
            case _:
                number = builds.unknown
                if callable(number):
                    pieces = vocab if isinstance(vocab, list) else []
                    number = number(pieces, unknown, self.settings.options)
                more = {"unk_id": number, "byte_fallback": False}
        return {"type": builds.model, "vocab": vocab, **more}

    def _aside(self) -> Iterator[str]:
        builds = self.settings.builds
        usual = (*builds.extra, *map(str, builds.roles.values())) if builds else ()
        named = [t["content"] for t in self._added.tokens if t["id"] >= self.rows]
        if beyond := [content for content in named if content not in usual]:
            yield (
                f"the tokens {some(beyond, repr, most=5)} have no word embedding (there are "
                f"{self.rows:,}) and are read as plain text"
            )

    def _assumptions(self) -> Iterator[str]:
        """What is assumed where the files say nothing."""
        settings, builds = self.settings, self.settings.builds
        wordpiece = builds is not None and builds.model == "WordPiece"
        if wordpiece and "do_lower_case" not in settings.options:
            yield "no do_lower_case in tokenizer_config.json: lowers texts, as transformers does"
        known = {*self._vocab, *(token["content"] for token in settings.listed.values())}
        for role in builds.frame if builds else ():
            content = settings.roles[role]["content"]
            if content not in known:
                yield (
                    f"{content} ({role}) is not in the vocabulary: it gets the next id, "
                    f"{self._added.number(content)}, as in transformers"
                )
        if builds is None and settings.kind not in AS_IT_IS:
            yield (
                f"tokenizer_class {settings.kind} is none that poolwise knows: tokenizer.json is "
                "read as it is"
            )
