"""What sentence-transformers' modules pass on, as tensors: tokens in, states of tokens out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from poolwise.encoders import Encoder
from poolwise.engines import Engine, PooledState, batches, pack, plan
from poolwise.extraction import token_average
from poolwise.readouts import Readout
from poolwise.records import Floats, TokenizedText, Tokens

Features = dict[str, Any]


def features_of(texts: Sequence[TokenizedText], pad: int) -> Features:
    """The windows of ``texts``, padded: int64 tensors [windows, t].

    ``windows`` [n] counts those of each text, where a text has more than one. ``prompt_length`` are
    the leading tokens that no pool reads, where there are any.
    """
    sequences = [window for text in texts for window in text.windows]
    shape = len(sequences), max(map(len, sequences), default=0)
    ids, mask = np.full(shape, pad, np.int64), np.zeros(shape, np.int64)
    special = np.ones(shape, np.int64)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence.ids
        special[row, : len(sequence)] = sequence.special
        mask[row, : len(sequence)] = 1
    arrays = {"input_ids": ids, "attention_mask": mask, "special_tokens_mask": special}
    features: Features = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if len(sequences) > len(texts):
        features["windows"] = torch.tensor([len(text.windows) for text in texts])
    if unread := max((sequence.unread for sequence in sequences), default=0):
        features["prompt_length"] = unread
    return features


def texts_of_features(features: Mapping[str, Any], encoder: Encoder) -> list[TokenizedText]:
    """The texts that ``features_of`` made the tensors of, or whose ids a caller has.

    Without ``special_tokens_mask``, the first and the last tokens are special: as many as the
    tokenizer adds.
    """
    ids = features["input_ids"].cpu().numpy().astype(np.int32)
    mask = features.get("attention_mask", torch.ones(ids.shape)).cpu().numpy().astype(bool)
    marks = features.get("special_tokens_mask")
    frame = encoder.tokenizer.frame
    sequences = []
    for row, real in enumerate(mask):
        tokens = ids[row, real]
        if marks is None:
            special = np.zeros(len(tokens), np.bool_)
            special[: len(frame.before)] = special[len(tokens) - len(frame.after) :] = True
        else:
            special = marks[row].cpu().numpy().astype(np.bool_)[real]
        prompt_length = 0 if encoder.prompts.pooled else int(features.get("prompt_length", 0))
        sequences.append(Tokens(tokens, special, min(prompt_length, len(tokens) - 1)))
    counts = features.get("windows", torch.ones(len(ids), dtype=torch.int64)).tolist()
    ends = np.cumsum([0, *counts])
    groups = [tuple(sequences[a:b]) for a, b in pairwise(ends)]
    return [TokenizedText(group, sum(map(len, group))) for group in groups]


def token_pass(
    encoder: Encoder, engine: Engine, readout: Readout, features: Mapping[str, Any]
) -> tuple[Floats, Floats]:
    """Pooled vectors [n, width], and every token's state [windows, t, d] that the pool reads.

    ``features`` are as ``features_of`` makes them, or ids of a caller's own. The states are those
    of the readout's layers, combined as it says, 0 beyond a window's end.
    """
    texts = texts_of_features(features, encoder)
    layers = (encoder.depth,) if readout.layers is None else readout.layers.resolve(encoder.depth)
    chosen = plan(
        [readout], depth=encoder.depth, has_pooler=encoder.has_pooler, hidden_states=layers
    )
    sequences = [window for text in texts for window in text.windows]
    lengths = np.array([len(sequence) for sequence in sequences], np.int32)
    width = encoder.width
    vectors: dict[PooledState, Floats] = {
        state: np.empty((len(sequences), width), np.float32) for state in chosen.pooled_states
    }
    concatenated = readout.layers is not None and readout.layers.combine == "concat"
    columns = width * len(layers) if concatenated else width
    states = np.zeros((len(sequences), int(lengths.max(initial=0)), columns), np.float32)
    groups = list(batches(lengths, engine.token_budget, mixed_lengths=engine.mixed_lengths))
    for index, outputs in engine.run([pack([sequences[i] for i in g]) for g in groups], chosen):
        for state, pooled in outputs.vectors.items():
            vectors[state][groups[index]] = pooled
        for place, row in enumerate(groups[index].tolist()):
            parts = [outputs.hidden_states[layer][place] for layer in layers]
            states[row, : lengths[row]] = _combined(parts, readout, encoder.depth)
    if len(sequences) > len(texts):
        average = token_average(texts)
        vectors = {state: average(pooled) for state, pooled in vectors.items()}
    return chosen.assemble(vectors)[str(readout)], states


def token_values(outputs: Mapping[str, Any], output_value: str | None) -> list[Any]:
    """What ``encode`` gives of each text: the states of its tokens [t, d'], or all ``outputs``."""
    mask = outputs["attention_mask"]
    if output_value is None:
        tensors = {name: x for name, x in outputs.items() if isinstance(x, torch.Tensor)}
        return [{name: x[row] for name, x in tensors.items()} for row in range(len(mask))]
    lengths = mask.sum(dim=1).tolist()
    return [x[:t] for x, t in zip(outputs["token_embeddings"], lengths, strict=True)]


def _combined(parts: Sequence[Floats], readout: Readout, depth: int) -> Floats:
    """The states [t, d] of several layers as one."""
    if readout.layers is None or (len(parts) == 1 and readout.layers.combine == "single"):
        return parts[0]
    if readout.layers.combine == "concat":
        return np.concatenate(parts, axis=1)
    coefficients = readout.layers.coefficients(depth)
    summed = sum(c * p.astype(np.float64) for c, p in zip(coefficients, parts, strict=True))
    return np.asarray(summed, np.float32)
