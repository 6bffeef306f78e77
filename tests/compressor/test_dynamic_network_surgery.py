"""Tests of dynamic network surgery: what goes below the threshold, what comes back, when, and exactly how many."""

import keras
import numpy as np
import pytest

from source.compressor.build import compressor
from source.config.errors import ConfigError
from tests.compressor import small_models

EIGHT = [[1, -2, 3, -4], [-5, 6, -7, 8]]  # mean of magnitudes 4.5, deviation sqrt(5.25) = 2.29
NAME = "dynamic_network_surgery"


def surgery(**settings):
    return compressor(NAME, **{"begin_step": 0, "end_step": 8, "every_steps": 2, **settings})


def prepared(settings, *kernels):
    made = surgery(**settings)
    return made, made.prepare(small_models.dense(*(kernels or (EIGHT,))))


def mask_after(made, model, kernel, step):
    model.get_layer("a").variable("kernel").assign(kernel)
    made.update(step)
    return small_models.kept(model, "a").tolist()


def test_a_prepared_model_computes_the_same():
    model = small_models.images()
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 3)).astype("float32")
    np.testing.assert_array_equal(surgery().prepare(model)(x), model(x))


def test_entries_up_to_nine_tenths_of_the_threshold_go():
    made, model = prepared({"alpha": 0.0, "schedule": "constant"})  # threshold 4.5: off at 4.05, on above 4.95
    assert mask_after(made, model, EIGHT, 0) == [[0, 0, 0, 0], [1, 1, 1, 1]]


def test_alpha_counts_deviations_above_the_mean():
    made, model = prepared({"alpha": 1.0, "schedule": "constant"})  # threshold 6.79: off at 6.11
    assert mask_after(made, model, EIGHT, 0) == [[0, 0, 0, 0], [0, 0, 1, 1]]


def test_pruned_entries_come_back_above_eleven_tenths_of_the_threshold():
    made, model = prepared({"alpha": 0.0, "schedule": "constant"})
    mask_after(made, model, EIGHT, 0)
    # The mean is 4.5 again: 5.2 is above 4.95 and comes back, 4.2 is above 4.05 and stays.
    assert mask_after(made, model, [[1, -2, 3, -5.2], [-4.2, 6, -7, 7.6]], 2) == [[0, 0, 0, 1], [1, 1, 1, 1]]


def test_entries_between_the_factors_stay_what_they_are():
    made, model = prepared({"alpha": 0.0, "schedule": "constant"})
    mask_after(made, model, EIGHT, 0)
    assert mask_after(made, model, [[1, -2, 3, -4.7], [-5, 6, -7, 7.3]], 2) == [[0, 0, 0, 0], [1, 1, 1, 1]]


def test_the_factors_can_be_others():
    made, model = prepared({"alpha": 0.0, "schedule": "constant", "on_factor": 1.0, "off_factor": 0.6})
    assert mask_after(made, model, EIGHT, 0) == [[0, 0, 1, 1], [1, 1, 1, 1]]  # off at 2.7
    assert mask_after(made, model, [[1, -4.6, 3, -4], [-5, 6, -7, 5.4]], 2) == [[0, 1, 1, 1], [1, 1, 1, 1]]


def test_nothing_happens_between_due_steps_and_after_the_last():
    made, model = prepared({"alpha": 0.0, "schedule": "constant"})
    assert mask_after(made, model, EIGHT, 1) == [[1] * 4] * 2
    assert mask_after(made, model, EIGHT, 9) == [[1] * 4] * 2
    assert [made.next_update(step) for step in (-1, 0, 1, 2, 7, 8)] == [0, 2, 2, 4, 8, None]


def test_alpha_rises_from_its_initial_value():
    made, model = prepared({"alpha": 1.0, "initial_alpha": -1.0, "power": 1.0})
    counts = [np.sum(mask_after(made, model, EIGHT, step)) for step in (0, 4, 8)]
    assert counts == [7, 4, 2]  # off at 0.9 times 2.21, 4.5 and 6.79


def test_a_sparsity_becomes_a_threshold():
    made, model = prepared({"sparsity": 0.75, "power": 1.0})
    counts = [np.sum(mask_after(made, model, EIGHT, step)) for step in (0, 4, 8)]
    assert counts == [8, 5, 2]


def test_a_pruned_entry_must_grow_past_a_kept_one_by_both_factors():
    made, model = prepared({"sparsity": 0.75, "schedule": "constant"})
    assert mask_after(made, model, EIGHT, 0) == [[0, 0, 0, 0], [0, 0, 1, 1]]
    # 6 is kept against pruned ones below 6 * 1.1 / 0.9 = 7.33.
    assert mask_after(made, model, [[7.3, -2, 3, -4], [-5, 6, -6, 8]], 2) == [[0, 0, 0, 0], [0, 0, 1, 1]]
    assert mask_after(made, model, [[7.4, -2, 3, -4], [-5, 6, -6, 8]], 4) == [[1, 0, 0, 0], [0, 0, 0, 1]]


def test_the_initial_sparsity_is_that_of_the_first_mask():
    made, model = prepared({"sparsity": 0.75, "initial_sparsity": 0.5})
    assert mask_after(made, model, EIGHT, 0) == [[0, 0, 0, 0], [1, 1, 1, 1]]


def test_the_last_mask_can_be_exact():
    made, model = prepared({"sparsity": 0.5, "final_sparsity": 0.75})
    assert mask_after(made, model, EIGHT, 6) == [[0, 0, 0, 0], [1, 1, 1, 1]]
    assert mask_after(made, model, EIGHT, 8) == [[0, 0, 0, 0], [0, 0, 1, 1]]


def test_rules_give_layers_their_own_sparsity():
    rules = [{"match": {"name": "b"}, "do": {"sparsity": 0.25, "final_sparsity": 0.25}}]
    made, model = prepared({"final_sparsity": 0.75, "rules": rules}, EIGHT, np.transpose(EIGHT))
    made.update(8)
    assert [np.sum(small_models.kept(model, name)) for name in "ab"] == [2, 6]
    assert [row.how for row in made.report(model).compressed] == ["surgery TOPK{0.25}", "surgery TOPK{0.75}"]


def test_a_rule_may_turn_from_alpha_to_sparsity():
    rules = [{"match": {"name": "b"}, "do": {"alpha": None, "sparsity": 0.75}}]
    made, model = prepared({"alpha": 0.0, "rules": rules}, EIGHT, np.transpose(EIGHT))
    made.update(8)
    assert [np.sum(small_models.kept(model, name)) for name in "ab"] == [4, 2]
    assert [row.how for row in made.report(model).compressed] == ["surgery alpha=0", "surgery TOPK{0.25}"]


def test_densities_of_layers_add_up_to_a_total():
    shares = {"conv": 0.9, "depthwise": 0.5, "dense": 0.75, "stem": 0.25}
    rules = [{"match": {"name": name}, "do": {"final_sparsity": share}} for name, share in shares.items()]
    made = surgery(schedule="one_shot", rules=rules)
    model = made.prepare(small_models.images())
    made.update(0)
    rows = {row.layer: row.kept for row in made.report(model).compressed}
    assert rows == {"stem": 81, "conv": 29, "depthwise": 36, "dense": 8}


@pytest.mark.parametrize(("backward", "moves"), [("ste", True), ("masked", False)])
def test_gradients_reach_pruned_weights_only_straight_through(backward, moves):
    made, model = prepared({"backward": backward, "alpha": 0.0, "schedule": "one_shot"})
    small_models.fit(small_models.compiled(model), [made.keras_callback()])
    weights = keras.ops.convert_to_numpy(model.get_layer("a").variable("kernel"))
    assert np.all(weights[0] != np.array(EIGHT[0], "float32")) == moves
    assert np.all(weights[1] != np.array(EIGHT[1], "float32"))


def test_fit_follows_the_schedule():
    made = surgery(final_sparsity=0.9, end_step=6)
    model = small_models.compiled(made.prepare(small_models.images()))
    recorder = small_models.Recorder(lambda: int(small_models.kept(model, "conv").sum()))
    small_models.fit(model, [made.keras_callback(), recorder], epochs=2)
    counts = recorder.seen
    assert counts[0] == counts[1] == 288 > counts[2] == counts[3] > counts[4] == counts[5] > counts[6]
    assert counts[6:] == [29, 29, 29]  # round(288 * 0.1), also after two more steps


def test_training_that_was_interrupted_goes_on_the_same(tmp_path):
    def make():
        return surgery(every_steps=1, update_decay=0.5, final_sparsity=0.9)

    model = small_models.assert_resumes(make, small_models.images(), tmp_path)
    assert small_models.kept(model, "conv").sum() == 29


def test_updates_become_rare_and_are_those_of_the_seed():
    def due(seed, decay):
        made = surgery(every_steps=1, end_step=200, update_decay=decay, seed=seed)
        steps = [-1]
        while (step := made.next_update(steps[-1])) is not None:
            steps.append(step)
        assert all(made.ramp.is_due(step) for step in steps[1:])
        return steps[1:]

    assert due(0, 0.0) == list(range(201))
    steps = due(0, 0.1)
    assert steps[0] == 0 and steps[-1] == 200
    # The mean of (1 + t / 10)^-1 is 0.64 over the first 20 steps, and 0.065 over the last 100.
    assert sum(step < 20 for step in steps) > 9 and sum(step >= 100 for step in steps) < 20
    assert due(0, 0.1) == steps != due(1, 0.1)


def test_a_step_left_out_keeps_the_progress_of_the_last_one():
    made = surgery(every_steps=1, end_step=100, update_decay=1.0)
    last = max(step for step in range(50) if made.ramp.is_due(step))
    assert made.ramp.value(49) == made.ramp.ramp.value(last)
    assert made.ramp.value(1000) == 0.5


def test_a_model_that_nothing_was_pruned_of_is_not_finished():
    made, model = prepared({"begin_step": 4})
    with pytest.raises(ConfigError, match="nothing has been pruned yet: its first step is 4"):
        made.finish(model)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity": 1.0}, "`sparsity` must be between 0 and 1. Received: sparsity=1.0"),
        ({"final_sparsity": 0.0}, "`final_sparsity` must be between 0 and 1. Received: final_sparsity=0.0"),
        ({"sparsity": 0.5, "alpha": 1.0}, "`sparsity` must be left out, or null, where `alpha` decides"),
        ({"initial_alpha": 1.0}, "`initial_alpha` must be left out without `alpha`"),
        ({"alpha": 1.0, "initial_sparsity": 0.5}, "`initial_sparsity` must be 0 where `alpha` decides"),
        ({"initial_sparsity": 1.0}, "`initial_sparsity` must be at least 0 and below 1"),
        ({"off_factor": 0.0}, "`off_factor` must be positive"),
        ({"on_factor": 0.5}, "`on_factor` must be at least off_factor=0.9. Received: on_factor=0.5"),
        ({"update_decay": -1.0}, "`update_decay` must be at least 0"),
        ({"update_power": 0.0}, "`update_power` must be positive"),
        ({"every_steps": 9}, "`every` must be at most end - begin = 8"),
        ({"alpha": 1.0, "rules": [{"do": {"sparsity": 0.5}}]}, "rules[0].do: `sparsity` must be left out, or null"),
        ({"rules": [{"do": {"gamma": 0.5}}]}, "rules[0].do.gamma: unknown setting"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError) as error:
        surgery(**settings)
    assert message in str(error.value)
