"""docs/reference/python.md: which objects of the Python API are shown, under which headings.

mkdocstrings reads their signatures and docstrings from the source; no part of it is imported.
"""

from __future__ import annotations

from collections.abc import Iterator

from page_text import fence, page

from poolwise import errors
from poolwise.errors import PoolwiseError

GROUPS: dict[str, dict[str, str]] = {
    "Load and embed": {
        "load": "model.Model.load",
        "Model": "model.Model",
        "embed": "api.embed.embed",
        "extract": "extraction.extract",
        "VectorBatch": "records.VectorBatch",
        "Sentence": "records.Sentence",
        "parse": "readouts.grammar.parse",
        "Readout": "readouts.spec.Readout",
        "EmbedResult": "api.embed.EmbedResult",
        "FittedReadout": "transforms.fitted_readout.FittedReadout",
        "Transform": "transforms.transform.Transform",
    },
    "Measure": {
        "sweep": "api.sweep.sweep",
        "SweepResult": "api.sweep_result.SweepResult",
        "ask": "api.ask.ask",
        "AskResult": "api.ask.AskResult",
        "ReadOptions": "api.read_options.ReadOptions",
        "Finding": "records.Finding",
        "Number": "records.Number",
        "Answer": "records.Answer",
        "inspect": "api.inspect.inspect",
        "Inspection": "api.inspect.Inspection",
    },
    "A corpus": {
        "embed_corpus": "api.embed_corpus.embed_corpus",
        "CorpusResult": "jobs.result.CorpusResult",
        "verify": "api.verify.verify",
        "VerifyResult": "jobs.verification.result.VerifyResult",
        "search": "api.search.search",
        "SearchResult": "api.search_result.SearchResult",
    },
    "Tune, predict and export": {
        "tune": "api.tune.tune",
        "TuneReport": "api.tune.TuneReport",
        "load_classifier": "classifier.classifier.Classifier.load",
        "Classifier": "classifier.classifier.Classifier",
        "export": "api.export.export",
        "exports.export": "exports.export.export",
        "ExportResult": "exports.result.ExportResult",
    },
    "Which readout made these vectors?": {
        "diagnose": "api.diagnose.diagnose",
        "Diagnosis": "doctor.diagnosis.Diagnosis",
        "watch": "api.watch.watch",
        "WatchResult": "doctor.watch_result.WatchResult",
        "compare_endpoints": "api.compare_endpoints.compare_endpoints",
        "EndpointComparison": "doctor.comparison.EndpointComparison",
    },
    "Which versions are these?": {
        "environment": "installation.environment",
        "Environment": "installation.Environment",
    },
    "Serve": {
        "app": "serving.application.app",
        "serve_model": "serving.catalogue.serve_model",
        "serve": "serving.startup.serve",
        "Settings": "serving.settings.Settings",
    },
    "In other libraries": {
        "Embedder": "embedder.embedder.Embedder",
        "SentenceTransformer": "embedder.sentence_transformers.SentenceTransformer",
        "LangChainEmbeddings": "adapters.langchain.LangChainEmbeddings",
        "LlamaIndexEmbedding": "adapters.llama_index.LlamaIndexEmbedding",
        "HaystackTextEmbedder": "adapters.haystack.HaystackTextEmbedder",
        "HaystackDocumentEmbedder": "adapters.haystack.HaystackDocumentEmbedder",
        "ChromaEmbeddingFunction": "adapters.chroma.ChromaEmbeddingFunction",
        "SpacyVectors": "adapters.spacy.SpacyVectors",
        "MtebEncoder": "adapters.mteb.MtebEncoder",
        "senteval.functions": "adapters.senteval.functions",
    },
    "What is installed": {
        "environment": "installation.environment",
        "Environment": "installation.Environment",
    },
}
"""Of each object the name that users write, and where it is, below ``poolwise``."""

INHERITED = {"Embedder", "Model", "SweepResult", "AskResult", "TuneReport"}
"""Classes whose bases are no objects of their own on the page."""

NOT_SHOWN = {"Model": ["load"], "Classifier": ["load"]}
"""Members that stand under a name of their own."""

PLACES = {
    "Serve": "from poolwise.serving import app, serve, serve_model, Settings",
    "In other libraries": "from poolwise import Embedder, SentenceTransformer\n"
    "from poolwise.adapters.langchain import LangChainEmbeddings  # likewise of the others",
}


def write() -> str:
    """The page."""
    return page(
        "Python",
        "What has no import line beside it is in `poolwise` itself: `poolwise.load`, "
        "`poolwise.sweep`. Results of functions are listed with them; nobody makes them by hand. "
        "`import poolwise` loads neither torch nor a server: each part is imported at its first "
        "use, and one that is not installed is a `MissingExtraError` with the command that "
        "installs it.",
        *(block for group in GROUPS for block in _group(group)),
        "## Errors and warnings",
        "Everything that poolwise raises is a `PoolwiseError`; each class names the exit code "
        "that the [command line](commands.md#exit-codes) ends with. What is done nevertheless, and "
        "should be known, is a `PoolwiseWarning`.",
        *_errors(),
    )


def _group(group: str) -> Iterator[str]:
    yield f"## {group}"
    if group in PLACES:
        yield fence(PLACES[group], "python")
    for name, place in GROUPS[group].items():
        yield _object(name, f"poolwise.{place}")


def _object(name: str, place: str) -> str:
    """The lines that mkdocstrings takes the place of."""
    options = [f"heading: {name}", f"toc_label: {name}", "heading_level: 3"]
    hidden = "".join(f', "!^{member}$"' for member in NOT_SHOWN.get(name, ()))
    options.append(f'filters: ["!^_"{hidden}]')
    if name in INHERITED:
        options.append("inherited_members: true")
    return "\n".join([f"::: {place}", "    options:", *(f"      {line}" for line in options)])


def _errors() -> Iterator[str]:
    """The tree of exceptions, and each of them."""
    yield fence("\n".join(_tree(PoolwiseError, 0)), "text")
    for name in (*_names(PoolwiseError), "PoolwiseWarning"):
        yield _object(name, f"poolwise.errors.{name}")


def _tree(kind: type[PoolwiseError], depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{kind.__name__:<{30 - 2 * depth}} exit code {kind.exit_code}"
    for child in _children(kind):
        yield from _tree(child, depth + 1)


def _names(kind: type[PoolwiseError]) -> Iterator[str]:
    yield kind.__name__
    for child in _children(kind):
        yield from _names(child)


def _children(kind: type[PoolwiseError]) -> list[type[PoolwiseError]]:
    """Of ``poolwise.errors`` itself: rooms have a few of their own below them."""
    return [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
