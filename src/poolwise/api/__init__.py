"""The Python API: every command as a function, whose result shows itself in a notebook."""

from poolwise.api.ask import AskResult, ask
from poolwise.api.compare_endpoints import compare_endpoints
from poolwise.api.diagnose import diagnose
from poolwise.api.embed import EmbedResult, embed
from poolwise.api.embed_corpus import embed_corpus
from poolwise.api.export import export
from poolwise.api.inspect import Inspection, inspect
from poolwise.api.search import search
from poolwise.api.search_result import SearchResult
from poolwise.api.sweep import sweep
from poolwise.api.sweep_result import SweepResult
from poolwise.api.tune import TuneReport, tune
from poolwise.api.verify import verify
from poolwise.api.watch import watch

__all__ = [
    "AskResult",
    "EmbedResult",
    "Inspection",
    "SearchResult",
    "SweepResult",
    "TuneReport",
    "ask",
    "compare_endpoints",
    "diagnose",
    "embed",
    "embed_corpus",
    "export",
    "inspect",
    "search",
    "sweep",
    "tune",
    "verify",
    "watch",
]
