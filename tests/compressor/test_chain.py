"""Tests of chains: one model, several compressors, in their order."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError, UnknownNameError
from tests.compressor import small_models

PRUNING = {"name": "magnitude_pruning", "sparsity": 0.5, "end_step": 4, "every_steps": 2}


def chain(*members):
    return compressor("chain", members=members)


def test_weights_go_through_the_members_in_their_order():
    made = chain(PRUNING, {"name": "quantize_aware"})
    model = made.prepare(small_models.images())
    rows = {row.layer: row.how for row in made.report(model).compressed}
    assert rows["conv"] == "TOPK{0.5} > int8<channel>"


def test_every_step_reaches_the_members_that_are_due():
    made = chain(PRUNING, {"name": "quantize_aware", "freeze_step": 3})
    assert [made.next_update(step) for step in (-1, 0, 2, 3, 4)] == [0, 2, 3, 4, None]


def test_zeros_stay_zero_through_training_and_finish():
    made = chain(PRUNING, {"name": "quantize_aware"}, {"name": "distillation"})
    model = small_models.compiled(made.prepare(small_models.images()))
    small_models.fit(model, [made.keras_callback()], epochs=2)
    assert made.report(model).totals()["sparsity"] > 0.4
    finished = made.finish(model)
    kernel = keras.ops.convert_to_numpy(finished.get_layer("conv").kernel)
    assert np.count_nonzero(kernel) == 144  # of 288
    x = np.random.default_rng(4).normal(size=(3, 6, 6, 3)).astype("float32")
    # Folding reorders float32 products; an activation on the edge between two of 256 steps may go to the other.
    np.testing.assert_allclose(finished(x), model(x), atol=0.02)


def test_the_teacher_is_the_model_before_all_members():
    model = small_models.images()
    made = chain({"name": "quantize_aware", "weights": "binary"}, {"name": "distillation"})
    made.prepare(model)
    x = np.random.default_rng(4).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(made.members[-1].teacher(x), model(x))


def test_reasons_are_those_of_all_members():
    rules = [{"match": {"name": "dense"}, "do": "skip"}]
    made = chain({**PRUNING, "rules": rules}, {"name": "quantize_aware", "rules": rules})
    model = made.prepare(small_models.images())
    [row] = [row for row in made.report(model).not_compressed if (row.layer, row.weight) == ("dense", "kernel")]
    assert row.how == "skipped by a rule"


def test_a_loaded_model_is_taken_up_by_a_new_chain(tmp_path):
    small_models.assert_resumes(lambda: chain(PRUNING, {"name": "quantize_aware", "freeze_step": 3}), *(
        small_models.images(), tmp_path
    ))  # fmt: skip


def test_calibration_is_needed_if_a_member_needs_it():
    learned = {"name": "quantize_aware", "activations": "uint4", "activation_ranges": "learned_step"}
    assert chain(PRUNING, learned).needs_calibration
    assert not chain(PRUNING).needs_calibration


@pytest.mark.parametrize(
    ("members", "error", "message"),
    [
        ([], ConfigError, "`members` must be at least one compressor"),
        ([{"sparsity": 0.5}], ConfigError, r"`members\[0\].name` is missing"),
        (
            [{**PRUNING, "sparsty": 0.5}],
            ConfigError,
            r"members\[0\]: .*sparsty: unknown setting. Did you mean `sparsity`",
        ),
        ([{"name": "magnitude_prunin"}], UnknownNameError, "Did you mean `magnitude_pruning`"),
        ([{"name": "distillation"}, PRUNING], ConfigError, "distillation must be the last member"),
    ],
)
def test_what_cannot_be_is_refused(members, error, message):
    with pytest.raises(error, match=message):
        compressor("chain", members=members)
