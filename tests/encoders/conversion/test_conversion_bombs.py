"""Files that unfold to far more than they are: each costs little, refused or not.

A hostile folder is converted, or loaded, in a process of its own whose memory and computing are
measured: at most a gigabyte and five seconds, of which starting Python takes the most.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import shutil
import struct
import subprocess
import sys
import time
import zipfile
from math import prod

import pytest
import torch
from safetensors.torch import load_file

import poolwise
from poolwise.encoders import load
from poolwise.encoders.config import read_config
from poolwise.encoders.conversion.conversion import convert
from poolwise.encoders.conversion.stored_tensors import ConversionError
from poolwise.encoders.conversion.torch_file import open_torch
from poolwise.encoders.untrusted_files import MEGABYTE
from poolwise.errors import EncoderError, StoreError
from poolwise.transforms import Transform
from poolwise.transforms.fitted_readout import FittedReadout

SECONDS, MEMORY = 5, 1 << 30
WORDS = "embeddings.word_embeddings.weight"

MEASURED = """
import json, resource, sys
import poolwise
from poolwise.encoders import load
from poolwise.encoders.conversion.conversion import convert
from poolwise.errors import PoolwiseError
said, left = "", ()
try:
    left = convert(*sys.argv[1:]) if len(sys.argv) > 2 else load(sys.argv[1]).notes
except PoolwiseError as error:
    said = str(error)
own = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])  # rusage has its parent's
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps([said, left, max(own, used[1].ru_maxrss) << 10,
                  sum(u.ru_utime + u.ru_stime for u in used)]))
"""


def measured(*given):
    """What is said (nothing where all went well) and left out, within the limits."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, given)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    said, left, memory, seconds = json.loads(done.stdout)
    assert memory <= MEMORY, f"{memory:,} bytes of memory: {said}"
    assert seconds <= SECONDS, f"{seconds} s of computing: {said}"
    return said, left


@pytest.fixture
def folder(tiny, tmp_path):
    """A tiny BERT of one's own without weights."""
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    (folder / "model.safetensors").unlink()
    return folder


@pytest.fixture
def state(tiny):
    """Its weights."""
    return load_file(tiny("bert") / "model.safetensors")


def save(state, folder, **options):
    torch.save(state, folder / "pytorch_model.bin", **options)


LEGACY = {"_use_new_zipfile_serialization": False}


# Pickles


@pytest.mark.parametrize("options", [{}, LEGACY])
@pytest.mark.parametrize(
    "head",
    [
        lambda: torch.zeros(1).expand(1 << 34),
        lambda: torch.zeros(1 << 15, 1).expand(1 << 15, 1 << 15),
        lambda: torch.zeros(1 << 16).as_strided((1 << 15, 1 << 15), (1, 1)),
        lambda: torch.zeros(8 * MEGABYTE),
    ],
)
def test_a_head_larger_than_the_encoder_is_not_read(folder, state, tiny, tmp_path, head, options):
    save(state | {"classifier.weight": head()}, folder, **options)
    assert measured(folder, tmp_path / "out") == ("", ["tensor classifier.weight"])
    assert load(tmp_path / "out").hash == load(tiny("bert")).hash
    assert (tmp_path / "out" / "model.safetensors").stat().st_size < MEGABYTE


@pytest.mark.parametrize("options", [{}, LEGACY])
def test_a_tensor_of_the_encoder_is_not_unfolded(folder, state, tmp_path, options):
    edit(folder / "config.json", vocab_size=10_000_000)
    state[WORDS] = torch.zeros(1, 32).expand(10_000_000, 32)
    save(state, folder, **options)
    said, _ = measured(folder, tmp_path / "out")
    assert said.endswith(f"refused, of {WORDS} several of its values are one in the file")


def test_one_storage_for_many_tensors_is_not_unfolded(folder, state, tmp_path):
    edit(folder / "config.json", num_hidden_layers=200, hidden_size=1024, intermediate_size=4096)
    shared = torch.zeros(4096, 1024)
    wide = {32: 1024, 64: 4096}
    for name, tensor in list(state.items()):
        shape = [
            wide.get(size, size) if axis or "embeddings" not in name else size
            for axis, size in enumerate(tensor.shape)
        ]
        shape = [1024 if shape == [32] else size for size in shape]
        state[name] = shared.view(-1)[: torch.Size(shape).numel()].view(shape)
    blocks = {name: t for name, t in state.items() if name.startswith("encoder.layer.0.")}
    for number in range(200):
        state |= {n.replace("layer.0.", f"layer.{number}."): t for n, t in blocks.items()}
    save(state, folder)
    said, _ = measured(folder, tmp_path / "out")
    assert "would unfold to" in said


def rewritten(folder, change):
    """The archive of torch.save, its records (name, bytes, how they are stored) changed."""
    path = folder / "pytorch_model.bin"
    with zipfile.ZipFile(path) as old:
        records = [(name, old.read(name), zipfile.ZIP_STORED) for name in old.namelist()]
    with zipfile.ZipFile(path, "w") as new:
        for name, content, how in change(records):
            new.writestr(name, content, how, 9)


def deflated(records):
    return [
        (name, b"\0" * (1 << 26) if name.endswith("/data/0") else data, zipfile.ZIP_DEFLATED)
        for name, data, _ in records
    ]


def test_a_zip_bomb_is_not_unpacked(folder, state, tmp_path):
    save(state, folder)
    rewritten(folder, deflated)
    said, _ = measured(folder, tmp_path / "out")
    assert said.endswith("is compressed, which torch.save never does")


def test_compressed_values_are_not_unpacked(folder, state, tmp_path):
    save(state, folder)
    rewritten(folder, lambda records: [(n, d, 8 if "/data/" in n else 0) for n, d, _ in records])
    said, _ = measured(folder, tmp_path / "out")
    assert said.endswith("its values are compressed, which torch.save never does")


def test_many_records(folder, state, tmp_path):
    save(state, folder)
    rewritten(folder, lambda records: [*records, *((f"x{n}", b"", 0) for n in range(9000))])
    said, _ = measured(folder, tmp_path / "out")
    assert "a zip archive of 9,0" in said


def test_a_directory_of_the_zip_that_is_larger_than_any(folder, tmp_path):
    size = 1 << 30
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, size, 4, 0)
    with (folder / "pytorch_model.bin").open("wb") as file:
        file.write(b"PK\x03\x04")
        file.seek(4 + size)
        file.write(end)
    said, _ = measured(folder, tmp_path / "out")
    assert "its zip directory has 1,073,741,824 bytes" in said


def nested(depth):
    """Tuples of twice the tuple before, as a dict's key: hashing it takes 2 ** depth steps."""
    inner = b"".join(b"q%c0h%ch%c\x86" % (n, n, n) for n in range(depth))
    return b"\x80\x02})" + inner + b"Ns."


PICKLES = [
    (b"\x80\x02}" + b"X\x01\0\0\0a" + b"r\xff\xff\xff\x7f" + b"Ns.", "not a state dict"),
    (b"\x80\x02" + b"X\xff\xff\xff\x7f" + b"a" * 100, "not a pickle that can be read"),
    (b"\x80\x02" + b"\x8b\xff\xff\xff\x7f" + b"a" * 100, "not a pickle that can be read"),
    (b"\x80\x05\x95\xff\xff\xff\xff\xff\xff\xff\x7f" + b"N.", "the instruction FRAME"),
    (b"\x80\x02" + b"N0" * MEGABYTE, "the instruction POP"),
    (b"\x80\x02" + b"N" * 9 * MEGABYTE, "data.pkl' has 9,437,186 bytes"),
    (b"\x80\x02" + b"N" * 8_000_000, "more than 500,000 instructions"),
    (b"\x80\x02" + b"]q\0" + b"h\0a" * 200_000 + b".", "not a state dict"),
    (nested(60), "the instruction POP"),
    (b"\x80\x02})" + b"q\0h\0\x86" * 60 + b"Ns.", "not a state dict"),
    (b"\x80\x02c__builtin__\neval\n(X\x01\0\0\x001tR.", "holds more than tensors: '__builtin__"),
    (b"\x80\x02.", "not a pickle that can be read"),
    (b"\x80\x02(t(tR.", "it calls what has no name"),
    (b"", "not a pickle that can be read"),
]


@pytest.mark.parametrize(("pickled", "said"), PICKLES)
def test_pickles(tmp_path, pickled, said):
    """As the process of a conversion opens them."""
    path = tmp_path / "pytorch_model.bin"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickled)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(ConversionError) as caught:
        open_torch(path)
    assert said in str(caught.value)
    assert time.process_time() - started < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < MEMORY


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("options", [{}, LEGACY])
def test_a_refusal_does_not_advise_what_is_unsafe(folder, state, tmp_path, options, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(state | {"x": Evil()}, folder, **options)
    with pytest.raises(EncoderError) as caught:
        convert(folder, tmp_path / "out")
    assert "refused, it holds more than tensors: 'posix.mkdir'" in str(caught.value)
    assert "weights_only" not in str(caught.value)
    assert not (tmp_path / "harm").exists()


# What honest files hold


@pytest.mark.parametrize("options", [{}, LEGACY])
@pytest.mark.parametrize("how", ["transposed", "sliced", "parameter", "half", "bfloat16"])
def test_tensors_as_they_may_lie(folder, state, tmp_path, options, how):
    name = "encoder.layer.1.intermediate.dense.weight"
    given = {
        "transposed": lambda t: t.T.contiguous().T,
        "sliced": lambda t: torch.cat([t, t + 1, t - 1], 1)[:, 32:64],
        "parameter": torch.nn.Parameter,
        "half": torch.Tensor.half,
        "bfloat16": torch.Tensor.bfloat16,
    }[how](state[name])
    save(state | {name: given}, folder, **options)
    assert convert(folder, tmp_path / "out") == ()
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert found.keys() == state.keys()
    for key, tensor in (state | {name: given}).items():
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key], tensor.detach())


@pytest.mark.parametrize("options", [{}, LEGACY])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.999])
def test_the_end_is_missing(folder, state, tmp_path, options, kept):
    save(state, folder, **options)
    path = folder / "pytorch_model.bin"
    os.truncate(path, int(path.stat().st_size * kept))
    with pytest.raises(EncoderError, match=r"zip archive|beyond the end|not a pickle"):
        convert(folder, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder"]


def test_a_plain_pickle_is_none_of_torch(folder, tmp_path):
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(3, protocol=2))
    with pytest.raises(EncoderError, match=r"is no file of torch\.save"):
        convert(folder, tmp_path / "out")


# HDF5


def keras(folder, change):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(folder / "tf_model.h5", "w") as file:
        change(file, h5py)


def compressed(file, _):
    shape = (1 << 12, 1 << 12)
    file.create_dataset(WORDS.replace(".", "/"), data=zeros(shape), chunks=shape, compression=9)


def zeros(shape):
    return torch.zeros(shape).numpy()


def many_groups(file, _):
    for number in range(17_000):
        file.create_group(str(number))


def outside(file, h5py):
    file["x"] = h5py.ExternalLink("/dev/zero", "/x")
    file["y"] = h5py.SoftLink("/nothing")


HDF5 = [
    (compressed, "missing: "),
    (lambda file, _: file.create_dataset("a", (1 << 20, 1 << 20), "f4"), "missing: "),
    (many_groups, "more than 16,384 groups"),
    (outside, "it holds no tensors"),
]


@pytest.mark.parametrize(("change", "said"), HDF5)
def test_hdf5(folder, tmp_path, change, said):
    keras(folder, change)
    found, _ = measured(folder, tmp_path / "out")
    assert said in found


def test_compressed_values_of_hdf5(folder, state, tmp_path):
    def write(file, _):
        for name, tensor in state.items():
            end = {"bias": "bias", "weight": "kernel" if tensor.ndim == 2 else "gamma"}
            module, kind = name.rsplit(".", 1)
            kernel = tensor.ndim == 2 and "embeddings" not in name
            at = f"{module.replace('.', '/')}/{end[kind] if kernel or tensor.ndim == 1 else kind}"
            array = tensor.T.numpy() if kernel else tensor.numpy()
            packed = {"chunks": True, "compression": 9} if name == WORDS else {}
            file.create_dataset(at, data=array, **packed)

    keras(folder, write)
    found, _ = measured(folder, tmp_path / "out")
    assert found.endswith(
        f"refused, of {WORDS} its values are in chunks, perhaps compressed, as Keras never writes "
        "them"
    )


# Folders that are loaded


def with_holes(path, shapes):
    """A safetensors file of float32 zeros that takes no room on the disk."""
    header, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + 4 * prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def test_an_encoder_of_terabytes(folder):
    edit(folder / "config.json", hidden_size=65_536, vocab_size=1_000_000, num_attention_heads=64)
    config = read_config(folder / "config.json")
    with_holes(folder / "model.safetensors", config.family.shapes(config.values))
    said, _ = measured(folder)
    assert "but this machine has" in said


def test_a_file_of_a_terabyte(folder, tiny):
    shutil.copytree(tiny("bert"), folder, dirs_exist_ok=True)
    for path in tiny("bert").iterdir():
        os.truncate(folder / path.name, 1 << 40)
        said, _ = measured(folder)
        assert path.name in said
        shutil.copy(path, folder)


def test_a_folder_of_100_000_files(folder, tiny):
    shutil.copy(tiny("bert") / "model.safetensors", folder)
    for number in range(100_000):
        (folder / f"{number}.txt").touch()
    assert measured(folder) == ("", [])
    shutil.rmtree(folder)


def test_100_000_added_tokens(folder, tiny):
    shutil.copy(tiny("bert") / "model.safetensors", folder)
    first = len(json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"])
    added = {f"<{number}>": first + number for number in range(100_000)}
    (folder / "added_tokens.json").write_text(json.dumps(added))
    measured(folder)
    settings = {"added_tokens_decoder": {str(n): {"content": c} for c, n in added.items()}}
    edit(folder / "tokenizer_config.json", **settings)
    measured(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"readout = 'mean@-1'\nx = " + b"9" * 5000, "is not a readout.toml"),
        (b"x = " + b"[" * 5000, "is not a readout.toml"),
        (b"x = 2026-13-45", "is not a readout.toml"),
        (b".".join([b"a"] * 100_000) + b" = 1", "readout.toml"),
        (b"readout = 'mean@-1'\n" + b"#" * MEGABYTE, "bytes, but such a file may have at most"),
        (b"\xff", "not UTF-8"),
        (None, "no such file"),
    ],
)
def test_a_readout_of_strangers(tmp_path, content, said):
    path = tmp_path / "readout.toml"
    path.write_bytes(content) if content is not None else os.mkfifo(path)
    started = time.process_time()
    with pytest.raises(StoreError, match=said):
        FittedReadout.load(path)
    assert time.process_time() - started < SECONDS


def test_a_transform_with_holes(tmp_path):
    path = tmp_path / "readout.safetensors"
    metadata = {"format": "poolwise-transform", "readout": "|whiten(4)", "width": "32"}
    shape = [1 << 34, 4]
    entry = {"dtype": "F64", "shape": shape, "data_offsets": [0, 8 * prod(shape)]}
    text = json.dumps({"__metadata__": metadata, "0.directions": entry}).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + 8 * prod(shape))
    with pytest.raises(StoreError, match=r"found arrays .*17179869184, 4"):
        Transform.load(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StoreError, match="no such file"):
        Transform.load(path)


@pytest.mark.parametrize(
    "name", ["tokenizer.json", "2_Dense/model.safetensors", "added_tokens.json"]
)
def test_nothing_of_a_terabyte_is_copied(folder, state, tmp_path, name):
    save(state, folder)
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.truncate(path, 1 << 40)
    said, _ = measured(folder, tmp_path / "out")
    assert str(path) in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder"]


def test_other_files_are_copied_up_to_a_limit(folder, state, tmp_path, monkeypatch):
    monkeypatch.setattr("poolwise.encoders.conversion.copies.MAX_EXTRA_TOTAL", 2000)
    save(state, folder)
    for number in range(4):
        (folder / f"{number}.txt").write_bytes(b"x" * 900)
    assert convert(folder, tmp_path / "out") == ("2.txt", "3.txt")


def test_folders_within_folders(folder, state, tiny, tmp_path):
    save(state, folder)
    deep = os.open(folder, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("a", dir_fd=deep)
        deep, upper = os.open("a", os.O_RDONLY, dir_fd=deep), deep
        os.close(upper)
    os.close(os.open("x.txt", os.O_CREAT, dir_fd=deep))
    os.close(deep)
    (left,) = convert(folder, tmp_path / "out")
    assert left == "a/" * 1200 + "x.txt"
    shutil.copy(tiny("bert") / "model.safetensors", folder)
    assert poolwise.load(folder).depth == 3
    subprocess.run(["rm", "-r", str(folder)], check=True)  # shutil's own way is recursive


def test_a_piece_of_100_000_characters(tiny, tmp_path):
    """A Unigram model is a tree of its characters, which is freed by calls within calls."""
    folder = shutil.copytree(tiny("xlm-roberta"), tmp_path / "folder")
    spec = json.loads((folder / "tokenizer.json").read_text())
    assert spec["model"]["type"] == "Unigram"
    spec["model"]["vocab"][-1][0] = "a" * 100_000
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    assert "a piece of 100,000 characters, at most 1,000" in measured(folder)[0]
