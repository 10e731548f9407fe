"""What sentence-transformers' Transformer module says of an encoder: obeyed, or refused by name."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

import poolwise
from poolwise.encoders.modules.transformer_module import FILES
from poolwise.errors import EncoderError, PoolwiseWarning

TEXTS = ["the cat", "A Dog sat " + "on the old mat and ran " * 4 + "over a red hill"]
BERT = FILES[0]


@pytest.fixture
def folder(tiny, modules, tmp_path):
    made = shutil.copytree(tiny("bert"), tmp_path / "folder")
    modules(made, "mean")
    return made


def edit(path, **changes):
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**before, **changes}))


def theirs(folder):
    loaded = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return loaded.encode(TEXTS, batch_size=1, show_progress_bar=False)


def ours(folder):
    with pytest.warns(PoolwiseWarning, match="cut to"):
        return poolwise.load(folder).embed(TEXTS)


def same(folder):
    expected = theirs(folder)
    return np.abs(ours(folder) - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", FILES)
def test_every_name_of_the_file(folder, name):
    edit(folder / name, max_seq_length=16, do_lower_case=True)
    assert poolwise.load(folder).max_length == 16
    assert same(folder)


def test_the_first_file_that_says_anything_counts(folder):
    edit(folder / BERT)
    edit(folder / FILES[4], max_seq_length=9)
    edit(folder / FILES[5], max_seq_length=16)
    assert poolwise.load(folder).max_length == 9
    assert same(folder)


@pytest.mark.parametrize(
    ("settings", "length"),
    [
        ({"max_seq_length": 32}, 32),
        ({"max_seq_length": None}, 16),
        ({"max_seq_length": 32, "tokenizer_args": {"model_max_length": 12}}, 12),
        ({"max_seq_length": 8, "processor_kwargs": {"model_max_length": 12}}, 12),
        ({"max_seq_length": 8, "processing_kwargs": {"text": {"max_length": 12}}}, 12),
        ({"processing_kwargs": {"text": {"max_length": 9}, "common": {"max_length": 12}}}, 12),
        ({"processing_kwargs": {"text": {"max_length": None}}}, 16),
    ],
)
def test_whose_limit_counts(folder, settings, length):
    edit(folder / "tokenizer_config.json", model_max_length=16)
    edit(folder / BERT, **settings)
    assert poolwise.load(folder).max_length == length
    assert same(folder)


@pytest.mark.parametrize("value", [True, 1, "true", False, 0, ""])
def test_lowering_asks_for_truth_alone(folder, value):
    edit(folder / "tokenizer_config.json", do_lower_case=False, model_max_length=16)
    edit(folder / BERT, do_lower_case=value)
    assert same(folder)


@pytest.mark.parametrize(
    "settings",
    [
        {"config_args": {"num_hidden_layers": 1}},
        {"config_kwargs": {"layer_norm_eps": 0.1, "hidden_dropout_prob": 0.5}},
        {"tokenizer_args": {"truncation_side": "left"}},
        {"tokenizer_args": {"do_lower_case": False, "padding_side": "left"}},
        {"tokenizer_args": {"additional_special_tokens": ["cat"]}},
        {"model_args": {"attn_implementation": "eager", "torch_dtype": "float32"}},
        {"model_args": {"add_pooling_layer": False}, "unpad_inputs": True},
        {"processing_kwargs": {"text": {"padding": "longest", "truncation": "only_first"}}},
        {"transformer_task": "feature-extraction", "module_output_name": "token_embeddings"},
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_arguments(folder, settings):
    edit(folder / BERT, max_seq_length=16, **settings)
    assert same(folder)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"transformer_task": "fill-mask"}, "transformer_task is 'fill-mask'"),
        ({"module_output_name": "sentence_embedding"}, "module_output_name"),
        ({"query_length": 32}, "query_length is 32"),
        ({"tokenizer_name_or_path": "other/name"}, "tokenizer_name_or_path"),
        ({"modality_config": {"text": {"method": "get_text_features"}}}, "modality_config"),
        ({"model_args": {"variant": "fp16"}}, "'variant' is set"),
        ({"config_args": {"model_type": "roberta"}}, "'model_type' is set"),
        ({"config_args": {"num_hidden_layers": 9}}, r"config_kwargs \(num_hidden_layers\) ask for"),
        ({"tokenizer_args": {"vocab_file": "x"}}, "'vocab_file' is set"),
        ({"processing_kwargs": {"text": {"truncation": False}}}, "truncation is False"),
        ({"processing_kwargs": {"text": {"add_special_tokens": False}}}, "'add_special_tokens'"),
        ({"processing_kwargs": {"text": {"pad_to_multiple_of": 8}}}, "'pad_to_multiple_of' is set"),
        ({"processing_kwargs": {"common": {"padding": "max_length"}}}, "padding is 'max_length'"),
        ({"processing_kwargs": {"new": {}}}, "'new' is set"),
        ({"max_seq_len": 32}, "'max_seq_len' is set"),
        ({"max_seq_length": "32"}, "max_seq_length is '32'"),
    ],
)
def test_what_is_refused(folder, settings, said):
    edit(folder / BERT, **settings)
    with pytest.raises(EncoderError, match=said):
        poolwise.load(folder)


def test_half_precision_is_noted(folder):
    edit(folder / BERT, model_args={"torch_dtype": "float16"})
    (note,) = poolwise.load(folder).notes
    assert note == "is to be computed in 'float16'; poolwise computes in float32"
