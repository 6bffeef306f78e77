"""A run of two steps of a small LeNet-5 on small digits, compressed, which every test of an action gets a copy of."""

import contextlib
import shutil

import pytest

from source.command.main import main

PLAIN = (
    "data/digits.yaml",
    "network=lenet5",
    "image_height=16",
    "image_width=16",
    "max_steps=2",
    "batch_size_per_gpu=32",
    "evaluate_every_epochs=0",
    "save_checkpoints_steps=1",
    "keep_checkpoint_max=2",
)
# Without codings in contexts, which take seconds, and without a converter, which takes more.
DENSE = (*PLAIN, "exporters={packed: {context_elements: 0}, litert: null}")
COMPRESSED = (*DENSE, "compressor={name: magnitude_pruning, sparsity: 0.5, schedule: one_shot, begin_step: 1}")


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Returns a folder with `runs/tiny`, compressed, and `runs/plain`, not compressed."""
    place = tmp_path_factory.mktemp("trained")
    with contextlib.chdir(place):
        assert main([*COMPRESSED, "id=tiny", "train"]) == 0
        assert main([*DENSE, "id=plain", "train"]) == 0
    return place


@pytest.fixture
def act(trained, tmp_path, monkeypatch, capsys):
    """Returns a function that carries words out on a copy of the compressed run, and returns what they print."""
    shutil.copytree(trained, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")

    def run(*words, code=0):
        capsys.readouterr()
        assert main([*COMPRESSED, "id=tiny", *words]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return run


@pytest.fixture
def act_plain(act, capsys):
    """Returns such a function of the run that is not compressed."""

    def run(*words, code=0):
        capsys.readouterr()
        assert main([*DENSE, "id=plain", *words]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return run
