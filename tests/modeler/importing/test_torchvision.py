"""Tests of the rules for torchvision, by its names and shapes, and of a residual block by its arithmetic."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from source.modeler.importing import target_network
from source.modeler.importing.import_weights import import_weights, weights_of
from source.modeler.importing.plan import make_plan
from source.modeler.importing.rule import parse
from source.modeler.importing.rule_set import load
from source.network import _basic_block, _convolution

VGG = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
# Widening, channels and blocks of each stage of MobileNetV2.
INVERTED = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def norm(name: str, channels: int) -> Shapes:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def dense(name: str, features: int, units: int) -> Shapes:
    yield f"{name}.weight", (units, features)
    yield f"{name}.bias", (units,)


def resnet(blocks: tuple[int, ...], bottleneck: bool) -> Shapes:
    yield "conv1.weight", (64, 3, 7, 7)
    yield from norm("bn1", 64)
    before = 64
    for stage, count in enumerate(blocks):
        neck = 64 * 2**stage
        channels = 4 * neck if bottleneck else neck
        kernels = ((neck, 1), (neck, 3), (channels, 1)) if bottleneck else ((neck, 3), (neck, 3))
        for block in range(count):
            inner = before
            for number, (filters, side) in enumerate(kernels, 1):
                yield f"layer{stage + 1}.{block}.conv{number}.weight", (filters, inner, side, side)
                yield from norm(f"layer{stage + 1}.{block}.bn{number}", filters)
                inner = filters
            if block == 0 and (stage or bottleneck):
                yield f"layer{stage + 1}.0.downsample.0.weight", (channels, before, 1, 1)
                yield from norm(f"layer{stage + 1}.0.downsample.1", channels)
            before = channels
    yield from dense("fc", before, 1000)


def vgg16(normalized: bool) -> Shapes:
    place, before = 0, 3
    for channels in VGG:
        if channels:
            yield f"features.{place}.weight", (channels, before, 3, 3)
            yield f"features.{place}.bias", (channels,)
            if normalized:
                yield from norm(f"features.{place + 1}", channels)
            before = channels
        place += (3 if normalized else 2) if channels else 1
    for place, features, units in ((0, 25088, 4096), (3, 4096, 4096), (6, 4096, 1000)):
        yield from dense(f"classifier.{place}", features, units)


def mobilenet_v2() -> Shapes:
    def unit(name: str, before: int, channels: int, side: int) -> Shapes:
        yield f"{name}.0.weight", (channels, before, side, side)
        yield from norm(f"{name}.1", channels)

    yield from unit("features.0", 3, 32, 3)
    place, before = 1, 32
    for widening, channels, count in INVERTED:
        for _ in range(count):
            wide, name, part = before * widening, f"features.{place}.conv", 0
            if widening > 1:
                yield from unit(f"{name}.0", before, wide, 1)
                part = 1
            yield from unit(f"{name}.{part}", 1, wide, 3)
            yield f"{name}.{part + 1}.weight", (channels, wide, 1, 1)
            yield from norm(f"{name}.{part + 2}", channels)
            place, before = place + 1, channels
    yield from unit("features.18", 320, 1280, 1)
    yield from dense("classifier.1", 1280, 1000)


STATES = {
    "torchvision_resnet18": (lambda: resnet((2, 2, 2, 2), False), 122, 11_689_512),
    "torchvision_resnet50": (lambda: resnet((3, 4, 6, 3), True), 320, 25_557_032),
    "torchvision_vgg16": (lambda: vgg16(False), 32, 138_357_544),
    "torchvision_vgg16_bn": (lambda: vgg16(True), 97, 138_365_992),
    "torchvision_mobilenet_v2": (mobilenet_v2, 314, 3_504_872),
}


@pytest.mark.parametrize("name", STATES)
def test_the_states_are_those_of_torchvision(name):
    make, count, parameters = STATES[name]
    shapes = dict(make())
    trained = [shape for key, shape in shapes.items() if "running" not in key and "tracked" not in key]
    assert (len(shapes), sum(int(np.prod(shape)) for shape in trained)) == (count, parameters)


@pytest.mark.slow
@pytest.mark.parametrize("name", STATES)
def test_the_rules_fit_the_network(name):
    rules = load(name)
    model = target_network.build(rules.network, rules.settings, rules.input_shape)
    targets = {key: tuple(variable.shape) for key, variable in weights_of(model).items()}
    arrays = {key: np.zeros(shape, np.float32) for key, shape in STATES[name][0]()}
    plan = make_plan(arrays, targets, parse(rules.rules))
    assert plan.problems == ()
    assert len(plan.arrays) == len(targets)


def convolved(x, kernel, stride):
    """Returns the convolution of PyTorch, padded on both sides: x (b, c, h, w), kernel (out, in, h, w)."""
    side = kernel.shape[-1]
    padded = np.pad(x, ((0, 0), (0, 0), (side // 2,) * 2, (side // 2,) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("bchwij,ocij->bohw", windows, kernel)


def normalized(x, state, name):
    weight, bias, mean, variance = (
        state[f"{name}.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias


def test_a_residual_block_answers_what_pytorchs_arithmetic_answers(tmp_path):
    random = np.random.default_rng(0)
    scope = "layer2.0."
    state = {
        key: random.uniform(0.5, 1.5, [each // 16 if each > 9 else each for each in shape])
        for key, shape in resnet((2, 2, 2, 2), False)
        if key.startswith(scope)
    }
    np.savez(tmp_path / "w.npz", **state)
    rules = {"rules": [{**item, "optional": True} for item in load("torchvision_resnet18").rules]}
    inputs = keras.Input((8, 8, 4))
    style = _convolution.ConvolutionStyle(padding="symmetric")
    model = keras.Model(inputs, _basic_block.basic_block(inputs, 8, "stage2_block1", style, stride=2))
    import_weights(model, tmp_path / "w.npz", rules)

    x = random.normal(size=(2, 4, 8, 8))
    y = np.maximum(normalized(convolved(x, state[f"{scope}conv1.weight"], 2), state, f"{scope}bn1"), 0)
    y = normalized(convolved(y, state[f"{scope}conv2.weight"], 1), state, f"{scope}bn2")
    shortcut = normalized(convolved(x, state[f"{scope}downsample.0.weight"], 2), state, f"{scope}downsample.1")
    answer = model.predict(x.transpose(0, 2, 3, 1).astype(np.float32), verbose=0)
    # float32 against float64: two convolutions of some hundred products each.
    np.testing.assert_allclose(answer, np.maximum(y + shortcut, 0).transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-4)
