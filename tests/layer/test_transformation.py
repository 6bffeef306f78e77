"""Tests of what every transformation is: one tensor in, one of its type and shape out, its state in variables."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from source.config.errors import ConfigError
from source.layer.calibrated_quantize import CalibratedQuantize
from source.layer.fake_quantize import FakeQuantize, RoundGradient
from source.layer.learned_quantize import LearnedLimit, LearnedStep
from source.layer.mask import Mask
from source.layer.transformation import Transformation, copies_of, deserialized, serialized
from tests.layer.kinds import Half, arrays, equal

EVERY = {
    "mask": lambda: Mask("TOPK{0.5}", rule="joint", learned_scores=True),
    "mask_every_call": lambda: Mask("BTOPK{2:4,-1}", rule="sr_ste", refresh="every_call", decay=0.5),
    "fake": lambda: FakeQuantize("BFP[8|8]{4}(SN)", axis=0, gradient="clipped"),
    "stochastic": lambda: FakeQuantize("XP[4,2](CSS)"),
    "round_gradient": lambda: RoundGradient("fp8_e5m2"),
    "calibrated": lambda: CalibratedQuantize(6, symmetric=True, momentum=0.5),
    "learned_step": lambda: LearnedStep(4, signed=False, axis=1),
    "learned_limit": lambda: LearnedLimit(3),
}


def built(name: str) -> Transformation:
    each = EVERY[name]()
    each.build((4, 8))
    each.built = True
    for variable in each.variables:
        if variable.dtype == "float32":
            variable.assign(np.full(variable.shape, 0.75))
    return each


def numbers() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_shape_and_type_stay(name, dtype):
    x = ops.cast(numbers(), dtype)
    for training in (False, True):
        found = built(name)(x, training=training)
        assert keras.backend.standardize_dtype(found.dtype) == dtype
        assert found.shape == x.shape
    symbol = EVERY[name]()(keras.Input((8,), batch_size=4, dtype=dtype))
    assert symbol.shape == (4, 8) and symbol.dtype == dtype


@pytest.mark.parametrize("name", EVERY)
def test_a_copy_has_the_settings_and_the_state(name):
    first = built(name)
    first(numbers(), training=True)
    [copied] = copies_of([first])
    assert copied.get_config() == first.get_config()
    assert equal(copied.variables, first.variables)
    assert {id(each) for each in copied.variables}.isdisjoint(id(each) for each in first.variables)
    assert equal(copied(numbers()), first(numbers()))


@pytest.mark.parametrize("name", EVERY)
def test_graphs_and_compiled_graphs_give_the_same_bits(name):
    eager = built(name)(numbers(), training=True)
    for compiled in (False, True):
        each = built(name)
        found = tf.function(lambda x, each=each: each(x, training=True), jit_compile=compiled)(numbers())
        # A division by a step may be a product with its reciprocal there: an ulp of numbers below 4.
        assert np.allclose(found, eager, rtol=0.0, atol=2.0**-22)


@pytest.mark.parametrize("name", EVERY)
def test_the_settings_are_those_of_the_constructor(name):
    config = EVERY[name]().get_config()
    assert type(EVERY[name]()).from_config({**config, "owner": "somebody"}).owner == "somebody"
    assert isinstance(EVERY[name]().description, str) and EVERY[name]().description


def test_chains_are_plain_values_when_saved():
    chain = [EVERY["fake"](), Half()]
    again = deserialized(serialized(chain))
    assert [type(each) for each in again] == [FakeQuantize, Half]
    assert deserialized(chain) == chain
    with pytest.raises(ConfigError, match=r"A chain is made of transformations. Received: 3."):
        deserialized([3])


def test_what_is_not_built_is_copied_without_state():
    [copied] = copies_of([Mask("TOPK{0.5}")])
    assert not copied.built and copied.variables == []


def test_a_subclass_says_what_it_does():
    with pytest.raises(NotImplementedError, match=r"Transformation must override `transform`."):
        Transformation().transform(np.ones(2), False)


def test_numbers_are_collected_instead_of_transformed():
    class Collecting(Half):
        def collect(self, x):
            self.found = x

    each = Collecting()
    each.begin_collection()
    x = ops.cast(numbers(), "bfloat16")
    assert each(x) is x
    assert each.found.dtype == np.float32 and equal(each.found, ops.cast(x, "float32"))
    each.end_collection()
    assert equal(each(x), x / 2)


def test_a_transformation_alone_has_no_bits_and_stays_as_a_layer():
    each = Half()
    each.build((2,))
    each.built = True
    each.factor.assign(3.0)
    assert each.code_bits is None and each.scale_bytes((2,)) == 0 and each.passes_gradient
    assert each.description == each.name
    lasting = each.lasting()
    assert lasting is not each and not lasting.trainable
    assert arrays(lasting.factor) == [3.0]
