"""The data options of ask and sweep: pairs, labels, tags, queries, plain texts."""

from __future__ import annotations

from typing import get_args

import click

from poolwise.cli.options import Command, text_options
from poolwise.texts import TaskName

dev_option = click.option(
    "--dev", metavar="F", help="Rows to choose on. [default: cut from the data]"
)
test_option = click.option(
    "--test", metavar="F", help="Rows to report on. [default: cut from the data]"
)
label_column_option = click.option("--label-column", help="The column that holds the labels.")

DEFAULT_CORPUS_LIMIT = 100_000

PAIRS_AND_LABELS = (
    click.option(
        "--pairs",
        multiple=True,
        metavar="F",
        help="Pairs of texts with scores: STS, SICK, CSV, TSV, JSONL, Parquet, hf:NAME.",
    ),
    click.option(
        "--labels",
        multiple=True,
        metavar="F",
        help="Texts with labels; LABEL=F for files of one label each.",
    ),
)

QUERIES_AND_SPLITS = (
    click.option(
        "--queries",
        multiple=True,
        metavar="F",
        help="Texts to search with: a folder in BEIR's layout, hf:NAME in MTEB's, a table of query "
        "and positive; or a table of ids and texts beside --corpus and --relevance.",
    ),
    click.option("--corpus", metavar="F", help="The documents that queries search: ids, texts."),
    click.option(
        "--relevance",
        metavar="F",
        help="Which document answers which query: TREC qrels, or query, document, grade.",
    ),
    click.option(
        "--queries-from",
        type=click.Choice(["labels"]),
        help="Without real queries: texts of --labels search others of their label.",
    ),
    click.option(
        "--corpus-limit",
        type=click.IntRange(min=0),
        default=DEFAULT_CORPUS_LIMIT,
        show_default=True,
        metavar="N",
        help="At most N documents, all judged ones among them; 0 for all.",
    ),
    dev_option,
    test_option,
    click.option(
        "--columns",
        metavar="A,B,SCORE",
        help="Of pairs; of queries QUERY,POSITIVE[,NEGATIVE…]; of relevance QUERY,DOCUMENT,GRADE: "
        "names, or numbers from 1.",
    ),
    label_column_option,
)

DATA_OPTIONS = (
    click.option(
        "--data",
        metavar="F",
        help="A table of texts as it is: CSV, TSV, JSONL, Parquet, a folder, hf:NAME, mteb:TASK; "
        "what is in it is inferred and said.",
    ),
    click.option("--target", metavar="COLUMN", help="Of --data: the column to predict."),
    *PAIRS_AND_LABELS,
    click.option("--tags", multiple=True, metavar="F", help="Words with tags, CoNLL."),
    click.option(
        "--texts", multiple=True, metavar="F", help='Plain texts: a file, "-", or hf:NAME.'
    ),
    *QUERIES_AND_SPLITS,
)


def data_options(command: Command) -> Command:
    """Add the data options to a command."""
    for option in reversed(DATA_OPTIONS):
        command = option(command)
    return text_options(command)


def scored_data_options(command: Command) -> Command:
    """Add the options for pairs, labels and queries to a command whose texts are others."""
    for option in reversed((*PAIRS_AND_LABELS, *QUERIES_AND_SPLITS)):
        command = option(command)
    return command


task_option = click.option(
    "--task",
    type=click.Choice(get_args(TaskName)),
    help="What readouts are chosen by. [default: what the data can carry]",
)
