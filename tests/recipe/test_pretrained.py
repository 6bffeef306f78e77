"""Tests of the shipped recipes with published weights: what they print is what their first lines promise."""

import re

import numpy as np
import pytest
from PIL import Image

from source.command.main import main
from source.config.recipe.recipe import SHIPPED
from source.modeler.importing.rule_set import load, shipped
from tests.recipe.shipped import names, session, text

RECIPES = names("pretrained")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_weights_rules_and_a_command(name):
    parts = session(f"pretrained/{name}.yaml").parts
    assert load(parts.shared["pretrained_rules"]).network == parts.names["network"]
    assert f"espalier pretrained/{name}.yaml evaluate" in text(f"pretrained/{name}.yaml")
    assert all(len(line) <= 120 for line in text(f"pretrained/{name}.yaml").splitlines())


@pytest.mark.parametrize("name", shipped())
def test_rules_open_with_what_they_are_for_and_their_lines_are_short(name):
    lines = text(f"import/{name}.yaml").splitlines()
    assert lines[0].startswith("# ")
    assert all(len(line) <= 120 for line in lines)
    network = load(name).network
    assert not network.endswith(".yaml") or (SHIPPED / network).is_file()


def cifar10_binaries(source, folder):
    """Writes CIFAR-10's binary files, those for training of a few pictures only."""
    folder.mkdir()
    for split, file, limit in (
        ("test", "test_batch.bin", 500),
        *(("train", f"data_batch_{n}.bin", 1) for n in range(1, 6)),
    ):
        with (folder / file).open("wb") as out:
            for strip in sorted(source.glob(f"{split}_*.webp")):
                pictures = np.asarray(Image.open(strip).convert("RGB")).reshape(-1, 32, 32, 3)[:limit]
                rows = pictures.transpose(0, 3, 1, 2).reshape(len(pictures), -1)
                label = np.full((len(rows), 1), int(strip.name.split("_")[1]), np.uint8)
                out.write(np.concatenate([label, rows], axis=1).tobytes())


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", RECIPES)
def test_the_accuracy_is_the_promised_one(data_folder, tmp_path, monkeypatch, capfd, name):
    (tmp_path / "mnist").symlink_to(data_folder / "mnist")
    (tmp_path / "pretrained").symlink_to(data_folder / "pretrained")
    if "cifar10" in name:
        cifar10_binaries(data_folder / "cifar10", tmp_path / "cifar10")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path / "runs"))
    assert main([f"pretrained/{name}.yaml", "evaluate"]) == 0
    promised = float(re.search(r": ([\d.]+) %\.$", text(f"pretrained/{name}.yaml").splitlines()[0])[1])
    measured = float(re.search(r"eval_accuracy ([\d.]+)", capfd.readouterr().out)[1])
    assert measured == round(promised / 100, 4)
