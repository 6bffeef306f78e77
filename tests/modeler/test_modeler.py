import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError
from tests.modeler.conftest import CLASSES, FakeInputter, by_hand, with_norm

CLOSE = {"rtol": 2e-6, "atol": 2e-7}  # float32 rounds at 6e-8; a step is made of about ten operations
HOT = np.eye(CLASSES)[[0, 1, 2, 1]]


def test_l2_adds_half_the_squares_of_the_weights_that_are_not_skipped(make_modeler, batch):
    modeler = make_modeler(l2_weight_decay=0.2, skip_l2_loss_vars=("bias",))
    expected = by_hand(modeler, batch, HOT)
    loss = modeler.train_step(batch)["loss"]
    np.testing.assert_allclose(loss, expected.loss + 0.2 * (expected.kernel**2).sum() / 2, **CLOSE)
    kernel, bias = modeler.model.get_weights()
    slope = expected.kernel_gradient + 0.2 * expected.kernel
    np.testing.assert_allclose(kernel, expected.kernel - 0.1 * slope, **CLOSE)
    np.testing.assert_allclose(bias, expected.bias - 0.1 * expected.bias_gradient, **CLOSE)


def test_l2_with_nothing_left_is_refused(make_modeler):
    with pytest.raises(ConfigError, match=r"skip_l2_loss_vars: leaves no weight for l2_weight_decay=0\.1"):
        make_modeler(l2_weight_decay=0.1, skip_l2_loss_vars=("kernel", "bias"))


def test_regularisers_of_the_users_own_layers_count(make_modeler, batch):
    def regularised(inputs, num_classes):
        flat = keras.layers.Flatten()(inputs)
        return keras.layers.Dense(num_classes, kernel_regularizer=keras.regularizers.L2(0.1), name="head")(flat)

    modeler = make_modeler(regularised)
    expected = by_hand(modeler, batch, HOT)
    loss = modeler.train_step(batch)["loss"]
    np.testing.assert_allclose(loss, expected.loss + 0.1 * (expected.kernel**2).sum(), **CLOSE)
    slope = expected.kernel_gradient + 0.2 * expected.kernel
    np.testing.assert_allclose(modeler.model.get_weights()[0], expected.kernel - 0.1 * slope, **CLOSE)


def test_gradients_are_clipped_by_their_common_norm(make_modeler, batch):
    modeler = make_modeler(clip_norm=0.01)
    expected = by_hand(modeler, batch, HOT)
    norm = np.sqrt((expected.kernel_gradient**2).sum() + (expected.bias_gradient**2).sum())
    outputs = modeler.train_step(batch)
    np.testing.assert_allclose(outputs["gradient_norm"], norm, **CLOSE)
    shortened = expected.kernel_gradient * 0.01 / norm
    np.testing.assert_allclose(modeler.model.get_weights()[0], expected.kernel - 0.1 * shortened, **CLOSE)


def test_gradients_below_the_limit_are_left_alone(make_modeler, batch):
    free, limited = make_modeler(), make_modeler(clip_norm=100)
    free.train_step(batch)
    limited.train_step(batch)
    np.testing.assert_array_equal(free.model.get_weights()[0], limited.model.get_weights()[0])


def test_outputs_are_float32_scalars(make_modeler, batch):
    outputs = tf.function(make_modeler().train_step)(batch)
    assert sorted(outputs) == ["accuracy", "learning_rate", "loss"]
    assert all(value.dtype == tf.float32 and value.shape == () for value in outputs.values())


def test_the_learning_rate_reported_is_that_of_the_step(make_modeler, batch):
    modeler = make_modeler(lr_method="step", piecewise_boundaries=(1,), piecewise_lr_decay=(1, 0.5))  # 3 steps an epoch
    rates = [float(modeler.train_step(batch)["learning_rate"]) for _ in range(5)]
    np.testing.assert_array_equal(np.float32(rates), np.float32([0.1, 0.1, 0.1, 0.05, 0.05]))


def test_steps_run_in_a_loop_of_the_graph(make_modeler, batch):
    @tf.function
    def loop(modeler_step, steps):
        def body(step, total):
            return step + 1, total + modeler_step(batch)["loss"]

        return tf.while_loop(lambda step, total: step < steps, body, (0, 0.0))[1]

    settings = {"ema_decay": 0.9, "accumulation_steps": 2, "clip_norm": 1.0, "l2_weight_decay": 1e-3}
    alone, looped = make_modeler(**settings), make_modeler(**settings)
    total = sum(float(alone.train_step(batch)["loss"]) for _ in range(3))
    np.testing.assert_allclose(loop(looped.train_step, 3), total, **CLOSE)
    np.testing.assert_allclose(looped.model.get_weights()[0], alone.model.get_weights()[0], **CLOSE)


def test_a_step_of_sgd_equals_that_of_fit(make_modeler, batch):
    modeler = make_modeler()
    model = keras.models.clone_model(modeler.model)
    model.set_weights(modeler.model.get_weights())
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(batch["image"], batch["label"], batch_size=4, verbose=0)
    modeler.train_step(batch | {"weight": tf.ones(4)})
    for ours, theirs in zip(modeler.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, **CLOSE)


def test_the_same_seed_gives_the_same_weights_and_another_others(make_modeler):
    first, second, other = (make_modeler(seed=seed).model.get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_averaged_weights_are_lent_to_the_model_and_the_others_return_bit_by_bit(make_modeler, batch):
    modeler = make_modeler(ema_decay=0.5)
    modeler.train_step(batch)
    before = modeler.model.get_weights()
    with modeler.evaluation_weights():
        for lent, average in zip(
            modeler.model.get_weights(),
            [value.numpy() for name, value in modeler.state().items() if name.startswith("average/")],
            strict=True,
        ):
            np.testing.assert_array_equal(lent, average)
        assert not np.array_equal(modeler.model.get_weights()[0], before[0])
    for weight, kept in zip(modeler.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_without_averaging_the_model_evaluates_with_its_own_weights(make_modeler):
    modeler = make_modeler()
    before = modeler.model.get_weights()[0]
    with modeler.evaluation_weights():
        np.testing.assert_array_equal(modeler.model.get_weights()[0], before)


def test_state_holds_everything_by_its_name(make_modeler):
    state = make_modeler(with_norm, optimizer="momentum", ema_decay=0.9).state()
    weights = ["conv/kernel", "conv/bias", "norm/gamma", "norm/beta"]
    head = ["head/kernel", "head/bias"]
    trained = weights + head
    assert list(state) == [
        *(f"model/{name}" for name in weights),
        "model/norm/moving_mean",
        "model/norm/moving_variance",
        "model/seed_generator/seed_generator_state",
        *(f"model/{name}" for name in head),
        "optimizer/iteration",
        *(f"optimizer/{name}/momentum" for name in trained),
        *(f"average/{name}" for name in trained),
    ]


def test_state_taken_back_makes_the_next_step_the_same_bit_by_bit(make_modeler, batch):
    settings = {"optimizer": "adam", "ema_decay": 0.9, "clip_norm": 1.0}
    first, second = make_modeler(with_norm, **settings), make_modeler(with_norm, seed=5, **settings)
    first.train_step(batch)
    for name, variable in second.state().items():
        variable.assign(first.state()[name])
    first.train_step(batch)
    second.train_step(batch)
    for name, variable in second.state().items():
        np.testing.assert_array_equal(variable.numpy(), first.state()[name].numpy(), err_msg=name)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_low_precision_keeps_float32_weights_and_computes_in_it(make_modeler, batch, precision):
    policy = keras.config.dtype_policy().name
    modeler = make_modeler(with_norm, precision=precision)
    assert keras.config.dtype_policy().name == policy
    assert modeler.model.get_layer("conv").compute_dtype == precision.removeprefix("mixed_")
    before = modeler.model.get_weights()[0]
    step = tf.function(modeler.train_step)
    for _ in range(8):  # float16 leaves out the first, until the scale of the loss has fallen from 2^15
        outputs = step(batch)
    assert all(value.dtype == tf.float32 and np.isfinite(value) for value in outputs.values())
    assert modeler.model.get_weights()[0].dtype == np.float32
    assert not np.array_equal(modeler.model.get_weights()[0], before)


def test_loss_scaling_neither_changes_the_step_nor_the_norm(make_modeler, batch):
    settings = {"clip_norm": 0.05, "l2_weight_decay": 0.1}
    plain, scaled = make_modeler(**settings), make_modeler(precision="mixed_float16", **settings)
    expected, outputs = plain.train_step(batch), scaled.train_step(batch)
    assert float(scaled.optimizer.dynamic_scale.numpy()) == 2.0**15
    # float16 rounds at 5e-4; the products of four pixels and the probabilities are made of it.
    np.testing.assert_allclose(outputs["gradient_norm"], expected["gradient_norm"], rtol=2e-3)
    np.testing.assert_allclose(scaled.model.get_weights()[0], plain.model.get_weights()[0], atol=1e-4)


def test_a_step_that_overflows_is_left_out_and_halves_the_scale(make_modeler, batch):
    modeler = make_modeler(precision="mixed_float16", clip_norm=1.0)
    before = modeler.model.get_weights()
    outputs = tf.function(modeler.train_step)(batch | {"image": batch["image"] * 1e5})
    assert not np.isfinite(outputs["gradient_norm"])
    assert float(modeler.optimizer.dynamic_scale.numpy()) == 2.0**14
    assert int(modeler.optimizer.iterations.numpy()) == 0
    for weight, kept in zip(modeler.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_a_network_without_weights_is_refused(make_modeler):
    def weightless(inputs):
        return keras.layers.Flatten()(inputs)[:, :CLASSES]

    with pytest.raises(ConfigError, match="no weight that can be trained"):
        make_modeler(weightless)


def test_without_training_data_a_model_can_still_be_built_and_used(make_modeler, batch):
    nothing = FakeInputter(counts=(0, 0, 0))
    modeler = make_modeler(inputter=nothing, piecewise_boundaries=(1,), piecewise_lr_decay=(1.0, 0.1), warmup_epochs=2)
    assert (modeler.steps_per_epoch, modeler.max_step) == (1.0, 1)
    assert modeler.predict_step(batch)["classes"].shape == (len(HOT),)
    assert modeler.state().keys() == make_modeler().state().keys()
