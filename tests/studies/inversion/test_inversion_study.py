"""What a vector holds comes back, what it does not hold does not; a killed training goes on."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import poolwise
from poolwise.errors import MissingExtraError, StoreError, StudyError
from poolwise.progress import Progress
from poolwise.readouts import parse
from poolwise.selection.comparisons import ComparisonFamily
from poolwise.studies.inversion import Inversion, training
from poolwise.studies.inversion import checkpoint as checkpoints
from poolwise.studies.inversion.bag import PENALTIES, fit_bag, most_frequent_tokens
from poolwise.studies.inversion.checkpoint import TrainingCheckpoint
from poolwise.studies.inversion.comparisons import compare_systems, comparison_name
from poolwise.studies.inversion.corpus import (
    FIRST_TOKEN,
    UNKNOWN,
    TokenizedSentences,
    split_corpus,
    tokenize_sentences,
)
from poolwise.studies.inversion.detokenize import Detokenizer
from poolwise.studies.inversion.experiment import FREQUENT, UNCONDITIONAL, DecoderExperiment
from poolwise.studies.inversion.finding import build_finding
from poolwise.studies.inversion.training import DecoderOptions, exposures, train_decoder
from poolwise.studies.inversion.verdict import evidence, verdict
from poolwise.studies.study import Context
from poolwise.texts import texts_from

SLOTS = (
    ("the", "a"),
    ("cat", "dog", "man", "woman", "child", "bird"),
    ("sat on", "ran over", "saw"),
)
SMALL = DecoderOptions(
    width=32,
    hidden=32,
    dropout=0.0,
    learning_rate=1e-2,
    batch_size=16,
    epochs=(1, 2_500),
    patience=20,
)


def grammar():
    """Every sentence of a small grammar, and its choices one-hot: 108 of them, [108, 19]."""
    places = (*SLOTS, SLOTS[0][:1], (*SLOTS[1], "house", "hill"))
    texts, vectors = [], []
    for number in np.ndindex(*map(len, places)):
        words = [place[k] for place, k in zip(places, number, strict=True)]
        hot = [np.eye(len(place))[k] for place, k in zip(places, number, strict=True)]
        texts.append(" ".join(words))
        vectors.append(np.concatenate(hot))
    return texts, np.array(vectors, np.float32)


class CachedVectors(dict):
    """Vectors under the names of readouts, as a VectorCache has them."""

    @property
    def readouts(self):
        return tuple(self)


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture(scope="module")
def planted(model):
    """One readout holds the sentence, another nothing."""
    texts, vectors = grammar()
    sentences = tokenize_sentences(model, texts, 0)
    assert list(sentences.texts) == texts
    rows = np.arange(len(texts))
    noise = np.random.default_rng(0).normal(size=vectors.shape).astype(np.float32)
    experiment = DecoderExperiment(split_corpus(sentences, rows, 0), 0, None, "", SMALL)
    return experiment.run(CachedVectors(cls=vectors, noise=noise), rows)


def test_a_sentence_that_is_in_the_vector_comes_back(planted, model):
    systems = planted.systems["cls"]
    f1 = {
        system: planted.scores.estimate("token F1", system).value for system in planted.hypotheses
    }
    assert planted.best_readout == "cls"
    assert f1[systems.decoder] > 0.97
    assert planted.scores.estimate("BLEU", systems.decoder).value > 0.9
    assert planted.scores.estimate("exact match", systems.decoder).value > 0.8
    for control in (FREQUENT, UNCONDITIONAL, systems.shuffled, planted.systems["noise"].decoder):
        assert f1[control] < 0.75
    assert (
        planted.perplexities[systems.decoder].value
        < 1.2
        < planted.perplexities[UNCONDITIONAL].value
    )
    assert f1[systems.bag] > 0.9 > f1[systems.shuffled_bag]

    finding = build_finding("How much?", planted, model, 0, {})
    assert finding.verdict.startswith("A small decoder recovers more than half or nearly all of ")
    assert finding.verdict.endswith(" from cls, more than any control.")
    assert finding.evidence.startswith("cls: a linear bag of words names")
    beaten = "; the decoder beats every control, the strongest, the nearest training sentence, by +"
    assert beaten in finding.evidence
    assert finding.evidence.endswith(" over noise")
    for number in finding.numbers:
        assert number.value is not None
        assert number.low <= number.value <= number.high, number
    assert [chart.kind for chart in finding.charts] == ["forest", "multiples", "table"]
    forest, multiples, table = (chart.data for chart in finding.charts)
    assert len(forest["name"]) == len(forest["group"]) == len(forest["clear"]) == 11
    assert set(multiples["panel"]) == {"cls", "noise"}
    assert table["columns"][2:] == ["cls", "noise"]
    assert [row[0] for row in table["rows"]] == sorted((r[0] for r in table["rows"]), reverse=True)


def test_a_vector_that_holds_nothing_is_said_to_hold_nothing(planted):
    family = compare_systems(planted)
    turned = replace(planted, dev_f1={"noise": 1.0, "cls": 0.0})
    both = ComparisonFamily([*family.comparisons, *compare_systems(turned).comparisons[-2:]])
    assert verdict(turned, both).endswith("from noise, not shown to be more than every control.")
    text = evidence(turned, both)
    assert text.startswith("noise: ")
    assert "the decoder beats" not in text
    assert UNCONDITIONAL.name in text
    noise = planted.systems["noise"]
    for control in noise.controls:
        assert family.sign(comparison_name("token F1", noise.decoder, control)) != 1
    assert (
        family.sign(comparison_name("token F1", planted.systems["cls"].decoder, noise.decoder)) == 1
    )


def test_controls_are_what_they_say(planted):
    corpus, systems = planted.corpus, planted.systems["cls"]
    train = corpus.splits.train
    known = {tuple(ids) for ids in corpus.references(train)}
    assert all(tuple(ids) in known for ids in planted.hypotheses[systems.nearest])
    assert len({tuple(ids) for ids in planted.hypotheses[UNCONDITIONAL]}) == 1
    assert sorted(planted.hypotheses[systems.shuffled]) == sorted(
        planted.hypotheses[systems.decoder]
    )
    assert list(planted.hypotheses[systems.shuffled]) != list(planted.hypotheses[systems.decoder])
    frequent = most_frequent_tokens(corpus)
    counts = [sum(token in ids for ids in corpus.references(train)) for token in frequent]
    assert counts == sorted(counts, reverse=True)


def test_a_bag_is_the_ridge_of_scikit_learn(planted):
    from sklearn.linear_model import Ridge

    corpus = planted.corpus
    vectors = np.random.default_rng(1).normal(size=(len(corpus), 5)).astype(np.float32)
    vectors[:, 0] = corpus.lengths
    bag = fit_bag(vectors, corpus)
    train = corpus.splits.train
    there = np.array([np.isin(corpus.vocabulary, corpus.sentences[i]) for i in train], float)
    x = vectors.astype(np.float64)
    scores = [Ridge(alpha * len(train)).fit(x[train], there).predict(x) for alpha in PENALTIES]
    assert sum(np.allclose(expected, bag.scores(vectors)) for expected in scores) == 1


def test_tokens_that_are_rare_in_train_are_unknown(model):
    texts, _ = grammar()
    sentences = tokenize_sentences(model, [*texts, "the sea saw the tree"], 0)
    corpus = split_corpus(sentences, np.arange(len(sentences.ids)), 0)
    last, numbers = sentences.ids[-1].tolist(), corpus.targets[-1]
    known = [token for token in last if token in corpus.vocabulary]
    assert len(last) - len(known) == 2 == (numbers == UNKNOWN).sum()
    assert corpus.ids(numbers.tolist()) == known
    assert corpus.n_indices == len(corpus.vocabulary) + FIRST_TOKEN


def test_what_cannot_take_part_is_left_out_and_counted(model):
    texts, _ = grammar()
    odd = ["", "The cat sat on the hill", "the cat " * 33, texts[0]]
    sentences = tokenize_sentences(model, [*texts, *odd], 0)
    assert len(sentences.texts) == len(texts)
    assert sentences.notes == (
        "texts left out: 1 empty, 1 longer than 64 tokens, 1 the same tokens as another",
    )
    with pytest.raises(StudyError, match=r"^49 usable sentences; .* at least 50"):
        split_corpus(replace(sentences, notes=()), np.arange(49), 0)
    with pytest.raises(StudyError, match=r"^2 usable sentences \(texts left out: 1 empty\); "):
        list(Inversion(texts_from(["\u200b", *texts[:2]], name="toy")).run(Context(model)))


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_tokens_are_written_as_text(family, tiny):
    encoder = poolwise.load(tiny(family))
    detokenizer = Detokenizer.of(encoder.tokenizer)
    ids, reference = encoder.tokenizer.encode(["the cats sat on a cat", "a cat sat"])
    assert detokenizer.text(ids.tolist()).strip() == "the cats sat on a cat"
    pieces = detokenizer.compare(ids.tolist(), reference.tolist())
    assert "".join(text for text, _ in pieces) == detokenizer.text(ids.tolist())
    back = "".join(text for text, kept in pieces if kept).split()
    # Byte pairs tell a word after a space from the same word where a text begins.
    assert back == (["cat", "sat"] if family == "roberta" else ["cat", "sat", "a"])


@pytest.mark.parametrize("step", ["whiten(4)", "int8", "binary"])
def test_steps_that_a_decoder_cannot_be_asked_after_are_refused(step):
    with pytest.raises(StudyError, match=r"leave it out"):
        Inversion(texts_from(["a"], name="toy"), [parse(f"mean@-1|{step}")])


def test_the_study_reads_an_encoder_and_resumes_in_its_folder(model, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "DEFAULT_OPTIONS", replace(SMALL, epochs=(2, 0)))
    texts, _ = grammar()
    study = Inversion(
        texts_from(texts, name="toy"), [parse("mean@0|truncate(16)")], folder=tmp_path / "new"
    )
    (first,) = study.run(Context(model))
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "new").iterdir()}
    assert len(files) == 2
    (again,) = study.run(Context(model))
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert again.numbers == first.numbers
    assert sum(first.provenance["rows"].values()) == len(texts)
    for path in files:
        path.write_bytes(b"something else")
    with pytest.raises(StoreError, match="is not the state of a training"):
        list(study.run(Context(model)))


class Bar(Progress):
    """Remembers what was counted, and takes its time."""

    def __init__(self, wait=0.0):
        super().__init__("sentences", show=False)
        self.counts, self.wait = [], wait

    def advance(self, count):
        super().advance(count)
        self.counts.append(count)
        time.sleep(self.wait)


def toy():
    """The grammar's sentences with ids of our own, and their vectors."""
    texts, vectors = grammar()
    number = {word: i for i, word in enumerate(sorted({w for text in texts for w in text.split()}))}
    ids = [np.array([number[word] for word in text.split()], np.int32) for text in texts]
    return split_corpus(TokenizedSentences(texts, ids, ()), np.arange(len(texts)), 0), vectors


def train_toy(path, bar):
    """Saves after every batch, but for ``path`` None."""
    checkpoints.INTERVAL_S = 0.0
    options = replace(SMALL, dropout=0.2, epochs=(4, 0))
    corpus, vectors = toy()
    return train_decoder(
        vectors, corpus, options, seed=3, checkpoint=TrainingCheckpoint(path), progress=bar
    ).decoder.state_dict()


def test_a_training_that_is_killed_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "INTERVAL_S", 0.0)
    path = tmp_path / "training.pt"
    code = (
        "import runpy, sys; from pathlib import Path; own = runpy.run_path(sys.argv[1]); "
        "own['train_toy'](Path(sys.argv[2]), own['Bar'](0.05))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, __file__, path])
    times = set()
    while len(times) < 8:
        assert process.poll() is None
        if path.exists():
            times.add(path.stat().st_mtime_ns)
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

    state = TrainingCheckpoint(path).load()
    went, whole = Bar(), Bar()
    assert 8 <= 6 * state["epochs"] + state["batches"] < 24
    resumed = train_toy(path, went)
    straight = train_toy(None, whole)
    assert whole.counts[0] == 0 < went.counts[0] < sum(whole.counts) == sum(went.counts)
    assert len(went.counts) < len(whole.counts)
    assert resumed.keys() == straight.keys()
    for name, weights in straight.items():
        assert torch.equal(weights, resumed[name]), name


def test_training_ends_early_and_leaves_torch_as_it_was():
    corpus, vectors = toy()
    random, bar = torch.random.get_rng_state(), Bar()
    nothing = np.zeros_like(vectors)
    options = replace(SMALL, epochs=(40, 0), patience=1)
    training = train_decoder(
        nothing, corpus, options, seed=0, checkpoint=TrainingCheckpoint(None), progress=bar
    )
    assert training.epochs < 40
    assert bar.count == exposures(corpus, options) == 40 * len(corpus.splits.train)
    assert torch.equal(random, torch.random.get_rng_state())


def test_without_torch_the_extra_is_named(model, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("poolwise.studies.inversion.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"poolwise\[torch\]"):
        list(Inversion(texts_from(grammar()[0], name="toy")).run(Context(model)))
