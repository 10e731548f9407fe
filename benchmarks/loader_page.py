"""docs/loaders.md: the tables of benchmarks/loaders.py, and how to read them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

FORMAT_TITLES = {
    "sentence-transformers": "`--format sentence-transformers`, the default",
    "transformers": "`--format transformers`",
    "onnx": "`--format onnx`",
}

_HEAD = """# Who reads an export right

Every cell was made by running the library on an export of the demo model (all-MiniLM-L6-v2, which
reads 256 tokens) and of a tiny random encoder with a pooler, over five texts of 1 to 1,600 tokens,
and comparing with poolwise's own vectors:

| cell | meaning |
|---|---|
| right | the same to 1e-5 of the largest value, long texts included |
| refused | the library raises an error |
| warned | other vectors and no error: the export's README.md and the command say so beforehand |
| — | poolwise refuses the export and names what comes nearest |

A warning names the library, what it leaves out and what to use instead.

"""

_TAIL = """## How they were asked

- transformers: `pipeline("feature-extraction", folder)(texts, truncation=True)`, pooled by hand as
  the readout says; for `pooler`, `AutoModel(…).pooler_output`. Without `truncation=True` the
  pipeline cuts nothing: it logs that a text is longer than the maximum, and gives other vectors.
- txtai normalises every vector, and was compared with normalised ones. The graph's file is
  `Embeddings(path="folder/onnx/model.onnx", tokenizer="folder/tokenizer.json")`.
- fastembed, transformers.js and optimum pool `last_hidden_state` as `1_Pooling/config.json` says
  (fastembed and transformers.js have no maximum), or take `sentence_embedding` as it is.
- onnxruntime: the ten lines of the export's README.md.

## llama.cpp

poolwise writes no GGUF, since llama.cpp's vectors are near but not the same. Its converter
(`python convert_hf_to_gguf.py FOLDER --outtype f32 --outfile model.gguf`, then `llama-server -m
model.gguf --embedding`) reads a sentence-transformers folder. Measured with xllamacpp 2026.10 on
the demo model: `mean` and `cls` of the last block differ by 1e-4 to 7e-4 of the largest value on
short texts; texts beyond the maximum length are not cut (off by 0.18 at 362 tokens) or refused;
other pools and layer mixes are refused by the converter; Dense (`pooler`, `whiten`) is left out.

"""


def page(
    cells: Mapping[tuple[str, str, str], str],
    readouts: Sequence[str],
    versions: Iterable[str],
) -> str:
    """The whole page, Markdown; ``cells`` by format, loader and readout."""
    tables = [_table(cells, form, readouts) for form in FORMAT_TITLES]
    date = datetime.now(UTC).date().isoformat()
    made = f"Made by `make loaders` on {date} with {', '.join(sorted(versions))}."
    return f"{_HEAD}{''.join(tables)}{_TAIL}{textwrap.fill(made, 100)}\n"


def _table(cells: Mapping[tuple[str, str, str], str], form: str, readouts: Sequence[str]) -> str:
    loaders = dict.fromkeys(loader for kind, loader, _ in cells if kind == form)
    heads = [f"`{readout}`".replace("|", "\\|") for readout in readouts]
    rows = [["", *heads], ["---"] * (len(heads) + 1)]
    for loader in loaders:
        row = [cells[form, loader, readout] for readout in readouts]
        rows.append([loader, *row])
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## {FORMAT_TITLES[form]}\n\n{lines}\n\n"


def read_page(text: str) -> dict[tuple[str, str, str], str]:
    """The cells of the page, by format, loader and readout."""
    cells = {}
    for form, title in FORMAT_TITLES.items():
        section = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
        lines = [line for line in section.splitlines() if line.startswith("|")]
        head, _, *rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
        readouts = [cell.strip().strip("`").replace("\\|", "|") for cell in head[1:]]
        for loader, *row in rows:
            for readout, cell in zip(readouts, row, strict=True):
                cells[form, loader.strip(), readout] = cell.strip()
    return cells
