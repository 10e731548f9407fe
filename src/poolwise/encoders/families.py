"""The architectures that can be read, as plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from poolwise.encoders import config_keys, tensor_tables
from poolwise.encoders.tensor_tables import Section, Shape, Values


@dataclass(frozen=True, repr=False)
class Family:
    """An architecture: all encoders with one ``model_type``.

    ``classes`` is the prefix of transformers' class names: BertModel, BertForMaskedLM and so on.
    ``blocks`` is the path of the module list in transformers' model; ``words`` names the word
    embeddings. ``embedding_norm``, ``block_norm`` and ``final_norm`` name the LayerNorm whose
    output is hidden state 0, that of each block (``{i}``), and the last one ("" for none).
    ``padding_index`` offsets the positions: a number, a key of config.json, or None. In a
    checkpoint with a head, ``prefix`` is that of the encoder's tensors and ``heads`` are those of
    the head's. ``fixed`` holds values that transformers hard-codes; ``rotary`` names keys that
    ``encoders.rotary`` reads. ``spellings`` rewrites names of tensors in the makers' checkpoints,
    pattern by pattern; ``stacked`` names modules there whose weights are those of several, stacked.
    """

    model_type: str
    name: str
    classes: str
    keys: config_keys.ConfigKeys
    table: tuple[Section, ...]
    prefix: str
    heads: tuple[str, ...]
    blocks: str = "encoder.layer"
    words: str = "embeddings.word_embeddings.weight"
    pooler: str = ""
    embedding_norm: str = "embeddings.LayerNorm"
    block_norm: str = "encoder.layer.{i}.output.LayerNorm"
    final_norm: str = ""
    padding_index: str | int | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    rotary: tuple[str, ...] = ()
    spellings: Mapping[str, str] = field(default_factory=dict)
    stacked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Family({self.name})"

    def shapes(self, config: Values, *, pooler: bool = False) -> dict[str, Shape]:
        """The name and shape of every tensor, with or without the pooler's."""
        count = config.get("num_hidden_groups", config["num_hidden_layers"])
        return dict(tensor_tables.expand(self.table, config, count, pooler=pooler))

    def padding_id(self, config: Values) -> int | None:
        """The token id from which positions are counted, and which has none; None elsewhere."""
        index = self.padding_index
        return config[index] if isinstance(index, str) else index

    def group(self, config: Values, block: int) -> int:
        """The index in ``blocks`` of a block's weights, which ALBERT's blocks share in groups."""
        depth = config["num_hidden_layers"]
        return int(block / (depth / config.get("num_hidden_groups", depth)))


_HEADS = ("cls.", "classifier.", "qa_outputs.", "lm_head.", "dropout.")

_ROTARY = ("rope_theta", "rope_scaling", "rope_parameters")

_BERT = Family(
    model_type="bert",
    name="BERT",
    classes="Bert",
    keys=config_keys.BERT,
    table=tensor_tables.BERT,
    prefix="bert.",
    heads=_HEADS,
    pooler="pooler.dense",
)

_ROBERTA = replace(
    _BERT,
    model_type="roberta",
    name="RoBERTa",
    classes="Roberta",
    keys=config_keys.ROBERTA,
    prefix="roberta.",
    padding_index="pad_token_id",
)

_FAMILIES = (
    _BERT,
    _ROBERTA,
    replace(
        _ROBERTA,
        model_type="xlm-roberta",
        name="XLM-RoBERTa",
        classes="XLMRoberta",
        keys=config_keys.XLM_ROBERTA,
    ),
    replace(
        _ROBERTA,
        model_type="camembert",
        name="CamemBERT",
        classes="Camembert",
        keys=config_keys.XLM_ROBERTA,
    ),
    Family(
        model_type="distilbert",
        name="DistilBERT",
        classes="DistilBert",
        keys=config_keys.DISTILBERT,
        table=tensor_tables.DISTILBERT,
        prefix="distilbert.",
        heads=(
            *_HEADS,
            "pre_classifier.",
            "vocab_transform.",
            "vocab_layer_norm.",
            "vocab_projector.",
        ),
        blocks="transformer.layer",
        block_norm="transformer.layer.{i}.output_layer_norm",
        fixed={"layer_norm_eps": 1e-12},
    ),
    Family(
        model_type="electra",
        name="ELECTRA",
        classes="Electra",
        keys=config_keys.ELECTRA,
        table=tensor_tables.ELECTRA,
        prefix="electra.",
        heads=(
            *_HEADS,
            "discriminator_predictions.",
            "generator_predictions.",
            "generator_lm_head.",
            "sequence_summary.",
        ),
    ),
    Family(
        model_type="mpnet",
        name="MPNet",
        classes="MPNet",
        keys=config_keys.MPNET,
        table=tensor_tables.MPNET,
        prefix="mpnet.",
        heads=_HEADS,
        pooler="pooler.dense",
        padding_index=1,
    ),
    Family(
        model_type="albert",
        name="ALBERT",
        classes="Albert",
        keys=config_keys.ALBERT,
        table=tensor_tables.ALBERT,
        prefix="albert.",
        heads=(*_HEADS, "predictions.", "sop_classifier."),
        blocks="encoder.albert_layer_groups",
        pooler="pooler",
        embedding_norm="",
        block_norm="encoder.albert_layer_groups.{i}.albert_layers.0.full_layer_layer_norm",
    ),
    Family(
        model_type="deberta-v2",
        name="DeBERTa-v2",
        classes="DebertaV2",
        keys=config_keys.DEBERTA_V2,
        table=tensor_tables.DEBERTA_V2,
        prefix="deberta.",
        heads=(*_HEADS, "lm_predictions.", "mask_predictions.", "pooler."),
    ),
    Family(
        model_type="modernbert",
        name="ModernBERT",
        classes="ModernBert",
        keys=config_keys.MODERNBERT,
        table=tensor_tables.MODERNBERT,
        prefix="model.",
        heads=(*_HEADS, "head.", "decoder."),
        blocks="layers",
        words="embeddings.tok_embeddings.weight",
        embedding_norm="embeddings.norm",
        block_norm="",
        final_norm="final_norm",
        rotary=_ROTARY,
    ),
    Family(
        model_type="nomic_bert",
        name="NomicBERT",
        classes="NomicBert",
        keys=config_keys.NOMIC_BERT,
        table=tensor_tables.NOMIC_BERT,
        prefix="nomic_bert.",
        heads=(*_HEADS, "pooler."),
        blocks="layers",
        block_norm="layers.{i}.post_mlp_layernorm",
        rotary=_ROTARY,
        spellings={
            r"^bert\.": "",
            r"^encoder\.layers\.": "layers.",
            r"^emb_ln\.": "embeddings.LayerNorm.",
            r"\.attn\.out_proj\.": ".self_attn.o_proj.",
            r"\.mlp\.fc11\.": ".mlp.up_proj.",
            r"\.mlp\.fc12\.": ".mlp.gate_proj.",
            r"\.mlp\.fc2\.": ".mlp.down_proj.",
            r"\.norm1\.": ".post_attention_layernorm.",
            r"\.norm2\.": ".post_mlp_layernorm.",
        },
        stacked={".attn.Wqkv.": tuple(f".self_attn.{name}_proj." for name in "qkv")},
    ),
)

FAMILIES: Mapping[str, Family] = {family.model_type: family for family in _FAMILIES}

_CLASSES = {family.classes: family for family in _FAMILIES}
_CLASS = re.compile(rf"(?:TF|Flax)?({'|'.join(_CLASSES)})(?:Model|LMHeadModel|For[A-Z]\w*)")


def family_of(class_name: str) -> Family | None:
    """The family of one of transformers' classes: BERT for ``BertForMaskedLM``."""
    match = _CLASS.fullmatch(class_name)
    return _CLASSES[match[1]] if match else None
