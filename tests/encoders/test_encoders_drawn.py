"""Drawn folders: every setting that sentence-transformers reads, alone and among others.

A draw is data: a family, the files that its tokenizer comes in, and settings from the tables below.
poolwise's vectors are sentence-transformers' own, or poolwise refuses the folder and names the
setting. ``POOLWISE_DRAWS`` says how many draws, ``POOLWISE_DRAW_SEED`` which.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import warnings

import numpy as np
import pytest

import poolwise
from poolwise.errors import EncoderError, PoolwiseWarning

DRAWS = int(os.environ.get("POOLWISE_DRAWS", "150"))
SEED = int(os.environ.get("POOLWISE_DRAW_SEED", "0"))

SPARE = 6
"""Word embeddings beyond the vocabulary, for tokens that settings add."""

TEXTS = [
    "the cat sat on the mat",
    "The CAT; sat!? on-the mat's [NEW] cat[NEW]dog  The",
    "Crème brûlée, naïve Übermut ``one'' 猫が座った ﬁ",
    "typed [SEP] and [MASK], <mask></s> or <pad> [CLS]",
    "one two " + "the cat sat on the old mat and ran over a big red hill " * 5 + "you",
]

# Names of tokens: in some vocabulary or in none.
TOKENS = ["the", "cat", "[NEW]", "<new>", "two", "Cat", "▁dog", "Ġdog", "the cat"]

CONFIG = "tokenizer_config.json"
MODULE = "sentence_bert_config.json"
OTHER_MODULES = [f"sentence_{name}_config.json" for name in ("roberta", "xlm-roberta", "albert")]

READ = "read"
EITHER = "either"
REFUSED = "refused"
"""What may happen to a setting; only the last two may stop a folder from loading."""


def one(*values):
    return lambda rng: rng.choice(values)


def token(rng):
    """A token as a string, or as an object with flags."""
    content = rng.choice(TOKENS)
    if rng.random() < 0.6:
        return content
    flags = {name: rng.random() < 0.3 for name in ("lstrip", "rstrip", "single_word", "normalized")}
    return {"__type": "AddedToken", "content": content, "special": rng.random() < 0.5, **flags}


def content(rng):
    return rng.choice(TOKENS)


def several(rng):
    return rng.sample(TOKENS, rng.choice([0, 1, 1, 2]))


def named(rng):
    return {f"{name}_token": content(rng) for name in rng.sample(["image", "query", "doc"], 2)}


def wrapped(draw, *keys):
    """``draw`` inside objects with these keys."""

    def made(rng):
        value = draw(rng)
        for key in reversed(keys):
            value = {key: value}
        return value

    return made


BOOL = one(True, False)
LENGTH = one(3, 4, 5, 7, 9, 16, 30)

# (file, key, value, what may happen, probability among settings)
SETTINGS = [
    (CONFIG, "do_lower_case", BOOL, READ),
    (CONFIG, "do_lower_case", one(1, "true"), EITHER),
    (CONFIG, "strip_accents", BOOL, READ),
    (CONFIG, "tokenize_chinese_chars", BOOL, READ),
    (CONFIG, "keep_accents", one(True, False, 1, "true"), READ),
    (CONFIG, "split_by_punct", one(True, False, 1, 0), READ),
    (CONFIG, "add_prefix_space", BOOL, READ),
    (CONFIG, "truncation_side", one("left", "right"), READ),
    (CONFIG, "padding_side", one("left", "right"), READ),
    (CONFIG, "model_max_length", one(3, 5, 9, 16, 62, 10**30, 1e30, None), READ),
    (CONFIG, "max_len", LENGTH, READ),
    (CONFIG, "cls_token", token, EITHER),
    (CONFIG, "sep_token", token, EITHER),
    (CONFIG, "bos_token", token, EITHER),
    (CONFIG, "eos_token", token, EITHER),
    (CONFIG, "unk_token", content, EITHER),
    (CONFIG, "mask_token", token, READ),
    (CONFIG, "mask_token", one(None), READ),
    (CONFIG, "image_token", token, READ),
    (CONFIG, "additional_special_tokens", several, READ),
    (CONFIG, "extra_special_tokens", several, READ),
    (CONFIG, "extra_special_tokens", named, READ),
    (CONFIG, "split_special_tokens", BOOL, EITHER),
    (CONFIG, "do_basic_tokenize", BOOL, READ),
    (CONFIG, "clean_up_tokenization_spaces", BOOL, READ),
    (CONFIG, "add_bos_token", BOOL, READ),
    (CONFIG, "tokenizer_class", one("PreTrainedTokenizerFast", "Own"), EITHER),
    ("special_tokens_map.json", "additional_special_tokens", several, READ),
    ("special_tokens_map.json", "extra_special_tokens", several, READ),
    ("special_tokens_map.json", "mask_token", content, READ),
    ("special_tokens_map.json", "sep_token", content, EITHER),
    ("added_tokens.json", "[NEW]", one("next"), EITHER),
    ("tokenizer.json", "truncation", one("Left", "Right"), READ),
    ("tokenizer.json", "padding", one("Left", "Right"), READ),
    ("tokenizer.json", "normalizer", one({"type": "Lowercase"}, {"type": "NFC"}, None), READ),
    ("tokenizer.json", "pre_tokenizer", one({"type": "WhitespaceSplit"}), READ),
    (MODULE, "max_seq_length", one(None, 3, 4, 5, 7, 9, 16, 30), READ),
    (MODULE, "do_lower_case", one(True, False, 1, 0, "true", ""), READ),
    (MODULE, "unpad_inputs", BOOL, READ),
    (MODULE, "tokenizer_args", wrapped(LENGTH, "model_max_length"), READ),
    (MODULE, "processor_kwargs", wrapped(LENGTH, "model_max_length"), READ),
    (MODULE, "tokenizer_args", wrapped(one("left", "right"), "truncation_side"), READ),
    (MODULE, "tokenizer_args", wrapped(BOOL, "do_lower_case"), READ),
    (MODULE, "tokenizer_args", wrapped(several, "additional_special_tokens"), READ),
    (MODULE, "tokenizer_args", wrapped(content, "sep_token"), EITHER),
    (MODULE, "config_args", wrapped(one(1, 2), "num_hidden_layers"), READ),
    (MODULE, "config_kwargs", wrapped(one(1e-3), "layer_norm_eps"), READ),
    (MODULE, "config_args", wrapped(one("relu"), "hidden_act"), READ),
    (MODULE, "model_args", wrapped(one("eager", "sdpa"), "attn_implementation"), READ),
    (MODULE, "model_args", wrapped(one("float32"), "torch_dtype"), READ),
    (MODULE, "processing_kwargs", wrapped(LENGTH, "text", "max_length"), READ),
    (MODULE, "processing_kwargs", wrapped(LENGTH, "common", "max_length"), READ),
    (MODULE, "processing_kwargs", wrapped(BOOL, "text", "split_special_tokens"), EITHER),
    (MODULE, "processing_kwargs", wrapped(one(8), "text", "pad_to_multiple_of"), REFUSED),
    (MODULE, "processing_kwargs", wrapped(one(True, "longest"), "common", "padding"), READ),
    (MODULE, "processing_kwargs", wrapped(one(False), "text", "add_special_tokens"), REFUSED),
    (MODULE, "processing_kwargs", wrapped(one(False), "text", "truncation"), REFUSED),
    (MODULE, "transformer_task", one("feature-extraction"), READ),
    (MODULE, "transformer_task", one("fill-mask"), REFUSED),
    (MODULE, "document_length", LENGTH, REFUSED),
    (MODULE, "new_key", BOOL, REFUSED),
]

POOLINGS = ("cls", "mean", "max", "sqrt", "weighted", "last", "mean+max", "cls+sqrt", "mean+last")
ACTIVATIONS = ("Tanh", "Identity", "ReLU", "GELU", "Sigmoid", "PReLU")
PROMPTS = ("", "the old cat: ", "One", "query [SEP] ")


def stack(rng):
    """Modules on the encoder, as the fixture ``modules`` takes them."""
    pooling = rng.choice(POOLINGS)
    layers = [
        (
            "Dense",
            rng.choice([8, 32, 40]),
            rng.choice(ACTIVATIONS),
            *rng.choice([(), ("no bias",)]),
        ),
        "Normalize",
        "LayerNorm",
        "Dropout",
    ]
    behind = rng.choices(layers, k=rng.choice([0, 0, 1, 2, 3]))
    return [*(["mix"] if rng.random() < 0.1 else []), pooling, *behind]


def prompts(rng):
    """config_sentence_transformers.json, and whether the prompt is pooled."""
    texts = {name: rng.choice(PROMPTS) for name in ("query", "document", "own")}
    default = rng.choice([None, None, "query", "own"])
    return {"prompts": texts, "default_prompt_name": default}, rng.random() < 0.6


def stored(folder, rng):
    """As transformers 5 writes it."""


def without_config(folder, rng):
    (folder / CONFIG).unlink()


def as_it_is(folder, rng):
    edit(folder / CONFIG, tokenizer_class="PreTrainedTokenizerFast")


def listed(folder, rng):
    """As transformers 4 wrote it: added tokens in tokenizer_config.json as well."""
    tokens = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    decoder = {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in tokens}
    for flags in decoder.values():
        flags["normalized"] = rng.random() < 0.3
    edit(folder / CONFIG, added_tokens_decoder=decoder)


def older_files(folder, rng):
    """vocab.txt, or vocab.json and merges.txt."""
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    if model["type"] not in ("WordPiece", "BPE"):
        return
    (folder / "tokenizer.json").unlink()
    if model["type"] == "WordPiece":
        vocab = sorted(model["vocab"], key=model["vocab"].get)
        (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")
        return
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")


LAYOUTS = (stored, stored, without_config, as_it_is, listed, older_files)


def edit(path, **changes):
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**before, **changes}))


def draw(rng, families):
    """One draw as data.

    Family, layout, settings (file, key, value, what may happen), modules, prompts.
    """
    chosen = rng.sample(SETTINGS, rng.choice([0, 1, 1, 2, 2, 3, 4]))
    renamed = rng.choice([MODULE] * 6 + OTHER_MODULES)
    settings = [
        (renamed if file == MODULE else file, key, value(rng), may)
        for file, key, value, may in chosen
    ]
    # Of two values of one key the later is what the file says.
    settings = list({(file, key): (file, key, *more) for file, key, *more in settings}.values())
    family, layout = rng.choice(families), rng.choice(LAYOUTS).__name__
    return family, layout, settings, stack(rng), prompts(rng)


def truncation(direction):
    return {"direction": direction, "max_length": 5, "strategy": "LongestFirst", "stride": 0}


def padding(direction):
    kind = {"strategy": "BatchLongest", "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    return {"direction": direction, "pad_to_multiple_of": None, **kind}


def put(folder, file, key, value):
    if file == "tokenizer.json":
        if not (folder / file).exists():
            return
        value = {"truncation": truncation, "padding": padding}.get(key, lambda v: v)(value)
    if value == "next":
        value = json.loads((folder / "config.json").read_text())["vocab_size"] - SPARE
    before = json.loads((folder / file).read_text()) if (folder / file).exists() else {}
    edit(folder / file, **{key: merged(before.get(key), value)})


def merged(before, value):
    """Two settings inside one object stand beside each other."""
    if not (isinstance(before, dict) and isinstance(value, dict)):
        return value
    return {**before, **{key: merged(before.get(key), value[key]) for key in value}}


def build(source, folder, layout, settings, rng):
    """The drawn folder without its modules; its weights are the family's own file."""
    folder.mkdir()
    for path in source.iterdir():
        if path.suffix == ".safetensors":
            os.link(path, folder / path.name)
        else:
            shutil.copy(path, folder / path.name)
    globals()[layout](folder, rng)
    for file, key, value, _ in settings:
        put(folder, file, key, value)


@pytest.fixture(scope="session")
def roomy(tiny):
    """The folder of a family with spare word embeddings."""

    def make(family):
        spec = json.loads((tiny(family) / "config.json").read_text())
        return tiny(family, vocab_size=spec["vocab_size"] + SPARE)

    return make


def theirs(folder, texts):
    """sentence-transformers' vectors at batch 1; None for a text, or all, on which it fails."""
    from sentence_transformers import SentenceTransformer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        except Exception as error:
            return [error] * len(texts)
        return [encoded(model, text) for text in texts]


def encoded(model, text):
    try:
        return model.encode([text], batch_size=1)[0]
    except Exception as error:
        return error


def ours(folder, texts):
    """poolwise's vectors, or the error with which it refuses the folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoolwiseWarning)
        try:
            return poolwise.load(folder).embed(texts)
        except EncoderError as error:
            return error


def may_stop(layout, settings, error):
    """Whether ``error`` names a setting that poolwise may refuse."""
    allowed = [(key, value) for _, key, value, may in settings if may != READ]
    if layout == "without_config":
        allowed.append(("tokenizer_class", None))
    return any(names(key, value, str(error)) for key, value in allowed)


def names(key, value, message):
    """Whether a refusal names the setting, or one of those inside it."""
    inner = value.items() if isinstance(value, dict) else []
    return key in message or any(names(k, v, message) for k, v in inner)


@pytest.mark.parametrize("number", range(DRAWS))
def test_a_drawn_folder(roomy, families, modules, tmp_path, number):
    rng = random.Random(f"{SEED} {number}")
    family, layout, settings, modules_drawn, (told, pooled) = drawn = draw(rng, families)
    print(f"seed {SEED}, draw {number}: {drawn}")
    folder = tmp_path / "folder"
    build(roomy(family), folder, layout, settings, rng)
    modules(folder, *modules_drawn, include_prompt=pooled)
    edit(folder / "config_sentence_transformers.json", **told)
    expected, found = theirs(folder, TEXTS), ours(folder, TEXTS)
    if isinstance(found, EncoderError):
        assert may_stop(layout, settings, found) or all(isinstance(v, Exception) for v in expected)
        return
    assert all(may != REFUSED for *_, may in settings)
    for text, mine, own in zip(TEXTS, found, expected, strict=True):
        # Where a prompt fills the whole length, all that is read is left out: zeros say nothing.
        if not isinstance(own, Exception) and own.any():
            assert np.abs(mine - own).max() <= 1e-5 * np.abs(own).max(), text
