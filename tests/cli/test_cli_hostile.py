"""Names, labels, texts and paths by strangers: every command shows them as text."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from poolwise.cli import COMMANDS
from poolwise.cli.console import EscapingConsole, styled
from poolwise.escaping import escape_control
from poolwise.progress import Progress

EVIL = "\x1b[31m\x9b2J\x1b]0;t\x07\u202e\u200b\r\b\t\n[red]:bug:[x]<img src=x onerror=f()>"
"""Colours, a title, a changed direction, a line of its own; markup of rich and of HTML."""

CLOSING = "</script></style></svg><!--<img src=x onerror=f()>"
"""What no file's name can hold."""

NAMES = "the cat sat on a mat and ran over the old hill to see one big dog".split()


def seen(*outputs):
    """What a terminal got holds the text, and nothing that it would obey."""
    for text in outputs:
        for line in text.split("\n"):
            assert escape_control(line) == line
        assert "\n[red]" not in text
        assert "🐛" not in text
    assert r"\x1b[31m" in "".join(outputs)
    assert "[red]:bug:[x]" in "".join(outputs)


class Tags(HTMLParser):
    """Of a page, those that EVIL would make."""

    def __init__(self):
        super().__init__()
        self.injected = []

    def handle_starttag(self, tag, attrs):
        self.injected += [tag for name, _ in attrs if name.startswith("onerror")]


@pytest.fixture
def model(tiny, tmp_path, capsys):
    """A folder whose name, tensors, prompts and labels are hostile."""
    folder = shutil.copytree(tiny("bert"), tmp_path / f"model{EVIL}")
    capsys.readouterr()  # transformers' bars, where this model is the first
    tensors = load_file(folder / "model.safetensors")
    labels = [f"{name}{EVIL}{CLOSING}" for name in "xyz"]
    tensors |= {
        "classifier.weight": np.random.default_rng(0).normal(size=(3, 32)).astype("f4"),
        "classifier.bias": np.zeros(3, np.float32),
        f"more{EVIL}": np.zeros(3, np.float32),
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    about = {"format": 1, "kind": "classification", "readout": "mean@-1", "asked": "mean@-1"}
    about |= {"attention": False, "labels": labels, "made": {}}
    (folder / "poolwise.json").write_text(json.dumps(about))
    prompts = {"prompts": {f"query{EVIL}": f"find{EVIL}"}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return folder


@pytest.fixture
def table(tmp_path):
    """Texts, labels, the label's column and the file's name are hostile."""
    path = tmp_path / f"rows{EVIL}.csv"
    rng = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", f"kind{EVIL}"])
        for n in range(90):
            words = " ".join(rng.choice(NAMES, 5))
            writer.writerow([f"{words} {n}{EVIL}{CLOSING}", f"{'xyz'[n % 3]}{EVIL}{CLOSING}"])
    return path


def noise(out):
    """A file beside ``out`` with a vector for each row of the table."""
    path = out.with_name(f"vectors{EVIL}.npy")
    np.save(path, np.random.default_rng(0).normal(size=(90, 32)))
    return path


CALLS = {
    "layers": lambda model, table, out: ["layers", model],
    "inspect": lambda model, table, out: ["inspect", model, f"a cat{EVIL}{CLOSING}", "--html", out],
    "embed": lambda model, table, out: ["embed", model, table, "-o", f"{out}.npy", "-r", "cls@1"],
    "embed, no such column": lambda model, table, out: [
        *("embed", model, table, "-o", f"{out}.npy", "--column", f"a{EVIL}")
    ],
    "embed, no such readout.toml": lambda model, table, out: [
        *("embed", model, table, "-o", f"{out}.npy", "-r", f"{EVIL}.toml")
    ],
    "embed, no such prompt": lambda model, table, out: [
        *("embed", model, table, "-o", f"{out}.npy", "-r", "cls@1", "--prompt-name", EVIL)
    ],
    "embed, a corpus job": lambda model, table, out: [
        *("embed", model, table, "-o", f"{out}/", "-r", "cls@1", "--with-text")
    ],
    "embed, no such option": lambda model, table, out: ["embed", model, f"--{EVIL}"],
    "embed, no such choice": lambda model, table, out: [
        *("embed", model, table, "-o", f"{out}.npy", "--precision", EVIL)
    ],
    "predict": lambda model, table, out: ["predict", model, table, "-o", f"{out}.csv"],
    "ask": lambda model, table, out: [
        *("ask", "classification", model, "--labels", table, "--label-column", f"kind{EVIL}"),
        *("-o", out),
    ],
    "verify": lambda model, table, out: ["verify", f"no{EVIL}"],
    "search": lambda model, table, out: ["search", f"no{EVIL}", "a cat"],
    "doctor": lambda model, table, out: [
        *("doctor", model, "--vectors", noise(out), "--texts", table, "--text-column", "text"),
        *("--prompt", EVIL, "-o", out),
    ],
    "doctor, no such file": lambda model, table, out: [
        *("doctor", model, "--vectors", f"no{EVIL}.npy", "--texts", table)
    ],
    "sweep": lambda model, table, out: [
        *("sweep", model, "--labels", table, "--label-column", f"a{EVIL}")
    ],
    "tune": lambda model, table, out: [
        *("tune", model, "--labels", table, "--label-column", f"a{EVIL}", "-o", out)
    ],
    "export": lambda model, table, out: ["export", f"no{EVIL}", "-o", out],
    "serve": lambda model, table, out: ["serve", model, "--config", f"no{EVIL}"],
    "convert": lambda model, table, out: ["convert", model, out],
    "reproduce": lambda model, table, out: [
        *("reproduce", "sts-minilm", "--data", table.parent / "none", "-o", out)
    ],
}


@pytest.mark.parametrize("call", CALLS)
def test_every_command_shows_it_as_text(run, model, table, tmp_path, call):
    _, out, err = run(*CALLS[call](model, table, tmp_path / f"out{EVIL}"))
    seen(out, err)
    assert "Traceback" not in err
    pages = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and path.read_bytes()[:15] == b"<!doctype html>"
    ]
    assert len(pages) == (call in {"inspect", "ask", "reproduce", "doctor"})
    for page in pages:
        tags = Tags()
        tags.feed(page.read_text(encoding="utf-8"))
        assert not tags.injected


def test_no_command_is_forgotten():
    assert {call.partition(",")[0] for call in CALLS} == {*COMMANDS}


@pytest.mark.parametrize("call", ["layers", "inspect", "predict", "export"])
def test_json_has_it_whole_and_shows_nothing_else(run, model, table, tmp_path, call):
    _, out, err = run(*CALLS[call](model, table, tmp_path / f"out{EVIL}"), "--json")
    assert escape_control(out.replace("\n", "")) == out.replace("\n", "")
    told = json.dumps(json.loads(out))
    assert json.dumps(EVIL)[1:-1] in told or r"\\x1b[31m" in told
    assert "\x1b" not in err


def test_predictions_are_data_but_on_a_terminal(run, model, table, monkeypatch):
    code, piped, _ = run("predict", model, table, "--limit", 2)
    assert code == 0
    assert "\x1b[31m" in piped
    assert len(piped.splitlines()) == 2 + piped.count("\x85")
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", screen)
    run("predict", model, table, "--limit", 2)
    shown = screen.getvalue()
    assert "\x1b" not in shown
    assert [line.count("\t") for line in shown.splitlines()] == [2, 2]
    assert r"\x1b[31m" in shown


@pytest.mark.parametrize(
    ("option", "safe"), [((), "l"), (("--csv-safe",), "tl"), (("--no-csv-safe",), "")]
)
def test_predict_writes_no_formulas(run, model, tmp_path, option, safe):
    about = json.loads((model / "poolwise.json").read_text())
    about["labels"] = ["=cmd|' /C calc'!A0", "@x", "+1+1"]
    (model / "poolwise.json").write_text(json.dumps(about))
    table, out = tmp_path / "a.csv", tmp_path / "out.csv"
    table.write_text("id,text\n=1+1,-2+3 cats\n2,a dog\n")
    args = ["predict", model, table, "--column", "text", "--id-column", "id", "-o", out, *option]
    assert run(*args)[0] == 0
    with out.open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first["label"].startswith("'") == second["label"].startswith("'") == ("l" in safe)
    assert first["label"].lstrip("'") in about["labels"]
    assert (first["id"], first["text"]) == (
        ("'=1+1", "'-2+3 cats") if "t" in safe else ("=1+1", "-2+3 cats")
    )
    assert (second["id"], second["text"]) == ("2", "a dog")


def test_what_is_styled_and_headings_are_shown_as_text_too(capsys):
    from rich.table import Table

    table = Table(f"head{EVIL}")
    table.add_row(f"cell{EVIL}")
    EscapingConsole().print(table, soft_wrap=True)
    EscapingConsole().print(styled((f"a{EVIL}", "bold"), (EVIL, "")), soft_wrap=True)
    seen(capsys.readouterr().out)


def test_titles_of_bars_are_text(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress(f"on {EVIL}", 3) as bar:
        bar._began -= 5
        bar.advance(1)
        description = bar._bars.columns[1].render(bar._bars.tasks[0])
    assert str(description) == f"on {escape_control(EVIL)}"
    capsys.readouterr()
