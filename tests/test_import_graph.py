"""No module imports itself through others: lazy and type-checking imports count too.

That imports run downwards only is import-linter's part (``make check``).
"""

import grimp
import pytest


@pytest.fixture(scope="module")
def graph():
    graph = grimp.build_graph("poolwise")
    # ``from poolwise import _native`` is the compiled extension, which no graph of sources holds.
    for importer in graph.find_modules_that_directly_import("poolwise"):
        details = graph.get_import_details(importer=importer, imported="poolwise")
        if all("_native" in detail["line_contents"] for detail in details):
            graph.remove_import(importer=importer, imported="poolwise")
    return graph


def test_no_module_imports_itself_through_others(graph):
    imports = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    while leaves := [m for m, imported in imports.items() if not imported & imports.keys()]:
        for module in leaves:
            del imports[module]
    # What is left lies on a circle, or above one.
    assert not imports, sorted(imports)


def test_only_the_package_itself_reaches_up(graph):
    assert graph.find_modules_that_directly_import("poolwise") == set()
