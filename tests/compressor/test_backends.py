"""Tests that models are compressed, saved and finished on every backend of Keras."""

import json
import os
import subprocess
import sys

import pytest

from tests.compressor.compress_a_model import WAYS


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_every_backend_trains_saves_and_finishes(backend, repository, tmp_path):
    """Needs the backend: `python -m pytest -m slow tests/compressor -k backends`, or ESPALIER_BACKENDS_PYTHON."""
    python = sys.executable if backend == "tensorflow" else os.environ.get("ESPALIER_BACKENDS_PYTHON", sys.executable)
    if subprocess.run([python, "-c", f"import {backend}"], capture_output=True, check=False).returncode:
        pytest.skip(f"{backend} is not installed beside {python}")
    done = subprocess.run(
        [python, "-m", "tests.compressor.compress_a_model", str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
        cwd=repository,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == dict.fromkeys(WAYS, [0.0, 0.0, 1.0])
