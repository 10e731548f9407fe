"""Which engine runs an encoder on this machine; opened once for each encoder."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from warnings import warn

from poolwise.encoders import Encoder
from poolwise.engines.engine import Engine
from poolwise.errors import PoolwiseWarning, needs
from poolwise.inputs import check_choices
from poolwise.records import Precision


def engine_of(
    encoder: Encoder, precision: Precision = "exact", *, attentions: bool = False
) -> Engine:
    """The encoder's engine, as ``open_engine`` gives it, opened at the first call.

    The encoder keeps it, and shares it with its copies that have other prompts: an engine packs all
    weights anew, which takes as long as some hundred texts. For ``attentions`` it is the exact
    engine where that one returns them, else one beside it.
    """
    check_choices(precision=precision)
    if attentions and (exact := engine_of(encoder)).returns_attentions:
        return exact
    engines: dict[str, Engine] = encoder.shared.setdefault("engines", {})
    key = "attentions" if attentions else precision
    if key not in engines:
        engines.setdefault(key, open_engine(encoder, precision, attentions=attentions))
    return engines[key]


def open_engine(
    encoder: Encoder, precision: Precision = "exact", *, attentions: bool = False
) -> Engine:
    """A new engine for this encoder on this machine: a GPU's if there is one, else the fastest.

    One that returns ``attentions`` is the transformers engine, always exact. Only the native engine
    has other precisions than ``exact``. Where the precision cannot be had, a PoolwiseWarning says
    so and the engine is exact; its ``precision``, which every output names, says which it is.
    Raises OptionError for no precision, MissingExtraError without torch.
    """
    check_choices(precision=precision)
    if attentions:
        return _transformers_engine(encoder)
    from poolwise.engines import native_engine as native  # noqa: PLC0415

    if not native.levels():
        _warn_once(f"{native.absence()}; transformers runs instead")
    elif native.runs(encoder) and not gpu_count():
        if not native.has_precision(native.levels()[0], precision):
            _warn_once(f"this CPU has nothing faster for precision {precision}; runs exact instead")
            precision = "exact"
        return native.NativeEngine(encoder, precision)
    if precision != "exact":
        _warn_once(
            f"{encoder.name} does not run on the native engine here: exact instead of {precision}"
        )
    return _transformers_engine(encoder)


def _transformers_engine(encoder: Encoder) -> Engine:
    family = encoder.family.name
    with needs("torch", f"{encoder.name}: {family}, run by the transformers engine,"):
        from poolwise.engines.transformers_engine import TransformersEngine  # noqa: PLC0415

    return TransformersEngine(encoder)


def gpu_count() -> int:
    """GPUs that torch can use. Imports torch, which takes seconds, only if /dev shows one."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) or find_spec("torch") is None:
        return 0
    import torch  # noqa: PLC0415

    return int(torch.cuda.device_count()) if torch.cuda.is_available() else 0


def gpu_names() -> tuple[str, ...]:
    """Their names, as torch has them; torch is imported as for ``gpu_count``."""
    if not (count := gpu_count()):
        return ()
    import torch  # noqa: PLC0415

    return tuple(torch.cuda.get_device_name(i) for i in range(count))


@cache
def _warn_once(message: str) -> None:
    """Once in a process."""
    warn(message, PoolwiseWarning, stacklevel=5)
