"""Tests that the light half stays light: what importing and asking for help may load."""

import json
import subprocess
import sys

import pytest

HEAVY = ("keras", "matplotlib", "numpy", "PIL", "scipy", "sklearn", "tensorboard", "tensorflow")


def heavy_modules_after(statement: str, others: tuple[str, ...] = ()) -> list[str]:
    """Returns which heavy packages, and which of some others, a fresh interpreter has loaded after `statement`."""
    report = f"print('\\n' + json.dumps(sorted(set({(*HEAVY, *others)!r}) & set(sys.modules))))"
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{statement}\n{report}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "statement",
    [
        "import source",
        "import source.numeric",
        "import espalier",
        "import espalier; dir(espalier); espalier.Config(); espalier.available('network')",
        "import source.config.image_classification_config, source.config.plugin",
    ],
)
def test_importing_loads_nothing_heavy(statement):
    assert heavy_modules_after(statement) == []


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--help"], ["--version"], ["list"], ["list", "network"], ["list", "compressor"], ["lst"]),
        *(["help", "network.lenet"], ["help", "compressor.magnitude_prunning"]),
        *(["help", "network.resnet20"], ["help", "train"], ["train", "--help"], ["completion", "bash"]),
        *(["list", "recipe"], ["list", "format"], ["list", "action"]),
    ],
)
def test_help_lists_and_mistakes_load_nothing_heavy(arguments):
    assert heavy_modules_after(f"from source.command.main import main; main({arguments!r})") == []


RECIPE = ["network/lenet5.yaml", "data/digits.yaml"]


@pytest.mark.parametrize(
    "arguments",
    [
        [*RECIPE, "show"],
        [*RECIPE, "lerning_rate=1", "train"],
        [*RECIPE, "network.dropuot=0.1", "train"],
        [*RECIPE, "epochs=many", "train"],
        [*RECIPE, "trian"],
        ["network=lenet6", "data/digits.yaml", "train"],
    ],
)
def test_recipes_and_their_mistakes_load_nothing_heavy(arguments):
    statement = f"from source.command.main import main; main({arguments!r})"
    assert heavy_modules_after(statement, ("omegaconf",)) == []


def test_the_front_door_alone_loads_no_room():
    statement = "import espalier; espalier.__dict__['probe'] = [m for m in sys.modules if m.startswith('source')]"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {statement}; print(espalier.probe)"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "[]\n"
