"""Files made to harm: each is refused by a check, quickly, before anything uses it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import struct
import subprocess
import sys
import time

import pytest

from poolwise.encoders import load
from poolwise.encoders.untrusted_files import MEGABYTE, parse_json
from poolwise.errors import EncoderError, UnsafeModelError


@pytest.fixture
def folder(tiny, tmp_path):
    """A tiny BERT of one's own."""
    return shutil.copytree(tiny("bert"), tmp_path / "folder")


def refused(folder, said, kind=UnsafeModelError):
    started = time.monotonic()
    with pytest.raises(kind, match=said):
        load(folder)
    assert time.monotonic() - started < 2


# safetensors


def header_of(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_header(folder, change, *, body=None):
    path = folder / "model.safetensors"
    header, data = header_of(path)
    text = change(header)
    raw = text if isinstance(text, bytes) else json.dumps(text).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + (data if body is None else body(data)))


NAME = "pooler.dense.bias"
EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}


def altered(**entry):
    return lambda header: {**header, NAME: {**header[NAME], **entry}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (altered(dtype="F4"), "unknown type 'F4'"),
        (altered(dtype=4), "unknown type 4"),
        (altered(shape=[1, 1, 1, 1, 32]), "not a list of at most 4 sizes"),
        (altered(shape=[-32]), "not a list of at most 4 sizes"),
        (altered(shape=[32.0]), "not a list of at most 4 sizes"),
        (altered(shape=[1 << 60]), "not a list of at most 4 sizes"),
        (altered(shape=32), "not a list of at most 4 sizes"),
        (altered(shape=[33]), r"F32 \[33\] does not fill the bytes"),
        (altered(data_offsets=[0, 128]), "begins at byte"),
        (altered(data_offsets=[0]), "data_offsets are not two sizes"),
        (altered(data_offsets=[1 << 40, (1 << 40) + 128]), "begins at byte"),
        (lambda h: json.dumps(h).encode().replace(b"{", b'{"pooler.dense.bias": {}, ', 1), "twice"),
        (lambda h: b"[" * 100_000, "nested too deeply"),
        (lambda h: {f"t{n}": EMPTY for n in range(5000)}, "5,000 tensors, at most 4,096"),
    ],
)
def test_headers(folder, change, said):
    with_header(folder, change)
    refused(folder, said, EncoderError)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (lambda data: data[:-4], "the tensors end at byte"),
        (lambda data: data + b"more", "the tensors end at byte"),
        (lambda data: b"", "the tensors end at byte"),
    ],
)
def test_data_that_does_not_end_where_the_tensors_do(folder, body, said):
    with_header(folder, lambda header: header, body=body)
    refused(folder, said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read"),
        (b"\x01", "not a safetensors file"),
        (struct.pack("<Q", 1 << 62), "its header 4,611,686,018,427,387,904 bytes"),
        (struct.pack("<Q", 9 * MEGABYTE) + b" " * 9 * MEGABYTE, r"at most 8,388,608 allowed"),
        (
            b"PK\x03\x04\x00\x00\x08\x08" * 9,
            "but a pickle as torch.save writes it.*pytorch_model.bin",
        ),
        (b"\x80\x02\x8a\nl\xfc\x9cF" * 9, "but a pickle. Name it pytorch_model.bin and convert"),
        (b"\x89HDF\r\n\x1a\n" * 9, "but an HDF5 file. Name it tf_model.h5 and convert"),
        (b"<!DOCTYPE html><html>" * 9, "but a web page. Download it again"),
        (b"GGUF\x03\0\0\0" * 9, "but weights for llama.cpp .GGUF.. Download it again"),
        (struct.pack("<Q", 2) + b"[]", "expected a JSON object"),
        (struct.pack("<Q", 2) + b"\xff\xff", "not UTF-8"),
        (struct.pack("<Q", 2) + b"{}", "missing: embeddings.word_embeddings.weight"),
    ],
)
def test_files_that_are_no_safetensors(folder, content, said):
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, said, EncoderError)


@pytest.mark.parametrize("shard", ["../evil.safetensors", "/etc/passwd", "a/../../b", "C:\\x", 7])
def test_shards_stay_in_the_folder(folder, shard):
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"pooler.dense.bias": shard}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(folder, "points outside the model's folder|not a file name")


def test_an_index_must_tell_the_truth(folder):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    index = {"weight_map": {"pooler.dense.bias": "model-00001-of-00001.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(folder, "does not list what the files hold", EncoderError)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": ["x"]}')
    refused(folder, "weight_map: holds a list", EncoderError)


# JSON


JSON_FILES = ["config.json", "tokenizer_config.json", "modules.json", "sentence_bert_config.json"]


@pytest.mark.parametrize("name", [*JSON_FILES, "tokenizer.json"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1, "a": 2}', "'a' appears twice"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"a": 1e999}', "1e999 is too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not acceptable JSON"),
        (b'{"a": ' * 50_000, "nested too deeply"),
        (b"[" * 50_000, "nested too deeply"),
        (b"\xff", "not UTF-8"),
        (b"{", "not acceptable JSON"),
        (b"", "not acceptable JSON"),
        (b" " * (33 * MEGABYTE), "may have at most"),
        (b"[" + b"{}," * 300_000 + b"1]", "JSON with more than 100,000 '{'"),
        (b"7", "expected a JSON object|expected a list"),
    ],
)
def test_json(folder, name, content, said):
    (folder / name).write_bytes(content)
    refused(folder, said, EncoderError)


def test_a_pipe_is_no_file(folder):
    (folder / "tokenizer_config.json").unlink()
    os.mkfifo(folder / "tokenizer_config.json")
    refused(folder, "no such file", EncoderError)


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("key", ["custom_pipelines", "quantization_config", "trust_remote_code"])
def test_code_and_quantisation_are_refused(folder, key):
    edit(folder / "config.json", **{key: {"AutoModel": "evil.Model"}})
    refused(folder, f"has '{key}'")


# Code of its own: left aside where the family is known, refused where it is not

CODE = {"AutoModel": "evil.Model", "AutoConfig": "someone/evil--evil.Config"}


@pytest.fixture
def with_code(folder):
    """A folder with code that leaves a trace when it is run, and with a plain one's values."""
    (folder / "evil.py").write_text("import os\nos.mkdir('harm')\nModel = Config = T = None\n")
    edit(folder / "config.json", auto_map=CODE)
    edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.T", None]})
    return folder


def test_code_of_a_known_family_is_left_aside(with_code, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(with_code)
    encoder = load(with_code)
    assert encoder.hash == load(tiny("bert")).hash
    assert encoder.notes == (
        "config.json names code of its own (auto_map), left aside: read as BERT",
        "tokenizer_config.json names code of its own (auto_map), left aside",
    )
    assert "evil" not in sys.modules
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("model_type", ["new", "gte", "jina_embeddings_v3", None, 7])
def test_code_of_an_unknown_family_is_refused(with_code, model_type):
    edit(with_code / "config.json", model_type=model_type, architectures=["EvilModel"])
    refused(with_code, f"has 'auto_map'.*model_type is {model_type!r}, expected one of bert")


def test_code_of_an_unknown_tokenizer_is_refused(with_code):
    edit(with_code / "tokenizer_config.json", tokenizer_class="EvilTokenizer")
    refused(with_code, "has 'auto_map'; a tokenizer that needs code of its own .'EvilTokenizer'")


IMPOSTORS = [
    # As jina-embeddings-v2, mosaic-bert, nomic-embed, jina-embeddings-v3 and gte-en-v1.5 have them
    ("position_embedding_type", "alibi", "only 'absolute' exists"),
    ("position_embedding_type", "rotary", "only 'absolute' exists"),
    ("position_embedding_type", "rope", "only 'absolute' exists"),
    ("feed_forward_type", "glu", "a setting of JinaBERT; a BERT encoder has none"),
    ("feed_forward_type", "geglu", "a setting of JinaBERT"),
    ("emb_pooler", "mean", "a setting of JinaBERT"),
    ("alibi_starting_size", 512, "a setting of MosaicBERT"),
    ("use_flash_attn", True, "a setting of NomicBERT"),
    ("rotary_emb_fraction", 1.0, "a setting of NomicBERT"),
    ("prenorm", True, "a setting of NomicBERT"),
    ("activation_function", "swiglu", "a setting of NomicBERT"),
    ("lora_adaptations", ["retrieval.query"], "a setting of Jina's XLM-RoBERTa"),
    ("rope_theta", 160_000, "a setting of encoders with rotary positions"),
    ("rope_scaling", {"type": "ntk", "factor": 2.0}, "a setting of encoders with rotary positions"),
    ("layer_norm_type", "rms_norm", "a setting of GTE's New"),
]


@pytest.mark.parametrize("code", [True, False])
@pytest.mark.parametrize(("key", "value", "said"), IMPOSTORS)
def test_impostors_are_told_by_their_settings(folder, key, value, said, code):
    edit(folder / "config.json", **{key: value}, **({"auto_map": CODE} if code else {}))
    refused(folder, f"config.json: {key} is .*{said}", EncoderError)


def test_settings_that_change_nothing_are_no_impostors(folder, tiny):
    values = {"feed_forward_type": "original", "layer_norm_type": "layer_norm"}
    values |= {"emb_pooler": None, "use_flash_attn": False, "rotary_emb_fraction": 0.0}
    edit(folder / "config.json", position_embedding_type="absolute", auto_map=CODE, **values)
    assert load(folder).hash == load(tiny("bert")).hash


def test_impostors_are_told_by_their_tensors(folder):
    edit(folder / "config.json", auto_map=CODE)
    renamed = "encoder.layer.0.mlp.gated_layers.weight"
    old = "encoder.layer.0.intermediate.dense.weight"
    with_header(folder, lambda h: {renamed if k == old else k: v for k, v in h.items()})
    refused(folder, f"missing: {old}", EncoderError)


@pytest.mark.parametrize("path", ["../other", "/etc", "a/../../b"])
def test_modules_stay_in_the_folder(folder, path):
    transformer = {"type": "sentence_transformers.models.Transformer", "path": path}
    (folder / "modules.json").write_text(json.dumps([transformer]))
    refused(folder, "points outside the model's folder")


# tokenizer.json


def replace(pattern, content):
    return {"type": "Replace", "pattern": pattern, "content": content}


def precompiled(trie, strings):
    data = struct.pack("<I", len(trie)) + trie + strings
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(data).decode()}


def sequence(children, step, count):
    return {"type": "Sequence", children: [step] * count}


DOUBLING = replace({"String": "a"}, "aa")

TOKENIZERS = [
    ({"normalizer": sequence("normalizers", DOUBLING, 60)}, "times longer"),
    ({"normalizer": sequence("normalizers", {"type": "ByteLevel"}, 60)}, "times longer"),
    ({"pre_tokenizer": sequence("pretokenizers", {"type": "ByteLevel"}, 60)}, "times longer"),
    ({"normalizer": sequence("normalizers", replace({"Regex": "x*"}, "ab"), 60)}, "times longer"),
    ({"normalizer": replace({"String": 7}, "ab")}, "not accepted by the tokenizers library"),
    ({"normalizer": replace(7, "ab")}, "not accepted by the tokenizers library"),
    ({"normalizer": precompiled(b"", b"x" * 10**6)}, "1,000,000 times longer"),
    ({"normalizer": replace({"String": "a"}, "x" * 5000)}, "Replace.content exceeds 1000"),
    ({"normalizer": {"type": "Prepend", "prepend": "x" * 5000}}, "Prepend.prepend exceeds 1000"),
    ({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "A"}}, "not base64"),
    ({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}}, "not accepted"),
    ({"normalizer": {"type": "Evil"}}, "'Evil' is not among the known normalizers"),
    ({"pre_tokenizer": {"type": "FixedLength", "length": 0}}, "'FixedLength' is not among"),
    ({"pre_tokenizer": sequence("pretokenizers", {"type": "Digits"}, 65)}, "more than 64"),
    ({"added_tokens": [{"id": 0, "content": ""}]}, "'' is not an added token"),
    ({"added_tokens": [{"id": 0, "content": "x"}] * 10_001}, "10,001 added tokens"),
    ({"added_tokens": 7}, "added_tokens are not a list"),
    ({"model": None}, "tokenizer's model: holds None"),
    ({"model": {"type": "Evil"}}, "model's type is 'Evil'"),
    ({"model": {"type": "BPE", "dropout": 0.5}}, "BPE dropout"),
    ({"model": {"type": "WordPiece", "max_input_chars_per_word": 10**9}}, "max_input_chars"),
    ({"post_processor": {"type": "Evil"}}, "'Evil' is not among the known processors"),
    (
        {"post_processor": {"type": "BertProcessing", "cls": ["a", 1 << 40], "sep": ["b", 2]}},
        "has ids up to 1099511627776",
    ),
    (
        {"post_processor": {"type": "BertProcessing", "cls": ["a", "x"], "sep": ["b", 2]}},
        "unusable ids",
    ),
    (
        {
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [{"Sequence": {"id": "A"}}, {"Sequence": {"id": "A"}}],
                "special_tokens": {},
            }
        },
        "reads its text 2 times",
    ),
]


@pytest.mark.parametrize(("changes", "said"), TOKENIZERS)
def test_tokenizers(folder, changes, said, capfd):
    found = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**found, **changes}))
    as_it_is = {"tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(as_it_is))
    refused(folder, said, EncoderError)
    capfd.readouterr()


def test_deep_nesting_in_a_tokenizer(folder):
    found = json.loads((folder / "tokenizer.json").read_text())
    node = {"type": "Lowercase"}
    for _ in range(300):
        node = {"type": "Sequence", "normalizers": [node]}
    (folder / "tokenizer.json").write_text(json.dumps({**found, "normalizer": node}))
    refused(folder, "nested")


def test_nothing_heavy_is_imported(tiny):
    code = (
        "import sys, poolwise.encoders as e; e.load(sys.argv[1]).tokenize(['the cat']); "
        "print([m for m in ('torch', 'transformers', 'huggingface_hub') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tiny("bert"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("half", [r"\ud800", r"\udcff"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("modules.json", [{"path": "1_{}", "type": "sentence_transformers.models.Pooling"}]),
        ("config.json", {"model_type": "bert", "architectures": ["Bert{}"]}),
        ("tokenizer_config.json", {"unk_token": "{}"}),
    ],
)
def test_half_a_character_is_refused(tiny, tmp_path, name, content, half):
    folder = shutil.copytree(tiny("bert"), tmp_path / "model")
    (folder / name).write_text(json.dumps(content).replace("{}", half))
    with pytest.raises(EncoderError, match=rf"{name}: found half of a surrogate pair \(\\ud"):
        load(folder)


def test_a_whole_pair_is_a_character():
    assert parse_json(rb'["\ud83d\ude00", "\\ud800"]', "x") == ["\U0001f600", r"\ud800"]
