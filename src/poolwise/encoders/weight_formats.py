"""Weights that ``load`` does not read: how each kind is told, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from poolwise.encoders.untrusted_files import describe, read_object
from poolwise.errors import EncoderError

WEIGHTS = "model.safetensors"
ADAPTER = "adapter_config.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
KERAS = ("tf_model.h5", "tf_model.h5.index.json")

_CONVERT = "Convert it first: poolwise convert {folder} OUT"
_OLD_TRANSFORMERS = (
    "Load it with transformers 4, {how}, and write it with save_pretrained, which makes "
    "model.safetensors"
)
_ASK = "poolwise needs the checkpoint that it was made from, as model.safetensors"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of weights: the names of its files, what it is, and what to do (of ``{folder}``)."""

    patterns: tuple[str, ...]
    what: str
    advice: str

    @property
    def converts(self) -> bool:
        """Whether ``poolwise convert`` reads it."""
        return self.advice == _CONVERT

    def matches(self, name: str) -> bool:
        """Whether ``name``, relative to the encoder's folder, is of this kind."""
        depth = name.count("/")
        return any(p.count("/") == depth and fnmatch(name, p) for p in self.patterns)


FORMATS = (
    Format(PICKLES, "a pickle, which could run code when read", _CONVERT),
    Format(
        ("model-*-of-*.safetensors", "pytorch_model-*-of-*.bin", "tf_model-*-of-*.h5"),
        "a shard without the index of all shards",
        "Put the shards' index (its name ends in .index.json) beside them; it comes from where "
        "they come from",
    ),
    Format(KERAS, "weights for TensorFlow", _CONVERT),
    Format(
        ("adapter_model.*",),
        "LoRA weights without adapter_config.json",
        "Merge them with peft's merge_and_unload and write the whole with save_pretrained",
    ),
    Format(
        ("*.safetensors",),
        "weights under another name",
        "If they are those of the whole encoder, name the file model.safetensors; half precision "
        "is read too",
    ),
    Format(
        ("pytorch_model.*.bin", "model*.bin", "model*.pt", "*.pth", "*.ckpt"),
        "a pickle under another name",
        f"If it is the encoder's state dict, name it {PICKLES[0]}, then: poolwise convert "
        "{folder} OUT",
    ),
    Format(
        ("flax_model*.msgpack",),
        "weights for Flax",
        _OLD_TRANSFORMERS.format(how="AutoModel.from_pretrained(…, from_flax=True)"),
    ),
    Format(
        ("*.ckpt.index", "*.ckpt.meta", "*.ckpt-*.index", "*.ckpt.data-*"),
        "a checkpoint of TensorFlow 1",
        _OLD_TRANSFORMERS.format(how="AutoModel.from_pretrained(…, from_tf=True)"),
    ),
    Format(
        ("saved_model.pb", "*/saved_model.pb", "saved_model/*/saved_model.pb"),
        "a graph for TensorFlow",
        _ASK,
    ),
    Format(("*.onnx", "*/*.onnx"), "a graph for ONNX", _ASK),
    Format(("*openvino*.xml", "*/*openvino*.xml"), "a graph for OpenVINO", _ASK),
    Format(("*.gguf",), "weights for llama.cpp, mostly quantised", _ASK),
    Format(("*.h5", "*.keras"), "a file of Keras that transformers has not written", _ASK),
    Format(
        ("*.zip", "*.tar", "*.tar.gz", "*.tgz", "*.7z"),
        "an archive",
        "Unpack it and give the folder that then has config.json",
    ),
)
"""The first that matches a name counts; of several in a folder, the first here tells what to do."""


def without_weights(folder: Path) -> EncoderError:
    """Why a folder with config.json, but no safetensors that are read, is not loaded."""
    names = names_in(folder)
    found = of_names(names)
    if not found:
        return EncoderError(
            f"{folder}: has no {WEIGHTS}. If the model comes only as {PICKLES[0]} or "
            f"{KERAS[0]}, put that file beside config.json in a folder of your own and convert it: "
            "poolwise convert FOLDER OUT"
        )
    return EncoderError(f"{folder}: has only {told(found)}. {advice(found, str(folder))}")


def without_config(folder: Path) -> EncoderError:
    """Why a folder without config.json is not loaded."""
    said = f"{folder}: not an encoder's folder, it has no config.json"
    names = names_in(folder)
    if not names:
        return EncoderError(f"{said}; it is empty")
    inner = sorted(name for name in names if name.endswith("/config.json"))
    whole = [name for name in inner if (folder / name).with_name(WEIGHTS).exists()]
    if whole:
        return EncoderError(f"{said}. {(folder / whole[0]).parent} has one; is it meant?")
    found = of_names(names)
    if not found:
        return EncoderError(said)
    todo = advice(found, str(folder))
    return EncoderError(f"{said}. It has {told(found)}." + ("" if todo == _ASK else f" {todo}"))


def refuse_adapters(folder: Path) -> None:
    """LoRA weights change an encoder that lies elsewhere, or the one that they lie beside."""
    if not (folder / ADAPTER).exists():
        return
    base = read_object(folder / ADAPTER).get("base_model_name_or_path")
    raise EncoderError(
        f"{folder}: has {ADAPTER}, LoRA weights for {describe(base) if base else 'another model'}, "
        "which poolwise does not apply. Merge them with peft's merge_and_unload and write the "
        "whole with save_pretrained"
    )


def of_names(names: Iterable[str]) -> dict[Format, str]:
    """Each kind of weights among the names of files, with the first of its files."""
    found: dict[Format, str] = {}
    names = [name for name in names if name != WEIGHTS]
    for name in sorted(names, key=lambda name: (name.count("/"), name)):
        kind = next((kind for kind in FORMATS if kind.matches(name)), None)
        if kind is not None:
            found.setdefault(kind, name)
    return {kind: found[kind] for kind in FORMATS if kind in found}


def told(found: dict[Format, str]) -> str:
    """The files and what they are: "tf_model.h5, weights for TensorFlow, and …"."""
    return ", and ".join(f"{name}, {kind.what}" for kind, name in found.items())


def advice(found: dict[Format, str], folder: str) -> str:
    """What to do about the first kind."""
    return next(iter(found)).advice.format(folder=folder)


def names_in(folder: Path) -> Sequence[str]:
    """The files of a folder and of those in it, relative to it; hidden ones left out."""
    return [
        path.relative_to(folder).as_posix()
        for pattern in ("*", "*/*", "saved_model/*/*")
        for path in folder.glob(pattern)
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(".")
    ]
