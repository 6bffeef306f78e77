"""Tests that the folder of a run belongs to one recipe."""

import os

import pytest

from source.command.run_safety import claim, recipe_text, refuse_another
from source.command.session import Session
from source.config.errors import ConfigError, DataError
from source.config.recipe.recipe import resolved_file
from source.config.recipe.tree import plain


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OUTPUT_DIR", raising=False)
    return tmp_path


def session(*words):
    made = Session()
    for word in ("data/digits.yaml", "network=lenet5", "id=one", *words):
        made.add_setting(word) if "=" in word else made.add_file(word)
    return made


def test_the_resolved_recipe_is_written(empty_folder):
    made = session("seed=${epochs}", "epochs=2", "_x=1")
    claim(made)
    file = empty_folder / "runs" / "one" / "recipe.yaml"
    assert os.listdir(file.parent) == ["recipe.yaml"]
    assert file.read_text().splitlines()[0] == "# one: made of data/digits.yaml"
    assert plain(resolved_file(file)) == plain(made.resolved)
    assert file.read_text() == recipe_text(made)


def test_the_same_recipe_may_go_on():
    claim(session("seed=1"))
    claim(session("seed=1", "data_dir=elsewhere"))


def test_another_recipe_is_refused_and_the_first_difference_told(empty_folder):
    claim(session("seed=1", "epochs=2"))
    before = (empty_folder / "runs/one/recipe.yaml").read_text()
    with pytest.raises(ConfigError) as caught:
        claim(session("seed=3", "epochs=2"))
    assert str(caught.value) == (
        "runs/one holds a run of another recipe: seed is 1 there and 3 here. Give this one a name of its own, id=NAME; "
        "go on with that one, `espalier resume runs/one key=value`; or put it aside, recreate=true."
    )
    with pytest.raises(ConfigError, match="epochs is 2 there and 'nothing' here"):
        claim(session("seed=1"))
    assert (empty_folder / "runs/one/recipe.yaml").read_text() == before


def test_it_is_refused_before_anything_is_built_or_written(empty_folder):
    refuse_another(session("seed=3"))
    assert not (empty_folder / "runs").exists()
    claim(session("seed=1"))
    with pytest.raises(ConfigError, match="seed is 1 there and 3 here"):
        refuse_another(session("seed=3"))
    refuse_another(session("seed=3", "recreate=true"))
    made = session("seed=3")
    made.may_differ = True
    refuse_another(made)


def test_a_run_is_put_aside_when_asked_for(empty_folder, capsys):
    for seed in (1, 2, 3):
        claim(session(f"seed={seed}", "recreate=true"))
    assert sorted(os.listdir("runs")) == ["one", "one.1", "one.2"]
    seeds = [
        resolved_file(empty_folder / "runs" / name / "recipe.yaml").value["seed"].value
        for name in ("one", "one.1", "one.2")
    ]
    assert seeds == [3, 1, 2]
    aside = (empty_folder / "runs" / "one.1").resolve()
    assert capsys.readouterr().out.splitlines()[0] == f"The run that was in runs/one is in {aside} now."


def test_resuming_may_differ():
    claim(session("seed=1"))
    made = session("seed=2")
    made.may_differ = True
    claim(made)


@pytest.mark.parametrize("text", ["[", "[1]", "a: ${b}", b"\xff"])
def test_a_recipe_that_cannot_be_read_is_told(empty_folder, text):
    (empty_folder / "runs/one").mkdir(parents=True)
    (empty_folder / "runs/one/recipe.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(
        ConfigError, match=r"^the run that is there cannot be told: .* Give this one a name, id=NAME\.$"
    ):
        claim(session())


@pytest.mark.parametrize("place", ["file", "file/deeper", "x" * 300])
def test_a_folder_that_cannot_be_is_told(empty_folder, place):
    (empty_folder / "file").touch()
    with pytest.raises(DataError, match=r"/one: the folder of the run cannot be written: .+\.$"):
        claim(session(f"output_dir={place}"))
