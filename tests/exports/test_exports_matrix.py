"""docs/loaders.md says what the libraries installed here make of exports; `make loaders` asks all.

A tiny random encoder stands for both models of the page, and a few graphs for all, since tracing
takes seconds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import poolwise

ROOT = Path(__file__).parent.parent.parent

INSTALLED = {
    "sentence-transformers": ["sentence-transformers 6", "transformers"],
    "transformers": ["sentence-transformers 6", "transformers"],
    "onnx": ["sentence-transformers 6", "transformers", "onnxruntime"],
}
GRAPHS = ("mean[words]@-1", "mean@avg(1,-1)")


@pytest.fixture(scope="module")
def benchmark():
    """benchmarks/loaders.py and what it imports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks" / "readers")
        patch.syspath_prepend(ROOT / "benchmarks")
        import loaders

        yield loaders


@pytest.fixture(scope="module")
def documented():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        from loader_page import read_page

        return read_page((ROOT / "docs" / "loaders.md").read_text(encoding="utf-8"))


def test_no_cell_is_wrong(benchmark, documented):
    loaders = [loader.name for loader in benchmark.LOADERS]
    assert list(documented) == [
        (form, loader, readout)
        for form in poolwise.exports.FORMATS
        for loader in loaders
        for readout in benchmark.READOUTS
    ]
    assert set(documented.values()) <= {"right", "refused", "warned", "—"}


@pytest.mark.parametrize("form", INSTALLED)
@pytest.mark.filterwarnings("ignore::poolwise.errors.PoolwiseWarning")
def test_the_page_says_what_is_seen(benchmark, documented, tiny, tmp_path, form):
    from reading import answer

    readouts = GRAPHS if form == "onnx" else benchmark.READOUTS
    model = poolwise.load(tiny("bert"))
    exports = benchmark.exported(model, form, readouts, tmp_path)
    for loader in benchmark.LOADERS:
        if loader.name not in INSTALLED[form]:
            continue
        results = answer(loader.reader, benchmark.request(exports))["results"]
        seen = benchmark.cells(loader, exports, results)
        expected = {readout: documented[form, loader.name, readout] for readout in readouts}
        assert seen == expected, [result.get("error") for result in results]
