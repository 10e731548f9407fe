"""What the disk refuses while tensors are saved."""

from __future__ import annotations

import errno
import sys

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.numpy import save_file

from poolwise.files.tensor_errors import tensor_os_errors

FULL = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")


def test_a_full_disk_is_an_error_of_the_system(tmp_path):
    path = tmp_path / "none" / "model.safetensors"
    with pytest.raises(FileNotFoundError, match="No such file") as caught, tensor_os_errors(path):
        save_file({"a": np.zeros(3)}, path)
    assert caught.value.errno == errno.ENOENT
    assert caught.value.filename == str(path)


@FULL
def test_torch_tells_of_a_full_disk_too(tmp_path):
    with pytest.raises(OSError, match="could not write"), tensor_os_errors(tmp_path):
        torch.save({"a": torch.zeros(100_000)}, "/dev/full")


def test_any_other_error_stays():
    with pytest.raises(SafetensorError, match="mine"), tensor_os_errors("x"):
        raise SafetensorError("mine")
    with pytest.raises(RuntimeError, match="shapes"), tensor_os_errors("x"):
        raise RuntimeError("shapes")
