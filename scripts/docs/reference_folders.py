"""Folders of docs/reference/files.md: corpus jobs, reports, exports, trainings."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import chdir
from pathlib import Path

import pyarrow.parquet as pq
from file_metadata import ANSWER, FINDING, JOB, NUMBER, PART_COLUMNS, SCORES
from page_text import BLOB, ROOT, SOURCE, code, docstring, fence, paragraphs, plain, table

from poolwise import Finding, Model, embed_corpus, parse
from poolwise.encoders.modules.modules import read_modules
from poolwise.encoders.saving import write_tokenizer
from poolwise.encoders.variants.truncate_depth import truncate_depth
from poolwise.exports.stack import module_stack
from poolwise.exports.stack_files import write_modules, write_settings
from poolwise.json_values import to_plain
from poolwise.records import Answer, Number
from poolwise.reports.folder import SWEEP_FILES
from poolwise.transforms import Transform

ROWS = "a cat sat\na dog ran\n\na bird flew\n"


def blocks(model: Model, folder: Path) -> Iterator[str]:
    """The sections of all folders."""
    yield from _job(model, folder)
    yield from _report()
    yield from _export(model, folder / "exported", model.fit(ROWS.split(), "mean@1|whiten(2)|l2"))
    yield from _training()
    yield from _others()


def _job(model: Model, folder: Path) -> Iterator[str]:
    """A job whose third row is empty."""
    (folder / "rows.txt").write_text(ROWS, encoding="utf-8")
    target = folder / "vectors"
    with chdir(folder):
        embed_corpus(model, "rows.txt", "vectors", {"embedding": "mean@-1"}, part_rows=2)
    yield "## A corpus job"
    yield fence(
        "poolwise embed demo rows.txt -o vectors/ -r embedding=mean@-1 --part-rows 2", "bash"
    )
    yield paragraphs(docstring("jobs/folder.py").partition("\n\n")[2])
    yield "The columns of a part:"
    schema = pq.read_schema(target / "part-00000.parquet")
    yield table(
        ["column", "type", "holds"],
        ([code(f.name), code(f.type), plain(_part_column(f.name))] for f in schema),
    )
    yield "`plan.json` holds:"
    state = target / "__poolwise"
    plan = json.loads((state / "plan.json").read_text(encoding="utf-8"))
    yield _keys(plan, JOB)
    yield "The sidecar of a part:"
    yield fence((state / "part-00001.json").read_text(encoding="utf-8"), "json")
    yield "A rejected row:"
    yield fence((state / "rejected/part-00001.jsonl").read_text(encoding="utf-8"), "json")


def _part_column(name: str) -> str:
    return "the vector of mean@-1" if name == "embedding" else PART_COLUMNS[name]


def _report() -> Iterator[str]:
    yield "## A report"
    yield (
        "`-o` of `ask`, `sweep`, `tune` and `reproduce` is a folder with `report.html`, one page "
        "that needs no network, `findings.json` and, in `charts/`, each chart as SVG and PNG. A "
        f"sweep that chose a readout adds `answer.json` and {', '.join(map(code, SWEEP_FILES))}. "
        "`findings.json` is a list; each finding has"
    )
    finding = Finding("length", "Does it?", "It does.", [Number("R²", 0.7)])
    yield _keys(_renamed(to_plain(finding)), FINDING)
    yield "and each of its numbers"
    yield _keys(to_plain(finding.numbers[0]), NUMBER)
    yield "`answer.json` has"
    yield _keys(to_plain(Answer("Keep it.")), ANSWER)
    yield "and `scores.parquet` a row for each readout and baseline:"
    yield _keys(dict.fromkeys(_score_columns()), SCORES)


def _renamed(finding: Mapping[str, object]) -> dict[str, object]:
    return {"made" if key == "provenance" else key: value for key, value in finding.items()}


def _score_columns() -> Iterator[str]:
    """The keys of the rows that ``score_rows`` makes."""
    tree = ast.parse((SOURCE / "selection/score_table.py").read_text(encoding="utf-8"))
    (row,) = (node.value for node in ast.walk(tree) if isinstance(node, ast.Yield))
    assert isinstance(row, ast.Dict)
    for key in row.keys:
        assert isinstance(key, ast.Constant)
        yield str(key.value)


def _keys(found: Iterable[str], meanings: Mapping[str, str]) -> str:
    """A table of keys; all that there are, and no others."""
    names = [*found]
    assert {*names} == {*meanings}, {*names} ^ {*meanings}
    return table(["key", "holds"], ([code(name), plain(meanings[name])] for name in names))


def _export(model: Model, folder: Path, steps: Transform) -> Iterator[str]:
    """The files of an export but config.json and the weights, which need transformers."""
    readout = parse(steps.spec)
    stack = module_stack(model, readout, steps)
    source = read_modules(model.folder).transformer
    encoder = truncate_depth(model, stack.blocks)
    folder.mkdir()
    write_tokenizer(folder, encoder, source)
    write_modules(stack.modules, folder)
    write_settings(encoder, folder, lower_case=source.lower_case)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    yield "## An export"
    yield f"`poolwise export demo -o out -r '{readout}' --fit rows.txt` writes, and loads once:"
    yield fence(
        "\n".join(sorted([*names, "README.md", "config.json", "model.safetensors"])), "text"
    )
    yield (
        "`modules.json` names sentence-transformers' own classes, so that no code of the folder "
        "runs. `README.md` is a model card with the readout, the provenance and, from a sweep's "
        "`findings.json`, the verdict. `--format transformers` writes the encoder alone, and "
        "`poolwise.json` with the readout where no stock module says it. `--format onnx`:"
    )
    yield paragraphs(docstring("exports/onnx_files.py").partition("\n\n")[2])
    yield "[Who reads an export right](../loaders.md) is a matrix of libraries and readouts."


def _training() -> Iterator[str]:
    yield "## A training"
    yield "`poolwise tune -o` writes a report, and in the same folder:"
    runs = docstring("tuning/run_store.py").partition("\n\n")[2]
    checkpoints = docstring("tuning/checkpoint_store.py").partition("\n\n")[2]
    yield fence("\n".join([*runs.splitlines()[:2], checkpoints]), "text")
    yield "A checkpoint is a folder that transformers reads, too:"
    yield paragraphs(docstring("tuning/checkpoint.py").partition("\n\n")[2])


def _others() -> Iterator[str]:
    yield "## Predictions"
    yield (
        "`poolwise predict -o` writes CSV (`id,text,label,probability`), JSON Lines or Parquet, "
        "which hold all probabilities and the row flags."
    )
    yield "## Index files"
    yield paragraphs(docstring("jobs/targets/index_file.py").partition("\n\n")[0])
    yield paragraphs(docstring("jobs/targets/index_file.py").partition("\n\n")[2])
    yield "## Names in databases"
    yield paragraphs(docstring("jobs/targets/target_names.py").partition("\n\n")[2])
    yield "## serve.toml"
    yield f"As in [examples/serving]({BLOB}/examples/serving/serve.toml):"
    example = ROOT / "examples/serving/serve.toml"
    yield fence(example.read_text(encoding="utf-8"), "toml")
