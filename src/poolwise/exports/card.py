"""The model card: README.md of an export."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from poolwise.encoders import Encoder
from poolwise.encoders.saving import from_pretrained_options
from poolwise.exports.onnx_files import ARRAYS, GRAPH, OUTPUT, TOKENIZER, inputs
from poolwise.version import __version__

if TYPE_CHECKING:
    from poolwise.exports.export import Exported

_HEAD = """---
library_name: {format}
pipeline_tag: {task}
tags:
- {format}
- feature-extraction
- poolwise
---

# {title}

`{readout}` of {source}, as {article} {format} folder. Written by poolwise {poolwise}.

```python
{snippet}
```
"""


def card(made: Exported, model: Encoder, left: Encoder, evidence: Sequence[str]) -> str:
    """The whole page, Markdown. ``left`` is what the cut left of ``model``."""
    title = made.folder.resolve().name
    head = _HEAD.format(
        format=made.format,
        article="an" if made.format == "onnx" else "a",
        task="feature-extraction" if made.format == "transformers" else "sentence-similarity",
        title=title,
        readout=made.readout,
        source=f"`{model.name}`",
        poolwise=__version__,
        snippet=_SNIPPETS[made.format](made, left, title),
    )
    facts = {name: fact.replace("|", "\\|") for name, fact in _facts(made, model, left).items()}
    rows = "\n".join(f"| {name} | {fact} |" for name, fact in facts.items())
    sections = [f"## What it is\n\n| | |\n|---|---|\n{rows}\n"]
    if evidence:
        sections.append("## Evidence\n\n" + "\n\n".join(evidence) + "\n")
    sections.append("## Licence\n\nAs the source model's.\n")
    return "\n".join([head, *sections])


def _sentence_transformers(made: Exported, left: Encoder, title: str) -> str:
    return (
        "from sentence_transformers import SentenceTransformer\n\n"
        f'model = SentenceTransformer("{title}")\n'
        f'vectors = model.encode(["A sentence.", "And another."])  # [2, {made.width}]'
    )


def _transformers(made: Exported, left: Encoder, title: str) -> str:
    pool = made.readout.pool
    options = "".join(f", {name}={value}" for name, value in from_pretrained_options(left).items())
    last = (
        "vectors = out.pooler_output"
        if pool.kind == "pooler"
        else "states = out.last_hidden_state  # "
        + "; ".join(f"{part}: {part.facts.meaning}" for part in pool.parts)
    )
    prompt = f"{json.dumps(left.prefix)} + " if left.prefix else ""
    return (
        "from transformers import AutoModel, AutoTokenizer\n\n"
        f'tokenizer = AutoTokenizer.from_pretrained("{title}")\n'
        f'model = AutoModel.from_pretrained("{title}"{options})\n'
        f'out = model(**tokenizer([{prompt}"A sentence."], return_tensors="pt"))\n{last}'
    )


def _onnx(made: Exported, left: Encoder, title: str) -> str:
    arrays = "".join(
        f'    "{name}": np.array([text.{ARRAYS[name]} for text in read]),\n'
        for name in inputs(made.readout)
    )
    prompt = f"{json.dumps(left.prefix)} + " if left.prefix else ""
    texts = ", ".join(f'{prompt}"{text}"' for text in ("A sentence.", "And another."))
    return (
        "import numpy as np\n"
        "from onnxruntime import InferenceSession\n"
        "from tokenizers import Tokenizer\n\n"
        f'tokenizer = Tokenizer.from_file("{title}/{TOKENIZER}")\n'
        f'session = InferenceSession("{title}/{GRAPH}")\n'
        f"read = tokenizer.encode_batch([{texts}])\n"
        f"given = {{\n{arrays}}}\n"
        f'(vectors,) = session.run(["{OUTPUT}"], given)  # [2, {made.width}]'
    )


_SNIPPETS: Mapping[str, Callable[[Exported, Encoder, str], str]] = {
    "sentence-transformers": _sentence_transformers,
    "transformers": _transformers,
    "onnx": _onnx,
}


def _facts(made: Exported, model: Encoder, left: Encoder) -> dict[str, str]:
    facts = {
        "source model": f"`{model.name}`, {model.family.name}",
        "its hash (poolwise)": f"`{model.hash}`",
        "readout": f"`{made.readout}`, {made.width} dimensions",
        "blocks": f"{made.blocks} of {made.of}",
        "maximum length": f"{model.max_length} tokens",
    }
    if len(made.modules) > 1:
        facts["modules"] = " → ".join(made.modules)
    if left.prefix:
        facts["prompt in front of every text"] = f"`{left.prefix}`"
    if folded := _folded(made):
        facts["folded into Dense"] = folded
    if model.has_pooler and not left.has_pooler:
        facts["left out"] = "the pooler, which reads the last block"
    facts["round trip"] = (
        f"{made.reader} {version(made.reader)} gives poolwise's vectors of {made.texts} texts to "
        f"{made.difference:.0e} of their largest value"
    )
    return facts


def _folded(made: Exported) -> str:
    if "Dense" not in made.modules:
        return ""
    pooler = ["the pooler"] * (made.readout.pool.kind == "pooler")
    steps = [f"`{step}`" for step in made.readout.steps if step.name not in ("l2", "dense")]
    own = ["the model's own layers after pooling"] * made.readout.has_dense
    return ", ".join([*pooler, *own, *steps]) or "the scale or order of the dimensions"
