import re

import numpy as np
import pytest
import tensorflow as tf

from source.augmenter import normalize
from source.callback import eval_basic
from source.callback.callback import Callback
from source.callback.schedule import EverySteps
from source.config.config import CallbackConfig, RunnerConfig
from source.config.errors import CheckpointError, ConfigError, DataError
from source.runner import runner as runner_module
from source.runner._checkpoint import list_checkpoints, read_checkpoint
from tests.runner.parts import BATCH, make_inputter, make_modeler, make_runner

STEPS = 15  # 80 training pictures, 3 epochs, batches of 16


class Recorder(Callback):
    modes = frozenset({"train", "evaluate", "infer", "export"})

    def __init__(self, every=5, config=None):
        super().__init__(config or CallbackConfig())
        self.every, self.events = every, []

    @property
    def schedule(self):
        return EverySteps(self.every)

    def before_run(self, run):
        self.events.append(("before_run", run.mode, run.progress.step))

    def before_step(self, run):
        self.events.append(("before_step", run.progress.step))

    def after_step(self, run, window):
        self.events.append(("after_step", window.first_step, window.last_step, window.examples))

    def after_evaluate(self, run, metrics):
        self.events.append(("after_evaluate", run.progress.step))

    def after_predict(self, run, outputs):
        self.events.append(("after_predict", {name: array.shape for name, array in outputs.items()}))

    def after_run(self, run):
        self.events.append(("after_run", run.progress.step))


def final_arrays(model_dir):
    return read_checkpoint(list_checkpoints(model_dir / "checkpoints")[-1][1]).arrays


def assert_same_bits(first, second):
    assert list(first) == list(second)
    for name in first:
        assert first[name].tobytes() == second[name].tobytes(), name


def test_a_run_calls_its_hooks_in_the_order_of_the_timeline():
    recorder = Recorder(every=5)
    result = make_runner(callbacks=[recorder], evaluate_every_epochs=2).train()
    assert recorder.events == [
        ("before_run", "train", 0),
        ("before_step", 0),
        ("after_step", 1, 5, 5 * BATCH),
        ("before_step", 5),
        ("after_evaluate", 10),
        ("after_step", 6, 10, 5 * BATCH),
        ("before_step", 10),
        ("after_evaluate", 15),
        ("after_step", 11, 15, 5 * BATCH),
        ("after_run", 15),
    ]
    assert result.step == STEPS
    assert result.metrics["examples"] == 20
    assert set(result.metrics) >= {"loss", "accuracy", "seconds"}


def test_blocks_are_no_longer_than_allowed():
    recorder = Recorder(every=100)
    make_runner(callbacks=[recorder], max_steps_per_call=6, evaluate_every_epochs=0).train()
    assert [event for event in recorder.events if event[0] == "before_step"] == [
        ("before_step", 0),
        ("before_step", 6),
        ("before_step", 12),
    ]


def test_training_learns():
    # Mirrored stripes look like those of another class, so the pictures are only normalised.
    inputter = make_inputter(normalize, epochs=100)
    result = make_runner(inputter=inputter, evaluate_every_epochs=100).train()
    assert result.metrics["accuracy"] > 0.9


@pytest.mark.parametrize("cut", [1, 7, 12])
def test_a_run_that_was_cut_ends_with_the_bits_of_one_that_was_not(tmp_path, cut):
    make_runner(tmp_path / "whole").train()
    make_runner(tmp_path / "parts", max_steps=cut).train()
    make_runner(tmp_path / "parts").train()
    assert_same_bits(final_arrays(tmp_path / "whole"), final_arrays(tmp_path / "parts"))


def test_how_long_the_blocks_are_changes_no_bit(tmp_path):
    make_runner(tmp_path / "long").train()
    make_runner(tmp_path / "short", callbacks=[Recorder(every=1)]).train()
    assert_same_bits(final_arrays(tmp_path / "long"), final_arrays(tmp_path / "short"))


def test_two_runs_of_one_seed_are_equal_and_of_two_seeds_are_not(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_runner(tmp_path / name, inputter=make_inputter(seed=seed), modeler=make_modeler(seed=seed)).train()
    assert_same_bits(final_arrays(tmp_path / "a"), final_arrays(tmp_path / "b"))
    kernel = "model/conv/kernel"
    assert (final_arrays(tmp_path / "a")[kernel] != final_arrays(tmp_path / "c")[kernel]).any()


def test_checkpoints_are_kept_as_asked_and_the_last_step_is_one(tmp_path):
    make_runner(tmp_path, save_every=4).train()
    assert [step for step, _ in list_checkpoints(tmp_path / "checkpoints")] == [12, 15]


def test_a_run_that_is_complete_says_so_and_trains_nothing(tmp_path, capsys):
    make_runner(tmp_path).train()
    before = final_arrays(tmp_path)
    result = make_runner(tmp_path).train()
    assert "Training is complete: 15 of 15 steps are done." in capsys.readouterr().out
    assert result.step == STEPS
    assert_same_bits(before, final_arrays(tmp_path))


def test_evaluation_in_another_process_agrees_with_the_last_of_training(tmp_path):
    trained = make_runner(tmp_path).train()
    evaluated = make_runner(tmp_path, mode="eval").run()
    assert evaluated.step == STEPS
    assert evaluated.metrics["accuracy"] == trained.metrics["accuracy"]
    assert evaluated.metrics["loss"] == trained.metrics["loss"]


def test_evaluation_does_not_ask_how_the_weights_were_trained(tmp_path):
    trained = make_runner(tmp_path).train()
    other = make_modeler(optimizer="adam")
    assert make_runner(tmp_path, modeler=other).evaluate().metrics["accuracy"] == trained.metrics["accuracy"]
    with pytest.raises(CheckpointError, match="of another model or optimizer"):
        make_runner(tmp_path, inputter=make_inputter(epochs=4), modeler=make_modeler(optimizer="adam")).train()


@pytest.mark.parametrize("mode", ["evaluate", "infer", "export"])
def test_nothing_but_training_runs_without_a_checkpoint(tmp_path, mode):
    expected = re.escape(f"There is no checkpoint to {mode} with: {tmp_path / 'checkpoints'} holds none.")
    with pytest.raises(CheckpointError, match=expected):
        make_runner(tmp_path, mode=mode).run()


@pytest.mark.parametrize("mode", ["evaluate", "infer", "export"])
def test_weights_that_nothing_restored_are_refused_unless_allowed(mode):
    with pytest.raises(CheckpointError, match=f"no trained weights to {mode} with: no callback restored any"):
        make_runner(mode=mode).run()


def test_pretrained_weights_are_evaluated_as_the_run_that_made_them(tmp_path):
    trained = make_runner(tmp_path / "run").train()
    file = list_checkpoints(tmp_path / "run" / "checkpoints")[-1][1]
    settings = CallbackConfig(model_dir=str(tmp_path / "other"), pretrained_model=str(file))
    result = make_runner(callbacks=[eval_basic.build(settings)], mode="eval").run()
    assert result.step == 0
    assert result.metrics["accuracy"] == trained.metrics["accuracy"]


def test_weights_that_a_network_brought_may_be_evaluated():
    result = make_runner(allow_untrained=True).evaluate()
    assert (result.step, result.metrics["examples"]) == (0, 20)


def test_a_runner_without_a_folder_knows_what_it_has_trained(capsys):
    runner = make_runner(evaluate_every_epochs=0)
    runner.train()
    assert runner.evaluate().step == STEPS
    assert runner.train().step == STEPS
    assert "Training is complete" in capsys.readouterr().out


def test_evaluation_needs_data():
    inputter = make_inputter(num_evaluation_samples=0)
    with pytest.raises(ConfigError, match="eval_dataset_meta: there is no data to evaluate on"):
        make_runner(inputter=inputter, allow_untrained=True).evaluate()


def test_saving_needs_a_folder():
    class Saves(Recorder):
        def after_step(self, run, window):
            run.request_checkpoint()

    with pytest.raises(ConfigError, match="model_dir: must be set to save checkpoints"):
        make_runner(callbacks=[Saves(config=CallbackConfig(model_dir=""))]).train()


def test_a_schedule_ends_with_the_last_step_that_is_asked_for():
    rates = []

    class Rates(Recorder):
        def after_step(self, run, window):
            rates.append(window.last["learning_rate"])

    modeler = make_modeler(lr_method="linear", learning_rate=0.05)
    make_runner(callbacks=[Rates(every=1)], modeler=modeler, max_steps=5).train()
    np.testing.assert_allclose(rates, [0.05, 0.04, 0.03, 0.02, 0.01], rtol=1e-6)  # float32 arithmetic


def test_a_callback_ends_the_run(capsys):
    class Stops(Recorder):
        def after_step(self, run, window):
            run.stop("it is good enough")

    recorder = Stops(every=3)
    result = make_runner(callbacks=[recorder]).train()
    assert result.step == 3
    assert recorder.events[-1] == ("after_run", 3)
    assert "Training ends at step 3: it is good enough" in capsys.readouterr().out


def test_a_callback_that_ends_the_run_before_it_begins_is_heard(capsys):
    class StopsAtOnce(Recorder):
        def before_run(self, run):
            run.stop(f"nothing to gain in {run.progress.max_step} steps")

    assert make_runner(callbacks=[StopsAtOnce()]).train().step == 0
    assert "Training ends at step 0: nothing to gain in 15 steps" in capsys.readouterr().out


def test_training_needs_a_batch_of_examples():
    inputter = make_inputter(num_samples=5, epochs=1)
    with pytest.raises(DataError, match="fewer examples than one batch: 5 examples"):
        make_runner(inputter=inputter).train()


def test_a_dry_run_does_one_step_of_everything_and_leaves_nothing(tmp_path, capsys):
    recorder = Recorder(every=1)
    result = make_runner(tmp_path / "run", callbacks=[recorder], dry_run=True).train()
    assert result.step == 1
    assert ("after_evaluate", 1) in recorder.events
    assert not (tmp_path / "run").exists()
    assert "The dry run went well" in capsys.readouterr().out


def test_one_batch_can_be_learnt_by_heart():
    losses = []

    class Losses(Recorder):
        def after_step(self, run, window):
            losses.append(window.last["loss"])

    inputter = make_inputter(epochs=60)
    runner = make_runner(
        callbacks=[Losses(every=300)], inputter=inputter, overfit_one_batch=True, evaluate_every_epochs=0
    )
    runner.train()
    assert losses[-1] < 0.1


@pytest.mark.parametrize("deterministic", [False, True])
def test_deterministic_operations_are_asked_for_before_the_model_is_built(monkeypatch, deterministic):
    asked = []
    monkeypatch.setattr(runner_module, "make_deterministic", lambda: asked.append(True))
    make_runner(deterministic=deterministic, dry_run=True).train()
    assert asked == [True] * deterministic


def test_a_broken_example_is_named(tmp_path):
    class Broken:
        def __getattr__(self, name):
            return getattr(inputter, name)

        def input_fn(self, split, start_step=0, replicas=1, overfit_one_batch=False):
            def fail(batch):
                with tf.control_dependencies([tf.debugging.assert_negative(batch["weight"])]):
                    return {name: tf.identity(value) for name, value in batch.items()}

            return inputter.input_fn(split, start_step, replicas).map(fail)

        def diagnose(self, split, step):
            return DataError(f"{split}.csv, row {step + 1}: not an image.")

    inputter = make_inputter()
    with pytest.raises(DataError, match=r"train\.csv, row 1: not an image\."):
        make_runner(inputter=Broken()).train()


def test_what_a_run_was_made_of_is_written_beside_it(tmp_path):
    make_runner(tmp_path).train()
    assert '"module": "source.runner.single_device_runner"' in (tmp_path / "run.json").read_text()


def test_the_mode_of_the_configuration_is_the_one_that_runs(tmp_path):
    recorder = Recorder()
    make_runner(tmp_path).train()
    make_runner(tmp_path, callbacks=[recorder], mode="export").run()
    assert [event[0] for event in recorder.events] == ["before_run", "after_run"]
    assert (tmp_path / "export" / "1" / "saved_model.pb").is_file()
    assert RunnerConfig(mode="eval").mode == "evaluate"


def test_exported_models_answer_as_the_model_does(tmp_path):
    runner = make_runner(tmp_path, evaluate_every_epochs=0)
    runner.train()
    path = runner.export().paths[0]
    images = np.random.default_rng(0).uniform(0, 255, (3, 12, 12, 3)).astype(np.float32)
    served = tf.saved_model.load(str(path)).signatures["predict"](input_image=tf.constant(images))
    with runner.modeler.evaluation_weights():
        expected = runner.modeler.predict_step({"image": runner.inputter.preprocess(tf.constant(images))})
    np.testing.assert_array_equal(served["output_probabilities"], expected["probabilities"])


def test_any_checkpoint_can_be_evaluated(tmp_path):
    runner = make_runner(tmp_path, save_every=4, evaluate_every_epochs=0)
    runner.train()
    steps = [step for step, _ in list_checkpoints(tmp_path / "checkpoints")]
    assert steps == [12, 15]
    assert [runner.evaluate(step).step for step in steps] == steps
    assert runner.evaluate().step == 15
    with pytest.raises(CheckpointError, match="There is no checkpoint to evaluate with"):
        runner.evaluate(13)


def test_restored_weights_are_there_for_whoever_asks(tmp_path):
    make_runner(tmp_path).train()
    runner = make_runner(tmp_path)
    with runner.restored() as run:
        assert run.step == STEPS
        held = runner.modeler.model.get_layer("conv").kernel.numpy()
    np.testing.assert_array_equal(held, final_arrays(tmp_path)["average/conv/kernel"])  # what evaluation sees


def test_the_last_step_is_known_before_training():
    assert make_runner().last_step() == STEPS
    assert make_runner(max_steps=4).last_step() == 4
    assert make_runner(dry_run=True).last_step() == 1
