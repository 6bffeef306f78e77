"""Tests of what all approximated operators have in common."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from source.config.errors import ConfigError, DataError, UnknownNameError
from source.layer.approximation import operator
from source.layer.approximation.gelu import GeluApproximation
from source.layer.approximation.grammar import OPERATORS, approximation
from source.layer.approximation.softmax import SoftmaxApproximation
from tests.layer.approximation import half
from tests.layer.approximation.digests import hard_numbers, takes
from tests.layer.approximation.errors import error_range, names

# Largest error in magnitude, as docs/approximations.md has it, and as tests/layer/approximation/errors.py prints it,
# rounded up. Relative for exp, reciprocal and rsqrt.
BOUNDS = {
    "softmax<poly2,int>": 4.8e-4,
    "softmax<poly2,float32>": 4.7e-4,
    "softmax<poly2,float16>": 2.1e-3,
    "softmax<poly2,bfloat16>": 1.2e-2,
    "softmax<base2,int>": 1.3e-2,
    "softmax<base2,float32>": 1.3e-2,
    "softmax<base2,float16>": 1.1e-2,
    "softmax<base2,bfloat16>": 1.5e-2,
    "softmax<base2quake3,float16>": 1.2e-2,
    "gelu<poly2,float16>": 2.1e-2,
    "layernorm<quake3,float16>": 7.9e-3,
    "layernorm<quake3,float32>": 6.1e-3,
    "layernorm<legacy,float16>": 4.0e-3,
    "layernorm<legacy,float32>": 8.0e-7,
    "layernorm<fallback,4,float16>": 3.4e-3,
    "layernorm<fallback,4,float32>": 5.9e-4,
    "rmsnorm<quake3,float16>": 9.4e-3,
    "rmsnorm<quake3,float32>": 6.3e-3,
    "rmsnorm<legacy,float16>": 3.3e-3,
    "rmsnorm<legacy,float32>": 5.0e-7,
    "reciprocal<quake3,float16>": 4.7e-3,
    "rsqrt<quake3,float16>": 2.7e-3,
    "rsqrt<quake3,float32>": 1.8e-3,
    "exp<poly2,int>": 2.3e-3,
    "exp<poly2,float32>": 2.3e-3,
    "exp<poly2,float16>": 1.1e-2,
    "exp<poly2,bfloat16>": 5.0e-2,
    "exp<base2,int>": 4.4e-2,
    "exp<base2,float32>": 4.4e-2,
    "exp<base2,float16>": 4.5e-2,
    "exp<base2,bfloat16>": 9.1e-2,
    "sigmoid<poly2,int>": 5.5e-4,
    "sigmoid<poly2,float32>": 5.5e-4,
    "sigmoid<poly2,float16>": 9.5e-4,
    "sigmoid<poly2,bfloat16>": 6.3e-3,
    "sigmoid<base2,int>": 1.2e-2,
    "sigmoid<base2,float32>": 1.2e-2,
    "sigmoid<base2,float16>": 1.1e-2,
    "sigmoid<base2,bfloat16>": 1.2e-2,
    "silu<poly2,int>": 5.0e-4,
    "silu<poly2,float32>": 5.1e-4,
    "silu<poly2,float16>": 7.0e-3,
    "silu<poly2,bfloat16>": 3.8e-2,
    "silu<base2,int>": 9.7e-3,
    "silu<base2,float32>": 9.7e-3,
    "silu<base2,float16>": 1.1e-2,
    "silu<base2,bfloat16>": 3.8e-2,
    "tanh<poly2,int>": 1.1e-3,
    "tanh<poly2,float32>": 1.1e-3,
    "tanh<poly2,float16>": 1.4e-3,
    "tanh<poly2,bfloat16>": 7.3e-3,
}
NORMALIZING = ("layernorm", "rmsnorm")
# Compiling takes a second each: by default one in three, so that every operator and kind of numbers has its turn.
SOME = [name if place % 3 == 0 else pytest.param(name, marks=pytest.mark.slow) for place, name in enumerate(names())]


def gradient(function, x: np.ndarray) -> np.ndarray:
    """Returns the gradient of the sum of the values, each with a weight of its own."""
    tensor, weights = tf.constant(x), tf.constant(half.logits(x.shape, seed=9))
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = tf.reduce_sum(function(tensor) * tf.cast(weights, tensor.dtype))
    return tape.gradient(value, tensor).numpy()


@pytest.mark.parametrize("name", names())
def test_errors_are_those_of_the_documentation(name, repository):
    low, high = error_range(name)
    bound = BOUNDS[name]
    assert max(-low, high) <= bound
    assert max(-low, high) > 0.85 * bound  # it is no loose bound
    page = (repository / "docs" / "approximations.md").read_text(encoding="utf-8")
    mantissa, exponent = f"{bound:.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    assert f"| `{name}` | {mantissa} · 10{raised} |" in page


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "compiled"])
@pytest.mark.parametrize("name", SOME)
def test_graphs_give_the_same_bits(name, compiled):
    function, x = approximation(name).approximate, tf.constant(takes(name))
    found = tf.function(function, jit_compile=compiled)(x)
    assert np.array_equal(function(x), found, equal_nan=True)


@pytest.mark.parametrize("name", [name for name in names() if not name.startswith(("rsqrt", "reciprocal"))])
def test_large_numbers_and_masks_give_numbers(name):
    x = hard_numbers()
    found = approximation(name).approximate(tf.constant(x)).numpy()
    # Squares of the largest numbers are beyond float32 itself.
    wide = np.abs(x).max(axis=1) > (1e18 if name.startswith(NORMALIZING) and "float32" in name else np.inf)
    finite = np.isfinite(found).all(axis=1)
    assert finite[~wide & ~np.isnan(x).any(axis=1)].all()
    # NaN stays, and where numbers share a sum it is that of all of them.
    assert np.isnan(found[5]).sum() == (200 if name.startswith((*NORMALIZING, "softmax")) else 1)


@pytest.mark.parametrize("name", names())
def test_the_gradient_is_that_of_the_exact_operator_bit_for_bit(name):
    function = approximation(name)
    x = np.abs(half.logits((4, 40))) + np.float32(0.1)
    assert np.array_equal(gradient(function, x), gradient(function.exact, x))
    tensor = tf.constant(x)
    assert np.array_equal(function(tensor), function.approximate(tensor))
    assert np.array_equal(function.approximation_error(x), function.approximate(tensor) - function.exact(tensor))


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "compiled"])
@pytest.mark.parametrize("name", ["softmax", "gelu", "layernorm", "exp<poly2,int>"])
def test_graphs_have_the_gradient_of_the_exact_operator(name, compiled):
    function, x = approximation(name), half.logits((4, 40))
    exact = gradient(tf.function(function.exact, jit_compile=compiled), x)
    assert np.array_equal(gradient(tf.function(function, jit_compile=compiled), x), exact)


def test_softmax_has_the_gradient_of_tensorflow():
    x = half.logits((8, 50))
    assert np.array_equal(gradient(approximation("softmax"), x), gradient(tf.nn.softmax, x))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_values_have_the_type_of_the_exact_operator(dtype):
    x = keras.ops.cast(half.logits((2, 8)), dtype)
    for name in ("softmax<poly2,int>", "gelu", "layernorm", "silu"):
        function = approximation(name)
        assert keras.backend.standardize_dtype(function(x).dtype) == dtype
        assert keras.backend.standardize_dtype(function.approximation_error(x).dtype) == "float32"


def test_the_default_type_of_keras_does_not_matter():
    x = half.logits((2, 40))
    expected = {name: np.asarray(approximation(name).approximate(tf.constant(x))) for name in names()}
    keras.config.set_floatx("bfloat16")
    try:
        for name, value in expected.items():
            found = approximation(name).approximate(tf.constant(x))
            assert found.dtype == tf.float32, name
            assert np.array_equal(value, found, equal_nan=True), name
    finally:
        keras.config.set_floatx("float32")


def test_integers_become_numbers_and_symbols_are_refused():
    assert np.array_equal(approximation("softmax")([1, 2]), approximation("softmax")(np.float32([1, 2])))
    with pytest.raises(DataError, match=r"wrap one in `keras.layers.Activation` .* Received: a symbolic tensor."):
        approximation("gelu")(keras.Input((3,)))


def test_the_value_is_replaced_and_the_gradient_kept():
    x = np.float32([1, 2, 3])
    function = lambda x: operator.with_gradient_of(x * x, -x)  # noqa: E731
    assert function(tf.constant(x)).numpy().tolist() == [-1, -2, -3]
    assert np.array_equal(gradient(function, x), gradient(lambda x: x * x, x))


def test_fields_that_make_no_operator_are_refused():
    with pytest.raises(UnknownNameError, match=r"no algorithm `base3` of `softmax`. Did you mean `base2`"):
        SoftmaxApproximation("base3", "float16")
    with pytest.raises(UnknownNameError, match=r"no kind of numbers `float8` of `gelu` by `poly2`. Did you mean `floa"):
        GeluApproximation("poly2", "float8")
    with pytest.raises(ConfigError, match=r"The algorithm of `gelu` must be a name. Received: 2."):
        GeluApproximation(2, "float16")


def test_configurations_come_back():
    for kind in OPERATORS.values():
        saved = keras.saving.serialize_keras_object(kind())
        assert saved["registered_name"] == f"espalier>{kind.__name__}"
        assert keras.saving.deserialize_keras_object(saved) == kind()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_give_the_same_bits(backend, repository):
    """Needs the backend: `python -m pytest -m slow tests/layer -k backends`, or ESPALIER_BACKENDS_PYTHON."""
    python = os.environ.get("ESPALIER_BACKENDS_PYTHON", sys.executable)
    if subprocess.run([python, "-c", f"import {backend}"], capture_output=True, check=False).returncode:
        pytest.skip(f"{backend} is not installed beside {python}")
    here, there = (
        json.loads(
            subprocess.run(
                [executable, "-m", "tests.layer.approximation.digests"],
                env={**os.environ, "KERAS_BACKEND": keras_backend},
                capture_output=True,
                text=True,
                check=True,
                cwd=repository,
            ).stdout.splitlines()[-1]
        )
        for executable, keras_backend in ((sys.executable, "tensorflow"), (python, backend))
    )
    # PyTorch's square root of float32 is not the nearest one; in float16 that does not show.
    rooted = {f"{name},float32>" for name in ("layernorm<legacy", "layernorm<fallback,4", "rmsnorm<legacy")}
    different = {name for name, bits in here["bits"].items() if there["bits"][name] != bits}
    assert different <= (rooted if backend == "torch" else set())
    for name in ("softmax", "gelu", "silu", "sigmoid", "tanh"):
        assert there["gradients"][f"{name} approximate"] == there["gradients"][f"{name} exact"]
