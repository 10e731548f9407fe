"""What a difference from the folder costs: the scores are those of a sweep."""

from __future__ import annotations

import csv
import html
import json
import warnings
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from oracles import Setup, vectors

import poolwise
from poolwise.api.inputs import as_datasets
from poolwise.api.read_options import ReadOptions
from poolwise.cli import main
from poolwise.doctor.affine_map import AffineMap, ScaledDimensions
from poolwise.doctor.after_pooling import after_pooling
from poolwise.doctor.cost_request import CostRequest
from poolwise.doctor.diagnose import diagnose_source
from poolwise.doctor.found_vectors import RecomputedVectors, RequestedVectors
from poolwise.doctor.identify import Identification
from poolwise.doctor.map_search import Mapping
from poolwise.doctor.matching import Lengths
from poolwise.doctor.reader import Reader
from poolwise.doctor.reading import Reading
from poolwise.doctor.search import Hypothesis, Search
from poolwise.doctor.source import StoredVectors
from poolwise.doctor.target import Target
from poolwise.doctor.truncation import Truncation
from poolwise.errors import OptionError, PoolwiseWarning, RefusedTextError
from poolwise.selection.duplicates import with_groups
from poolwise.statistics.paired import mean_differences
from poolwise.studies.classification import Classification
from poolwise.studies.retrieval import Retrieval
from poolwise.studies.run import run_studies
from poolwise.studies.similarity import Similarity

EXAMPLES = Path(__file__).parents[2] / "examples"
WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


class RetrievalRows:
    """Texts that search the same words in another order, among all of these."""

    def __init__(self, texts):
        queries = {f"q{i}": text for i, text in enumerate(texts[:60])}
        corpus = {f"d{i}": " ".join(reversed(text.split())) for i, text in enumerate(texts)}
        relevance = {f"q{i}": {f"d{i}": 1} for i in range(60)}
        self.arguments = {"queries": queries, "corpus": corpus, "relevance": relevance}


def quiet(make):
    """Without warnings of texts that are cut."""

    def made(texts):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PoolwiseWarning)
            return make(texts)

    return made


class Server:
    """Answers with ``make(texts)``; refuses texts that hold the word ``refused``."""

    description = "a server"

    def __init__(self, make, refused=None):
        self.make, self.refused, self.sent = quiet(make), refused, []

    def embed(self, texts):
        if self.refused and any(self.refused in text for text in texts):
            raise RefusedTextError("too red")
        self.sent += texts
        return self.make(list(texts))


@pytest.fixture(scope="module")
def questions():
    """Questions to a bank with their topics, of four topics, 120 rows."""
    with (EXAMPLES / "banking77.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    topics = list(dict.fromkeys(row["category"] for row in rows))[:4]
    chosen = [
        row for topic in topics for row in islice((r for r in rows if r["category"] == topic), 30)
    ]
    return [row["text"] for row in chosen], [row["category"] for row in chosen]


@pytest.fixture(scope="module")
def pairs(questions):
    """Each question with two others, scored 1, 0.5 or 0 by topic and shared words."""
    texts, topics = questions
    rng = np.random.default_rng(0)
    rows = []
    for i, text in enumerate(texts):
        for j in rng.choice(len(texts), 2, replace=False).tolist():
            shared = len({*text.split()} & {*texts[j].split()}) > 3
            rows.append((text, texts[j], 0.5 * (topics[i] == topics[j]) + 0.5 * shared))
    return rows


def values(estimate):
    return [estimate.value, estimate.low, estimate.high]


def as_data(**sets):
    kinds = {kind: sets.pop(kind) for kind in ("pairs", "labels", "queries") if kind in sets}
    return as_datasets(**kinds, options=ReadOptions(**sets))


def selection_of(model, study):
    """What the study chooses from, of a sweep that asks nothing else."""
    list(run_studies(model, [study]))
    return study.selection


def test_the_scores_are_those_of_a_sweep_of_the_two_readouts(demo, questions, pairs):
    texts, _ = questions
    made = demo.embed(texts, "cls@2|l2")
    diagnosis = poolwise.diagnose(demo, vectors=made, texts=texts, pairs=pairs, labels=questions)
    assert (diagnosis.readout, diagnosis.declared) == ("cls@2|l2", "mean@-1|l2")
    data, grid = with_groups(demo, as_data(pairs=pairs, labels=questions)), "cls@2|l2 mean@-1|l2"
    studies = [Classification(data.labels[0], grid), Similarity(data.pairs[0], grid)]
    assert [cost.score for cost in diagnosis.costs] == ["accuracy", "Spearman"]
    for cost, study in zip(diagnosis.costs, studies, strict=True):
        selection = selection_of(demo, study)
        found, declared = selection.find("cls@2|l2"), selection.find("mean@-1|l2")
        difference = selection.differences_from(declared)[found]
        assert values(cost.declared) == pytest.approx(values(selection.scores[declared]), abs=1e-6)
        assert values(cost.found) == pytest.approx(values(selection.scores[found]), abs=1e-6)
        assert values(cost.difference) == pytest.approx(values(difference.value), abs=1e-6)
        assert cost.rows == len(selection.report_rows)
    cost = diagnosis.costs[1]
    assert cost.difference.high < 0
    assert cost.p < 0.001
    low, high = -cost.difference.high, -cost.difference.low
    assert cost.sentence == (
        f"On your 240 pairs the declared readout scores {cost.declared.value:.3f} and the one "
        f"found {cost.found.value:.3f} (Spearman): {-cost.difference.value:.3f} [{low:.3f}, "
        f"{high:.3f}] is lost."
    )


@pytest.fixture(scope="module")
def mean(sentence_folder):
    """A tiny encoder whose folder declares the mean."""
    return poolwise.load(sentence_folder("bert", "mean"))


@pytest.fixture(scope="module")
def sentences():
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, n)) for n in rng.integers(3, 80, 120)]


@pytest.fixture(scope="module")
def tiny_pairs(sentences):
    rng = np.random.default_rng(1)
    return [
        (a, sentences[j], rng.normal())
        for a, j in zip(sentences, rng.permutation(120), strict=True)
    ]


def test_a_prompt_and_a_cut_that_no_readout_expresses(mean, tiny_pairs):
    """The same scores as of a sweep of a model that reads texts so."""
    other = poolwise.load(mean.folder, max_length=48).prompted("the old man: ")
    diagnosis = poolwise.diagnose(
        mean,
        vectors=quiet(lambda texts: other.embed(texts, "mean@-1")),
        prompts="the old man: ",
        pairs=tiny_pairs,
    )
    assert diagnosis["prompt"].value == "the old man: "
    assert diagnosis["truncation"].value == "48 right"
    (cost,) = diagnosis.costs
    data = with_groups(mean, as_data(pairs=tiny_pairs)).pairs[0]
    declared, found = (selection_of(m, Similarity(data, "mean@-1")) for m in (mean, other))
    index = declared.find("mean@-1")
    assert cost.declared.value == pytest.approx(declared.scores[index].value, abs=1e-3)
    assert cost.found.value == pytest.approx(found.scores[index].value, abs=1e-3)
    columns = [s.report_scores[:, index] for s in (declared, found)]
    difference = mean_differences(np.stack(columns, axis=1), 0, declared.report_groups)[1]
    assert values(cost.difference) == pytest.approx(values(difference.value), abs=2e-3)
    assert abs(cost.difference.value) > 0.005


def test_no_difference_is_said_where_cosines_stay(mean, tiny_pairs, sentences):
    diagnosis = poolwise.diagnose(
        mean, vectors=quiet(lambda texts: 3 * mean.embed(texts, "mean@-1")), pairs=tiny_pairs
    )
    assert [statement.aspect for statement in diagnosis.differences] == ["normalisation"]
    (cost,) = diagnosis.costs
    assert values(cost.difference) == pytest.approx([0, 0, 0], abs=1e-3)
    assert "no difference that these data can show" in cost.sentence


def found_as(model, hypothesis, made, **fields):
    """An identification of vectors ``made`` [n, d] as this hypothesis."""
    fields = {"lengths": Lengths("as pooled", 1.0, 0.0), **fields}
    target = Target.of(made, model.width)
    return Identification(
        Search(hypothesis, (), None), hypothesis, 0.0, 1e-5, 0.03, target, **fields
    )


def after(model, name):
    return next(each for each in after_pooling(model) if each.name == name)


LONG = Reading(max_length=128)
LEFT = Reading(prompt="the old man: ", letter_case="kept", max_length=20, side="left")
BARE = Reading(special_tokens="none", max_length=128)
SERVED = {
    "normalised": (Setup(pool="cls", layers=(1,), steps=("l2",)), "cls@1", LONG, "nothing", "l2"),
    "cut after": (
        Setup(steps=("l2", "truncate(9)")),
        "mean@-1",
        LONG,
        "nothing",
        "l2 before the cut",
    ),
    "by tokens": (Setup(pool="sqrtmean"), "mean@-1", LONG, "nothing", "grows with √tokens"),
    "read otherwise": (
        Setup(prompt="the old man: ", casing="kept", length=20, side="left"),
        "mean@-1",
        LEFT,
        "nothing",
        "as pooled",
    ),
    "no special tokens": (
        Setup(special="none", pool="max"),
        "max@-1",
        BARE,
        "nothing",
        "as pooled",
    ),
    "pooled twice": (Setup(steps=("pooler", "l2")), "mean@-1", LONG, "pooler", "l2"),
    "dense twice": (Setup(steps=("dense", "dense")), "mean@-1", LONG, "dense twice", "as pooled"),
    "int8": (Setup(steps=("l2",), precision="int8"), "mean@-1", LONG, "nothing", "?"),
}
"""By what is peculiar: how vectors are made, and what is identified of that."""


@pytest.mark.parametrize("name", SERVED)
def test_recomputed_vectors_are_those_that_were_served(name, sentence_folder, sentences):
    setup, spec, reading, step, kind = SERVED[name]
    folder = sentence_folder("bert", "mean", ("Dense", 32, "Tanh"))
    model = poolwise.load(folder)
    texts = [*sentences[:4], "A Cat and the Old Man.", " ".join(sentences[:3])]
    made = vectors(folder, setup, texts)
    hypothesis = Hypothesis(reading, spec, (spec,), after(model, step))
    found = found_as(model, hypothesis, made, lengths=Lengths(kind, 1.0, 0.0))
    again = RecomputedVectors(Reader(model), found).of(texts)
    if name == "int8":
        made = made / np.linalg.norm(made.astype(float), axis=1, keepdims=True)
    assert again == pytest.approx(made, abs=0.01 if name == "int8" else 2e-5)


def test_bits_scaled_dimensions_and_maps_are_made_again(mean, sentences):
    pooled = mean.embed(sentences, "mean@-1").astype(float)
    rng = np.random.default_rng(0)
    slopes, shifts, weight = rng.uniform(1, 2, 32), rng.normal(size=32), rng.normal(size=(32, 8))
    hypothesis, reader = Hypothesis(LONG, "mean@-1", ("mean@-1",)), Reader(mean)

    bits = found_as(mean, hypothesis, np.packbits(pooled > 0, axis=1))
    assert RecomputedVectors(reader, bits).of(sentences) == pytest.approx(np.sign(pooled))

    scales = ScaledDimensions(slopes, shifts, 0.0)
    scaled = found_as(mean, hypothesis, pooled * slopes + shifts, scales=scales)
    again = RecomputedVectors(reader, scaled).of(sentences)
    assert again == pytest.approx(pooled * slopes + shifts, abs=1e-5)

    affine = AffineMap(weight, shifts[:8], normalised=False, error=0.0)
    mapping = Mapping("mean@-1", LONG, affine, "cls@-1", 1.0, 120)
    again = RecomputedVectors(reader, scaled, mapping).of(sentences)
    assert again == pytest.approx(pooled @ weight + shifts[:8], abs=1e-4)


def test_what_is_not_known_of_long_texts_is_noted_and_as_the_folder_says(mean):
    texts = [" ".join(["cat"] * n) for n in (3, 40, 50)]
    short = mean.unlimited()._with(max_length=30)
    hypothesis, reader = Hypothesis(Reading(), "mean@-1", ("mean@-1",)), Reader(short)
    made = mean.embed(texts, "mean@-1")
    as_declared = RecomputedVectors(reader, found_as(mean, hypothesis, made)).of(texts)
    for kind, seen, said in (
        ("whole", 20, "2 of the texts have more tokens than the longest text compared, 20"),
        ("?", 20, "2 of the texts have more than 20 tokens, and how the found vectors"),
    ):
        found = found_as(mean, hypothesis, made, truncation=Truncation(kind, seen))
        recomputed = RecomputedVectors(reader, found)
        assert recomputed.of(texts) == pytest.approx(as_declared)
        (note,) = recomputed.notes(texts)
        assert note.startswith(said)
    found = found_as(mean, hypothesis, made, truncation=Truncation("whole", 60))
    whole = RecomputedVectors(reader, found)
    assert whole.of(texts) == pytest.approx(mean.embed(texts, "mean@-1"), abs=1e-5)
    assert not list(whole.notes(texts))


def test_prompts_of_queries_and_documents_are_the_folders_unless_another_was_found(mean, sentences):
    prompted = mean.with_kind_prompts("old: ", "big: ")
    for prompt, expected in (("", "old: "), ("the man: ", "the man: ")):
        server = Server(lambda texts, prompt=prompt: mean.embed(texts, "cls@-1", prompt=prompt))
        hypothesis = Hypothesis(LONG.changed(prompt=prompt), "cls@-1", ("cls@-1",))
        found = found_as(mean, hypothesis, server.make(sentences[:5]))
        made = RecomputedVectors(Reader(prompted), found).of(sentences[:5], "old: ")
        assert made == pytest.approx(mean.embed(sentences[:5], "cls@-1", prompt=expected), abs=1e-5)
        requested = RequestedVectors(server, mean.width, mean.width, prompt)
        assert requested.of(sentences[:5], "old: ") == pytest.approx(made, abs=1e-5)


def test_queries_are_scored_by_the_vectors_of_both_kinds(mean, sentences):
    model = mean.with_kind_prompts("old: ", "big: ")
    data = RetrievalRows(sentences)
    diagnosis = poolwise.diagnose(
        model, vectors=quiet(lambda texts: mean.embed(texts, "max@1")), **data.arguments
    )
    (cost,) = diagnosis.costs
    selection = selection_of(
        model, Retrieval(as_data(**data.arguments).queries[0], "max@1 mean@-1")
    )
    assert cost.score == "nDCG@10"
    for estimate, name in ((cost.declared, "mean@-1"), (cost.found, "max@1")):
        expected = selection.scores[selection.find(name)]
        assert values(estimate) == pytest.approx(values(expected), abs=1e-6)
    assert cost.sentence.startswith("On your 60 queries the declared readout scores ")


def test_an_endpoint_is_asked_where_that_is_wanted(mean, tiny_pairs, sentences):
    server = Server(lambda texts: mean.embed(texts, "cls@-1"), refused="child child")
    data = as_data(pairs=tiny_pairs)
    (recomputed,) = diagnose_source(mean, server, cost=CostRequest(data)).costs
    assert not {*sentences} & {*server.sent}
    server.sent.clear()
    asked = diagnose_source(mean, server, cost=CostRequest(data, vectors="endpoint")).costs[0]
    refused = [text for text in sentences if "child child" in text]
    assert {*sentences} - {*server.sent} == {*refused}
    assert values(asked.declared) == values(recomputed.declared)
    assert asked.found.value == pytest.approx(recomputed.found.value, abs=0.2)
    assert any("a server makes of these texts" in note for note in asked.notes)


def test_why_nothing_was_measured_is_a_note(mean, distinct, tiny_pairs, sentences):
    data = as_data(pairs=tiny_pairs)
    bare = poolwise.load(distinct("bert"))
    stranger = poolwise.load(distinct("bert", seed=1))

    def swapped(texts):
        return mean.embed(texts, "mean@-1")[::-1]

    cases = {
        "made as the folder declares": (mean, Server(lambda t: mean.embed(t, "mean@-1"))),
        "declares no readout": (bare, Server(lambda t: bare.embed(t, "mean@-1"))),
        "is not known": (mean, Server(lambda t: stranger.embed(t, "mean@-1"))),
        "do not have what differs, order": (mean, Server(swapped)),
    }
    for reason, (model, server) in cases.items():
        diagnosis = diagnose_source(model, server, cost=CostRequest(data))
        assert diagnosis.costs == []
        assert reason in diagnosis.notes[-1], reason
    stored = StoredVectors(sentences, mean.embed(sentences, "cls@-1"), "a table")
    diagnosis = diagnose_source(mean, stored, cost=CostRequest(data, vectors="endpoint"))
    assert "stored vectors have no endpoint" in diagnosis.notes[-1]


def test_arguments_that_do_not_fit_are_told(mean, tiny_pairs):
    def make(texts):
        raise AssertionError("asked before the arguments were checked")

    for arguments, message in [
        ({"score": "accuracy"}, "score: of pairs, labels or queries, and none are given"),
        ({"columns": [1, 2]}, "columns: of pairs, labels"),
        ({"pairs": tiny_pairs, "score": "accuracy"}, "no labels are given"),
        ({"pairs": tiny_pairs, "cost_vectors": "server"}, "expected recomputed or endpoint"),
        ({"pairs": tiny_pairs, "lines": 3}, "unknown option lines"),
    ]:
        with pytest.raises(OptionError, match=message):
            poolwise.diagnose(mean, vectors=make, **arguments)


def test_the_command_and_the_page_say_it_beside_the_verdict(
    mean, tiny_pairs, sentences, tmp_path, capsys, monkeypatch
):
    made, texts, data = tmp_path / "made.npy", tmp_path / "texts.txt", tmp_path / "pairs.csv"
    np.save(made, mean.embed(sentences, "max@1"))
    texts.write_text("\n".join(sentences))
    with data.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("first", "second", "score"), *tiny_pairs])
    sources = ["--vectors", str(made), "--texts", str(texts)]
    page = tmp_path / "page.html"
    arguments = ["doctor", str(mean.folder), *sources, "--pairs", str(data), "-o", str(page)]

    def run(arguments):
        monkeypatch.setattr("sys.argv", ["poolwise", *arguments])
        with pytest.raises(SystemExit) as exited:
            main()
        return exited.value.code

    assert run([*arguments, "--json"]) == 9
    (cost,) = json.loads(capsys.readouterr().out)["costs"]
    assert cost["rows"] == 120
    assert cost["sentence"].startswith("On your 120 pairs the declared readout scores ")
    assert cost["sentence"] in html.unescape(page.read_text(encoding="utf-8"))
    assert run([*arguments, "--force"]) == 9
    assert cost["sentence"] in " ".join(capsys.readouterr().out.split())
    assert run(["doctor", str(mean.folder), *sources, "--columns", "a,b,c"]) == 2
    assert "--columns: give --pairs, --labels or --queries too" in capsys.readouterr().err
