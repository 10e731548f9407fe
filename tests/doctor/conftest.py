"""Models whose readouts can be told apart, and servers of them with planted faults."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).parent)
    import identified  # noqa: F401 - for tests
    from faulty_server import MEAN_L2, FaultyServer
    from oracles import Setup
    from tiny_models import POSITIONS, save_modules, write_distinct


@pytest.fixture(scope="session")
def distinct(tiny, tmp_path_factory):
    """``distinct("bert")``: the folder of a tiny encoder whose readouts can be told apart.

    Width 32, 3 blocks, 128 tokens at most. ``distinct("bert", seed=1)`` is another model,
    ``noise=0.05`` the same one trained on; see ``tiny_models.write_distinct``. The session's: copy
    it before changing it.
    """
    made = {}

    def make(family: str, *, seed: int = 0, noise: float = 0.0) -> Path:
        key = family, seed, noise
        if key not in made:
            behind = 2 if family in ("roberta", "mpnet") else 0  # positions begin behind the pad's
            made[key] = tmp_path_factory.mktemp(f"distinct-{family}")
            source = tiny(family, max_position_embeddings=POSITIONS + behind)
            write_distinct(source, made[key], seed=seed, noise=noise)
        return made[key]

    return make


@pytest.fixture(scope="session")
def sentence_folder(distinct, tmp_path_factory):
    """``sentence_folder("bert", "mean", ("Dense", 32, "Tanh"), "Normalize", prompts={…})``: the
    folder of such a model, written by sentence-transformers; see ``tiny_models.save_modules``."""
    made = {}

    def make(family: str, *modules: object, **prompts: object) -> Path:
        key = family, modules, repr(prompts)
        if key not in made:
            made[key] = tmp_path_factory.mktemp(f"modules-{family}")
            save_modules(distinct(family), made[key], *modules, **prompts)
        return made[key]

    return make


class ProgramSource:
    """A VectorSource: vectors of ``readout``, which ``change(texts, vectors)`` makes others of."""

    description = "a program"

    def __init__(self, model, readout="mean@-1|l2", change=lambda texts, vectors: vectors):
        self.model, self.readout, self.change = model, readout, change

    def embed(self, texts):
        with warnings.catch_warnings(action="ignore"):  # on texts that are cut
            return self.change(texts, self.model.embed(list(texts), self.readout))


@pytest.fixture(scope="session")
def program_source():
    """``program_source(model, "cls@-1|l2", change)``: a program in place of a server."""
    return ProgramSource


@pytest.fixture(scope="module")
def faulty_server():
    """``faulty_server(folder, setup)``: a FaultyServer, the module's: one for each pair of these.

    It comes back without a fault, a key or a count of requests.
    """
    servers = {}

    def start(folder: Path, setup: Setup = MEAN_L2) -> FaultyServer:
        if (folder, setup) not in servers:
            servers[folder, setup] = FaultyServer(folder, setup).__enter__()
        server = servers[folder, setup]
        server.fault, server.key, server.broken = None, None, False
        server.requests.clear()
        return server

    yield start
    for server in servers.values():
        server.__exit__()
