"""docs/reference/grammar.md: pools, layers, steps, aliases, and what `parse` says."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from page_text import code, docstring, fence, page, plain, table

from poolwise import PoolwiseError, parse
from poolwise.readouts.aliases import BERT_AS_SERVICE, SENTENCE_TRANSFORMERS, STEP_ALIASES
from poolwise.readouts.layers import COMBINES
from poolwise.readouts.pools import POOLS, PoolFacts, PoolKind
from poolwise.readouts.spec import Readout
from poolwise.readouts.steps import STEPS, StepFacts

DEPTH, WIDTH = 12, 768
"""Of the encoder that the examples are read from: bert-base."""

EXAMPLES = (
    "cls@-1",
    "pooler",
    "mean@-2",
    "mean[words]@-1",
    "sep@12",
    "token[3]@7",
    "max[words]@4",
    "meanmax@-1",
    "mean+max@-1",
    "cls+mean@-1",
    "sqrtmean@-1",
    "weightedmean@-1",
    "REDUCE_MEAN@-2",
    "mean@embeddings",
    "mean@avg(1,-1)",
    "mean@sum(-4:-1)",
    "cls@concat(-4:-1)",
    "mean@weights(9=0.25,12=0.75)",
    "mean @ avg( 1 , -1 ) | normalize",
    "mean@-1|center|l2",
    "mean@-1|standardize",
    "mean@-1|whiten(256)|l2",
    "mean@-1|drop(2)|l2",
    "mean@-1|truncate(128)|l2",
    "mean@-1|l2|int8",
    "mean@-1|binary",
)

MISTAKES = (
    "cls",
    "mean",
    "average@-1",
    "first-last-avg",
    "NONE@-1",
    "REDUCE_MEAN@11",
    "pooler@-1",
    "mean@-0",
    "mean@1,12",
    "mean@avg(12:1)",
    "mean@last",
    "mean@weights(1=0.5,0.5)",
    "cls[words]@-1",
    "token@-1",
    "pooler+cls@-1",
    "mean@-1|whiten|l2",
    "mean@-1|l2|l2",
    "mean@-1|int8|l2",
)

NOT_HERE = ("cls@13", "mean@-1|whiten(1000)", "cls@-1|dense")
"""They are parsed; an encoder of these blocks and dimensions cannot give them."""


def write() -> str:
    """The page."""
    return page(
        "Grammar of readouts",
        "A readout is a short text that says how one vector is read from an encoder: which tokens "
        "(the pool), which hidden states (the layers), and what is done afterwards (the steps). It "
        "is the same in Python, on the command line, as a server's `model`, as a column's name and "
        "in a `readout.toml`. What it prints is what it reads: `parse(str(readout)) == readout`. "
        "[Readouts](../concepts/readouts.md) explains it without a grammar.",
        fence("\n".join(_rules())),
        "Blanks between the parts do not count.",
        "## Pools",
        "How the vectors of a text's tokens become one. In brackets: how many times the hidden "
        "size the vector is wide, where that is not once.",
        table(
            ["written", "reads", "sentence-transformers", "bert-as-service"],
            map(_pool, POOLS, POOLS.values()),
        ),
        "Several pools with a plus between them stand side by side, in the order written: "
        "`cls+mean@-1`. `mean+max` is `meanmax`.",
        "The last two columns are other libraries' names, which are understood as well. Where "
        "bert-as-service counts blocks from 0, its block k is hidden state k + 1 here: a layer "
        "that could be either is an error that offers both.",
        "## Layers",
        "Hidden states are numbered as Hugging Face numbers them.",
        table(["written", "reads"], _layers()),
        "`pooler` takes no layer: its weights belong to the last block. Every other pool needs "
        "one.",
        "## Steps",
        "What happens to the vector after pooling, from left to right, each after a bar. Steps "
        "that are fitted learn from example vectors; what they have learned is kept in "
        "[readout.toml](files.md#a-readout).",
        table(["written", "does", "fitted", "may be followed"], map(_step, STEPS, STEPS.values())),
        f"{code('normalize')} is {code(STEP_ALIASES['normalize'])}. Only {code('l2')} may stand in "
        "a readout twice, with another step between.",
        "## Examples",
        f"Parsed, and printed again; the hidden states and the values in one vector are those of "
        f"an encoder of {DEPTH} blocks and {WIDTH} dimensions, such as bert-base.",
        table(["written", "prints", "hidden states", "values"], map(_example, EXAMPLES)),
        "## Errors",
        "What cannot be understood, or could mean two things, is a `ReadoutError` that shows the "
        "place. These come from `poolwise.parse`:",
        fence("\n\n".join(_session(f'parse("{spec}")', _error(spec)) for spec in MISTAKES), "text"),
        f"And these from an encoder of {DEPTH} blocks and {WIDTH} dimensions that is asked for "
        "what it does not have:",
        fence(
            "\n\n".join(
                _session(f'encoder.embed(texts, "{spec}")', _misfit(spec)) for spec in NOT_HERE
            ),
            "text",
        ),
    )


def _rules() -> Iterator[str]:
    """The rules at the end of each grammar's docstring."""
    for name in ("grammar", "layer_grammar", "step_grammar"):
        rules = docstring(f"readouts/{name}.py").partition("\n\n")[2]
        yield from (line for line in rules.splitlines() if "_grammar" not in line)


def _pool(kind: PoolKind, facts: PoolFacts) -> list[str]:
    name = "token[k]" if kind == "token" else kind
    layer = "" if facts.form == "pooler" else "@layer"
    width = f" ({len(facts.parts)})" if facts.parts else ""
    return [
        code(f"{name}{layer}"),
        plain(facts.meaning) + width,
        _names(SENTENCE_TRANSFORMERS, kind),
        _names(BERT_AS_SERVICE, kind),
    ]


def _names(aliases: Mapping[str, PoolKind], kind: PoolKind) -> str:
    return ", ".join(code(name) for name, of in aliases.items() if of == kind)


def _layers() -> Iterator[list[str]]:
    yield ["`0`, `embeddings`", "the output of the embeddings, before the first block"]
    yield ["`k`", "the output of block k"]
    yield ["`-1`, `-2`", "the last block, the one before it"]
    arguments = {"weights": "1=0.25,-1=0.75"}
    for name, meaning in COMBINES.items():
        yield [code(f"{name}({arguments.get(name, '1,-4:-1')})"), plain(meaning)]
    yield ["`weights(0.1,0.2,…)`", "without names: one weight a hidden state, embeddings first"]
    yield ["`-4:-1`", "inside brackets: the layers from one to the other, both included"]


def _step(name: str, facts: StepFacts) -> list[str]:
    return [
        code(f"{name}(k)" if facts.sized else name),
        plain(facts.meaning),
        "yes" if facts.fitted else "no",
        "no: it gives integers" if facts.final else "yes",
    ]


def _example(spec: str) -> list[str]:
    readout = parse(spec)
    assert parse(str(readout)) == readout
    states = readout.layer_indices(DEPTH)
    return [
        f"`{spec}`",
        code(readout),
        ", ".join(map(str, states)),
        f"{readout.width(WIDTH, DEPTH):,}{_unit(readout)}",
    ]


def _unit(readout: Readout) -> str:
    last = readout.steps[-1].name if readout.steps else ""
    return {"int8": " bytes", "binary": " bytes, a bit a dimension"}.get(last, "")


def _session(call: str, error: PoolwiseError) -> str:
    """As Python shows it, the message in lines that a page has room for."""
    message, _, place = f"{type(error).__name__}: {error}".partition("\n\n")
    return f">>> {call}\n{textwrap.fill(message, 84)}\n\n{place}"


def _error(spec: str) -> PoolwiseError:
    try:
        parse(spec)
    except PoolwiseError as error:
        return error
    raise AssertionError(f"{spec} is a readout after all")


def _misfit(spec: str) -> PoolwiseError:
    readout = parse(spec)
    try:
        readout.width(WIDTH, DEPTH)
        readout.layer_indices(DEPTH)
    except PoolwiseError as error:
        return error
    raise AssertionError(f"{spec} can be read after all")
