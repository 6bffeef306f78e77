"""Tests that every model of `keras.applications` loses channels it does not need, and is a plain model afterwards."""

import gc
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from source.config.errors import ConfigError
from source.graph.channel_groups import ChannelGroups, channel_groups
from source.surgery.channels import remove_channels
from tests.graph.channels.applications import APPLICATIONS
from tests.graph.channels.cutting import batch_for, largest_error, outputs_of, zero

# Tens of layers, each with sums over up to thousands of numbers in another order: 1.2e-7 a layer at most, added up.
DEEP_ROUNDING = 1e-5
# Side of the images: the smallest that every stage of these leaves something of, and 64 for the others.
SIDES = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}
SCRIPT = Path(__file__).with_name("reload_and_train.py")


@pytest.fixture(autouse=True)
def freed():
    """Frees each model before the next is made: the largest has 350 million numbers."""
    yield
    keras.backend.clear_session()
    gc.collect()


def test_a_small_model_is_reloaded_and_trained_without_the_package(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", name="trunk")(inputs)
    y = layers.Conv2D(12, 3, padding="same", use_bias=False)(x)
    y = layers.Conv2D(8, 1)(layers.ReLU()(layers.BatchNormalization()(y)))
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    model = after_training(keras.Model(inputs, layers.Dense(4, name="head")(x)))
    smaller = without_a_third(model)
    assert largest_error(model, smaller) <= DEEP_ROUNDING
    assert elsewhere(smaller, tmp_path)["changed"] == len(smaller.trainable_variables)


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_without_a_third_of_its_channels(name, tmp_path):
    model = after_training(application(name))
    smaller = without_a_third(model)
    error = largest_error(model, smaller)
    assert error <= DEEP_ROUNDING
    assert smaller.count_params() < 0.75 * model.count_params()
    seen = elsewhere(smaller, tmp_path)
    print(name, json.dumps({"cut": error, **seen}))
    # A gradient through hundreds of layers may be less than half a unit in the last place of some weights.
    assert seen["changed"] > 0.5 * seen["weights"]


@pytest.mark.slow
def test_the_trunk_of_convnext_stays_unless_doubts_are_accepted(tmp_path):
    model = after_training(application("ConvNeXtTiny"))
    groups = channel_groups(model)
    trunks = [group for group in groups.prunable if group.doubts]
    assert [len(group) for group in trunks] == [96, 192, 384, 768]
    removed = a_third(groups, trunks)
    with pytest.raises(ConfigError, match=r"Channels of `convnext_tiny_stem/.*` cannot go without changing others"):
        remove_channels(model, groups, removed)
    zero(groups, removed)
    smaller = remove_channels(model, groups, removed, allow_doubts=True)
    error = largest_error(model, smaller)
    print("trunk", json.dumps({"cut": error, **elsewhere(smaller, tmp_path)}))
    assert error > 0.01


def application(name: str) -> keras.Model:
    """Returns a model that tells ten classes of small images apart by logits."""
    side = SIDES.get(name, 64)
    return getattr(keras.applications, name)(
        weights=None, input_shape=(side, side, 3), classes=10, classifier_activation=None
    )


def a_third(groups: ChannelGroups, chosen: list) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.permutation(group.channels)[: max(1, len(group) // 3)] for group in chosen])


def without_a_third(model: keras.Model) -> keras.Model:
    """Returns the model without a third of each group that nobody has doubts about, which become zeros in the model."""
    groups = channel_groups(model)
    removed = a_third(groups, [group for group in groups.prunable if not group.doubts])
    zero(groups, removed)
    return remove_channels(model, groups, removed)


def after_training(model: keras.Model) -> keras.Model:
    """Returns the model with statistics, scales and offsets that differ from channel to channel."""
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if "variance" in variable.path or "gamma" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif "moving_mean" in variable.path or "beta" in variable.path or "bias" in variable.path:
            variable.assign(rng.normal(size=variable.shape) * 0.1)
    return model


def elsewhere(model: keras.Model, folder: Path) -> dict[str, float]:
    """Returns what another process saw that loaded the model without this repository and trained it by one step."""
    [inputs] = batch_for(model)
    [outputs] = outputs_of(model, [inputs])
    model.save(folder / "model.keras")
    np.savez(folder / "batch.npz", inputs=inputs, outputs=outputs)
    command = [sys.executable, "-I", str(SCRIPT), "model.keras", "batch.npz"]
    done = subprocess.run(command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "model.keras").unlink()  # up to a gigabyte
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["error"] <= DEEP_ROUNDING
    assert math.isfinite(seen["loss"])
    assert seen["changed"] > 0
    return seen
