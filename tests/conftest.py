"""What all tests share: a quiet TensorFlow, fixed seeds, and the folder of real data sets."""

import os

# Read by TensorFlow and matplotlib when they are first imported, so they stand before every other import.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("MPLBACKEND", "Agg")
# Two threads for an operation: tests are small, and many cores would only spend time waking threads. One operation at
# a time, because tests compare bits: with more, gradients may differ in the last ones (docs/checkpoints.md).
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SEED = 20260

# A test that starts a subprocess is run from anywhere, so it is told where the sources are.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Seeds Python, and NumPy, TensorFlow and Keras where a test module has loaded them already."""
    random.seed(SEED)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(SEED)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(SEED)


@pytest.fixture(autouse=True, scope="module")
def fresh_keras_session() -> Iterator[None]:
    """Frees the graphs of a test module when it ends, and lets automatic layer names begin anew."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()


@pytest.fixture(scope="session")
def repository() -> Path:
    """Returns the root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Returns the folder of real data sets: `ESPALIER_DATA`, or `../shared/data` beside the repository."""
    folder = Path(os.environ.get("ESPALIER_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"needs real data sets; set ESPALIER_DATA to their folder. Looked at: {folder}")
    return folder.resolve()
