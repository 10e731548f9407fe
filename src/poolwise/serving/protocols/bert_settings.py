"""bert-as-service's flags under their own names, and the readout that they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from poolwise.errors import OptionError, PoolwiseError, listed
from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.serving.catalogue import Catalogue, ServedModel, ServedReadout
from poolwise.transforms.fitted_readout import FittedReadout

Strategy = Literal[
    "NONE",
    "REDUCE_MEAN",
    "REDUCE_MAX",
    "REDUCE_MEAN_MAX",
    "FIRST_TOKEN",
    "CLS_TOKEN",
    "LAST_TOKEN",
    "SEP_TOKEN",
    "CLS_POOLED",
]

STRATEGIES: dict[Strategy, tuple[str, str, int]] = {
    "NONE": ("mean", "mean", 0),
    "REDUCE_MAX": ("max", "max[words]", 1),
    "REDUCE_MEAN": ("mean", "mean[words]", 2),
    "REDUCE_MEAN_MAX": ("meanmax", "mean[words]+max[words]", 3),
    "FIRST_TOKEN": ("cls", "cls", 4),
    "CLS_TOKEN": ("cls", "cls", 4),
    "LAST_TOKEN": ("sep", "sep", 5),
    "SEP_TOKEN": ("sep", "sep", 5),
    "CLS_POOLED": ("pooler", "pooler", 6),
}
"""The pool, the pool with -mask_cls_sep, and the number that the original shows as its status. NONE
has no pool: every token's vector is sent."""

NOT_FLAGS: dict[str, str] = {
    "model_dir": "the model is what poolwise serve is given",
    "tuned_model_dir": "the model is what poolwise serve is given",
    "ckpt_name": "bert_model.ckpt of TensorFlow is not read; name a folder with safetensors",
    "config_name": "config.json of the folder is read",
    "graph_tmp_dir": "there is no graph",
    "num_worker": "threads that share all cores compute for everybody",
    "cpu": "the engine is chosen by the machine",
    "device_map": "the engine is chosen by the machine",
    "gpu_memory_fraction": "the engine is chosen by the machine",
    "xla": "there is no graph",
    "fp16": "poolwise serve has --precision near",
    "prefetch_size": "what waits is batched by tokens",
    "http_port": "HTTP is served at the server's own port: POST /encode",
    "http_max_connect": "the queue bounds what waits",
    "cors": "it is * on /encode and /status",
    "verbose": "every request is logged",
}
"""Flags of the original that mean nothing here, and why."""


@dataclass(frozen=True, slots=True)
class BertSettings:
    """The original's flags, with its defaults; tokens are sent unless told not to.

    ``pooling_layer`` counts blocks from 0, negative ones from the last; several are concatenated.
    ``max_seq_len`` counts tokens, special ones included; None reads as many as the model does.
    ``cased_tokenization`` is the model's own where None. ``model`` names one of several that are
    served. ``allow_termination``: TERMINATION from this machine ends the server.

    Raises OptionError for a value that cannot be.
    """

    port: int = 5555
    port_out: int = 5556
    pooling_layer: tuple[int, ...] = (-2,)
    pooling_strategy: Strategy = "REDUCE_MEAN"
    max_seq_len: int | None = 25
    mask_cls_sep: bool = False
    no_special_token: bool = False
    fixed_embed_length: bool = False
    cased_tokenization: bool | None = None
    show_tokens_to_client: bool = True
    max_batch_size: int = 256
    priority_batch_size: int = 16
    model: str | None = None
    allow_termination: bool = False

    def __post_init__(self) -> None:
        for name in ("port", "port_out"):
            if not 0 <= getattr(self, name) <= 65_535:
                raise OptionError(f"{name} is {getattr(self, name)}, expected 0 to 65535")
        if self.port == self.port_out != 0:
            raise OptionError(f"port and port_out are both {self.port}; expected two ports")
        if self.pooling_strategy not in STRATEGIES:
            raise OptionError(
                f"pooling_strategy is {self.pooling_strategy!r:.60}, expected "
                f"{listed(STRATEGIES, limit=20)}"
            )
        if not self.pooling_layer:
            raise OptionError("pooling_layer is empty, expected numbers of blocks such as [-1, -2]")
        if self.max_seq_len is not None and self.max_seq_len <= 3:
            raise OptionError(
                f"max_seq_len is {self.max_seq_len}, expected more than 3, as three may be special "
                'tokens, or "NONE" for all that the model reads'
            )
        if self.max_batch_size < 1:
            raise OptionError(f"max_batch_size is {self.max_batch_size}, expected 1 or more")

    def served(self, catalogue: Catalogue) -> ServedModel:
        """The model of these flags. Raises OptionError where it is not served."""
        try:
            model, _ = catalogue.find(self.model)
        except PoolwiseError as error:
            raise OptionError(f"bert_as_service: {error}") from error
        return model

    def spec(self, model: Model) -> str:
        """The readout that the flags mean: the original counts blocks from 0, Hugging Face's hidden
        states have the embeddings there. Raises OptionError for a block that is not there."""
        pool, masked, _ = STRATEGIES[self.pooling_strategy]
        if pool == "pooler":
            return pool
        depth = model.depth
        for number in self.pooling_layer:
            if not -depth <= number < depth:
                raise OptionError(
                    f"pooling_layer has {number}, and {model.name} has {depth} blocks: expected "
                    f"0 to {depth - 1}, or -{depth} to -1 from the last"
                )
        layers = [str(number if number < 0 else number + 1) for number in self.pooling_layer]
        several = f"concat({','.join(layers)})" if len(layers) > 1 else layers[0]
        return f"{masked if self.mask_cls_sep else pool}@{several}"

    def readout(self, served: ServedModel) -> ServedReadout:
        """The readout that the flags mean. Raises OptionError where the model does not have it."""
        spec = self.spec(served.model)
        try:
            return ServedReadout.of(spec, FittedReadout(parse(spec)), served.model)
        except PoolwiseError as error:
            raise OptionError(f"bert_as_service: {error}") from error

    def max_length(self, served: ServedModel) -> int:
        """Tokens read of a text, special ones included; where the flag is not given and the model
        reads fewer, its own. Raises OptionError for more than the model reads."""
        if self.max_seq_len is None:
            return served.max_length
        if self.max_seq_len > served.max_length and self.max_seq_len != type(self)().max_seq_len:
            raise OptionError(
                f"max_seq_len is {self.max_seq_len}, and {served.name} reads {served.max_length} "
                'tokens: lower it, or write "NONE" for all of them'
            )
        return min(self.max_seq_len, served.max_length)

    def check_casing(self, served: ServedModel) -> None:
        """Raise OptionError where -cased_tokenization is not how the model's tokenizer reads."""
        normalizer = served.model.tokenizer.backend.normalizer
        cased = normalizer is None or normalizer.normalize_str("ABC") == "ABC"
        if self.cased_tokenization not in (None, cased):
            does = "keeps" if cased else "lowers"
            raise OptionError(
                f"cased_tokenization is {str(self.cased_tokenization).lower()}, and the tokenizer "
                f"of {served.name} {does} case: leave the flag out, or serve another model"
            )

    def as_dict(self) -> dict[str, Any]:
        """The flags as the original's status shows them."""
        values = asdict(self) | {"pooling_layer": list(self.pooling_layer)}
        values["pooling_strategy"] = STRATEGIES[self.pooling_strategy][2]
        return values


def bert_settings(values: Mapping[str, Any]) -> BertSettings:
    """The settings of a table ``[bert_as_service]``, or of ``--bert NAME=VALUE`` as text.

    Raises OptionError for a flag that is none, and for a value of another type.
    """
    known = {field.name: str(field.type) for field in fields(BertSettings)}
    for name in values:
        if name in NOT_FLAGS:
            raise OptionError(f"bert_as_service has {name}, which means nothing here: "
                              f"{NOT_FLAGS[name]}; leave it out")  # fmt: skip
        if name not in known:
            raise OptionError(
                f"bert_as_service has {name!r:.60}; expected some of {listed(known, limit=30)}"
            )
    return BertSettings(**{name: _value(name, known[name], v) for name, v in values.items()})


def _value(name: str, kind: str, value: Any) -> Any:
    if name == "pooling_layer":
        return _layers(value)
    if isinstance(value, str) and "None" in kind and value.lower() == "none":
        return None
    if kind.startswith("bool"):
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise OptionError(f"bert_as_service.{name} is {value!r:.60}, expected true or false")
    if kind.startswith("int"):
        if not isinstance(value, bool) and re.fullmatch(r"-?\d{1,9}", str(value)):
            return int(value)
        none = ' or "NONE"' if "None" in kind else ""
        raise OptionError(f"bert_as_service.{name} is {value!r:.60}, expected a whole number{none}")
    if not isinstance(value, str):
        raise OptionError(f"bert_as_service.{name} is {value!r:.60}, expected a text")
    return value


def _layers(value: Any) -> tuple[int, ...]:
    """``-2``, ``[-4, -3]``, or ``"-4 -3"`` as the original's command line writes it."""
    items = re.split(r"[\s,]+", value.strip("[] ")) if isinstance(value, str) else value
    several = items if isinstance(items, list | tuple) else [items]
    if all(not isinstance(i, bool) and re.fullmatch(r"-?\d{1,4}", str(i)) for i in several):
        return tuple(int(i) for i in several)
    raise OptionError(
        f"bert_as_service.pooling_layer is {value!r:.60}, expected a number of a block such as -2, "
        "or several: [-1, -2]"
    )


assert set(get_args(Strategy)) == set(STRATEGIES)
