"""Formats of weights that ``load`` does not read: their file names, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from poolwise.encoders.untrusted_files import abridge, read_object
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
class WeightFormat:
    """Patterns of file names, a description, and advice (with a slot ``{folder}``)."""

    patterns: tuple[str, ...]
    description: str
    advice: str

    @property
    def converts(self) -> bool:
        """Whether ``poolwise convert`` reads it."""
        return self.advice == _CONVERT

    def matches(self, name: str) -> bool:
        """Whether a file of this ``name``, relative to the encoder's folder, is of this format."""
        depth = name.count("/")
        return any(p.count("/") == depth and fnmatch(name, p) for p in self.patterns)


FORMATS = (
    WeightFormat(PICKLES, "a pickle, which could run code when read", _CONVERT),
    WeightFormat(
        ("model-*-of-*.safetensors", "pytorch_model-*-of-*.bin", "tf_model-*-of-*.h5"),
        "a shard without the index of all shards",
        "Put the shards' index (its name ends in .index.json) beside them; it comes from where "
        "they come from",
    ),
    WeightFormat(KERAS, "weights for TensorFlow", _CONVERT),
    WeightFormat(
        ("adapter_model.*",),
        "LoRA weights without adapter_config.json",
        "Merge them with peft's merge_and_unload and write the whole with save_pretrained",
    ),
    WeightFormat(
        ("*.safetensors",),
        "weights under another name",
        "If they are those of the whole encoder, name the file model.safetensors; half precision "
        "is read too",
    ),
    WeightFormat(
        ("pytorch_model.*.bin", "model*.bin", "model*.pt", "*.pth", "*.ckpt"),
        "a pickle under another name",
        f"If it is the encoder's state dict, name it {PICKLES[0]}, then: poolwise convert "
        "{folder} OUT",
    ),
    WeightFormat(
        ("flax_model*.msgpack",),
        "weights for Flax",
        _OLD_TRANSFORMERS.format(how="AutoModel.from_pretrained(…, from_flax=True)"),
    ),
    WeightFormat(
        ("*.ckpt.index", "*.ckpt.meta", "*.ckpt-*.index", "*.ckpt.data-*"),
        "a checkpoint of TensorFlow 1",
        _OLD_TRANSFORMERS.format(how="AutoModel.from_pretrained(…, from_tf=True)"),
    ),
    WeightFormat(
        ("saved_model.pb", "*/saved_model.pb", "saved_model/*/saved_model.pb"),
        "a graph for TensorFlow",
        _ASK,
    ),
    WeightFormat(("*.onnx", "*/*.onnx"), "a graph for ONNX", _ASK),
    WeightFormat(("*openvino*.xml", "*/*openvino*.xml"), "a graph for OpenVINO", _ASK),
    WeightFormat(("*.gguf",), "weights for llama.cpp, mostly quantised", _ASK),
    WeightFormat(("*.h5", "*.keras"), "a file of Keras that transformers has not written", _ASK),
    WeightFormat(
        ("*.zip", "*.tar", "*.tar.gz", "*.tgz", "*.7z"),
        "an archive",
        "Unpack it and give the folder that then has config.json",
    ),
)
"""The first that matches a name counts; of several in a folder, the first here gives the advice."""


def missing_weights(folder: Path) -> EncoderError:
    """The error for a folder with config.json, but without safetensors that are read."""
    formats = detect_formats(relative_names(folder))
    if not formats:
        return EncoderError(
            f"{folder}: has no {WEIGHTS}. If the model comes only as {PICKLES[0]} or "
            f"{KERAS[0]}, put that file beside config.json in a folder of your own and convert it: "
            "poolwise convert FOLDER OUT"
        )
    return EncoderError(
        f"{folder}: has only {list_formats(formats)}. {advice(formats, str(folder))}"
    )


def missing_config(folder: Path) -> EncoderError:
    """The error for a folder without config.json."""
    message = f"{folder}: not an encoder's folder, it has no config.json"
    names = relative_names(folder)
    if not names:
        return EncoderError(f"{message}; it is empty")
    configs = sorted(name for name in names if name.endswith("/config.json"))
    complete = [name for name in configs if (folder / name).with_name(WEIGHTS).exists()]
    if complete:
        return EncoderError(f"{message}. {(folder / complete[0]).parent} has one; is it meant?")
    formats = detect_formats(names)
    if not formats:
        return EncoderError(message)
    action = advice(formats, str(folder))
    action = "" if action == _ASK else f" {action}"
    return EncoderError(f"{message}. It has {list_formats(formats)}.{action}")


def refuse_adapters(folder: Path) -> None:
    """Raise EncoderError for LoRA weights, which change another encoder or this one."""
    if not (folder / ADAPTER).exists():
        return
    base = read_object(folder / ADAPTER).get("base_model_name_or_path")
    raise EncoderError(
        f"{folder}: has {ADAPTER}, LoRA weights for {abridge(base) if base else 'another model'}, "
        "which poolwise does not apply. Merge them with peft's merge_and_unload and write the "
        "whole with save_pretrained"
    )


def detect_formats(names: Iterable[str]) -> dict[WeightFormat, str]:
    """The formats among file names, each with its first file, in the order of ``FORMATS``."""
    files: dict[WeightFormat, str] = {}
    names = [name for name in names if name != WEIGHTS]
    for name in sorted(names, key=lambda name: (name.count("/"), name)):
        match = next((fmt for fmt in FORMATS if fmt.matches(name)), None)
        if match is not None:
            files.setdefault(match, name)
    return {fmt: files[fmt] for fmt in FORMATS if fmt in files}


def list_formats(formats: dict[WeightFormat, str]) -> str:
    """The files with their descriptions: "tf_model.h5, weights for TensorFlow, and …"."""
    return ", and ".join(f"{name}, {fmt.description}" for fmt, name in formats.items())


def advice(formats: dict[WeightFormat, str], folder: str) -> str:
    """What to do about the first format."""
    return next(iter(formats)).advice.format(folder=folder)


def relative_names(folder: Path) -> Sequence[str]:
    """The files of a folder and its subfolders, relative to it, without hidden ones."""
    return [
        path.relative_to(folder).as_posix()
        for pattern in ("*", "*/*", "saved_model/*/*")
        for path in folder.glob(pattern)
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(".")
    ]
