"""What is installed: told without importing it, and what is broken is told too."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import poolwise
from poolwise import installation
from poolwise.engines import native_engine
from poolwise.engines.opening import gpu_count
from poolwise.errors import OptionError
from poolwise.json_values import to_plain

REQUIREMENTS = [
    "numpy>=2",
    "absent-package>=1",
    'tokenizers[a,b]>=0.21; extra == "torch"',
    "h5py (>=3) ; sys_platform != 'win32' and extra == 'keras'",
    'poolwise[torch]; extra == "export"',
    'pytest>=8; extra == "dev"',
    'ruff; extra == "bench"',
]


def test_environment_is_of_this_process():
    found = poolwise.environment()
    assert found.poolwise == poolwise.__version__
    assert found.levels == native_engine.levels()
    assert (found.problem is None) == bool(found.levels)
    assert "exact" in found.precisions or not found.levels
    assert found.packages["numpy"] == version("numpy")
    assert found.devices
    assert to_plain(found)["packages"] == found.packages
    lines = str(found).splitlines()
    assert len(lines) == 9 + len(found.packages)
    assert lines[0].split() == ["poolwise", poolwise.__version__]


def test_packages_are_those_of_the_metadata(monkeypatch):
    monkeypatch.setattr(installation, "requires", lambda _: REQUIREMENTS)
    assert installation.packages() == ("numpy", "absent-package", "tokenizers", "h5py")
    found = installation.versions(installation.packages())
    assert found == {name: version(name) for name in ("numpy", "tokenizers", "h5py")}


def test_sources_without_metadata(monkeypatch):
    def absent(name):
        raise installation.PackageNotFoundError(name)

    monkeypatch.setattr(installation, "requires", absent)
    assert installation.environment().packages == {}


def test_levels_that_do_not_exist_are_told(monkeypatch):
    def wrong():
        raise OptionError("POOLWISE_NATIVE_LEVELS names avx9")

    monkeypatch.setattr(native_engine, "levels", wrong)
    found = installation.environment()
    assert (found.levels, found.precisions) == ((), ())
    assert "native engine  none: POOLWISE_NATIVE_LEVELS names avx9" in str(found)


def test_an_engine_that_cannot_be_loaded_is_told(monkeypatch):
    monkeypatch.setattr(native_engine, "levels", lambda: ())
    monkeypatch.setattr(native_engine, "find_spec", lambda _: object())
    monkeypatch.delattr(poolwise, "_native", raising=False)
    monkeypatch.setitem(sys.modules, "poolwise._native", None)
    assert "the native engine cannot be loaded" in str(installation.environment())


@pytest.mark.parametrize(
    ("names", "devices"),
    [(("A100", "A100"), ("cuda:0 A100", "cuda:1 A100")), ((), ("cpu",))],
)
def test_devices(monkeypatch, names, devices):
    monkeypatch.setattr(installation, "find_spec", lambda _: object())
    monkeypatch.setattr(installation, "gpu_names", lambda: names)
    assert installation.environment().devices == devices


def test_devices_of_a_broken_torch_and_of_none(monkeypatch):
    def broken():
        raise OSError("libcudart.so is missing")

    monkeypatch.setattr(installation, "find_spec", lambda _: object())
    monkeypatch.setattr(installation, "gpu_names", broken)
    (told,) = installation.environment().devices
    assert "OSError: libcudart.so is missing" in told
    monkeypatch.setattr(installation, "find_spec", lambda _: None)
    assert installation.environment().devices == ()
    assert "torch is not installed" in str(installation.environment())


@pytest.mark.skipif(gpu_count() > 0, reason="a GPU's name is torch's to tell")
def test_nothing_is_imported_for_its_version():
    code = (
        "import sys, poolwise; poolwise.environment(); "
        "print({'torch', 'transformers', 'scipy', 'pyarrow', 'click'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
