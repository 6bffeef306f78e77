"""Tests of `espalier init`."""

import io
import subprocess
import sys

import pytest

from source.command.main import main
from source.command.session import Session
from source.config.recipe.recipe import Recipe
from tests.command.starter.data import folders, table


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return folders(tmp_path / "pictures", {"cat": 3, "dog": 2})


def settings(file: str) -> dict:
    session = Session()
    session.add_file(file)
    return {**session.parts.shared, **session.parts.names}


def answers(monkeypatch, *lines: str) -> None:
    """Lets a user at a terminal give these answers."""
    given = io.StringIO("".join(f"{line}\n" for line in lines))
    given.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", given)


def test_a_recipe_is_written_for_a_folder(pictures, capsys):
    assert main(["init", "--data", "pictures"]) == 0
    made = settings("pictures.yaml")
    assert (made["num_classes"], made["network"], made["train_dataset_meta"]) == (2, "resnet8", "pictures")
    assert made["inputter"] == "image_classification_folder_inputter"
    printed = capsys.readouterr().out
    assert "5 pictures of 2 classes" in printed
    assert "Train it:  espalier pictures.yaml train evaluate" in printed


def test_flags_say_what_is_wanted(pictures):
    flags = ["--output", "new/a.yaml", "--network", "mobilenet_v2", "--size", "96", "--epochs", "7", "--mirror", "no"]
    assert main(["init", "--data", "pictures", *flags]) == 0
    made = settings("new/a.yaml")
    assert (made["image_height"], made["epochs"], made["network"]) == (96, 7, "yaml_graph")
    recipe = Recipe()
    recipe.add_file("new/a.yaml")
    assert recipe.tree.value["augmenter"].value["flip"].value is False


def test_a_table_gives_the_names_of_its_classes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table(tmp_path, ["dog", "cat"])
    assert main(["init", "--data", "list.csv"]) == 0
    assert settings("list.yaml")["class_names"] == ["cat", "dog"]


def test_what_is_there_is_not_written_over_unasked(pictures, capsys):
    (pictures.parent / "pictures.yaml").write_text("mine: 1\n")
    assert main(["init", "--data", "pictures"]) == 2
    assert "pictures.yaml is there already. Give another --output, or --overwrite." in capsys.readouterr().err
    assert (pictures.parent / "pictures.yaml").read_text() == "mine: 1\n"
    assert main(["init", "--data", "pictures", "--overwrite"]) == 0
    assert settings("pictures.yaml")["num_classes"] == 2


def test_a_terminal_is_asked(pictures, monkeypatch, capsys):
    answers(monkeypatch, "pictures", "lenet5", "", "5", "mine.yaml")
    assert main(["init"]) == 0
    made = settings("mine.yaml")
    assert (made["network"], made["epochs"], made["image_height"]) == ("yaml_graph", 5, 28)
    assert "Where are your pictures" in capsys.readouterr().out


def test_a_terminal_is_asked_before_something_is_written_over(pictures, monkeypatch, capsys):
    (pictures.parent / "pictures.yaml").write_text("mine: 1\n")
    answers(monkeypatch, "", "", "4", "", "no")
    assert main(["init", "--data", "pictures"]) == 2
    answers(monkeypatch, "", "", "4", "", "yes")
    assert main(["init", "--data", "pictures"]) == 0
    assert settings("pictures.yaml")["epochs"] == 4


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--data is needed: where are your pictures"),
        (["--data", "nowhere"], "nowhere: there is no such file or folder."),
        (
            ["--data", "pictures", "--network", "resnet21"],
            "network `resnet21`: no plugin has this name. Did you mean `resnet18`",
        ),
        (["--data", "pictures", "--output", "a.txt"], "--output: expected a file that ends in .yaml. Received: a.txt."),
        (["--data", "pictures", "--size", "-3"], "--size: `size` must be from 1 to 10,000. Received: size=-3."),
    ],
)
def test_mistakes_are_one_line(pictures, flags, message, capsys):
    assert main(["init", *flags]) == 2
    assert message in capsys.readouterr().err
    assert not list(pictures.parent.glob("*.yaml"))


def test_tensorflow_is_not_loaded(pictures):
    script = "import sys; from source.command.main import main; main(['init', '--data', 'pictures'])"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; assert not {{'tensorflow', 'keras'}} & set(sys.modules)"],
        cwd=pictures.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
