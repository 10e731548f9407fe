"""An embedder as JSON values, for libraries that write down what makes their vectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poolwise.embedder import Embedder
from poolwise.embedder.encoding import refuse
from poolwise.embedder.fitting import needs_fit
from poolwise.errors import EncoderError, OptionError

_HASH = "model_hash"


def require_embedder(embedder: object) -> Embedder:
    """The same embedder. Raises OptionError for what is none, such as a model's name."""
    if not isinstance(embedder, Embedder):
        raise OptionError(
            f'embedder is {embedder!r:.60}, expected an Embedder, as Embedder("demo", "mean@-1")'
        )
    return embedder


def settings_of(embedder: Embedder) -> dict[str, Any]:
    """The arguments of ``Embedder`` and the model's hash.

    Raises NotOfferedError for steps that ``fit`` learns, for what they learned is no setting, and
    for a ``truncate_dim``.
    """
    model = embedder.loaded_model
    readout = model.resolve_readout(embedder.readout)
    refuse(
        needs_fit(readout),
        f"saving {readout} as a setting: its steps learn from texts. Fit the embedder, call "
        'embedder.fitted_readout().save("readout.toml") and give Embedder that file as readout',
    )
    refuse(
        embedder.truncate_dim is not None,
        f"saving truncate_dim={embedder.truncate_dim} as a setting: write it into the readout, "
        f"{readout}|truncate({embedder.truncate_dim})",
    )
    arguments = embedder.get_params()
    paths = {key: str(value) for key, value in arguments.items() if isinstance(value, Path)}
    return {**arguments, **paths, _HASH: model.hash}


def embedder_from(settings: Mapping[str, Any]) -> Embedder:
    """The embedder of ``settings_of``. Without a hash the model may be any.

    Raises EncoderError where the model is another than the one whose hash they hold.
    """
    embedder = Embedder(**{key: value for key, value in settings.items() if key != _HASH})
    expected = settings.get(_HASH)
    if expected is not None and expected != embedder.loaded_model.hash:
        raise EncoderError(
            f"{embedder.model}: expected the model of hash {str(expected)[:12]}, found "
            f"{embedder.loaded_model.hash[:12]}: its vectors cannot be compared with those stored. "
            "Bring that model back, or embed the texts again"
        )
    return embedder
