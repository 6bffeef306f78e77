"""Tests of the assembly of applications, on parts that only remember what they were given."""

import dataclasses
import os
import subprocess
import sys
import textwrap

import pytest

from source.command import assembly
from source.command.assembly import Names, assemble
from source.config.config import CallbackConfig, InputterConfig, ModelerConfig, RunnerConfig
from source.config.errors import ConfigError, UnknownNameError

PARTS = {
    "data": ("InputterConfig", "num_classes: int = 10\n    shuffle: bool = True"),
    "task": ("ModelerConfig", "num_classes: int = 10"),
    "loop": ("RunnerConfig", ""),
    "extra": ("CallbackConfig", "max_images: int = 36"),
    "writer": ("ExporterConfig", "opset: int = 17\n    names: Names = ()"),
}
MODULE = """
from source.config.config import CallbackConfig, InputterConfig, ModelerConfig, Names, RunnerConfig
from source.config.settings import settings
from source.exporter.exporter import ExporterConfig

@settings
class Config({base}):
    "What it takes."
    {fields}

def build(*parts):
    return parts
"""


@pytest.fixture(autouse=True)
def lab(tmp_path, monkeypatch):
    """The package `assembly_lab` with a plugin for each room; `plain` is a callback without a Config of its own."""
    folder = tmp_path / "assembly_lab"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "plain.py").write_text("def build(config):\n    return (config,)\n")
    (folder / "no_plugin.py").write_text("")
    for name, (base, fields) in PARTS.items():
        (folder / f"{name}.py").write_text(MODULE.format(base=base, fields=fields))
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.startswith("assembly_lab")]:
        del sys.modules[name]


def names(callbacks=("assembly_lab.extra", "assembly_lab.plain"), **given):
    places = {"inputter": "data", "modeler": "task", "runner": "loop", **given}
    return Names(callbacks=callbacks, **{place: f"assembly_lab.{name}" for place, name in places.items()})


def assembled(**settings):
    """Returns the configurations of runner, inputter, modeler and callbacks."""
    runner, inputter, modeler, callbacks = assemble(names(), settings)
    return runner, inputter[0], modeler[0], [callback[0] for callback in callbacks]


def message(error, settings, configs=(), **given):
    with pytest.raises(error) as caught:
        assemble(names(**given), settings, configs)
    return str(caught.value)


def test_a_setting_goes_to_every_part_that_has_it():
    runner, inputter, modeler, callbacks = assembled(batch_size_per_gpu="8", num_classes="3", max_images="2")
    assert {part.batch_size_per_gpu for part in (runner, inputter, modeler, *callbacks)} == {8}
    assert (inputter.num_classes, modeler.num_classes) == (3, 3)
    assert callbacks[0].max_images == 2
    assert type(callbacks[1]) is CallbackConfig


def test_what_is_not_given_keeps_its_default():
    runner, inputter, _, _ = assembled()
    assert inputter.shuffle is True
    assert runner.exporter_options == {"saved_model": {}}


def test_settings_of_exporters_go_to_each_that_is_named():
    exporters = "saved_model,assembly_lab.writer"
    own = {"assembly_lab.writer": {"overwrite": False}}
    runner, *_ = assembled(
        exporters=exporters, overwrite=True, names="a,b", input_ops="input_image", exporter_options=own
    )
    assert runner.exporter_options == {
        "saved_model": {"overwrite": True, "input_ops": "input_image"},
        "assembly_lab.writer": {"overwrite": False, "names": "a,b"},
    }


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"num_clases": 3}, "num_clases: no part of this application has this setting. Did you mean `num_classes`?"),
        ({"overwrit": True}, "overwrit: no part of this application has this setting. Did you mean `overwrite`?"),
        ({"shuffle": "perhaps"}, "shuffle: expected true or false. Received: 'perhaps'."),
        ({"epochs": -1}, "`epochs` must be positive. Received: epochs=-1.0."),
        ({"max_images": True}, "max_images: needs a value of type int."),
        ({"overwrite": "maybe"}, "overwrite: expected true or false. Received: 'maybe'."),
        ({"input_ops": True}, "input_ops: needs a value of type tuple[str, ...]."),
        (
            {"exporter_options": {"saved_modle": {}}},
            "exporter_options.saved_modle: no such exporter is in `exporters`. Did you mean `saved_model`?",
        ),
        (
            {"exporter_options": {"saved_model": {"overwrit": True}}},
            "exporter_options.saved_model.overwrit: unknown setting. Did you mean `overwrite`?",
        ),
        ({"exporter_options": "x"}, "exporter_options: expected a mapping. Received: 'x'."),
        ({"exporter_options": {"saved_model": 3}}, "exporter_options: expected a mapping. Received: 3."),
        (
            {"compressor": "magnitude_pruning", "compressor_options": {"sparsty": 0.5}},
            "compressor_options.sparsty: unknown setting. Did you mean `sparsity`?",
        ),
        (
            {"compressor": "magnitude_pruning", "compressor_options": {"sparsity": True}},
            "compressor_options.sparsity: needs a value of type float.",
        ),
        (
            {"compressor": "magnitude_pruning", "compressor_options": {"scope": "globl"}},
            "compressor_options.scope: expected 'layer' or 'global'. Received: 'globl'. Did you mean `global`?",
        ),
        (
            {"compressor": "magnitude_pruning", "compressor_options": {"rules": "["}},
            "compressor_options.rules: expected a list of mappings as JSON text: Expecting value: line 1 column 2 "
            "(char 1). Received: '['.",
        ),
        (
            {"compressor_options": {"sparsity": 0.5}},
            "`compressor_options` must be empty as long as `compressor` names none. Received: "
            "compressor_options={'sparsity': 0.5}.",
        ),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(settings, expected):
    assert message(ConfigError, settings) == expected


def test_a_module_that_is_no_plugin_is_refused():
    expected = (
        "callback `assembly_lab.no_plugin`: the module assembly_lab.no_plugin has no `build`, so it is no plugin."
    )
    assert message(ConfigError, {}, callbacks=["assembly_lab.no_plugin"]) == expected


@pytest.mark.parametrize(
    ("settings", "given", "expected"),
    [
        ({"network": "lenet"}, {}, "network `lenet`: no plugin has this name. Did you mean `lenet5`"),
        ({"augmenter": "mixupp"}, {}, "augmenter `mixupp`: no plugin has this name. Did you mean `mixup`?"),
        ({"batch_augmenter": "mixupp"}, {}, "augmenter `mixupp`: no plugin has this name. Did you mean `mixup`?"),
        ({"exporters": "saved_mod"}, {}, "exporter `saved_mod`: no plugin has this name. Did you mean `saved_model`?"),
        (
            {"compressor": "magnitude"},
            {},
            "compressor `magnitude`: no plugin has this name. Did you mean `magnitude_pruning`",
        ),
        ({}, {"callbacks": ["train_los"]}, "callback `train_los`: no plugin has this name. Did you mean `train_loss`?"),
    ],
)
def test_names_are_checked_before_anything_is_loaded(settings, given, expected):
    assert message(UnknownNameError, settings, **given).startswith(expected)
    assert not {"assembly_lab.data", "assembly_lab.loop"} & set(sys.modules)


def test_types_are_checked_before_anything_is_loaded():
    configs = (InputterConfig, ModelerConfig, RunnerConfig)
    assert message(ConfigError, {"max_steps": "x"}, configs) == "max_steps: expected a whole number. Received: 'x'."
    assert message(ConfigError, {"learning_rate": True}, configs) == "learning_rate: needs a value of type float."
    assert "assembly_lab.data" not in sys.modules


def test_a_mistake_that_can_be_seen_at_once_loads_no_tensorflow(repository):
    script = textwrap.dedent(
        """
        import sys
        from source.command.mistakes import report_mistakes
        from demo.image.image_classification import APPLICATION
        for flags in (["--network=lenet"], ["--epochs=x"], ["--mode=trian"], ["--help"], ["--callbacks=train_los"]):
            report_mistakes("demo", lambda: APPLICATION.run(flags))
        print({"tensorflow", "keras", "numpy"} & set(sys.modules))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True, cwd=repository
    )
    assert done.stdout.splitlines()[-1] == "set()"
    assert len(done.stderr.splitlines()) == 4


def test_another_backend_of_keras_is_refused(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    expected = "KERAS_BACKEND: applications run on TensorFlow. Received: KERAS_BACKEND=jax. "
    assert message(ConfigError, {}).startswith(expected)


@pytest.mark.parametrize(
    ("mode", "given", "expected"),
    [
        ("train", ("assembly_lab.extra", "assembly_lab.plain"), ["extra", "compression", "plain"]),
        ("train", (), ["compression"]),
        ("train", ("assembly_lab.extra", "assembly_lab.plain", "compression"), ["extra", "plain", "compression"]),
        ("eval", ("assembly_lab.extra",), ["extra"]),
    ],
)
def test_training_with_a_compressor_gets_the_callback_that_tells_it_the_steps(monkeypatch, mode, given, expected):
    loaded = []
    monkeypatch.setattr(
        assembly, "_load", lambda room, name, load=assembly._load: loaded.append((room, name)) or load(room, name)
    )
    *_, callbacks = assemble(names(callbacks=given), {"compressor": "magnitude_pruning", "mode": mode})
    assert len(callbacks) == len(expected)
    assert [name.removeprefix("assembly_lab.") for room, name in loaded if room == "callback"] == expected


def test_the_settings_of_a_compressor_are_typed():
    options = {"sparsity": "0.5", "rules": '[{"match": {"name": "logits"}, "do": "skip"}]'}
    _, _, [modeler], _ = assemble(names(), {"compressor": "magnitude_pruning", "compressor_options": options})
    assert (modeler.compressor, modeler.compressor_options) == ("magnitude_pruning", options)


def test_names_are_data():
    assert dataclasses.asdict(names(callbacks=()))["inputter"] == "assembly_lab.data"


@pytest.mark.parametrize(("deterministic", "threads"), [(True, "1"), (False, None)])
def test_a_deterministic_run_lets_tensorflow_start_with_one_operation_at_a_time(monkeypatch, deterministic, threads):
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "")
    monkeypatch.delenv("TF_NUM_INTEROP_THREADS")
    assemble(names(), {"deterministic": deterministic})
    assert os.environ.get("TF_NUM_INTEROP_THREADS") == threads
