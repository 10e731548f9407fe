"""The module that is trained, against transformers' own classifiers and against the waist."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForSequenceClassification

import poolwise
from poolwise.classifier.output_space import OutputSpace
from poolwise.errors import EncoderError, ReadoutError
from poolwise.readouts import parse
from poolwise.tuning.classifier_module import ReadoutClassifier, collate
from poolwise.tuning.trainable_readout import parse_trainable

TEXTS = [
    "the cat sat on a mat",
    "a",
    "they ran over the old hill to the sea and a big red bird sat in the tree",
]
LABELS = ("no", "perhaps", "yes")
OUTPUT_SPACES = {
    "single_label_classification": (OutputSpace("classification", LABELS), np.array([2, 0, 1])),
    "multi_label_classification": (
        OutputSpace("multilabel", LABELS),
        np.array([[0, 1, 1], [0, 0, 0], [1, 0, 1]], np.float32),
    ),
    "regression": (OutputSpace("regression"), np.array([0.5, -2.0, 1.25], np.float32)),
}
# Layers 1 and 2 of the 3 so that something is cut, and every pool.
READOUTS = (
    "cls@-1",
    "sep@-2",
    "token[2]@-1",
    "token[-2]@1",
    "mean@-1",
    "mean@embeddings",
    "mean[words]@-2",
    "max@avg(-2,-1)",
    "max[words]@concat(1,-1)",
    "meanmax@sum(0:1)",
    "sqrtmean@-1",
    "wmean@weights(1=0.25,-1=-0.5)",
)


def built(folder, spec, output_space=OUTPUT_SPACES["single_label_classification"][0], **options):
    encoder = poolwise.load(folder)
    return encoder, ReadoutClassifier(
        encoder, parse_trainable(spec, encoder.depth), output_space, **options
    )


def batch(encoder, texts=TEXTS, targets=None):
    tokens = [text.windows[0] for text in encoder.tokenize(texts)]
    return collate(tokens, targets, encoder.config.pad_token_id)


def vectors(module, encoder, texts=TEXTS):
    return module.vectors(**batch(encoder, texts)).detach().numpy()


def theirs_of(folder: Path, problem: str, output_space: OutputSpace):
    return AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=output_space.width, problem_type=problem
    )


@pytest.mark.parametrize("training", [False, True], ids=["eval", "dropout"])
@pytest.mark.parametrize("problem", OUTPUT_SPACES)
@pytest.mark.parametrize("name", ["bert", "albert"])
def test_pooler_is_transformers_own_classifier(tiny, assert_same_training, name, problem, training):
    folder = tiny(name, hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.2)
    output_space, targets = OUTPUT_SPACES[problem]
    encoder, ours = built(folder, "pooler", output_space)
    theirs = theirs_of(folder, problem, output_space)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    inputs = batch(encoder, targets=targets)
    assert_same_training(ours, theirs, inputs, training=training, seed=7)


@pytest.mark.parametrize("name", ["bert", "albert", "distilbert", "electra", "modernbert"])
def test_dropout_before_the_linear_layer_is_transformers_own(tiny, name):
    changed = {
        "bert": {"classifier_dropout": 0.35},
        "albert": {"classifier_dropout_prob": 0.35},
        "distilbert": {"seq_classif_dropout": 0.35},
        "modernbert": {"classifier_dropout": 0.35},
    }
    for options in ({}, changed.get(name, {"hidden_dropout_prob": 0.35})):
        folder = tiny(name, **options)
        _, ours = built(folder, "cls@-1")
        theirs = theirs_of(folder, "regression", OutputSpace("regression"))
        rates = [m.p for n, m in theirs.named_modules() if n in ("dropout", "classifier.dropout")]
        assert ours.dropout.p == (rates or [theirs.drop.p])[0]
        inside = {n: m.p for n, m in ours.base.named_modules() if isinstance(m, torch.nn.Dropout)}
        assert (
            inside.items()
            <= {
                n: m.p
                for n, m in theirs.base_model.named_modules()
                if isinstance(m, torch.nn.Dropout)
            }.items()
        )


def test_vectors_are_those_of_the_waist(family_folder):
    encoder = poolwise.load(family_folder)
    inputs = batch(encoder)
    specs = [*READOUTS, *(["pooler"] if encoder.has_pooler else [])]
    (waist,) = encoder.extract(TEXTS, specs)
    for spec in specs:
        _, module = built(family_folder, spec)
        made, expected = vectors(module, encoder), waist.vectors[spec]
        np.testing.assert_allclose(made, expected, atol=1e-5 * np.abs(expected).max(), err_msg=spec)
        logits = module(**inputs).logits
        torch.testing.assert_close(logits, module.classifier(torch.from_numpy(made)))


@pytest.mark.parametrize("spec", ["mean@embeddings", "cls@-2", "max@avg(1,-1)"])
def test_only_what_is_read_is_there_and_learns(family_folder, spec):
    encoder, module = built(family_folder, spec)
    deepest = max(module.layers)
    normed = bool(encoder.family.final_norm)
    assert module.encoder.depth == max(1, min(deepest + normed, encoder.depth))
    assert not module.encoder.has_pooler
    module(**batch(encoder, targets=np.array([2, 0, 1]))).loss.backward()
    for name, parameter in module.named_parameters():
        assert parameter.requires_grad == (parameter.grad is not None), name
    shared = encoder.family.model_type == "albert"
    unread = [f"{encoder.family.blocks}.{i}." for i in range(deepest, encoder.depth)]
    for name, parameter in module.base.named_parameters():
        if name.startswith(tuple(unread)) and not (shared and deepest):
            assert not parameter.requires_grad, name
        elif name.startswith(("embeddings.", f"{encoder.family.blocks}.0.")):
            assert parameter.requires_grad, name


def test_every_text_gets_a_vector(tiny):
    encoder, _ = built(tiny("bert"), "cls@-1")
    texts = ["", "a cat", "the old cat sat on the mat"]
    inputs = batch(encoder, texts)
    for spec, instead in {
        "mean[words]@-1": "mean@-1",
        "max[words]@-1": "max@-1",
        "token[5]@-1": "sep@-1",
        "token[-5]@-1": "sep@-1",
    }.items():
        _, module = built(tiny("bert"), spec)
        made = vectors(module, encoder, texts)
        with pytest.warns(poolwise.PoolwiseWarning):
            expected = encoder.embed(texts, spec)
        lacks = ~np.isfinite(expected).all(1)
        assert lacks[0]
        assert not lacks[-1]
        expected[lacks] = encoder.embed(texts, instead)[lacks]
        np.testing.assert_allclose(made, expected, atol=1e-5)
        module(**inputs).logits.sum().backward()
        assert all(p.grad.isfinite().all() for p in module.parameters() if p.requires_grad)


def test_a_readout_of_words_asks_for_them(tiny):
    encoder, module = built(tiny("bert"), "mean[words]@-1")
    inputs = batch(encoder)
    with pytest.raises(ValueError, match="words"):
        module(inputs["input_ids"], inputs["attention_mask"])


def test_a_learned_mix_begins_equal_and_ends_as_a_readout(tiny):
    encoder, module = built(tiny("bert"), "mean@mix")
    inputs = batch(encoder, targets=np.array([2, 0, 1]))
    equal = encoder.embed(TEXTS, "mean@avg(0:-1)")
    np.testing.assert_allclose(vectors(module, encoder), equal, atol=1e-5)
    assert module.head_parameters == {"classifier.weight", "classifier.bias", "pooling.mix"}
    module(**inputs).loss.backward()
    assert module.pooling.mix.grad.abs().min() > 0
    with torch.no_grad():
        module.pooling.mix.copy_(torch.tensor([0.1, -0.2, 0.3, 1 / 3]))
    assert str(module.learned_readout()) == "mean@weights(0=0.1,1=-0.2,2=0.3,3=0.33333334)"
    expected = encoder.embed(TEXTS, module.learned_readout())
    np.testing.assert_allclose(vectors(module, encoder), expected, atol=1e-5)


def test_a_mix_of_some_layers_names_them(tiny):
    _, module = built(tiny("bert"), "cls@weights(1=0.5,-2=0.5)")
    assert str(module.learned_readout()) == "cls@weights(1=0.5,2=0.5)"
    _, module = built(tiny("bert"), "cls@weights(1=0.5,-1=0.5)")
    assert str(module.learned_readout()) == "cls@weights(1=0.5,-1=0.5)"


def test_final_means_the_same_in_the_encoder_that_is_left(family_folder):
    encoder = poolwise.load(family_folder)
    for spec in ("mean@-2", "meanmax@concat(-3:-2)", "cls@weights(embeddings=0.5,-3=2)"):
        _, module = built(family_folder, spec)
        final, left = module.learned_readout(), module.tuned_encoder()
        assert parse(str(final)) == final
        assert left.depth < encoder.depth or encoder.family.final_norm
        for reader in (encoder, left):
            np.testing.assert_allclose(
                reader.embed(TEXTS, final), encoder.embed(TEXTS, spec), atol=1e-5
            )


def test_learned_attention_begins_as_the_mean_and_weighs_by_its_query(tiny):
    encoder, module = built(tiny("bert"), "attention@avg(1,-1)")
    inputs = batch(encoder, targets=np.array([2, 0, 1]))
    mean = encoder.embed(TEXTS, "mean@avg(1,-1)")
    np.testing.assert_allclose(vectors(module, encoder), mean, atol=1e-5)
    assert module.head_parameters == {"classifier.weight", "classifier.bias", "pooling.query"}
    assert module.learned_readout() == parse("mean@avg(1,-1)")
    module(**inputs).loss.backward()
    assert module.pooling.query.grad.abs().max() > 0
    query = np.random.default_rng(0).normal(size=encoder.width).astype(np.float32)
    with torch.no_grad():
        module.pooling.query.copy_(torch.from_numpy(query))
    made = vectors(module, encoder)
    for i, seen in enumerate(encoder.token_outputs([text], layers=[1, 3]) for text in TEXTS):
        (text,) = seen
        hidden = text.hidden_states.mean(0)[0]
        scores = np.exp(hidden @ query)
        np.testing.assert_allclose(made[i], scores / scores.sum() @ hidden, atol=1e-4)


def test_the_linear_layer_begins_as_transformers_begins_it_and_by_its_own_seed(tiny):
    folder = tiny("bert")
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    output_space = OutputSpace("classification", tuple(map(str, range(200))))
    weights = [
        built(folder, "cls@-1", output_space, seed=s)[1].classifier.weight for s in (0, 0, 1)
    ]
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert weights[0].std().item() == pytest.approx(0.02, rel=0.05)
    assert weights[0].mean().item() == pytest.approx(0, abs=0.001)
    assert not built(tiny("bert"), "cls@-1")[1].classifier.bias.any()


def test_the_last_blocks_that_are_read_can_be_drawn_anew(tiny):
    encoder, kept = built(tiny("bert"), "pooler")
    _, module = built(tiny("bert"), "pooler", seed=1, reinit=2)
    changed = {
        name
        for name, tensor in kept.state_dict().items()
        if not torch.equal(tensor, module.state_dict()[name]) and not name.startswith("classifier.")
    }
    top = ("bert.encoder.layer.1.", "bert.encoder.layer.2.", "bert.pooler.")
    assert changed == {name for name in kept.state_dict() if name.startswith(top)}
    drawn = module.state_dict()
    assert drawn["bert.encoder.layer.2.output.dense.weight"].std().item() == pytest.approx(
        0.02, rel=0.1
    )
    assert not drawn["bert.pooler.dense.bias"].any()
    assert (drawn["bert.encoder.layer.1.output.LayerNorm.weight"] == 1).all()
    again, other = (built(tiny("bert"), "pooler", seed=s, reinit=2)[1].state_dict() for s in (1, 2))
    name = "bert.encoder.layer.2.output.dense.weight"
    assert torch.equal(again[name], drawn[name])
    assert not torch.equal(other[name], drawn[name])
    _, below = built(tiny("bert"), "cls@-2", reinit=1)
    layers = [f"encoder.layer.{i}.output.dense.weight" for i in (0, 1)]
    assert [
        np.array_equal(below.encoder.tensors[name], encoder.tensors[name]) for name in layers
    ] == [True, False]
    _, embeddings = built(tiny("bert"), "mean@0", reinit=2)
    assert all(embeddings.encoder.tensors[n] is not None for n in embeddings.encoder.tensors)


def test_blocks_that_share_weights_are_not_drawn_anew_in_part(tiny):
    with pytest.raises(EncoderError, match="share weights"):
        built(tiny("albert"), "cls@-1", reinit=1)
    built(tiny("albert"), "cls@-1", reinit=3)


def test_a_readout_that_the_encoder_lacks_is_refused(tiny):
    with pytest.raises(ReadoutError, match="no pooler"):
        built(tiny("bert", pooler=False), "pooler")
    with pytest.raises(ReadoutError, match="no hidden state"):
        built(tiny("bert"), "cls@4")


def test_training_lowers_the_loss_of_every_kind_and_moves_the_tuned_encoder(tiny):
    for problem, (output_space, targets) in OUTPUT_SPACES.items():
        encoder, module = built(tiny("bert"), "mean@mix", output_space)
        inputs = batch(encoder, targets=targets)
        first = module(**inputs).loss.item()
        optimizer = torch.optim.AdamW(module.parameters(), lr=1e-2)
        for _ in range(20):
            optimizer.zero_grad()
            module(**inputs).loss.backward()
            optimizer.step()
        assert module(**inputs).loss.item() < first / 2, problem
        tuned = module.tuned_encoder()
        made = vectors(module, encoder)
        np.testing.assert_allclose(tuned.embed(TEXTS, module.learned_readout()), made, atol=1e-5)
        assert tuned.hash != encoder.hash
        assert np.abs(encoder.embed(TEXTS, module.learned_readout()) - made).max() > 1e-3


def test_collate_fills_up_on_the_right(tiny):
    encoder = poolwise.load(tiny("roberta"))
    tokens = [text.windows[0] for text in encoder.tokenize(["a cat", ""])]
    made = collate(tokens, np.array([1, 0]), 1)
    assert made["input_ids"].tolist()[1] == [*tokens[1].ids.tolist(), 1, 1]
    assert made["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert made["words"].tolist() == [[False, True, True, False], [False] * 4]
    assert made["labels"].tolist() == [1, 0]
    assert "labels" not in collate(tokens, None, 1)


def test_regression_of_one_text_is_one_number(tiny):
    encoder, module = built(tiny("bert"), "cls@-1", OutputSpace("regression"))
    made = module(**batch(encoder, TEXTS[:1], np.array([2.0], np.float32)))
    expected = functional.mse_loss(made.logits, torch.tensor([[2.0]]))
    torch.testing.assert_close(made.loss, expected)
