"""The contract of an exporter plugin, run for every module in the room."""

import dataclasses

import pytest

from source.config import plugin
from source.config.errors import ConfigError
from source.exporter.exporter import Exporter, ExporterConfig
from tests.exporter.parts import make_parts

MEMBERS = plugin.available("exporter")


@pytest.fixture(scope="module")
def parts():
    return make_parts()


@pytest.fixture(scope="module", params=MEMBERS)
def module(request):
    return plugin.resolve("exporter", request.param)


def contents(folder):
    """Returns every file below a folder, by its path from there, with its bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_settings_extend_those_of_the_room_and_have_defaults(module):
    assert issubclass(module.Config, ExporterConfig)
    assert module.Config().overwrite is False
    assert {field.name for field in dataclasses.fields(ExporterConfig)} <= set(vars(module.Config()))


def test_it_is_built_from_its_own_settings_and_from_the_rooms(module):
    assert isinstance(module.build(module.Config()), Exporter)
    assert isinstance(module.build(ExporterConfig(overwrite=True)), Exporter)


def test_it_makes_the_folders_above_and_leaves_nothing_else(module, parts, tmp_path):
    folder = tmp_path / "a" / "b" / "1"
    assert module.build(module.Config()).export(*parts, folder) == folder
    assert contents(folder)
    assert list(folder.parent.iterdir()) == [folder]


def test_what_is_there_is_kept_unless_it_may_be_overwritten(module, parts, tmp_path):
    folder = tmp_path / "1"
    module.build(module.Config()).export(*parts, folder)
    (folder / "trace").write_text("of the first")
    before = contents(folder)
    with pytest.raises(ConfigError, match=r"^export_version: .*1 exists already\. .*`overwrite=True`"):
        module.build(module.Config()).export(*parts, folder)
    assert contents(folder) == before
    module.build(module.Config(overwrite=True)).export(*parts, folder)
    assert contents(folder).keys() == before.keys() - {"trace"}
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_of_something_else_is_never_removed(module, parts, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"so it is not overwritten"):
        module.build(module.Config(overwrite=True)).export(*parts, tmp_path)
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


def test_an_export_that_fails_leaves_what_was_there(module, parts, tmp_path):
    modeler, inputter = parts

    class Broken:
        model = modeler.model

        @staticmethod
        def predict_step(batch):
            raise RuntimeError("broken")

    folder = tmp_path / "1"
    module.build(module.Config()).export(modeler, inputter, folder)
    before = contents(folder)
    with pytest.raises(RuntimeError, match="broken"):
        module.build(module.Config(overwrite=True)).export(Broken(), inputter, folder)
    assert contents(folder) == before
    assert list(tmp_path.iterdir()) == [folder]
