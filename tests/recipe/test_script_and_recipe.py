"""Tests that scripts and recipes make the same application: the same bits after a step."""

import dataclasses
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from source.command.session import Session
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SCRIPT = re.compile(r"```python\n(from importlib import import_module\n.*?)runner\.run\(\)\n```", re.DOTALL)
COMMAND = re.compile(r"^\.venv/bin/espalier (data/digits\.yaml .*) train$", re.MULTILINE)


def stepped(runner) -> dict[str, np.ndarray]:
    """Returns everything that a checkpoint holds after one step."""
    runner.config = dataclasses.replace(runner.config, max_steps=1, evaluate_every_epochs=0)
    runner.train()
    return {name: np.asarray(value) for name, value in runner.modeler.state().items()}


def from_recipe(*words: str):
    session = Session()
    for word in (*words, "id=recipe"):
        (session.add_setting if "=" in word else session.add_file)(word)
    return session.runner


def assert_same_bits(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert list(one) == list(other)
    assert len(one) > 4
    different = [name for name in one if one[name].tobytes() != other[name].tobytes()]
    assert different == []


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_script_of_the_readme_is_the_command_behind_it():
    [script], [command] = SCRIPT.findall(README), COMMAND.findall(README)
    names: dict = {}
    exec(script, names)  # noqa: S102 - our own documentation
    by_script = stepped(names["runner"])
    assert_same_bits(by_script, stepped(from_recipe(*shlex.split(command))))


@pytest.mark.slow
def test_first_steps(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "demo"))
    import first_steps

    by_script = stepped(first_steps.assemble("script", epochs=30))
    words = ("batch_size_per_gpu=32", "learning_rate=0.02", "lr_method=cosine", "epochs=30", "evaluate_every_epochs=5")
    by_recipe = stepped(from_recipe("data/digits.yaml", "network=lenet5", "save_checkpoints_steps=200", *words))
    assert_same_bits(by_script, by_recipe)


@pytest.mark.slow
def test_image_classification(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "demo" / "image"))
    import image_classification

    flags = {"image_height": 16, "image_width": 16, "num_classes": 4, "batch_size_per_gpu": 8, "learning_rate": 0.1}
    words = [f"{name}={value}" for name, value in flags.items()]
    place = ["--mode=train", "--model_dir=script", "--network=resnet8", "--max_steps=1", "--evaluate_every_epochs=0"]
    image_classification.APPLICATION.run(
        ["--inputter=image_classification_syn_inputter", *place, *(f"--{word}" for word in words)]
    )
    [file] = sorted(Path("script/checkpoints").glob("*.npz"))
    by_recipe = stepped(
        from_recipe(
            "inputter.name=image_classification_syn_inputter",
            "network=resnet8",
            "augmenter.name=cifar_augmenter",
            "epochs=5",
            "l2_weight_decay=0.0002",
            *words,
        )
    )
    with np.load(file) as saved:
        by_script = {name: saved[name] for name in saved.files if name in by_recipe}
    assert_same_bits(by_script, {name: by_recipe[name] for name in by_script})
    assert set(by_script) == set(by_recipe)
