"""Charts of the length: norms against length, and explained variance by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poolwise.charts import Chart, Density, LayerCurve, LayerCurves
from poolwise.statistics.estimate import Estimate
from poolwise.studies.length.density import density
from poolwise.studies.length.layers import IDENTITY, Layer, Series
from poolwise.studies.length.measures import Measures
from poolwise.studies.length.sample import OTHER, TOKENS, Sample
from poolwise.studies.length.verdict import display, is_curved, percent

EXPLAINED = "share of the length's variance explained"


def charts(
    layers: Sequence[Layer], sample: Sample, real: Measures, random_words: Measures | None
) -> list[Chart]:
    """The last block's norm against length; that of the layer where it says most; all layers."""
    last = layers[-1].index
    chosen = [last]
    if real.best and real.best.layer != last:
        chosen.append(real.best.layer)
    charts: list[Chart] = []
    for k in chosen:
        charts += _density(layers[k], last, sample, real)
    charts.append(_by_layer(layers, real))
    if random_words:
        charts.append(_real_and_random(layers, real, random_words))
    return charts


def _density(layer: Layer, last: int, sample: Sample, real: Measures) -> Iterator[Density]:
    norm = real.norm(layer.cls, layer.index)
    slope, r2 = norm.regression.slope.value, norm.regression.r2
    if slope is None:
        return
    much = "more" if is_curved(norm) else "little or no more"
    place = "the last block" if layer.index == last else f"layer {layer.index}, where it says most"
    yield density(
        sample.targets[:, 0],
        sample.norms[:, sample.series.index(Series(layer.cls, layer.index))],
        title=f"Norm of [CLS] against length in {place}",
        caption=(
            f"Darker cells hold more of the {sample.n:,} sentences; the thin lines are the median, "
            "the quartiles and the 5 and 95 % points of the norm at each length. "
            f"The norm's standard deviation is {100 * norm.spread:.2g} % of its mean. "
            f"The straight line {'rises' if slope > 0 else 'falls'} by {abs(slope):.2g} a token "
            f"and explains {percent(r2.value or 0)} of the variance (R² {display(r2)}); the best "
            f"curve finds {much} (eta² {display(norm.eta2)} on sentences it has not seen). "
            "The outermost half per cent at each end of either axis is not drawn."
        ),
        x_label="tokens, without special tokens",
        y_label=f"norm of {layer.cls}",
        line_label=f"least squares, R² {r2.value:.2f}",
    )


def _by_layer(layers: Sequence[Layer], real: Measures) -> LayerCurves:
    def norms(readout: str, target: str = TOKENS) -> list[Estimate]:
        return [real.norm(f"{readout}@{x.index}", x.index, target).eta2 for x in layers]

    def vectors(readout: str, target: str = TOKENS) -> list[Estimate]:
        return [real.ridge[f"{readout}@{x.index}", target] for x in layers]

    lines = [real.norm(x.cls, x.index).regression.r2 for x in layers]
    curves = [
        LayerCurve("full mean vector", vectors("mean")),
        LayerCurve("full [CLS] vector", vectors("cls")),
        LayerCurve("norm of the mean, curve", norms("mean")),
        LayerCurve("norm of [CLS], curve", norms("cls")),
        LayerCurve("norm of [CLS], line", lines),
        LayerCurve("a random length, norm of [CLS]", norms("cls", OTHER), control=True),
        LayerCurve("a random length, full [CLS]", vectors("cls", OTHER), control=True),
    ]
    return LayerCurves(
        "What each layer knows of the sentence's length",
        curves,
        caption=(
            f"{EXPLAINED.capitalize()}, in tokens: by the norm through a straight line (R²) or any "
            "curve (held-out eta²), and by the full vector (cross-validated ridge). "
            f"{_best_layer('full [CLS] vector', 'R²', vectors('cls'))} "
            f"{_best_layer('norm of [CLS]', 'eta²', norms('cls'))} {_constants(layers, real)}"
        ),
        y_label=EXPLAINED,
    )


def _real_and_random(
    layers: Sequence[Layer], real: Measures, random_words: Measures
) -> LayerCurves:
    def norms(measures: Measures, readout: str) -> list[Estimate]:
        return [measures.norm(f"{readout}@{x.index}", x.index).eta2 for x in layers]

    curves = [
        LayerCurve("norm of [CLS]", norms(real, "cls")),
        LayerCurve("norm of [CLS], random words", norms(random_words, "cls")),
        LayerCurve("norm of the mean", norms(real, "mean")),
        LayerCurve("norm of the mean, random words", norms(random_words, "mean")),
    ]
    return LayerCurves(
        "Real sentences and random words",
        curves,
        caption=(
            f"Held-out eta² of the length in tokens. The {random_words.n:,} texts of random words "
            "have the lengths and the words of real sentences, without order or meaning: what "
            "the norm still says of length there, it says of the number of tokens alone."
        ),
        y_label=EXPLAINED,
    )


def _best_layer(what: str, statistic: str, values: Sequence[Estimate]) -> str:
    known = [(x.value, layer) for layer, x in enumerate(values) if x.value is not None]
    if not known:
        return ""
    most, layer = max(known)
    sentence = f"The {what} says most in layer {layer} ({statistic} {most:.2f})"
    last = values[-1].value
    if last is not None and layer != len(values) - 1:
        sentence += f"; in the last block {last:.2f} is left"
    return f"{sentence}."


def _constants(layers: Sequence[Layer], real: Measures) -> str:
    """What the chart leaves out because it is constant."""
    constant = [x.index for x in layers if real.norm(x.cls, x.index).eta2.value is None]
    sentences = []
    if constant:
        sentences.append(
            f"In layer {', '.join(map(str, constant))} the norm of [CLS] is the same for every "
            "sentence: constant, not drawn."
        )
    if any(deviation <= IDENTITY for deviation in real.deviations.values()):
        sentences.append("So is the norm before gain and bias: √d for every sentence, not drawn.")
    return " ".join(sentences)
