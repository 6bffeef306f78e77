"""Tests of runs with a compressor: the order of a step, resuming to the same bits, and what checkpoints refuse."""

import types

import keras
import numpy as np
import pytest

from source.callback import compression
from source.callback.callback import Callback
from source.compressor.build import compressor
from source.config.config import CallbackConfig
from source.config.errors import CheckpointError, ConfigError
from source.layer.load_model import load_model
from source.runner import runner as runner_module
from source.runner._checkpoint import list_checkpoints, read_checkpoint
from tests.runner.parts import make_inputter, make_modeler, make_runner, net

STEPS = 10  # 80 training pictures, 2 epochs, batches of 16
PRUNING = {"sparsity": 0.75, "end_step": 8, "every_steps": 3}


def pruning_runner(folder, callbacks=(), name="magnitude_pruning", options=PRUNING, task=(), **settings):
    modeler = make_modeler(compressor=name, compressor_options=options, **dict(task))
    compressing = compression.build(CallbackConfig())
    inputter = settings.pop("inputter", None) or make_inputter(epochs=2)
    return make_runner(folder, [compressing, *callbacks], inputter, modeler, **settings)


def newest(folder):
    return read_checkpoint(list_checkpoints(folder / "checkpoints")[-1][1])


def assert_same_bits(first, second):
    assert list(first.arrays) == list(second.arrays)
    for name in first.arrays:
        assert first.arrays[name].tobytes() == second.arrays[name].tobytes(), name


def share_of_zeros(checkpoint):
    masks = [mask for name, mask in checkpoint.arrays.items() if name.endswith("/kept")]
    return 1.0 - sum(mask.sum() for mask in masks) / sum(mask.size for mask in masks)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    pruning_runner(folder).train()
    return folder


def test_the_checkpoint_of_the_last_update_has_its_masks(undisturbed):
    checkpoint = newest(undisturbed)
    assert checkpoint.record["step"] == STEPS
    assert share_of_zeros(checkpoint) == pytest.approx(0.75, abs=0.002)  # 108 and 400 weights, whole counts
    assert checkpoint.record["compression"][0][:2] == ["conv", "kernel"]


@pytest.mark.parametrize("stop", [2, 6])
def test_a_run_resumed_at_any_step_ends_with_the_bits_of_an_undisturbed_one(tmp_path, undisturbed, stop):
    pruning_runner(tmp_path, max_steps=stop).train()
    assert newest(tmp_path).record["step"] == stop
    pruning_runner(tmp_path).train()
    assert_same_bits(newest(tmp_path), newest(undisturbed))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("magnitude_pruning", {**PRUNING, "score": "movement"}, marks=pytest.mark.slow),
        pytest.param("quantize_aware", {"freeze_step": 4}, marks=pytest.mark.slow),
        ("quantize_aware", {"weights": "int4", "weight_ranges": "learned_step", "activation_ranges": "learned_step"}),
        ("chain", {"members": [{"name": "magnitude_pruning", **PRUNING}, {"name": "quantize_aware"}]}),
        ("filter_pruning", {**PRUNING, "sparsity": 0.5}),
        ("network_slimming", {**PRUNING, "sparsity": 0.5, "strength": 0.1, "warmup_steps": 7}),
        ("feature_boosting", {"density": 0.5, "end_step": 8, "every_steps": 3}),
        pytest.param("channel_search", {"budget": 0.5}, marks=pytest.mark.slow),
    ],
)
def test_so_does_a_run_with_other_compressors(tmp_path, name, options):
    for folder, stops in ((tmp_path / "once", ()), (tmp_path / "twice", (4,))):
        for stop in (*stops, STEPS):
            pruning_runner(folder, name=name, options=options, max_steps=stop).train()
    assert_same_bits(newest(tmp_path / "once"), newest(tmp_path / "twice"))


def test_an_evaluation_measures_the_masks_of_its_step(tmp_path):
    seen = []

    class Watching(Callback):
        def after_evaluate(self, run, metrics):
            masks = [variable for variable in run.modeler.model.variables if variable.name == "kept"]
            seen.append((run.progress.step, [int(keras.ops.count_nonzero(mask)) for mask in masks]))

    options = {"sparsity": 0.75, "schedule": "one_shot", "begin_step": 5}
    pruning_runner(tmp_path, [Watching(CallbackConfig())], options=options).train()
    assert seen == [(5, [27, 100]), (10, [27, 100])]


def test_the_finished_model_computes_what_was_evaluated(undisturbed):
    runner = pruning_runner(undisturbed)
    runner.evaluate()
    finished = load_model(undisturbed / "finished.keras")
    images = np.random.default_rng(0).normal(size=(4, 12, 12, 3)).astype("float32")
    with runner.modeler.evaluation_weights():
        np.testing.assert_array_equal(finished(images), runner.modeler.model(images))


def test_a_compressor_without_the_callback_is_refused():
    modeler = make_modeler(compressor="magnitude_pruning")
    with pytest.raises(ConfigError) as caught:
        make_runner(modeler=modeler).train()
    assert str(caught.value) == (
        "callbacks: the modeler has the compressor `magnitude_pruning`, but no callback tells it the steps: nothing "
        "would be compressed. Add the callback `compression`."
    )


def test_pretrained_weights_are_what_is_pruned_also_after_a_resume(tmp_path):
    make_runner(tmp_path / "float", inputter=make_inputter(epochs=1)).train()
    pretrained = list_checkpoints(tmp_path / "float" / "checkpoints")[-1][1]
    said = []

    class Watching(Callback):
        def before_run(self, run):
            said.append(float(keras.ops.sum(run.modeler._plain.get_layer("conv").kernel)))

    for steps in (4, STEPS):
        runner = pruning_runner(tmp_path / "pruned", [Watching(CallbackConfig())], max_steps=steps)
        object.__setattr__(runner.callbacks[0].config, "pretrained_model", str(pretrained))
        runner.train()
    expected = float(np.sum(read_checkpoint(pretrained).arrays["average/conv/kernel"]))
    assert said == [pytest.approx(expected, abs=1e-5)] * 2  # float32 sums in another order


@pytest.mark.parametrize(
    ("name", "options", "here"),
    [
        ("magnitude_pruning", {**PRUNING, "sparsity": 0.5}, "in this model it is Mask("),
        ("quantize_aware", {"weights": "int8", "activations": None}, "in this model it is FakeQuantize("),
        (
            "magnitude_pruning",
            {**PRUNING, "rules": [{"match": {"name": "logits"}, "do": "skip"}]},
            "it is nothing. Give",
        ),
    ],
)
def test_a_checkpoint_of_another_compression_is_refused(undisturbed, name, options, here):
    with pytest.raises(CheckpointError) as caught:
        pruning_runner(undisturbed, name=name, options=options).evaluate()
    text = str(caught.value)
    assert "made with kernel of layer `" in text and "seen through Mask(" in text and here in text
    assert text.endswith("Give the settings of the compressor of that run, and its `pretrained_model`.")


def test_exporters_get_the_finished_model(undisturbed, monkeypatch):
    exported = []

    class Exporter:
        def export(self, modeler, inputter, folder):
            exported.append([type(layer).__name__ for layer in modeler.model.layers])
            return folder

    module = types.SimpleNamespace(Config=CallbackConfig, build=lambda config: Exporter())
    monkeypatch.setattr(runner_module, "resolve", lambda room, name: module)
    pruning_runner(undisturbed).export()
    assert exported == [["InputLayer", "Conv2D", "BatchNormalization", "ReLU", "Dropout", "Flatten", "Dense"]]


def test_the_record_of_a_run_names_its_compressor(undisturbed):
    text = (undisturbed / "run.json").read_text()
    assert '"module": "source.compressor.magnitude_pruning"' in text
    assert '"sparsity": 0.75' in text


def test_evaluations_before_and_after_pretrained_weights_are_of_their_models(tmp_path):
    make_runner(tmp_path / "float", inputter=make_inputter(epochs=1)).train()
    pretrained = str(list_checkpoints(tmp_path / "float" / "checkpoints")[-1][1])
    modeler = make_modeler(compressor="quantize_aware", compressor_options={"activations": None})
    runner = make_runner(tmp_path / "other", modeler=modeler, allow_untrained=True)
    [basic] = [callback for callback in runner.callbacks if "evaluate" in callback.modes]
    object.__setattr__(basic.config, "pretrained_model", pretrained)
    first = runner.evaluate().metrics["loss"]
    model = runner.modeler.model
    assert runner.evaluate().metrics["loss"] == first
    assert runner.modeler.model is not model


def test_a_compressor_made_in_a_script_is_given_to_the_modeler(tmp_path):
    pruning = compressor("magnitude_pruning", **PRUNING)
    modeler = make_modeler()
    modeler = type(modeler)(modeler.config, net, pruning)
    make_runner(tmp_path, [compression.build(CallbackConfig())], make_inputter(epochs=2), modeler).train()
    assert share_of_zeros(newest(tmp_path)) == pytest.approx(0.75, abs=0.002)
