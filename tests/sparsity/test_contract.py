"""What holds for every sparsity pattern; every class of the room is tested by being there."""

import importlib
import inspect
import json
import math
import os
import pkgutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import source.sparsity
from source.config.errors import ConfigError
from source.sparsity import sparsity_pattern
from source.sparsity.pattern import GroupPattern, Pattern
from tests.sparsity.patterns import CHOOSING, EXACT, NAMES, SHAPE, normal_scores, reference_mask, tied_scores

DENSITIES = (0.0, 0.05, 0.35, 0.5, 0.875, 1.0)
GROUPED = [name for name in NAMES if isinstance(sparsity_pattern(name), GroupPattern)]


def subclasses(base: type) -> set[type]:
    return {base}.union(*(subclasses(each) for each in base.__subclasses__()))


def test_every_class_of_the_room_is_tested():
    for module in pkgutil.iter_modules(source.sparsity.__path__):
        importlib.import_module(f"source.sparsity.{module.name}")
    classes = {each for each in subclasses(Pattern) if not inspect.isabstract(each)}
    assert {type(sparsity_pattern(name)) for name in NAMES} == classes


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_pattern_is_read_back(name):
    pattern = sparsity_pattern(name)
    assert str(pattern) == name
    assert sparsity_pattern(str(pattern)) == pattern
    assert sparsity_pattern(pattern) is pattern
    assert hash(sparsity_pattern(name)) == hash(pattern)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("make", [normal_scores, tied_scores])
def test_the_mask_is_that_of_a_stable_sort_and_its_count_exact(name, make):
    pattern, scores = sparsity_pattern(name), make()
    mask = np.asarray(pattern.mask(scores))
    assert mask.dtype == bool and mask.shape == SHAPE
    assert np.array_equal(mask, reference_mask(pattern, scores))
    assert mask.sum() == pattern.kept(SHAPE)


@pytest.mark.parametrize("name", CHOOSING)
def test_another_density_is_counted_exactly_too(name):
    pattern, scores = sparsity_pattern(name), tied_scores(seed=2)
    for density in DENSITIES:
        mask = np.asarray(pattern.mask(scores, density))
        assert np.array_equal(mask, reference_mask(pattern, scores, density))
        assert mask.sum() == pattern.kept(SHAPE, density) == pattern.kept(SHAPE, tf.constant(density))
    assert pattern.kept(SHAPE, 0.0) == 0 and pattern.kept(SHAPE, 1) == math.prod(SHAPE)


@pytest.mark.parametrize("name", CHOOSING)
def test_of_equal_scores_the_earlier_live(name):
    pattern = sparsity_pattern(name)
    mask = np.asarray(pattern.mask(np.zeros(SHAPE)))
    assert np.array_equal(mask, reference_mask(pattern, np.zeros(SHAPE, np.float32)))
    if isinstance(pattern, GroupPattern):
        groups = np.asarray(pattern.group_scores(mask.astype(np.float32))) > 0
        assert np.array_equal(groups, np.sort(groups)[::-1])  # the first ones, and none behind them


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "compiled"])
def test_graphs_make_the_same_mask(name, compiled):
    pattern = sparsity_pattern(name)

    @tf.function(jit_compile=compiled, autograph=False)
    def masks(normal, tied):
        return pattern.mask(normal), pattern.mask(tied)

    for found, scores in zip(masks(normal_scores(), tied_scores()), (normal_scores(), tied_scores()), strict=True):
        assert np.array_equal(found, pattern.mask(scores))


@pytest.mark.parametrize("name", CHOOSING)
@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "compiled"])
def test_one_traced_function_serves_a_ramp(name, compiled):
    pattern, scores = sparsity_pattern(name), tied_scores(seed=3)
    mask = tf.function(lambda scores, density: pattern.mask(scores, density), jit_compile=compiled, autograph=False)
    for density in DENSITIES:
        found = mask(tf.constant(scores), tf.constant(density))
        assert np.array_equal(found, pattern.mask(scores, density)), density
    assert mask.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("name", CHOOSING)
def test_nan_is_lowest_and_infinity_highest(name):
    pattern, scores = sparsity_pattern(name), np.full(SHAPE, -1.0, np.float32)
    if isinstance(pattern, GroupPattern):
        groups = pattern.groups(SHAPE)
        first, last = (np.asarray(pattern.expand(np.arange(groups) == place, SHAPE)) for place in (0, groups - 1))
    else:
        first, last = (np.arange(math.prod(SHAPE)).reshape(SHAPE) == place for place in (0, math.prod(SHAPE) - 1))
    scores[first], scores[last] = np.nan, np.inf
    mask = np.asarray(pattern.mask(scores))
    assert mask[last].all()
    assert not mask[first].any() or pattern.density == 1.0


@pytest.mark.parametrize("name", CHOOSING)
def test_subnormal_scores_count_as_zero(name):
    pattern = sparsity_pattern(name)
    scores = np.linspace(0.0, 1e-39, math.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    assert np.array_equal(pattern.mask(scores), pattern.mask(np.zeros(SHAPE)))


@pytest.mark.parametrize("name", NAMES)
def test_arrays_tensors_and_variables_of_any_float_type_are_taken(name):
    pattern, scores = sparsity_pattern(name), tied_scores() + 2.0
    expected = np.asarray(pattern.mask(scores))
    for each in (scores.tolist(), keras.Variable(scores), scores.astype(np.float64), tf.constant(scores, tf.bfloat16)):
        assert np.array_equal(pattern.mask(each), expected)
    keras.config.set_floatx("bfloat16")
    try:
        assert np.array_equal(pattern.mask(tf.constant(scores)), expected)
    finally:
        keras.config.set_floatx("float32")


@pytest.mark.parametrize("name", GROUPED)
def test_groups_are_of_equal_size_and_expand_to_whole_ones(name):
    pattern = sparsity_pattern(name)
    groups = pattern.groups(SHAPE)
    for place in range(groups):
        mask = np.asarray(pattern.expand(np.arange(groups) == place, SHAPE))
        assert mask.sum() * groups == math.prod(SHAPE)
        sums = np.asarray(pattern.group_scores(tf.constant(mask, tf.float32)))
        assert np.array_equal(np.flatnonzero(sums), [place]) and sums[place] == mask.sum()
    assert pattern.index_bytes(SHAPE) == math.ceil(groups / 8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0, 4), (None, 4, 4, 4)])
def test_a_weight_without_known_entries_is_refused(name, shape):
    with pytest.raises(ConfigError, match=r"cannot be laid on `a/b`: it has no entries, or a length is unknown"):
        sparsity_pattern(name).check(shape, "`a/b`")


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("BERN")])
def test_a_seed_without_a_draw_is_refused(name):
    with pytest.raises(ConfigError, match=r"`seed` has no effect on `.*`; leave it out. Received: seed=3."):
        sparsity_pattern(name).mask(normal_scores(), seed=3)


@pytest.mark.parametrize("name", CHOOSING)
def test_impossible_densities_are_refused(name):
    for density in (-0.1, 1.5, math.nan):
        with pytest.raises(ConfigError, match=rf"`density` must be in \[0, 1\]. Received: density={density}."):
            sparsity_pattern(name).mask(normal_scores(), density)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_make_the_same_masks(backend, repository):
    """Needs the backend: `python -m pytest -m slow tests/sparsity -k backends`, or ESPALIER_BACKENDS_PYTHON."""
    python = os.environ.get("ESPALIER_BACKENDS_PYTHON", sys.executable)
    if subprocess.run([python, "-c", f"import {backend}"], capture_output=True, check=False).returncode:
        pytest.skip(f"{backend} is not installed beside {python}")
    digests = [
        json.loads(
            subprocess.run(
                [executable, "-m", "tests.sparsity.print_masks"],
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
