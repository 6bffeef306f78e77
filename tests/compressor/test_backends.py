"""Tests that models are compressed, saved and finished on every backend of Keras, and pruned to the same counts."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.compressor.compress_a_model import CUT, WAYS


def printed(backend: str, repository, module: str, *arguments: str) -> Any:
    """Returns what a module prints on a backend, from JSON; skips where the backend is not installed."""
    python = sys.executable if backend == "tensorflow" else os.environ.get("ESPALIER_BACKENDS_PYTHON", sys.executable)
    if subprocess.run([python, "-c", f"import {backend}"], capture_output=True, check=False).returncode:
        pytest.skip(f"{backend} is not installed beside {python}")
    done = subprocess.run(
        [python, "-m", f"tests.compressor.{module}", *arguments],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
        cwd=repository,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_every_backend_trains_saves_and_finishes(backend, repository, tmp_path):
    """Needs the backend: `python -m pytest -m slow tests/compressor -k backends`, or ESPALIER_BACKENDS_PYTHON."""
    found = printed(backend, repository, "compress_a_model", str(tmp_path))
    assert list(found) == list(WAYS)
    for way, differences in found.items():
        # float32 rounds sums near 1 by 6e-8, another order of them a few times
        assert differences == pytest.approx([0.0, 0.0, 1.0], abs=1e-6 if way in CUT else 0.0), way


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_prune_to_the_same_counts(backend, repository):
    """Needs the backend, as above."""
    expected = printed("tensorflow", repository, "print_counts")
    assert printed(backend, repository, "print_counts") == expected
