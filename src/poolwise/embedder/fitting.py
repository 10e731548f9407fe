"""The steps of a readout: whether they need a fit, and those that do not."""

from __future__ import annotations

from poolwise import transforms
from poolwise.model import Model
from poolwise.transforms import Transform
from poolwise.transforms.fitted_readout import FittedReadout


def needs_fit(readout: FittedReadout) -> bool:
    """Has the readout steps that need a fit, and no fitted ones?"""
    return readout.readout.needs_fit and readout.transform is None


def initial_transform(readout: FittedReadout, model: Model) -> Transform:
    """The steps of a readout that needs no fit. Raises EncoderError where they were fitted on
    another model."""
    if readout.transform is None:
        return transforms.stateless(readout.readout, model.dense_stack)
    readout.check_model(model.hash)
    return readout.transform.on(model.dense_stack)
