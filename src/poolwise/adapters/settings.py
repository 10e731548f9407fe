"""An embedder as JSON values, for libraries that write down what makes their vectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poolwise.embedder import Embedder
from poolwise.embedder.encoding import refuse
from poolwise.embedder.fitting import needs_fit
from poolwise.errors import EncoderError

_HASH = "model_hash"


def settings_of(embedder: Embedder) -> dict[str, Any]:
    """The arguments of ``Embedder`` and the model's hash.

    Raises NotOfferedError for steps that ``fit`` learns: what they learned is no setting.
    """
    model = embedder.loaded_model
    readout = model.resolve_readout(embedder.readout)
    refuse(
        needs_fit(readout),
        f"saving {readout} as a setting: its steps learn from texts. Fit the embedder, call "
        'embedder.fitted_readout().save("readout.toml") and give Embedder that file as readout',
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
