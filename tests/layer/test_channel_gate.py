"""Tests of gates of channels."""

import keras
import numpy as np
import pytest

from source.config.errors import ConfigError
from source.layer.channel_gate import ChannelGate, count_of, winners
from source.layer.load_model import load_model
from source.surgery.rewrite import layers_of
from tests.layer.kinds import equal

SALIENCY = np.array([[0.3, 0.9, 0.1, 0.7]], np.float32)
U = np.array([[[[1.0, -2.0, 3.0, 0.5]]]], np.float32)


def gate(density: float = 0.5, **more) -> ChannelGate:
    made = ChannelGate(density, **more)
    made(U, SALIENCY)
    made.beta.assign(np.full(4, 0.1, np.float32))
    made.let_through(density)
    return made


def test_half_of_four_are_the_two_largest():
    y = keras.ops.relu(gate()(U, SALIENCY))
    np.testing.assert_array_equal(winners(SALIENCY, 2), [[False, True, False, True]])
    # -1.8 + .1 is cut off, .35 + .1 is left; float32 of 0.7 * 0.5 + 0.1.
    np.testing.assert_array_equal(y, [[[[0.0, 0.0, 0.0, np.float32(0.7) * np.float32(0.5) + np.float32(0.1)]]]])


def test_a_share_is_rounded_up():
    assert [count_of(4, density) for density in (0.01, 0.25, 0.5, 0.6, 0.75, 0.76, 1.0)] == [1, 1, 2, 3, 3, 4, 4]
    assert count_of(30, 0.1) == 3  # 30 * 0.1 is 3.0000000000000004
    made = gate(0.6)
    np.testing.assert_array_equal(np.asarray(made(U, SALIENCY))[0, 0, 0] != 0, [True, True, False, True])


def test_of_equal_saliencies_the_earlier_are_let_through():
    np.testing.assert_array_equal(winners(np.array([[1.0, 2.0, 1.0, 1.0]]), 2), [[True, True, False, False]])
    np.testing.assert_array_equal(winners(np.zeros((1, 12)), 5), [[True] * 5 + [False] * 7])


def test_each_example_has_its_own_channels():
    saliency = np.array([[4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0]], np.float32)
    y = np.asarray(gate()(np.ones((2, 3, 5, 4), np.float32), saliency))
    np.testing.assert_array_equal((y != 0).all((1, 2)), [[True, True, False, False], [False, False, True, True]])
    np.testing.assert_array_equal((y != 0).any((1, 2)), (y != 0).all((1, 2)))


def test_signs_and_offsets_are_those_of_the_normalization():
    made = gate(1.0)
    made.sign.assign(np.array([1, -1, 1, -1], np.float32))
    expected = U * SALIENCY * np.array([1, -1, 1, -1], np.float32) + np.float32(0.1)
    np.testing.assert_array_equal(made(U, SALIENCY), expected)


def test_channels_may_be_the_second_axis():
    made = ChannelGate(0.5, axis=1)
    u = np.moveaxis(np.repeat(U, 3, axis=1), -1, 1)  # (1, 4, 3, 1)
    made(u, SALIENCY)
    made.let_through(0.5)
    y = np.asarray(made(u, SALIENCY))
    np.testing.assert_array_equal((y != 0).any((2, 3)), [[False, True, False, True]])


def test_training_adds_the_mean_sum_of_saliencies():
    made = gate(strength=0.5)
    saliency = np.array([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 2.0]], np.float32)
    u = np.ones((2, 1, 1, 4), np.float32)
    made(u, saliency, training=True)
    assert [float(loss) for loss in made.losses] == [0.5 * (10 + 2) / 2]
    made(u, saliency, training=False)
    assert made.losses == []
    silent = gate(strength=0.0)
    silent(u, saliency, training=True)
    assert silent.losses == []


def test_a_gate_is_saved_with_what_it_lets_through(tmp_path):
    u, saliency = keras.Input((2, 2, 4)), keras.Input((4,))
    made = gate(0.25)
    model = keras.Model([u, saliency], made(u, saliency))
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    inputs = [np.ones((3, 2, 2, 4), np.float32), np.random.default_rng(0).random((3, 4), np.float32)]
    assert equal(loaded(inputs), model(inputs))
    assert int(loaded.layers[-1].kept) == 1 and loaded.layers[-1].density == 0.25


@pytest.mark.parametrize("density", [0.5, 1.0])
@pytest.mark.parametrize("shape", [(3, 2, 4), (3, 4)])
def test_layers_of_keras_compute_the_same(density, shape):
    generator = np.random.default_rng(1)
    made = ChannelGate(density)
    x, g = generator.normal(size=(5, *shape)).astype(np.float32), generator.random((5, 4), np.float32)
    made(x, g)
    made.let_through(density)
    made.beta.assign(generator.normal(size=4))
    made.sign.assign([1.0, -1.0, 1.0, 1.0])
    u, saliency = keras.Input(shape), keras.Input((4,))
    plain = keras.Model([u, saliency], made.plain()(u, saliency))
    np.testing.assert_allclose(plain([x, g]), made(x, g), rtol=0.0, atol=1e-6)  # a product and a sum may be fused
    assert all(type(layer).__module__.startswith("keras.") for layer in layers_of(plain))


def test_impossible_settings_are_refused():
    message = r"`density` must be in \(0, 1\], `strength` not negative. Received: density=1.5, strength=0.0."
    with pytest.raises(ConfigError, match=message):
        ChannelGate(1.5)
    with pytest.raises(ConfigError, match=r"Received: density=0.5, strength=-1.0."):
        ChannelGate(0.5, -1.0)
