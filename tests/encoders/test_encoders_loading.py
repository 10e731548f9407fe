"""What a folder may look like, what is read from it, and how a wrong one is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel

from poolwise.encoders import FAMILIES, Encoder, load
from poolwise.errors import EncoderError


@pytest.fixture
def folder(tiny, tmp_path):
    """A tiny BERT of one's own."""
    return shutil.copytree(tiny("bert"), tmp_path / "folder")


def edit(path, **changes):
    found = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({k: v for k, v in {**found, **changes}.items() if v != "gone"}))


def rewrite(folder, change):
    """Pass the checkpoint's tensors through ``change``."""
    tensors = load_file(folder / "model.safetensors")
    save_file({k: v.contiguous() for k, v in change(tensors).items()}, folder / "model.safetensors")


def same(one: Encoder, other: Encoder) -> bool:
    return one.hash == other.hash


def test_every_tensor_is_transformers_own(family_folder):
    encoder = load(family_folder)
    state = AutoModel.from_pretrained(family_folder).state_dict()
    assert list(encoder.tensors) != []
    assert set(encoder.tensors) == set(state)
    for name, tensor in state.items():
        np.testing.assert_array_equal(encoder.tensors[name], tensor.numpy())


def test_what_an_encoder_knows(family_folder, family):
    encoder = load(str(family_folder))
    assert (encoder.name, encoder.folder) == (family_folder.name, family_folder)
    assert (encoder.depth, encoder.width) == (3, 32)
    offset = 2 if family in ("roberta", "xlm-roberta", "camembert", "mpnet") else 0
    assert encoder.max_length == encoder.config.positions == 64 - offset
    unpooled = ("distilbert", "electra", "deberta-v2", "modernbert", "nomic_bert")
    assert encoder.has_pooler == (family not in unpooled)
    assert encoder.pooler_state == ("trained" if encoder.has_pooler else "absent")
    assert encoder.word_embeddings.shape[0] == encoder.config.vocab_size
    assert encoder.declared is None
    assert encoder.notes == ()
    assert set(encoder.tokenizer.frame.before) <= set(encoder.special_ids.values())


def test_an_encoder_cannot_be_changed(tiny):
    encoder = load(tiny("bert"))
    with pytest.raises(ValueError, match="read-only"):
        encoder.word_embeddings[0, 0] = 1.0
    with pytest.raises(TypeError):
        encoder.tensors["embeddings.word_embeddings.weight"] = None
    with pytest.raises(FrozenInstanceError):
        encoder.max_length = 3


@pytest.mark.parametrize("name", ["bert", "roberta", "xlm-roberta", "mpnet", "albert"])
def test_without_pooler_weights_there_is_no_pooler(tiny, name):
    with_pooler, without = load(tiny(name)), load(tiny(name, pooler=False))
    assert (without.has_pooler, without.pooler_state) == (False, "absent")
    assert len(with_pooler.tensors) == len(without.tensors) + 2
    assert with_pooler.hash != without.hash


def test_half_a_pooler_is_refused(folder):
    rewrite(folder, lambda t: {k: v for k, v in t.items() if k != "pooler.dense.bias"})
    with pytest.raises(EncoderError, match=r"missing: pooler\.dense\.bias"):
        load(folder)


def test_a_fresh_pooler_counts_as_untrained(tmp_path, tiny):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    fresh = AutoModel.from_config(AutoConfig.from_pretrained(folder))
    fresh.save_pretrained(folder)
    assert load(folder).pooler_state == "untrained"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_become_float32(folder, dtype):
    rewrite(folder, lambda t: {k: v.to(dtype) for k, v in t.items()})
    expected = load_file(folder / "model.safetensors")
    for name, tensor in load(folder).tensors.items():
        assert tensor.dtype == np.float32
        np.testing.assert_array_equal(tensor, expected[name].float().numpy())


HEADS = {
    "bert": "BertForPreTraining",
    "roberta": "RobertaForMaskedLM",
    "xlm-roberta": "XLMRobertaForSequenceClassification",
    "camembert": "CamembertForTokenClassification",
    "distilbert": "DistilBertForMaskedLM",
    "electra": "ElectraForPreTraining",
    "mpnet": "MPNetForMaskedLM",
    "albert": "AlbertForPreTraining",
    "deberta-v2": "DebertaV2ForSequenceClassification",
    "modernbert": "ModernBertForMaskedLM",
    "nomic_bert": "NomicBertForSequenceClassification",
}


@pytest.mark.parametrize("name", list(HEADS))
def test_checkpoints_with_a_head(tiny, tmp_path, name):
    import transformers

    folder = shutil.copytree(tiny(name), tmp_path / "folder")
    model = getattr(transformers, HEADS[name]).from_pretrained(folder)
    model.save_pretrained(folder)
    expected = AutoModel.from_pretrained(folder).state_dict()
    tensors = load(folder).tensors
    assert len(tensors) in (len(expected), len(expected) - 2)  # transformers makes up a pooler
    for key, tensor in tensors.items():
        np.testing.assert_array_equal(tensor, expected[key].numpy())


CLASSES = {
    "bert": ["BertModel", "BertForMaskedLM", "TFBertModel", "BertLMHeadModel", "FlaxBertModel"],
    "roberta": ["RobertaForSequenceClassification"],
    "xlm-roberta": ["XLMRobertaModel"],
    "camembert": ["CamembertForMaskedLM"],
    "distilbert": ["DistilBertModel"],
    "electra": ["ElectraForPreTraining"],
    "mpnet": ["MPNetModel"],
    "albert": ["AlbertForMaskedLM"],
    "deberta-v2": ["DebertaV2ForMaskedLM"],
    "modernbert": ["ModernBertForMaskedLM"],
    "nomic_bert": ["NomicBertModel", "NomicBertForMaskedLM"],
}


@pytest.mark.parametrize(("name", "classes"), CLASSES.items())
def test_old_configs_name_only_a_class(tiny, tmp_path, name, classes):
    folder = shutil.copytree(tiny(name), tmp_path / "folder")
    for class_name in classes:
        edit(folder / "config.json", model_type="gone", architectures=[class_name])
        encoder = load(folder)
        assert encoder.hash == load(tiny(name)).hash
        assert encoder.notes == (
            f"config.json has no model_type: read as {encoder.family.name}, by its architectures",
        )


def test_transformers_has_a_class_of_every_such_name():
    import transformers

    for family in FAMILIES.values():
        model = getattr(transformers, f"{family.classes}Model")
        assert model.config_class.model_type == family.model_type


def test_old_names_and_constants(folder):
    def aged(tensors):
        old = {
            f"bert.{k.replace('LayerNorm.weight', 'LayerNorm.gamma')}".replace(
                "LayerNorm.bias", "LayerNorm.beta"
            ): v
            for k, v in tensors.items()
        }
        return {**old, "bert.embeddings.position_ids": torch.arange(64)[None]}

    before = load(folder)
    rewrite(folder, aged)
    assert same(load(folder), before)


def test_shards(folder):
    before = load(folder)
    model = AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="30KB")
    assert len(list(folder.glob("*.safetensors"))) > 2
    assert same(load(folder), before)


def test_symbolic_links_as_in_the_hub_cache(folder, tmp_path):
    before = load(folder)
    linked = tmp_path / "snapshot"
    linked.mkdir()
    for path in folder.iterdir():
        (linked / path.name).symlink_to(path)
    assert same(load(linked), before)


def test_the_hash_sees_what_matters(folder):
    first = load(folder).hash
    assert load(folder, max_length=9).hash == first
    edit(folder / "config.json", transformers_version="0", hidden_dropout_prob=0.3, use_cache=False)
    assert load(folder).hash == first
    edit(folder / "config.json", layer_norm_eps=1e-6)
    second = load(folder).hash
    edit(folder / "tokenizer_config.json", do_lower_case=False)
    third = load(folder).hash
    rewrite(folder, lambda t: {k: v + (k == "pooler.dense.bias") for k, v in t.items()})
    assert len({first, second, third, load(folder).hash}) == 4


# What sentence-transformers folders declare

NORMALIZE = "sentence_transformers.models.Normalize"
POOLING = "sentence_transformers.models.Pooling"
LSTM = "sentence_transformers.models.LSTM"


def declare(folder, *types, **pooling):
    types = ("sentence_transformers.models.Transformer", *types)
    paths = ["", "1_Pooling", "2_Other", "3_Other"]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": kind}
        for i, (kind, path) in enumerate(zip(types, paths, strict=False))
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return load(folder)


@pytest.mark.parametrize(
    ("flag", "mode", "spec"),
    [
        ("pooling_mode_cls_token", "cls", "cls@-1"),
        ("pooling_mode_mean_tokens", "mean", "mean@-1"),
        ("pooling_mode_max_tokens", "max", "max@-1"),
        ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", "sqrtmean@-1"),
        ("pooling_mode_weightedmean_tokens", "weightedmean", "wmean@-1"),
        ("pooling_mode_lasttoken", "lasttoken", "sep@-1"),
    ],
)
def test_declared_poolings(folder, flag, mode, spec):
    others = dict.fromkeys(["pooling_mode_cls_token", "pooling_mode_mean_tokens"], False)
    assert str(declare(folder, POOLING, **{**others, flag: True}).declared) == spec
    assert str(declare(folder, POOLING, NORMALIZE, pooling_mode=mode).declared) == f"{spec}|l2"
    new = "sentence_transformers.sentence_transformer.modules.pooling.Pooling"
    assert str(declare(folder, new, pooling_mode=[mode]).declared) == spec


@pytest.mark.parametrize(
    ("types", "pooling", "said"),
    [
        ((POOLING, "my.module.Dense"), {"pooling_mode": "mean"}, "custom module"),
        (("evil.Pooling",), {"pooling_mode": "mean"}, "custom module"),
        ((), {}, "declares Transformer,"),
        ((POOLING,), {"pooling_mode": ["mean", "mean"]}, "mean [+] mean"),
        ((POOLING,), {"pooling_mode": []}, "the pooling of nothing"),
        ((POOLING, LSTM), {"pooling_mode": "mean"}, "Pooling → LSTM"),
        ((POOLING,), {"pooling_mode": "new"}, "pooling new"),
    ],
)
def test_what_no_readout_expresses_is_noted(folder, types, pooling, said):
    encoder = declare(folder, *types, **pooling)
    assert encoder.declared is None
    (note,) = encoder.notes
    assert said.replace("[+]", "+") in note


def test_the_demo_declares_its_mean(demo):
    assert str(demo.declared) == "mean@-1|l2"
    assert (demo.max_length, demo.pooler_state, demo.notes) == (256, "untrained", ())


def test_several_poolings_stand_side_by_side(folder):
    flags = {"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": True}
    assert str(declare(folder, POOLING, **flags).declared) == "max+mean@-1"
    assert str(declare(folder, POOLING, pooling_mode=["mean", "max"]).declared) == "meanmax@-1"
    several = ["lasttoken", "cls", "weightedmean"]
    assert str(declare(folder, POOLING, pooling_mode=several).declared) == "sep+cls+wmean@-1"


def test_an_encoder_in_a_subfolder(folder, tmp_path):
    outer = tmp_path / "outer"
    shutil.copytree(folder, outer / "0_Transformer")
    (outer / "0_Transformer" / "sentence_bert_config.json").write_text('{"max_seq_length": 20}')
    kinds = {"0_Transformer": "Transformer", "1_Pooling": "Pooling"}
    modules = [
        {"path": path, "type": f"sentence_transformers.models.{kind}"}
        for path, kind in kinds.items()
    ]
    (outer / "modules.json").write_text(json.dumps(modules))
    (outer / "1_Pooling").mkdir()
    (outer / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    encoder = load(outer)
    assert (encoder.folder, encoder.max_length, str(encoder.declared)) == (outer, 20, "cls@-1")
    assert same(encoder, load(folder))


def test_config_args_may_leave_out_blocks(folder):
    declare(folder, POOLING, pooling_mode="mean")
    edit(folder / "sentence_bert_config.json", config_args={"num_hidden_layers": 1})
    encoder = load(folder)
    assert encoder.depth == 1
    assert set(encoder.tensors) == set(encoder.family.shapes(encoder.config.values, pooler=True))


# Lengths


def test_the_smallest_stated_length_counts(folder):
    edit(folder / "tokenizer_config.json", model_max_length=10**30)
    assert load(folder).max_length == 64
    edit(folder / "tokenizer_config.json", model_max_length=50)
    assert load(folder).max_length == 50
    edit(folder / "sentence_bert_config.json", max_seq_length=40)
    assert load(folder).max_length == 40
    edit(folder / "sentence_bert_config.json", max_seq_length=None)
    assert load(folder).max_length == 50
    assert load(folder, max_length=64).max_length == 64


@pytest.mark.parametrize("length", [65, 2, 0, -1, 3.5, "12", True])
def test_lengths_that_cannot_be(folder, length):
    with pytest.raises(EncoderError, match="3 to 64"):
        load(folder, max_length=length)


def test_roberta_cannot_use_all_its_positions(tiny):
    with pytest.raises(EncoderError, match="3 to 62 tokens"):
        load(tiny("roberta"), max_length=63)


# Folders that are wrong


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("config.json", "not an encoder's folder, it has no config.json"),
        ("model.safetensors", "has no model.safetensors.*poolwise convert"),
        ("tokenizer.json", "has no tokenizer; expected tokenizer.json or vocab.txt"),
    ],
)
def test_missing_files(folder, name, said):
    (folder / name).unlink()
    with pytest.raises(EncoderError, match=said):
        load(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model.bin.index.json"])
def test_only_a_pickle(folder, name):
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(
        EncoderError, match=rf"only {name}, a pickle.* poolwise convert {folder} OUT"
    ):
        load(folder)


@pytest.mark.parametrize("name", ["sentencepiece.bpe.model", "spiece.model", "spm.model"])
def test_only_sentencepiece(folder, name):
    (folder / "tokenizer.json").rename(folder / name)
    with pytest.raises(EncoderError, match=r"only a SentencePiece model.*save_pretrained.*convert"):
        load(folder)


def test_a_folder_that_may_not_be_read(folder, monkeypatch):
    def deny(*_):
        raise PermissionError(13, "Permission denied", "config.json")

    monkeypatch.setattr("poolwise.encoders.loading.read_config", deny)
    with pytest.raises(EncoderError, match=r"cannot be read: .*Permission denied"):
        load(folder)


CONFIGS = [
    ({"model_type": "gpt2"}, "model_type is 'gpt2', expected one of bert, roberta"),
    ({"model_type": "gone", "architectures": "gone"}, "model_type is None, expected one of bert"),
    ({"model_type": "gone", "architectures": ["JinaBertModel"]}, "model_type is None"),
    ({"model_type": "gone", "architectures": ["BertGenerationEncoder"]}, "model_type is None"),
    ({"model_type": "gone", "architectures": ["BertModel", "RobertaModel"]}, "model_type is None"),
    ({"model_type": "gone", "architectures": "BertModel"}, "model_type is None"),
    ({"hidden_size": "32"}, "hidden_size is '32', expected a whole number from 1"),
    ({"hidden_size": 32.0}, "hidden_size is 32.0, expected a whole number"),
    ({"hidden_size": True}, "hidden_size is True, expected a whole number"),
    ({"hidden_size": 10**9}, "hidden_size is 1000000000, expected a whole number"),
    ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
    ({"num_hidden_layers": 10**6}, "num_hidden_layers is 1000000"),
    ({"num_attention_heads": 5}, "hidden_size 32 is not a multiple of num_attention_heads 5"),
    ({"layer_norm_eps": 0}, "layer_norm_eps is 0, expected a number above 0"),
    ({"hidden_act": "my_act"}, "hidden_act is 'my_act', expected one of gelu"),
    ({"hidden_act": ["gelu"]}, "hidden_act is a list, expected one of gelu"),
    ({"pad_token_id": 10_000}, "pad_token_id 10000 is outside the vocabulary"),
    ({"pad_token_id": -1}, "pad_token_id is -1, expected a whole number"),
    ({"is_decoder": True}, "is_decoder is set; poolwise reads encoders only"),
    ({"add_cross_attention": True}, "add_cross_attention is set"),
    ({"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
    ({"hidden_size": 16}, r"has shape \(\d+, 32\), but config.json asks for \(\d+, 16\)"),
    ({"intermediate_size": 65}, r"intermediate.dense.weight has shape \(64, 32\).*\(65, 32\)"),
    ({"vocab_size": 500}, r"word_embeddings.weight has shape \(\d+, 32\).*\(500, 32\)"),
    (
        {"num_hidden_layers": 4},
        r"missing: encoder.layer.3.attention.self.query.weight.* and 8 more",
    ),
    ({"num_hidden_layers": 2}, r"unknown tensors: encoder.layer.2.attention"),
    ({"model_type": "mpnet"}, "not a complete MPNet encoder as config.json describes it; missing:"),
    ({"model_type": "distilbert"}, "not a complete DistilBERT encoder"),
]


@pytest.mark.parametrize(("changes", "said"), CONFIGS)
def test_configs_that_do_not_fit(folder, changes, said):
    edit(folder / "config.json", **changes)
    with pytest.raises(EncoderError, match=said):
        load(folder)


FAMILY_CONFIGS = [
    ("roberta", {"pad_token_id": None}, "pad_token_id is null, but RoBERTa counts"),
    ("roberta", {"pad_token_id": 63}, "leaves no position to use"),
    ("albert", {"inner_group_num": 2}, "inner_group_num is 2"),
    ("albert", {"num_hidden_groups": 4}, "num_hidden_groups 4 exceeds"),
    ("mpnet", {"relative_attention_num_buckets": 16}, "relative_attention_num_buckets is 16"),
    ("deberta-v2", {"conv_kernel_size": 4}, "conv_kernel_size 4 is even"),
    ("deberta-v2", {"conv_groups": 3}, "not a multiple of conv_groups 3"),
    ("deberta-v2", {"position_buckets": 1}, "position_buckets 1 do not fit"),
    ("deberta-v2", {"position_buckets": 1000}, "position_buckets 1000 do not fit"),
    ("deberta-v2", {"pos_att_type": ["p2p"]}, "pos_att_type is a list, expected a list of"),
    ("deberta-v2", {"norm_rel_ebd": "batch"}, "norm_rel_ebd is 'batch'"),
    ("modernbert", {"layer_types": ["full_attention"]}, "1 layer_types for 3 blocks"),
    ("modernbert", {"layer_types": ["moe"] * 3}, "layer_types is a list, expected a list of"),
    ("modernbert", {"rope_scaling": {"type": "yarn"}}, "rope_scaling is not supported"),
    ("modernbert", {"num_attention_heads": 32}, "a head has 1 dimensions"),
    (
        "modernbert",
        {"rope_parameters": {"full_attention": {"rope_type": "yarn"}}},
        "rope_type is 'yarn'",
    ),
    (
        "modernbert",
        {"rope_parameters": {"full_attention": {"rope_theta": 0}}},
        "full_attention rope_theta is 0",
    ),
    (
        "modernbert",
        {"layer_types": None, "global_attn_every_n_layers": 0},
        "global_attn_every_n_layers is 0",
    ),
]


@pytest.mark.parametrize(("name", "changes", "said"), FAMILY_CONFIGS)
def test_configs_of_other_families(tiny, tmp_path, name, changes, said):
    folder = shutil.copytree(tiny(name), tmp_path / "folder")
    edit(folder / "config.json", **changes)
    with pytest.raises(EncoderError, match=said):
        load(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite(folder, value):
    def spoil(tensors):
        tensors["encoder.layer.1.output.dense.weight"][3, 5] = value
        return tensors

    rewrite(folder, spoil)
    with pytest.raises(EncoderError, match=r"encoder\.layer\.1\.output\.dense\.weight.*not finite"):
        load(folder)


def test_weights_of_another_type(folder):
    name = "encoder.layer.1.output.dense.weight"
    rewrite(folder, lambda t: {**t, name: t[name].to(torch.int8)})
    with pytest.raises(EncoderError, match=f"{name} has type I8, expected one of F16"):
        load(folder)


def test_strange_tensors_are_listed(folder):
    rewrite(folder, lambda t: {**t, "encoder.extra": torch.ones(1), "adapter.x": torch.ones(1)})
    with pytest.raises(EncoderError, match=r"unknown tensors: (adapter.x, )?encoder.extra"):
        load(folder)


def test_the_same_tensor_twice(folder):
    rewrite(folder, lambda t: {**t, "bert.pooler.dense.bias": torch.ones(32)})
    with pytest.raises(EncoderError, match=r"are pooler\.dense\.bias"):
        load(folder)


def test_a_vocabulary_larger_than_the_embeddings(folder):
    spec = json.loads((folder / "tokenizer.json").read_text())
    spec["model"]["vocab"]["enormous"] = 9_999
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    with pytest.raises(EncoderError, match="has ids up to 9999, but the word embeddings have only"):
        load(folder)


def test_a_tokenizer_without_its_special_tokens(folder):
    edit(folder / "tokenizer.json", post_processor=None)
    edit(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    with pytest.raises(EncoderError, match="adds no special tokens"):
        load(folder)
    (folder / "tokenizer_config.json").unlink()
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\na\n")
    assert "[SEP] (sep_token) is not in the vocabulary: it gets the next id, 4" in "".join(
        load(folder).notes
    )
    rows = load(folder).config.vocab_size
    (folder / "vocab.txt").write_text("".join(f"{n}\n" for n in range(rows - 1)) + "[CLS]\n")
    with pytest.raises(EncoderError, match=r"lacks the special token \[SEP\] \(sep_token\)"):
        load(folder)
