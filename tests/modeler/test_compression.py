"""Tests of modelers with a compressor: which model it prepares, of which weights, with which images."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.compressor.build import compressor
from source.compressor.compressor import Compressor
from source.config.config import CompressorConfig, ModelerConfig
from source.config.errors import CheckpointError, ConfigError, UnknownNameError
from source.layer.compressed import compressed_layers
from source.layer.mask import Mask
from source.modeler import image_classification_modeler
from source.surgery.rewrite import rewrite
from source.surgery.wrap import wrapped
from tests.modeler.conftest import CLASSES, SHAPE, FakeInputter, linear, with_norm

PRUNING = {"compressor": "magnitude_pruning", "compressor_options": {"sparsity": 0.5, "schedule": "one_shot"}}


@dataclasses.dataclass
class InputterWithImages(FakeInputter):
    """Images that hold the number of their batch."""

    def input_fn(self, split, replicas):
        assert split == "train"
        batches = [{"image": tf.fill((4 * replicas, *SHAPE), float(number)), "label": number} for number in range(9)]
        return tf.data.Dataset.from_generator(
            lambda: iter(batches),
            output_signature={"image": tf.TensorSpec((None, *SHAPE)), "label": tf.TensorSpec((), tf.int32)},
        )


class Looking(Compressor):
    """Writes down what it is given to prepare, and masks the head."""

    def __init__(self, needs_calibration=False):
        super().__init__(CompressorConfig())
        self.needs, self.seen = needs_calibration, []

    @property
    def needs_calibration(self):
        return self.needs

    def prepare(self, model, calibration=None):
        self.seen.append((model.get_weights(), calibration, float(keras.random.uniform(()))))
        return rewrite(model, lambda layer: wrapped(layer, {"kernel": [Mask("TOPK{0.5}")]}) if layer.weights else None)


def make(given=None, inputter=None, network=linear, **settings):
    fields = {"num_classes": CLASSES, "optimizer": "sgd", "learning_rate": 0.1, "batch_size_per_gpu": 4}
    modeler = image_classification_modeler.build(
        image_classification_modeler.Config(**(fields | settings)), network, given
    )
    modeler.get_dataset_info(inputter or InputterWithImages())
    modeler.build()
    return modeler


def saved(path, **arrays):
    np.savez(path, **{name.replace("__", "/"): array for name, array in arrays.items()})
    return str(path)


def test_there_is_none_unless_it_is_asked_for():
    modeler = make()
    assert modeler.compressor is None
    assert modeler.compression() == []


def test_is_found_by_the_name_in_the_settings():
    modeler = make(**PRUNING)
    assert modeler.compressor.config.sparsity == 0.5
    assert [layer.name for layer in compressed_layers(modeler.model)] == ["head"]
    assert "model/head/kernel_mask/kept" in modeler.state()
    assert modeler.compression()[0][:2] == ("head", "kernel")
    assert modeler.compression()[0][2].startswith("Mask(")


def test_one_that_was_made_elsewhere_can_be_given():
    pruning = compressor("magnitude_pruning")
    assert make(pruning).compressor is pruning


@pytest.mark.parametrize(
    ("settings", "given", "error", "message"),
    [
        ({"compressor": "magnitude_prunin"}, None, UnknownNameError, "Did you mean `magnitude_pruning`?"),
        (
            {"compressor": "magnitude_pruning", "compressor_options": {"sparsty": 0.5}},
            None,
            ConfigError,
            "compressor_options.sparsty: unknown setting. Did you mean `sparsity`?",
        ),
        ({}, "pruning", ConfigError, "compressor: expected a compressor, or None. Received: 'pruning'."),
        (
            PRUNING,
            Looking(),
            ConfigError,
            "compressor: `magnitude_pruning` is named in the settings and `test_compression` was given to `build`. "
            "Leave one out; `chain` does several at once.",
        ),
    ],
)
def test_a_mistake_is_told_before_anything_is_built(settings, given, error, message):
    with pytest.raises(error) as caught:
        image_classification_modeler.build(image_classification_modeler.Config(**settings), linear, given)
    assert str(caught.value).endswith(message)


def test_options_without_a_compressor_are_refused():
    message = r"`compressor_options` must be empty as long as `compressor` names none\. Received: .*'sparsity': 0\.5"
    with pytest.raises(ConfigError, match=message):
        ModelerConfig(compressor_options={"sparsity": 0.5})


def test_every_weight_of_a_prepared_model_trains(batch):
    modeler = make(network=with_norm, l2_weight_decay=0.1, **PRUNING)
    before = {name: variable.numpy() for name, variable in modeler.state().items()}
    outputs = tf.function(modeler.train_step)(batch)
    assert np.isfinite(outputs["loss"])
    moved = {name for name, variable in modeler.state().items() if not np.array_equal(variable.numpy(), before[name])}
    assert {"model/conv/kernel", "model/norm/gamma", "model/norm/moving_mean", "model/head/kernel"} <= moved
    assert {"model/conv/kernel_mask/kept", "model/head/kernel_mask/kept"} & moved == set()


def test_states_of_compression_have_no_l2_term():
    options = {**PRUNING["compressor_options"], "score": "movement"}
    modeler = make(l2_weight_decay=0.5, compressor="magnitude_pruning", compressor_options=options)
    [scores] = [weight for weight in modeler.model.trainable_variables if weight.name == "scores"]
    scores.assign(keras.ops.ones_like(scores))
    kernel = modeler.model.get_layer("head").variable("kernel")
    np.testing.assert_allclose(
        modeler.regularization_loss(), 0.25 * np.square(kernel.numpy()).sum(), rtol=1e-6
    )  # float32 sums


def test_steps_after_operations_that_are_no_layers_are_states_too():
    def with_operation(inputs, num_classes):
        return keras.layers.Dense(num_classes, name="head")(keras.layers.Flatten()(keras.ops.tanh(inputs)))

    options = {"activations": "uint4", "inputs": "uint8", "activation_ranges": "learned_step"}
    modeler = make(network=with_operation, l2_weight_decay=0.5, compressor="quantize_aware", compressor_options=options)
    kernel = modeler.model.get_layer("head").variable("kernel")
    # Biases have no L2 term by default; the sum is of float32 numbers.
    np.testing.assert_allclose(modeler.regularization_loss(), 0.25 * np.square(kernel.numpy()).sum(), rtol=1e-6)
    assert ("tanh_quantize", "output") in [(layer, place) for layer, place, _ in modeler.compression()]


def test_names_of_layers_inside_wrappers_are_counted_within_the_model():
    def unnamed(inputs, num_classes):
        return keras.layers.Dense(num_classes)(keras.layers.Flatten()(keras.layers.Dense(2)(inputs)))

    names = [name for name in make(network=unnamed, **PRUNING).state() if name.startswith("model/")]
    assert names == [name for name in make(network=unnamed, **PRUNING).state() if name.startswith("model/")]
    assert {"model/dense/kernel", "model/dense/kernel_mask/kept", "model/dense_1/kernel_mask/kept"} <= set(names)


def test_pretrained_weights_are_there_before_the_model_is_prepared_again(tmp_path):
    looking = Looking()
    modeler = make(looking, ema_decay=0.5)
    first = modeler.model
    kernel = np.arange(12, dtype="float32").reshape(4, 3)
    report = modeler.restore_pretrained(saved(tmp_path / "plain.npz", head__kernel=kernel), skip=("bias",))
    assert (report.loaded, report.skipped) == (("head/kernel",), ("head/bias",))
    assert modeler.model is not first
    np.testing.assert_array_equal(looking.seen[1][0][0], kernel)
    np.testing.assert_array_equal(modeler.model.get_layer("head").variable("kernel"), kernel)
    np.testing.assert_array_equal(modeler.state()["average/head/kernel"], kernel)
    assert looking.seen[0][2] == looking.seen[1][2]  # the same random numbers each time


def test_a_file_that_has_all_of_the_prepared_model_is_taken_as_it_is(tmp_path):
    looking = Looking()
    modeler = make(looking, ema_decay=0.5)
    kept = np.zeros((4, 3), bool)
    path = saved(
        tmp_path / "prepared.npz",
        head__kernel=np.ones((4, 3), "float32"),
        head__bias=np.ones(3, "float32"),
        head__kernel_mask__kept=kept,
    )
    report = modeler.restore_pretrained(path)
    assert report.missing == ()
    assert len(looking.seen) == 1
    np.testing.assert_array_equal(modeler.state()["model/head/kernel_mask/kept"], kept)
    np.testing.assert_array_equal(modeler.state()["average/head/bias"], [1, 1, 1])


def test_a_file_in_which_nothing_fits_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"nothing in .* fits this model"):
        make(Looking()).restore_pretrained(saved(tmp_path / "other.npz", tail=np.ones(2)))


def test_a_compressor_that_looks_at_images_gets_the_first_training_batches():
    looking = Looking(needs_calibration=True)
    make(looking)
    [(_, images, _)] = looking.seen
    assert [image.shape for image in images] == [(4, *SHAPE)] * 4
    assert [float(image.max()) for image in images] == [0.0, 1.0, 2.0, 3.0]


def test_a_compressor_that_looks_at_none_gets_none():
    looking = Looking()
    make(looking)
    assert looking.seen[0][1] is None


def test_without_training_data_a_checkpoint_must_bring_what_images_would_say(tmp_path):
    looking = Looking(needs_calibration=True)
    modeler = make(looking, inputter=InputterWithImages(counts=(0, 0, 0)))
    assert looking.seen[0][1][0].shape == (2, *SHAPE)
    path = saved(tmp_path / "plain.npz", head__kernel=np.ones((4, 3), "float32"))
    message = (
        r"^compressor: `test_compression` is calibrated with training images, and there are none\. Give `train_data"
    )
    with pytest.raises(ConfigError, match=message):
        modeler.restore_pretrained(path)


def test_the_finished_model_stands_in_for_the_prepared_one():
    modeler = make(**PRUNING)
    prepared = modeler.model
    with pytest.raises(ConfigError, match="nothing has been pruned yet"), modeler.finished_model():
        pass
    modeler.compressor.update(0)
    with modeler.finished_model():
        assert [type(layer).__name__ for layer in modeler.model.layers] == ["InputLayer", "Flatten", "Dense"]
        assert np.count_nonzero(modeler.model.get_layer("head").kernel) == 6
    assert modeler.model is prepared


def test_without_a_compressor_the_finished_model_is_the_model():
    modeler = make()
    model = modeler.model
    with modeler.finished_model():
        assert modeler.model is model


def test_filters_of_weights_reach_into_wrappers():
    modeler = make(network=with_norm, trainable_vars=("head",), **PRUNING)
    assert [weight.path for weight in modeler.model.trainable_variables] == ["head/kernel", "head/bias"]


def test_weights_by_rules_are_there_before_the_model_is_prepared_again(tmp_path):
    looking = Looking()
    modeler = make(looking)
    np.savez(tmp_path / "w.npz", **{"fc.weight": np.arange(12).reshape(3, 4), "fc.bias": np.ones(3)})
    (tmp_path / "r.yaml").write_text(
        "rules: [{rename: {'^fc.weight': head/kernel, '^fc.bias': head/bias}}, {permute: {axes: [1, 0]}}]"
    )
    modeler.restore_pretrained(tmp_path / "w.npz", rules=str(tmp_path / "r.yaml"))
    np.testing.assert_array_equal(looking.seen[1][0][0], np.arange(12).reshape(3, 4).T)


def test_shares_of_training_become_steps_when_their_number_is_known():
    options = {"sparsity": 0.5, "begin_step": "25%", "end_step": "50%", "every_steps": "5%"}
    modeler = make(compressor="magnitude_pruning", compressor_options=options)
    steps, config = modeler.max_step, modeler.compressor.config
    assert (config.begin_step, config.end_step) == (max(1, round(steps / 4)), round(steps / 2))
    assert config.every_steps == max(1, round(steps / 20))
    assert modeler.config.compressor_options == options


def test_a_share_that_cannot_be_is_refused_before_the_number_of_steps_is_known():
    with pytest.raises(ConfigError, match=r"`end_step` must be at most 100%"):
        make(compressor="magnitude_pruning", compressor_options={"end_step": "120%"})
