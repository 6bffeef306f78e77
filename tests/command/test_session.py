"""Tests of a session: folders, ids, what is built, and where errors come from."""

import pytest

from source.command.session import Session
from source.config.errors import ConfigError, DataError
from source.config.recipe.tree import plain


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATA_DIR", raising=False)
    monkeypatch.delenv("OUTPUT_DIR", raising=False)
    return tmp_path


def session(*words):
    made = Session()
    for word in words:
        made.add_setting(word) if "=" in word else made.add_file(word)
    return made


def test_the_defaults_are_those_of_the_shipped_recipe():
    found = plain(session().resolved)
    assert found["runner"] == {"name": "single_device_runner"}
    assert (found["data_dir"], found["output_dir"], found["id"], found["recreate"]) == ("data", "runs", None, False)


def test_folders_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("DATA_DIR", "/d")
    monkeypatch.setenv("OUTPUT_DIR", "/o")
    assert session().setting("data_dir") == "/d"
    assert str(session("id=x").folder) == "/o/x"
    assert str(session("id=x", "output_dir=here").folder) == "here/x"


def test_the_id_is_made_of_the_files():
    assert session().id == "run"
    assert session("data/digits.yaml", "network/lenet5.yaml", "seed=1").id == "digits-lenet5"
    with open("..a b&c.yaml", "w") as file:
        file.write("{}")
    assert session("..a b&c.yaml").id == "a_b_c"


@pytest.mark.parametrize("given", ["a", "a/b", "a.b-c+d_e", "1", "x" * 120])
def test_ids_are_names(given):
    assert session(f"id={given}").id == given
    assert str(session(f"id={given}").folder) == f"runs/{given}"


@pytest.mark.parametrize(
    "given",
    ["..", "a/../b", "/a", "a/", "a//b", "~x", ".a", "-a", "ä", "a b", "x" * 121, "'a\n'", "true", "1.5", "[a]", "''"],
)
def test_ids_never_lead_out_of_the_folder_of_runs(given):
    made = session(f"id={given}")
    with pytest.raises(ConfigError, match=r"^command line: id: expected a name of letters, digits, `\.`, `-` and `_`"):
        _ = made.folder


@pytest.mark.parametrize("name", ["output_dir", "model_dir"])
@pytest.mark.parametrize("given", ["''", "[a]", "1", "'  '", '"a\\nb"'])
def test_folders_are_text(name, given):
    with pytest.raises(ConfigError, match=rf"^command line: {name}: expected a folder\. Received: "):
        _ = session(f"{name}={given}").folder


def test_a_home_is_found_and_others_are_names(monkeypatch):
    monkeypatch.setenv("HOME", "/h")
    assert str(session("output_dir=~/runs", "id=x").folder) == "/h/runs/x"
    assert str(session("output_dir=~no_such_user/runs", "id=x").folder) == "~no_such_user/runs/x"
    assert str(session("model_dir=~/y").folder) == "/h/y"


def test_what_was_found_is_dropped_when_something_is_said():
    made = session("data/digits.yaml", "network=lenet5")
    assert made.parts.names["network"] == "lenet5"
    made.add_setting("network=resnet20")
    assert made.parts.names["network"] == "resnet20"
    assert made.setting("network") == "resnet20"
    assert made.setting("unheard") is None


def test_a_copy_shares_nothing_and_keeps_the_folder():
    made = session("data/digits.yaml", "network=lenet5", "id=one")
    other = made.copied("id=two", "network=resnet20")
    assert (made.parts.names["network"], other.parts.names["network"]) == ("lenet5", "resnet20")
    assert other.folder == made.folder
    assert other.id == "one"


def test_errors_get_their_place_and_keep_their_kind():
    made = session("network={name: lenet5, dropout: 2}")
    with pytest.raises(DataError, match=r"^command line: `network\.dropout` must be less\.$"), made.located_errors():
        raise DataError("network_options: `dropout` must be less.")
    with pytest.raises(KeyError), made.located_errors():
        raise KeyError("a defect is left alone")


def test_a_network_that_the_recipe_describes_is_checked_with_file_and_line(tmp_path):
    layers = "{conv: {type: convolution, filters: 4, kernel_sise: 3}, flat: {type: flatten}}"
    graph = "{from: input, with: [conv, flat], to: output}"
    (tmp_path / "net.yaml").write_text(f"network:\n  name: yaml_graph\n  layers: {layers}\n  graph: {graph}\n")
    made = session(str(tmp_path / "net.yaml"), "data/digits.yaml")
    with pytest.raises(
        ConfigError, match=r"net\.yaml:3: network\.layers\.conv\.kernel_sise: unknown setting\. Did you"
    ):
        assert made.parts
