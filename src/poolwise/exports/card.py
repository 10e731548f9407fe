"""The model card: README.md of an export."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

from poolwise.encoders import Encoder
from poolwise.exports.onnx_card import onnx_loaders, onnx_outputs, onnx_snippet
from poolwise.exports.result import ExportResult
from poolwise.version import __version__

PIPE = "\\|"
"""A pipe within a cell of a Markdown table."""

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


def card(result: ExportResult, source: Encoder, encoder: Encoder, evidence: Sequence[str]) -> str:
    """The whole page, Markdown. ``encoder`` is what was exported of ``source``."""
    title = result.folder.resolve().name
    head = _HEAD.format(
        format=result.format,
        article="an" if result.format == "onnx" else "a",
        task="feature-extraction" if result.format == "transformers" else "sentence-similarity",
        title=title,
        readout=result.readout,
        source=f"`{source.name}`",
        poolwise=__version__,
        snippet=_SNIPPETS[result.format](result, encoder, title),
    )
    facts = _facts(result, source, encoder).items()
    rows = "\n".join(f"| {name} | {fact.replace('|', PIPE)} |" for name, fact in facts)
    sections = [f"## What it is\n\n| | |\n|---|---|\n{rows}\n"]
    if result.format == "onnx":
        sections.append(onnx_loaders(result, encoder, title))
    if result.misreadings:
        sections.append(_loaders(result))
    if evidence:
        sections.append("## Evidence\n\n" + "\n\n".join(evidence) + "\n")
    sections.append("## Licence\n\nAs the source model's.\n")
    return "\n".join([head, *sections])


def _sentence_transformers(result: ExportResult, encoder: Encoder, title: str) -> str:
    return (
        "from sentence_transformers import SentenceTransformer\n\n"
        f'model = SentenceTransformer("{title}")\n'
        f'vectors = model.encode(["A sentence.", "And another."])  # [2, {result.width}]'
    )


def _transformers(result: ExportResult, encoder: Encoder, title: str) -> str:
    pool = result.readout.pool
    last = (
        "vectors = out.pooler_output"
        if pool.kind == "pooler"
        else "states = out.last_hidden_state  # "
        + "; ".join(f"{part}: {part.facts.meaning}" for part in pool.parts)
    )
    prompt = f"{json.dumps(encoder.prefix)} + " if encoder.prefix else ""
    return (
        "from transformers import AutoModel, AutoTokenizer\n\n"
        f'tokenizer = AutoTokenizer.from_pretrained("{title}")\n'
        f'model = AutoModel.from_pretrained("{title}")\n'
        f'texts = [{prompt}"A sentence.", {prompt}"And another."]\n'
        'read = tokenizer(texts, truncation=True, padding=True, return_tensors="pt")\n'
        f"out = model(**read)\n{last}"
    )


_SNIPPETS: Mapping[str, Callable[[ExportResult, Encoder, str], str]] = {
    "sentence-transformers": _sentence_transformers,
    "transformers": _transformers,
    "onnx": onnx_snippet,
}


def _facts(result: ExportResult, source: Encoder, encoder: Encoder) -> dict[str, str]:
    facts = {
        "source model": f"`{source.name}`, {source.family.name}",
        "its hash (poolwise)": f"`{source.hash}`",
        "readout": f"`{result.readout}`, {result.width} dimensions",
        "blocks": f"{result.blocks} of {result.depth}",
        "maximum length": f"{source.max_length} tokens",
    }
    if result.format == "onnx":
        facts["outputs"] = onnx_outputs(result)
    elif len(result.modules) > 1:
        facts["modules"] = " → ".join(result.modules)
    if result.quantized:
        facts["in int8"] = f"{result.quantized}"
    if encoder.prefix:
        facts["prompt in front of every text"] = f"`{encoder.prefix}`"
    if folded := _folded(result):
        facts["folded into Dense"] = folded
    if source.has_pooler and not encoder.has_pooler:
        facts["left out"] = "the pooler, which reads the last block"
    facts["round trip"] = (
        f"{result.reader} {version(result.reader)} gives poolwise's vectors of {result.texts} "
        f"texts to {result.difference:.0e} of their largest value"
    )
    return facts


def _loaders(result: ExportResult) -> str:
    """The loaders that leave out a part of the folder, and what to write instead."""
    rows = "\n".join(
        f"| {each.loader} | {' and '.join(each.omits)} | {each.instead} |"
        for each in result.misreadings
    )
    return (
        "## Loaders\n\nThese load the folder without an error and give other vectors:\n\n"
        f"| loader | leaves out | instead |\n|---|---|---|\n{rows}\n"
    )


def _folded(result: ExportResult) -> str:
    if "Dense" not in result.modules:
        return ""
    pooler = ["the pooler"] * (result.readout.pool.kind == "pooler")
    steps = [f"`{step}`" for step in result.readout.steps if step.name not in ("l2", "dense")]
    own = ["the model's own layers after pooling"] * result.readout.has_dense
    return ", ".join([*pooler, *own, *steps]) or "the scale or order of the dimensions"
