"""The name of the model that a server is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from poolwise.doctor.endpoints.inquiry import Inquiry
from poolwise.errors import OptionError, listed

MODEL_OPTION = "--endpoint-model"


def only_model(names: Sequence[str] | None, inquiry: Inquiry, where: str) -> str:
    """The server's only model. Raises OptionError where it lists others too, or none; EndpointError
    where it refused to say."""
    if not names:
        inquiry.check()
        raise OptionError(
            f"{where} lists no models; give the name of the one whose vectors these are with "
            f"{MODEL_OPTION} NAME"
        )
    if len(names) == 1:
        return names[0]
    # Servers of language models list dozens.
    likely_first = sorted(names, key=lambda name: "embed" not in name.lower())
    raise OptionError(
        f"{where} has {len(names)} models: {listed(likely_first)}; give the name of one with "
        f"{MODEL_OPTION} NAME"
    )
