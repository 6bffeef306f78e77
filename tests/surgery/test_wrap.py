"""Tests of wrapping a layer, and of wrapping it further."""

import keras
import numpy as np
from keras import layers

from source.layer.compressed import Compressed, compressed_layers
from source.layer.mask import Mask
from source.surgery.rewrite import rewrite
from source.surgery.wrap import inside, wrapped
from tests.layer.kinds import Half, Same, batch_for, equal, made


def dense() -> keras.layers.Layer:
    return made("dense").get_layer("it")


def test_a_copy_is_wrapped_and_the_layer_stays():
    layer = dense()
    found = wrapped(layer, weights={"kernel": [Half()]})
    assert isinstance(found, Compressed) and found.name == "it"
    assert found.layer is not layer and equal(found.layer.weights, layer.weights)
    assert layer.activation is keras.activations.relu
    wrapped(layer, before_activation=[Half()])
    assert layer.activation is keras.activations.relu


def test_chains_of_a_wrapped_layer_come_first_with_their_states():
    first = wrapped(dense(), weights={"kernel": [Mask("TOPK{0.5}")]}, before_activation=[Half()])
    kept = np.tile([[True, False, True]], (4, 1))
    first.weight_chains["kernel"][0].kept.assign(kept)
    second = wrapped(
        first, weights={"kernel": [Half()], "bias": [Half()]}, before_activation=[Same()], outputs=[Half()]
    )
    assert [(place, type(each).__name__) for place, each in second.transformations()] == [
        ("kernel", "Mask"),
        ("kernel", "Half"),
        ("bias", "Half"),
        ("before activation", "Half"),
        ("before activation", "Same"),
        ("output", "Half"),
    ]
    assert second.layer is not first.layer and not isinstance(second.layer, Compressed)
    assert equal(second.weight_chains["kernel"][0].kept, kept)
    assert equal(second.seen_weight("kernel"), np.where(kept, np.asarray(first.variable("kernel")) / 2, 0))


def test_wrapping_with_nothing_more_changes_nothing():
    model = made("attention")
    once = rewrite(model, lambda layer: wrapped(layer, weights={"query/kernel": [Half()]}) if layer.weights else None)
    twice = rewrite(once, lambda layer: wrapped(layer) if layer.weights else None)
    assert equal(twice(batch_for(model)), once(batch_for(model)))
    assert [each.path for each in twice.weights] == [each.path for each in once.weights]
    assert len(list(compressed_layers(twice))) == 1


def test_inside_is_the_layer_itself():
    layer = layers.Dense(3)
    assert inside(layer) is layer
    assert inside(Compressed(layer)) is layer
