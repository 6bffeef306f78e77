"""What holds for every number format; every class of the room is tested by being there."""

import importlib
import inspect
import json
import os
import pkgutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import source.numeric
from source.config.errors import ConfigError, DataError
from source.numeric import _groups, number_format
from source.numeric.format import ElementFormat, NumberFormat
from source.numeric.scaled import ScaledFormat
from tests.numeric.formats import NAMES, hard_numbers, normal_numbers, takes_ways, with_rounding

ELEMENTS = [name for name in NAMES if isinstance(number_format(name), ElementFormat)]
SHARED = [name for name in NAMES if name not in ELEMENTS]
SCALED = [name for name in NAMES if isinstance(number_format(name), ScaledFormat)]
WITH_WAYS = [name for name in NAMES if takes_ways(name)]
ENUMERABLE = [name for name in ELEMENTS if number_format(name).bits <= 16]

# Numbers that have no opposite, or a zero that is rounded to one side.
NOT_ODD = (
    *("XP[8,+4](C_N)", "fixed<4,1>", "BFP[6|8]{16}(_N)", "FP[0|4|4,7](FN)", "dynamic<8>", "dynamic<4,0.05>"),
    *("uint8", "uint4<channel>", "uint12<32>", "fp8_e8m0", "binary", "binary<channel>", "nf4"),
    *("codebook<-1,-0.25,0,0.1,1.5>", "linear_mid_tread_half<2,2>", "linear_mid_tread_half<8,6>"),
    "recentralized<uint4>",
)
# Scales that do not follow the numbers, or only within a range.
NOT_EQUIVARIANT = (
    *("SBFP", "NVFP4{16}(1)", "ternary<scale"),
    *("recentralized<XP", "recentralized<pow2", "recentralized<fp8"),
)
# Each side has its own mean, which the rounded numbers do not keep, and numbers near zero may change sides.
ABOUT_MEANS = ("recentralized", "focused")
# Flushing and logarithmic rounding are not to nearest.
NOT_NEAREST = ("FP[1|4|3,10](FN)", "FP[1|5|10,15](FN)", "FP[0|4|4,7](FN)", "FP[1|8|7,127](FN)", "log", "fp8_e8m0")


def subclasses(base: type) -> set[type]:
    return {base}.union(*(subclasses(each) for each in base.__subclasses__()))


def seed_for(numeric: NumberFormat) -> int | None:
    return 3 if numeric.rounding == "stochastic" else None


def equal(left: np.ndarray, right: np.ndarray) -> bool:
    return np.array_equal(np.asarray(left), np.asarray(right), equal_nan=True)


def test_every_class_of_the_room_is_tested():
    for module in pkgutil.iter_modules(source.numeric.__path__):
        importlib.import_module(f"source.numeric.{module.name}")
    classes = {each for each in subclasses(NumberFormat) if not inspect.isabstract(each)}
    assert {type(number_format(name)) for name in NAMES} == classes


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_format_is_read_back(name):
    numeric = number_format(name)
    assert number_format(str(numeric)) == numeric
    assert number_format(numeric) is numeric
    assert hash(number_format(name)) == hash(numeric)


@pytest.mark.parametrize("name", WITH_WAYS)
@pytest.mark.parametrize(("letter", "rounding"), [("S", "stochastic"), ("U", "up"), ("D", "down")])
def test_the_way_to_round_is_part_of_the_name(name, letter, rounding):
    numeric = number_format(with_rounding(name, letter))
    assert numeric.rounding == rounding
    assert number_format(str(numeric)) == numeric


# An asymmetric block whose lowest number is taken has a larger exponent the next time.
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("BFP[6|8]", *ABOUT_MEANS))])
def test_rounding_twice_is_rounding_once(name):
    numeric = number_format(name)
    once = numeric.round(normal_numbers())
    # The ends of an affine range, and the zero point with them, are rounded themselves: one unit in the last place.
    tolerance = 2.0**-22 if name.startswith("uint") else 0.0
    np.testing.assert_allclose(numeric.round(once), once, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_ODD])
def test_the_opposite_rounds_to_the_opposite(name):
    numeric, x = number_format(name), hard_numbers()
    assert equal(numeric.round(-x), -numeric.round(x))


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("fp8_e8m0", *ABOUT_MEANS))])
def test_rounding_keeps_the_order(name):
    numeric = number_format(name)
    sharing = numeric.sharing if isinstance(numeric, ScaledFormat) else getattr(numeric, "group", "tensor")
    count = sharing if isinstance(sharing, int) else 300
    x = np.sort(normal_numbers((20, count), seed=2), axis=-1)
    for row in x:
        assert (np.diff(numeric.round(row[:, np.newaxis], axis=0)[:, 0]) >= 0.0).all()


@pytest.mark.parametrize("name", [name for name in SHARED if not name.startswith(NOT_EQUIVARIANT)])
def test_four_times_the_numbers_round_to_four_times_the_numbers(name):
    numeric, x = number_format(name), normal_numbers()
    assert equal(numeric.round(x * 4.0), numeric.round(x) * 4.0)
    assert equal(numeric.round(x * 0.25), numeric.round(x) * 0.25)


@pytest.mark.parametrize("name", [name for name in ENUMERABLE if not name.startswith(NOT_NEAREST)])
def test_the_nearest_number_is_taken(name):
    numeric, x = number_format(name), hard_numbers()
    x = np.where(np.abs(x) < 2.0**-126, 0.0, x)[np.isfinite(x)].astype(np.float64)
    values = numeric.values().astype(np.float64)
    above = np.clip(np.searchsorted(values, x), 1, values.size - 1)
    distance = np.minimum(np.abs(x - values[above - 1]), np.abs(x - values[above]))
    error = np.abs(numeric.round(x.astype(np.float32)) - x)
    # The numbers of mid-tread formats are products rounded to float32; ties are those of the exact ones.
    tolerance = 2.0**-23 if name.startswith("linear") else 0.0
    assert (error <= distance * (1.0 + tolerance) + tolerance).all()


@pytest.mark.parametrize("name", [name for name in SCALED if not name.startswith(("ternary", "SBFP", "BFP[24"))])
def test_the_nearest_multiple_of_the_scale_is_taken(name):
    numeric, x = number_format(name), normal_numbers()
    blocks, axes, _ = _groups.split(keras.ops.convert_to_tensor(x), -1, numeric.sharing)
    scale = np.asarray(numeric._scale(blocks, axes))
    values = numeric.values().astype(np.float64)
    scaled = (np.asarray(blocks, np.float64) / scale).reshape(-1)
    above = np.clip(np.searchsorted(values, scaled), 1, values.size - 1)
    distance = np.minimum(np.abs(scaled - values[above - 1]), np.abs(scaled - values[above]))
    rounded = np.asarray(_groups.split(keras.ops.convert_to_tensor(numeric.round(x)), -1, numeric.sharing).values)
    error = np.abs(rounded.astype(np.float64) / scale - scaled.reshape(rounded.shape)).reshape(-1)
    # The product with the rounded reciprocal of a scale may tip a tie: an ulp of numbers up to 448.
    assert (error <= distance + 448 * 2.0**-23).all()


@pytest.mark.parametrize("name", [name for name in ENUMERABLE if takes_ways(name) and "(F" not in name])
def test_up_and_down_give_the_neighbours(name):
    x = hard_numbers()
    x = np.where(np.abs(x) < 2.0**-126, np.float32(0.0), x)[np.isfinite(x)]
    values = number_format(name).values()
    x = np.clip(x, values[0], values[-1])
    up = number_format(with_rounding(name, "U")).round(x)
    down = number_format(with_rounding(name, "D")).round(x)
    assert equal(up, values[np.searchsorted(values, x)])
    assert equal(down, values[np.searchsorted(values, x, side="right") - 1])


@pytest.mark.parametrize("name", WITH_WAYS)
def test_stochastic_rounding_gives_a_neighbour_that_the_seed_decides(name):
    x = normal_numbers()
    up = number_format(with_rounding(name, "U")).round(x)
    down = number_format(with_rounding(name, "D")).round(x)
    numeric = number_format(with_rounding(name, "S"))
    first, again, other = (numeric.round(x, seed=seed) for seed in (1, 1, 2))
    assert equal(np.where(first == up, up, down), first)
    assert equal(first, again)
    assert (first != other).any() or numeric.bits > 20
    assert equal(first, numeric.round(x, seed=keras.ops.convert_to_tensor(1, "int32")))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("shape", "axis"), [((3, 50, 5), 1), ((3, 50, 5), -1), ((37, 4), 0), ((7,), 0)])
def test_codes_bring_back_what_was_rounded(name, shape, axis):
    numeric, x = number_format(name), normal_numbers(shape)
    if name == "fp8_e8m0":
        x = np.abs(x) + 1.0
    data = numeric.encode(x, axis=axis)
    assert len(data) == numeric.nbytes(shape, axis)
    assert equal(numeric.decode(data, shape, axis), numeric.round(x, axis=axis))
    with pytest.raises(DataError, match=rf"takes {len(data)} bytes for the shape .* Received: {len(data) + 1} bytes"):
        numeric.decode(data + b"0", shape, axis)


@pytest.mark.parametrize("name", SHARED)
def test_blocks_and_channels_lie_along_the_axis(name):
    numeric, x = number_format(name), normal_numbers((50, 6))
    assert equal(numeric.round(x, axis=0), numeric.round(x.T, axis=1).T)
    assert equal(numeric.round(x, axis=-2), numeric.round(x, axis=0))
    if "channel" in name:
        assert equal(numeric.round(x[:, 2:3]), numeric.round(x)[:, 2:3])
    elif "{" in name or "<32>" in name:
        assert equal(numeric.round(x[:, 2:3], axis=0), numeric.round(x, axis=0)[:, 2:3]) or name == "nvfp4"


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_and_infinity_becomes_finite(name):
    numeric, x = number_format(name), normal_numbers((4, 256))
    x[1, 3], x[2, 5], x[3, 7] = np.nan, np.inf, -np.inf
    rounded = numeric.round(x)
    assert np.isnan(rounded[1, 3])
    assert not np.isinf(rounded).any() or name in ("SAME", "fp8_e8m0")
    if name in ELEMENTS and name != "fp8_e8m0":
        assert np.isnan(rounded).sum() == 1
        assert rounded[2, 5] == numeric.round(np.finfo(np.float32).max) or name == "SAME"
    assert np.isfinite(rounded[0]).all() or "{" not in name


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("SAME", "fp8_e8m0")])
def test_subnormal_numbers_count_as_zero(name):
    x = np.asarray([[1e-40, -1e-40, 0.0, -0.0]], np.float32)
    for each in [name, *(with_rounding(name, letter) for letter in "UD" if takes_ways(name))]:
        assert (number_format(each).round(x) == number_format(each).round(np.zeros_like(x))).all(), each


@pytest.mark.parametrize("name", NAMES)
def test_arrays_give_arrays_and_tensors_give_tensors(name):
    numeric, x = number_format(name), normal_numbers((2, 64))
    assert isinstance(numeric.round(x), np.ndarray)
    rounded = numeric.round(keras.ops.convert_to_tensor(x))
    assert keras.ops.is_tensor(rounded)
    assert keras.backend.standardize_dtype(rounded.dtype) == "float32"
    assert equal(rounded, numeric.round(x))
    halves = x.astype(np.float16)
    assert equal(numeric.round(halves), numeric.round(halves.astype(np.float32)))
    assert equal(numeric.round(x.astype(np.float64)), numeric.round(x))
    with pytest.raises(DataError, match=r"Number formats round floating point numbers. Received: dtype=int32."):
        numeric.round(np.zeros(3, np.int32))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 64)])
def test_no_numbers_round_to_none_and_take_no_bytes(name, shape):
    numeric, x = number_format(name), np.zeros(shape, np.float32)
    assert numeric.round(x).shape == shape
    assert numeric.encode(x) == b""
    assert numeric.nbytes(shape) == 0
    assert numeric.decode(b"", shape).shape == shape


@pytest.mark.parametrize("floatx", ["bfloat16", "float64"])
def test_the_default_type_of_keras_does_not_matter(floatx):
    x = keras.ops.convert_to_tensor(hard_numbers(), "float32")
    expected = [number_format(name).round(x) for name in NAMES]
    keras.config.set_floatx(floatx)
    try:
        found = [number_format(name).round(x) for name in NAMES]
    finally:
        keras.config.set_floatx("float32")
    for name, one, other in zip(NAMES, expected, found, strict=True):
        assert keras.backend.standardize_dtype(other.dtype) == "float32", name
        assert equal(one, other), name


@pytest.mark.parametrize("name", NAMES)
def test_bytes_of_an_element_are_those_of_a_large_tensor(name):
    numeric = number_format(name)
    assert numeric.nbytes((1024, 1024)) / 2**20 == pytest.approx(numeric.bytes_per_element(), rel=5e-2)


@pytest.mark.parametrize("name", WITH_WAYS)
def test_a_seed_is_given_exactly_when_something_is_drawn(name):
    with pytest.raises(ConfigError, match=r"Stochastic rounding needs `seed`, such as the step. Received: seed=None."):
        number_format(with_rounding(name, "S")).round(normal_numbers())
    with pytest.raises(
        ConfigError, match=r"`seed` has no effect when rounding='nearest'; leave it out. Received: seed=1."
    ):
        number_format(name).round(normal_numbers(), seed=1)


@pytest.mark.parametrize("name", [name for name in SHARED if "{" in name or "channel" in name or "<32>" in name])
def test_an_axis_that_is_not_there_is_refused(name):
    with pytest.raises(ConfigError, match=r"`axis` must be in \[-2, 2\) for 2 axes. Received: axis=2."):
        number_format(name).round(normal_numbers(), axis=2)


@pytest.fixture(scope="module", params=["hard", "normal"])
def numbers(request) -> np.ndarray:
    return hard_numbers() if request.param == "hard" else normal_numbers((16, 256))


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "compiled"])
def test_graphs_give_the_same_bits(numbers, compiled):
    every = [number_format(name) for name in NAMES]
    every += [number_format(with_rounding(name, letter)) for name in WITH_WAYS[::3] for letter in "SUD"]
    # A batch of unknown size, as in training.
    signature = [tf.TensorSpec((16 if compiled else None, 256), tf.float32)]

    @tf.function(input_signature=signature, jit_compile=compiled)
    def rounded(x):
        return [numeric.round(x, seed=seed_for(numeric)) for numeric in every]

    for numeric, found in zip(every, rounded(tf.constant(numbers)), strict=True):
        eager = numeric.round(numbers, seed=seed_for(numeric))
        assert equal(eager, found), str(numeric)
        assert equal(np.signbit(eager[~np.isnan(eager)]), np.signbit(found.numpy()[~np.isnan(eager)])), str(numeric)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_give_the_same_bits(backend, repository):
    """Needs the backend: `python -m pytest -m slow tests/numeric -k backends`, or ESPALIER_BACKENDS_PYTHON."""
    python = os.environ.get("ESPALIER_BACKENDS_PYTHON", sys.executable)
    if subprocess.run([python, "-c", f"import {backend}"], capture_output=True, check=False).returncode:
        pytest.skip(f"{backend} is not installed beside {python}")
    digests = [
        json.loads(
            subprocess.run(
                [executable, "-m", "tests.numeric.print_bits"],
                env={**os.environ, "KERAS_BACKEND": keras_backend},
                capture_output=True,
                text=True,
                check=True,
                cwd=repository,
            ).stdout.splitlines()[-1]
        )
        for executable, keras_backend in ((sys.executable, "tensorflow"), (python, backend))
    ]
    assert digests[0] == digests[1]
