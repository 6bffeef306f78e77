"""Tests of completion: what the script for bash offers, and that the others hold the same words."""

import argparse
import shutil
import subprocess

import pytest

from source.command import commands, recipe_line, show_completion
from source.config.plugin import available
from source.config.recipe.recipe import shipped_files

BASH = shutil.which("bash")


@pytest.fixture(scope="module")
def bash_script() -> str:
    return show_completion.script("bash")


def offered(script: str, line: str, folder) -> list[str]:
    """Returns what bash offers at the end of a line, as readline asks for it."""
    ask = f'{script}\nCOMP_LINE="{line}" COMP_POINT={len(line)} _espalier\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(
        [BASH, "--norc", "-c", ask], capture_output=True, text=True, timeout=60, check=True, cwd=folder
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(BASH is None, reason="needs bash")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "espalier tra",
            ["train", "trainer/adam.yaml", "trainer/sgd.yaml", "train_dataset_meta="],
        ),
        ("espalier network/lene", ["network/lenet5.yaml"]),
        ("espalier network=lene", ["lenet5"]),
        ("espalier data/digits.yaml compressor=dynamic", ["dynamic_network_surgery"]),
        ("espalier data/digits.yaml sho", ["show"]),
        ("espalier data/digits.yaml network.dropo", ["network.dropout="]),
        ("espalier data/digits.yaml callbacks.train_l", ["callbacks.train_loss="]),
        ("espalier a=1 mine", ["mine.yaml"]),
        ("espalier exp", ["export", "export", "exporters=", "exporters.packed="]),
        ("espalier help compressor.dynamic", ["compressor.dynamic_network_surgery"]),
        ("espalier list rec", ["recipe"]),
        ("espalier completion z", ["zsh"]),
        ("espalier predict mine", ["mine.yaml"]),
        ("espalier seed=mi", ["mine.yaml"]),
    ],
)
def test_bash_offers_what_fits(bash_script, tmp_path, line, words):
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "other.txt").touch()
    assert set(words) <= set(offered(bash_script, line, tmp_path))


@pytest.mark.skipif(BASH is None, reason="needs bash")
def test_bash_offers_nothing_that_does_not_fit(bash_script, tmp_path):
    assert offered(bash_script, "espalier no_such_word", tmp_path) == []
    assert offered(bash_script, "espalier network=no_such", tmp_path) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_script_holds_all_words(shell, capsys):
    assert show_completion.run(argparse.Namespace(shell=shell)) == 0
    text = capsys.readouterr().out.replace('"', " ").replace("|", " ").replace("(", " ").replace(")", " ")
    words = set(text.split())
    assert {*commands.names(), *recipe_line.actions(), *shipped_files(), *available("network")} <= words
    assert {"epochs=", "network=", "compressor.sparsity=", "id="} <= words
