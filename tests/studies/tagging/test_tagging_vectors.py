"""Each word's vector is that of its first token, whatever the tokenizer does."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

import poolwise
from poolwise import token_outputs
from poolwise.errors import StudyError
from poolwise.studies.tagging import vectors
from poolwise.studies.tagging.alignment import align
from poolwise.studies.tagging.features import (
    Features,
    LayerMix,
    mix_features,
    static_features,
    table7_mixes,
)
from poolwise.studies.tagging.vectors import extract_words

SENTENCES = [
    "the cat sat on the mat".split(),
    ["cat"],
    "dogs , running over xyz's old hills".split(),
    "A Man sat".split(),
    "Zebra ? the house".split(),
]


def test_the_first_token_of_every_word_is_found(family_folder):
    model = poolwise.load(family_folder)
    for words, sentence in zip(SENTENCES, align(model, SENTENCES), strict=True):
        (whole,) = model.tokenize([" ".join(words)])
        ids = whole.windows[0].ids
        assert sentence.words.tolist() == list(range(len(words)))
        assert sentence.n_tokens == len(ids)
        assert sentence.first_ids.tolist() == ids[sentence.positions].tolist()
        # What lies between one word's first token and the next word's is that word's alone.
        ends = [*sentence.positions[1:], len(ids) - len(model.tokenizer.frame.after)]
        for word, start, end in zip(words, sentence.positions, ends, strict=True):
            pieces = [model.tokenizer.token(i) for i in ids[start:end]]
            spelt = "".join(piece.removeprefix("##").strip("▁Ġ") for piece in pieces)
            assert "unk" in spelt.lower() or spelt.lower() == word.lower()


def test_words_beyond_the_maximum_length_are_cut_and_counted(tiny):
    model = poolwise.load(tiny("bert"), max_length=6)
    (sentence,) = align(model, ["the cat sat on the mat".split()])
    assert sentence.words.tolist() == [0, 1, 2, 3]
    assert (sentence.n_truncated, sentence.n_untokenized) == (2, 0)
    words = extract_words(model, [sentence])
    assert words.states.shape == (4, 4, 32)


def test_a_word_without_tokens_is_counted(tiny):
    model = poolwise.load(tiny("bert"))
    (sentence,) = align(model, [["the", "\u200d", "cat"]])
    assert sentence.words.tolist() == [0, 2]
    assert sentence.positions.tolist() == [1, 2]
    assert (sentence.n_truncated, sentence.n_untokenized) == (0, 1)


def test_tokens_that_are_not_those_of_the_words_are_marked(tiny, monkeypatch):
    model = poolwise.load(tiny("bert"))
    encode = model.tokenizer.encode
    merging = {"the cat": "cat"}
    monkeypatch.setattr(
        type(model.tokenizer),
        "encode",
        lambda self, texts, **options: encode([merging.get(t, t) for t in texts], **options),
    )
    sentences = align(model, [["the", "cat"], ["the", "dog"]])
    assert sentences[0] is None
    assert sentences[1].positions.tolist() == [1, 2]


@pytest.mark.parametrize("group_bytes", [1, 1 << 15, 1 << 26])
def test_words_hold_the_hidden_states_of_their_first_tokens(tiny, monkeypatch, group_bytes):
    monkeypatch.setattr(token_outputs, "GROUP_BYTES", group_bytes)
    model = poolwise.load(tiny("bert"))
    sentences = align(model, [*SENTENCES, SENTENCES[0]])
    words = extract_words(model, sentences)
    row = 0
    for sentence in sentences:
        for position in sentence.positions:
            readouts = [f"token[{position}]@{k}" for k in range(4)]
            (batch,) = model.extract([sentence.text], readouts)
            for k, readout in enumerate(readouts):
                np.testing.assert_array_equal(words.states[k, row], batch.vectors[readout][0])
            row += 1
    assert row == words.states.shape[1] == len(words.first_ids)


def test_vectors_that_are_not_finite_are_refused(tiny, monkeypatch):
    model = poolwise.load(tiny("bert"))
    token_outputs_of = type(model).token_outputs

    def broken(*arguments, **options):
        for outputs in token_outputs_of(*arguments, **options):
            outputs.hidden_states[-1] = np.nan
            yield outputs

    monkeypatch.setattr(type(model), "token_outputs", broken)
    with pytest.raises(StudyError, match="not finite"):
        extract_words(model, align(model, SENTENCES[:1]))


def test_a_full_disk_is_said_before_anything_runs(tiny, monkeypatch):
    model = poolwise.load(tiny("bert"))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("", (), {"free": 100})())
    with pytest.raises(StudyError, match="scratch space"):
        extract_words(model, align(model, SENTENCES[:1]))


def words_of(*states):
    return vectors.WordVectors(np.array(states, np.float32), np.array([2, 0, 2]))


def test_layers_are_standardised_by_what_is_learned_from():
    first = [[0.0, 5.0], [2.0, 5.0], [9.0, 5.0]]
    second = [[100.0, 1.0], [300.0, 3.0], [100.0, 3.0]]
    words = words_of(first, second)
    train_rows, rows = np.array([0, 1]), np.arange(3)
    first_scaled = mix_features(words, LayerMix("", (0,)), train_rows).mixed(rows)
    np.testing.assert_allclose(first_scaled, [[-1, 0], [1, 0], [8, 0]])
    second_scaled = [[-1, -1], [1, 1], [-1, 1]]
    concatenated = mix_features(words, LayerMix("", (0, 1), "concat"), train_rows)
    np.testing.assert_allclose(concatenated.mixed(rows), np.hstack([first_scaled, second_scaled]))
    summed = mix_features(words, LayerMix("", (0, 1), "weighted sum"), train_rows)
    np.testing.assert_allclose(summed.mixed(rows), (first_scaled + second_scaled) / 2)
    np.testing.assert_allclose(
        summed.stacked(rows), np.stack([first_scaled, second_scaled], axis=1)
    )
    table = static_features(words, np.array([[1.0], [7.0], [3.0]], np.float32), train_rows)
    np.testing.assert_allclose(table.mixed(rows), [[1], [-1], [1]])


def test_the_mixes_are_those_of_the_table():
    mixes = {mix.name: mix for mix in table7_mixes(12)}
    assert mixes["second to last"].layers == (11,)
    assert mixes["concat of the last 4"].layers == (9, 10, 11, 12)
    assert mixes["weighted sum of all 12"].layers == tuple(range(1, 13))
    assert [mix.layers for mix in table7_mixes(1)] == [(0,), (0,), (1,), (1,), (1,), (1,)]


def test_features_a_billion_times_smaller_than_the_others_are_scaled_as_they_are():
    rng = np.random.default_rng(0)
    tiny = (rng.normal(size=(50, 2)) + 1) * [1e-33, 2e-9]
    states = np.column_stack([rng.normal(size=50), tiny, np.full(50, 3.0)]).astype(np.float32)
    rows = np.arange(50)
    scaled = Features(lambda _, chosen: states[chosen], (0,), "single", rows).mixed(rows)
    expected = StandardScaler().fit_transform(states[:, :3].astype(np.float64))
    np.testing.assert_allclose(scaled[:, :3], expected, atol=1e-4)
    assert not scaled[:, 3].any()
