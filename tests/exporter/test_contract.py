"""The contract of an exporter plugin, run for every module in the room.

The model is one that all of them can write: a small convolutional network, quantized to 8 bits and finished.
"""

import dataclasses
import json
import pathlib
import shutil

import keras
import pytest

from source.config import plugin
from source.config.errors import ConfigError, ExportError
from source.exporter.artefact.artefact import size_on_disk
from source.exporter.artefact.open_artefact import open_artefact
from source.exporter.exporter import Exporter, ExporterConfig
from source.exporter.verification import difference
from tests.exporter.parts import make_parts

MEMBERS = plugin.available("exporter")


@pytest.fixture(scope="module")
def parts():
    """A modeler that holds a finished int8 network, and its inputter."""
    modeler, inputter = make_parts(compressor="quantize_post_training")
    modeler.model = modeler.compressor.finish(modeler.model)
    return modeler, inputter


@pytest.fixture(scope="module", params=MEMBERS)
def module(request):
    return plugin.resolve("exporter", request.param)


@pytest.fixture(scope="module")
def exported(module, parts, tmp_path_factory):
    """The path of one export, and the folder above all that it has written."""
    above = tmp_path_factory.mktemp("export") / "a" / "b"
    return module.build(module.Config()).export(*parts, above / "1"), above


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


def test_it_leaves_the_file_its_report_and_nothing_else(exported):
    path, above = exported
    assert path.exists()
    report = path.with_name(f"{path.name}.report.json")
    inside = {each for each in above.rglob("*") if path in each.parents}
    others = {each for each in above.rglob("*") if each.is_file()} - inside - {path, report}
    assert others == set()
    assert report.is_file()


def test_the_report_says_the_bytes_on_disk_and_how_far_the_file_is_from_the_model(exported):
    path, _ = exported
    report = json.loads(path.with_name(f"{path.name}.report.json").read_text())
    assert report["bytes"] == size_on_disk(path)
    assert report["accepted"] is True
    assert report["real_examples"] is True
    assert report["examples"] == 64
    assert all(each["relative"] <= report["tolerance"] for each in report["outputs"])


def test_the_file_runs(exported, parts, module):
    path, _ = exported
    if module.__name__.endswith("c_array"):
        pytest.skip("a C source is compiled, not opened; its own tests run it")
    modeler, inputter = parts
    [batch] = inputter.input_fn("evaluate").take(1)
    images = batch["image"].numpy()
    file = open_artefact(path)
    assert file.bytes == size_on_disk(path)
    reference = modeler.model(images).numpy()
    if module.__name__.endswith("saved_model"):
        pytest.skip("takes images before preprocessing; its own tests run it")
    report = json.loads(path.with_name(f"{path.name}.report.json").read_text())
    assert difference(reference, file.run([images])[0]).relative <= report["tolerance"]


@pytest.fixture
def there(exported, tmp_path):
    """The path of a copy of the export, below `tmp_path`: writing one of each kind anew would take minutes."""
    path, above = exported
    shutil.copytree(above, tmp_path, dirs_exist_ok=True)
    return tmp_path / path.relative_to(above)


def test_what_is_there_is_kept_unless_it_may_be_overwritten(module, parts, there, tmp_path):
    path, before = there, contents(tmp_path)
    with pytest.raises(ConfigError, match=r"exists already\. .*`overwrite=True`"):
        module.build(module.Config()).export(*parts, tmp_path / "1")
    assert contents(tmp_path) == before
    assert module.build(module.Config(overwrite=True)).export(*parts, tmp_path / "1") == path
    assert contents(tmp_path).keys() == before.keys()


def test_a_file_that_answers_otherwise_is_rejected(module, parts, there, tmp_path):
    modeler, inputter = parts
    path = there
    before = path.read_bytes() if path.is_file() else (path / "saved_model.pb").read_bytes()
    exporter = module.build(module.Config(overwrite=True, tolerance=0.0))
    answered = exporter.answered
    exporter.answered = lambda *given: [each + 1 for each in answered(*given)]
    with pytest.raises(
        ExportError, match=r"answers otherwise than the model: .*is accepted\. It is left as .*rejected"
    ):
        exporter.export(modeler, inputter, tmp_path / "1")
    assert before == (path.read_bytes() if path.is_file() else (path / "saved_model.pb").read_bytes())
    assert path.with_name(f"{path.name}.rejected").exists()
    assert not list(tmp_path.rglob(".*"))


def test_a_model_that_is_not_built_is_refused(module, parts, tmp_path):
    class Own(keras.Model):
        def call(self, x):
            return x

    modeler, inputter = parts

    class Unbuilt:
        model = Own()
        predict_step = staticmethod(modeler.predict_step)

    with pytest.raises((ConfigError, ExportError)):
        module.build(module.Config()).export(Unbuilt(), inputter, pathlib.Path(tmp_path) / "1")
    assert contents(tmp_path) == {}
