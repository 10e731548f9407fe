"""What the card of an ONNX folder says: its outputs, and how each loader reads the readout."""

from __future__ import annotations

import json

from poolwise.encoders import Encoder
from poolwise.exports.onnx_files import (
    GRAPH,
    INPUTS,
    QUANTIZED_GRAPH,
    TOKEN_VECTORS,
    TOKENIZER,
    VECTORS,
)
from poolwise.exports.result import ExportResult
from poolwise.exports.stack import modes_in_order
from poolwise.readouts import PoolingMode

_POOLING_OF_JS: dict[PoolingMode, str] = {"mean_tokens": "mean", "cls_token": "cls"}
"""The pools of transformers.js that are right in a batch; its last_token reads padding."""

_TEI_MODES: frozenset[PoolingMode] = frozenset(("cls_token", "mean_tokens", "lasttoken"))
"""Without one of them text-embeddings-inference does not start, though it uses none."""


def onnx_snippet(result: ExportResult, encoder: Encoder, title: str) -> str:
    """Python that runs the graph with onnxruntime."""
    arrays = "".join(
        f'    "{name}": np.array([text.{array} for text in read]),\n'
        for name, array in INPUTS.items()
    )
    prompt = f"{json.dumps(encoder.prefix)} + " if encoder.prefix else ""
    texts = ", ".join(f'{prompt}"{text}"' for text in ("A sentence.", "And another."))
    return (
        "import numpy as np\n"
        "from onnxruntime import InferenceSession\n"
        "from tokenizers import Tokenizer\n\n"
        f'tokenizer = Tokenizer.from_file("{title}/{TOKENIZER}")\n'
        f'session = InferenceSession("{title}/{GRAPH}")\n'
        f"read = tokenizer.encode_batch([{texts}])\n"
        f"given = {{\n{arrays}}}\n"
        f'(vectors,) = session.run(["{VECTORS}"], given)  # [2, {result.width}]'
    )


def onnx_outputs(result: ExportResult) -> str:
    """The outputs of the graph, one sentence."""
    vectors = f"`{VECTORS}` [n, {result.width}] is the readout"
    if not result.modules[1:]:
        return f"{vectors}; there is no `{TOKEN_VECTORS}`, since no stock Pooling makes it of one"
    modules = " → ".join(result.modules[1:])
    return f"{vectors}; {modules} make the same of `{TOKEN_VECTORS}`"


def onnx_loaders(result: ExportResult, encoder: Encoder, title: str) -> str:
    """A table of loaders, each with the spelling that reads the readout."""
    rows = "\n".join(f"| {name} | {spelling} |" for name, spelling in _spellings(result, title))
    table = f"## Where it loads\n\n| with | how |\n|---|---|\n{rows}\n"
    if encoder.tokenizer.truncation_side == "right":
        return table
    return (
        f"{table}\nTexts of more than {encoder.max_length} tokens lose their first ones; "
        "transformers.js takes the last ones away, and text-embeddings-inference does unless "
        '`"truncation_direction": "Left"` is asked for.\n'
    )


def _spellings(result: ExportResult, title: str) -> list[tuple[str, str]]:
    stops = f"stops: it reads `{TOKEN_VECTORS}` alone"
    modules = " → ".join(result.modules[1:])
    stock, dtype = f'`SentenceTransformer("{title}", backend="onnx")`', '"fp32"'
    if result.quantized:
        stock += f', `model_kwargs={{"file_name": "{GRAPH}"}}` or `"{QUANTIZED_GRAPH}"`'
        dtype += ' or "q8"'
    return [
        ("sentence-transformers with optimum", stock if modules else stops),
        (
            "optimum",
            f'`ORTModelForFeatureExtraction.from_pretrained("{title}")`, then {modules} of its '
            f"`{TOKEN_VECTORS}`"
            if modules
            else stops,
        ),
        (
            "transformers.js",
            f"`AutoModel.from_pretrained(…, {{ dtype: {dtype} }})`, its output `{VECTORS}`"
            + _pipeline(result),
        ),
        (
            "fastembed",
            f'`TextEmbedding.add_custom_model(…, model_file="{GRAPH}", '
            f'pooling=PoolingType.DISABLED, normalization=False, output_name="{VECTORS}")`',
        ),
        (
            "text-embeddings-inference",
            ("as it is" if _TEI_MODES & set(_modes(result)) else "with `--pooling mean`, unused")
            + f': it reads `{VECTORS}`, and normalises it unless `"normalize": false` is sent',
        ),
    ]


def _modes(result: ExportResult) -> list[PoolingMode]:
    return (modes_in_order(result.readout.pool) or []) if result.modules[1:] else []


def _pipeline(result: ExportResult) -> str:
    """How transformers.js' pipeline reads the readout, where it can."""
    modes = _modes(result)
    pooling = _POOLING_OF_JS.get(modes[0]) if len(modes) == 1 else None
    if pooling is None or result.modules[1:] not in (("Pooling",), ("Pooling", "Normalize")):
        return ""
    normalize = str("Normalize" in result.modules[1:]).lower()
    options = f'{{ pooling: "{pooling}", normalize: {normalize} }}'
    return f'; or `pipeline("feature-extraction", …)` with `{options}`'
