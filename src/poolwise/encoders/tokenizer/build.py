"""The tokenizer.json that transformers would build of a vocabulary and a folder's settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from poolwise.encoders.tokenizer.added_tokens import AddedTokens, Token
from poolwise.encoders.tokenizer.classes import GENERIC_CLASSES, TokenizerClass
from poolwise.encoders.tokenizer.settings import TokenizerSettings
from poolwise.encoders.tokenizer.spec import Spec, model_type
from poolwise.encoders.untrusted_files import abridge, safe_name
from poolwise.errors import EncoderError, listed


@dataclass(frozen=True)
class TokenizerBuild:
    """``stored`` is the checked contents of a tokenizer.json, ``settings`` those beside it.

    Tokens with ids beyond the ``rows`` of the word embeddings are ignored. ``place`` names the
    folder in errors.
    """

    stored: Spec
    settings: TokenizerSettings
    rows: int
    place: str

    def spec(self) -> Spec:
        """The tokenizer.json that transformers would write."""
        tokens = self._tokens
        if self.settings.splits_special:
            tokens = self._without_special(tokens)
        builds = self.settings.builds
        return {**self.stored, **(self._steps(builds) if builds else {}), "added_tokens": tokens}

    @property
    def special(self) -> dict[str, int]:
        """The special tokens and their ids."""
        return {token["content"]: token["id"] for token in self._tokens if token.get("special")}

    @property
    def declared_special_ids(self) -> frozenset[int]:
        """The ids of the tokens that the settings name as special, with a role or without."""
        tokens = (*self.settings.roles.values(), *self.settings.extra)
        return frozenset(self._added.number(token["content"]) for token in tokens)

    @property
    def notes(self) -> tuple[str, ...]:
        """Ignored tokens and assumptions, as sentences."""
        return (*self._ignored_tokens(), *self._assumptions())

    @cached_property
    def _vocab(self) -> Mapping[str, Any]:
        pieces = self.stored["model"].get("vocab")
        if isinstance(pieces, list):
            names = (piece[0] if isinstance(piece, list) and piece else piece for piece in pieces)
            return {str(name): number for number, name in enumerate(names)}
        return pieces if isinstance(pieces, dict) else {}

    @cached_property
    def _added(self) -> AddedTokens:
        settings, size = self.settings, len(self.stored["model"].get("vocab") or ())
        added = AddedTokens(self._vocab, size, self.place)
        stored = {token.get("id"): token for token in self.stored["added_tokens"]}
        if settings.builds is None:
            added.add(stored.values(), stored)
        numbered = {**settings.listed, **(stored if settings.older else {})}
        in_order = sorted(numbered.items(), key=lambda item: int(item[0]))
        added.add((token for _, token in in_order), (number for number, _ in in_order))
        added.add_missing((*settings.roles.values(), *settings.extra))
        return added

    @property
    def _tokens(self) -> list[Token]:
        return [token for token in self._added.tokens if token["id"] < self.rows]

    def _without_special(self, tokens: list[Token]) -> list[Token]:
        """The tokens under ``split_special_tokens``, where no text can spell a special one."""
        for token in tokens:
            content = token["content"]
            if token["special"] and content not in self._vocab:
                raise EncoderError(
                    f"{self.place}: split_special_tokens is set, but {abridge(content)} is not in "
                    "the vocabulary; poolwise cannot do both"
                )
        return [token for token in tokens if not token["special"]]

    def _steps(self, builds: TokenizerClass) -> Spec:
        """The parts of a tokenizer.json that a class builds itself."""
        settings, kind = self.settings, model_type(self.stored["model"])
        if kind != builds.model:
            raise EncoderError(
                f"{self.place}: tokenizer_class {settings.kind} reads a {builds.model} vocabulary, "
                f"but tokenizer.json holds {abridge(kind)}. If tokenizer.json is right, set "
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
        """The first ``Precompiled`` step of the normalizer: SentencePiece's map of characters."""
        node = self.stored["normalizer"]
        steps = node.get("normalizers") if isinstance(node, dict) else None
        for step in steps if isinstance(steps, list) else [node]:
            if isinstance(step, dict) and step.get("type") == "Precompiled":
                return step
        return None

    def _frame(self, builds: TokenizerClass) -> Any:
        if builds.keeps_frame and self.stored.get("post_processor") is not None:
            return self.stored["post_processor"]
        ends = {}
        for key, role in zip(("cls", "sep"), builds.frame, strict=True):
            content = self.settings.roles[role]["content"]
            ends[key] = [content, self._added.number(content)]
            if ends[key][1] >= self.rows:
                raise EncoderError(
                    f"{self.place} lacks the special token {safe_name(content)} ({role})"
                )
        return {"type": "BertProcessing", **ends}

    def _model(self, builds: TokenizerClass) -> Spec:
        model, unk_token = self.stored["model"], self.settings.roles["unk_token"]["content"]
        vocab = model.get("vocab")
        match builds.model:
            case "WordPiece":
                options: Spec = {
                    "unk_token": unk_token,
                    "continuing_subword_prefix": "##",
                    "max_input_chars_per_word": 100,
                }
            case "BPE":
                options = {
                    "dropout": None,
                    "unk_token": None,
                    "continuing_subword_prefix": "",
                    "end_of_word_suffix": "",
                    "fuse_unk": False,
                    "merges": model.get("merges"),
                }
            case _:
                unk_id = builds.unk_id
                if callable(unk_id):
                    pieces = vocab if isinstance(vocab, list) else []
                    unk_id = unk_id(pieces, unk_token, self.settings.options)
                options = {"unk_id": unk_id, "byte_fallback": False}
        return {"type": builds.model, "vocab": vocab, **options}

    def _ignored_tokens(self) -> Iterator[str]:
        builds = self.settings.builds
        defaults = (*builds.extra, *map(str, builds.roles.values())) if builds else ()
        contents = [t["content"] for t in self._added.tokens if t["id"] >= self.rows]
        if beyond := [content for content in contents if content not in defaults]:
            yield (
                f"the tokens {listed(beyond, repr, limit=5)} have no word embedding (there are "
                f"{self.rows:,}) and are read as plain text"
            )

    def _assumptions(self) -> Iterator[str]:
        """Assumptions where the files state nothing, as sentences."""
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
        if builds is None and settings.kind not in GENERIC_CLASSES:
            yield (
                f"tokenizer_class {settings.kind} is none that poolwise knows: tokenizer.json is "
                "read as it is"
            )
