import sys
import textwrap

import keras
import numpy as np
import pytest

from source.callback import keras_callback
from source.callback.schedule import EveryEpoch, EverySteps
from source.config.config import CallbackConfig
from source.config.errors import ConfigError, MissingDependencyError, UnknownNameError
from tests.callback.fake_run import FakeModeler, FakeRun, drive, through_json


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train begins")

    def on_train_end(self, logs=None):
        self.calls.append("train ends")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} begins")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append((epoch, logs))


class BatchRecorder(Recorder):
    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"batch {batch} begins")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"batch {batch} ends with {logs['loss']:g}")


@pytest.fixture(scope="module")
def modeler():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="logits")])
    return FakeModeler(model, keras.optimizers.SGD(0.5))


def new_run(modeler, **fields):
    return FakeRun(modeler=modeler, **{"max_step": 5, "steps_per_epoch": 2, **fields})


def loss(step):
    return {"loss": float(step)}


def train(callback, run, **options):
    callback.before_run(run)
    drive(callback, run, **{"scalars": loss, **options})
    callback.after_run(run)


def test_forwards_epochs_with_means_and_evaluations(modeler):
    recorder = Recorder()
    run = new_run(modeler)
    callback = keras_callback.adapt(recorder)
    evaluate = lambda step: {"accuracy": step / 10, "examples": 7.0, "seconds": 1.0}  # noqa: E731
    train(callback, run, evaluate=evaluate)
    assert callback.schedule == EveryEpoch()
    assert recorder.params == {"epochs": 3, "steps": 2, "verbose": 0}
    assert recorder.calls == [
        "train begins",
        "epoch 0 begins",
        (0, {"loss": 1.5, "val_accuracy": 0.2}),
        "epoch 1 begins",
        (1, {"loss": 3.5, "val_accuracy": 0.4}),
        "epoch 2 begins",
        (2, {"loss": 5.0, "val_accuracy": 0.5}),
        "train ends",
    ]


def test_forwards_batches_where_their_hooks_are_overridden(modeler):
    recorder = BatchRecorder()
    callback = keras_callback.adapt(recorder)
    train(callback, new_run(modeler, max_step=3))
    assert callback.schedule == EverySteps(1)
    assert recorder.calls == [
        "train begins",
        "epoch 0 begins",
        "batch 0 begins",
        "batch 0 ends with 1",
        "batch 1 begins",
        "batch 1 ends with 2",
        (0, {"loss": 1.5}),
        "epoch 1 begins",
        "batch 0 begins",
        "batch 0 ends with 3",
        (1, {"loss": 3.0}),
        "train ends",
    ]


def test_epochs_need_not_be_whole_numbers_of_steps(modeler):
    recorder = BatchRecorder()
    train(keras_callback.adapt(recorder), new_run(modeler, steps_per_epoch=1.5, max_step=5))
    assert [call for call in recorder.calls if "begins" in call and "batch" in call] == [
        *("batch 0 begins", "batch 1 begins"),
        "batch 0 begins",
        *("batch 0 begins", "batch 1 begins"),
    ]
    assert [call[0] for call in recorder.calls if isinstance(call, tuple)] == [0, 1, 2]


@pytest.mark.parametrize("kind", [Recorder, BatchRecorder])
def test_a_resumed_run_goes_on_in_the_middle_of_an_epoch(modeler, kind):
    def epochs(recorder):
        return [call for call in recorder.calls if isinstance(call, tuple)]

    whole = kind()
    train(keras_callback.adapt(whole), new_run(modeler, max_step=8, steps_per_epoch=4))
    first, second = kind(), kind()
    before = keras_callback.adapt(first)
    train(before, new_run(modeler, max_step=8, steps_per_epoch=4), to_step=6)
    after = keras_callback.adapt(second)
    after.load_state(through_json(before.state()))
    train(after, new_run(modeler, max_step=8, steps_per_epoch=4, step=6))
    assert "epoch 1 begins" in second.calls
    if kind is BatchRecorder:
        assert "batch 2 begins" in second.calls and "batch 1 begins" not in second.calls
        assert epochs(first) + epochs(second) == epochs(whole)


def test_functions_of_a_lambda_callback_count_as_overridden():
    made = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    assert keras_callback.adapt(made).schedule == EverySteps(1)
    made = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    assert keras_callback.adapt(made).schedule == EveryEpoch()


def test_shows_the_model_with_an_optimizer_as_if_it_were_compiled(modeler):
    recorder = Recorder()
    keras_callback.adapt(recorder).before_run(new_run(modeler))
    assert float(recorder.model.optimizer.learning_rate) == 0.5
    assert recorder.model.stop_training is False
    assert recorder.model.get_layer("logits") is modeler.model.get_layer("logits")
    assert recorder.model(np.ones((1, 3), np.float32)).shape == (1, 2)
    assert getattr(modeler.model, "optimizer", None) is None


def test_training_ends_before_the_last_checkpoint_is_written_and_only_once(modeler):
    recorder = Recorder()
    callback = keras_callback.adapt(recorder)
    run = new_run(modeler)
    callback.before_run(run)
    drive(callback, run, scalars=loss)
    assert recorder.calls[-1] == "train ends"
    callback.after_run(run)
    assert recorder.calls.count("train ends") == 1


def test_training_does_not_end_by_an_interruption(modeler):
    recorder = Recorder()
    run = new_run(modeler)
    run.interrupted = "SIGTERM"
    train(keras_callback.adapt(recorder), run, to_step=3)
    assert "train ends" not in recorder.calls


def test_stop_training_ends_the_run(modeler):
    run = new_run(modeler, max_step=20)
    config = keras_callback.Config(target="EarlyStopping", options={"monitor": "loss", "mode": "min"})
    train(keras_callback.build(config), run)
    assert run.stopped == ["keras_callback: `EarlyStopping` asked for it."]
    assert run.step == 4


def test_early_stopping_restores_the_best_weights(modeler):
    best = keras.ops.convert_to_numpy(modeler.model.weights[0])
    options = {"monitor": "loss", "mode": "min", "restore_best_weights": True}
    callback = keras_callback.build(keras_callback.Config(target="EarlyStopping", options=options))
    run = new_run(modeler, max_step=20)

    def worse(step):
        if step > 2:
            modeler.model.weights[0].assign(best + step)
        return loss(step)

    train(callback, run, scalars=worse)
    assert np.array_equal(keras.ops.convert_to_numpy(modeler.model.weights[0]), best)


def test_csv_logger_model_checkpoint_and_history_work(modeler, tmp_path):
    logs = keras_callback.Config(target="CSVLogger", options={"filename": str(tmp_path / "log.csv")})
    train(keras_callback.build(logs), new_run(modeler, max_step=4))
    assert (tmp_path / "log.csv").read_text() == "epoch,loss,val_loss\n0,1.5,NA\n1,3.5,NA\n"

    weights = tmp_path / "{epoch}.weights.h5"
    options = {"filepath": str(weights), "save_weights_only": True}
    train(
        keras_callback.build(keras_callback.Config(target="ModelCheckpoint", options=options)),
        new_run(modeler, max_step=4),
    )
    assert sorted(path.name for path in tmp_path.glob("*.h5")) == ["1.weights.h5", "2.weights.h5"]

    history = keras.callbacks.History()
    train(keras_callback.adapt(history), new_run(modeler, max_step=4))
    assert history.history == {"loss": [1.5, 3.5]}


def test_terminate_on_nan_works(modeler):
    run = new_run(modeler)
    train(
        keras_callback.build(keras_callback.Config(target="TerminateOnNaN")),
        run,
        scalars=lambda step: {"loss": float("nan")},
    )
    assert run.step == 1


def test_tells_the_learning_rate_in_force(modeler):
    recorder = Recorder()
    scalars = lambda step: {"learning_rate": 2.0**-step}  # noqa: E731
    train(keras_callback.adapt(recorder), new_run(modeler, max_step=2), scalars=scalars)
    assert (0, {"learning_rate": 0.25}) in recorder.calls


def test_finds_a_callback_of_the_users_own(modeler, tmp_path, monkeypatch):
    text = """
    import keras

    class Mine(keras.callbacks.Callback):
        def __init__(self, number):
            super().__init__()
            self.number = number

    nothing = 3
    """
    (tmp_path / "espalier_mine.py").write_text(textwrap.dedent(text))
    (tmp_path / "espalier_lacking.py").write_text("import a_package_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    config = keras_callback.Config(target="espalier_mine.Mine", options={"number": 7})
    assert keras_callback.build(config)._keras.number == 7

    def refused(target, **options):
        keras_callback.build(keras_callback.Config(target=target, options=options))

    message = r"^keras_callback\.options: `espalier_mine\.Mine` refuses them: .*numbr"
    with pytest.raises(ConfigError, match=message):
        refused("espalier_mine.Mine", numbr=7)
    message = (
        r"^keras_callback\.target: `espalier_mine\.nothing` must be a subclass of "
        r"keras\.callbacks\.Callback\. Received: 3\.$"
    )
    with pytest.raises(ConfigError, match=message):
        refused("espalier_mine.nothing")
    message = r"^keras_callback\.target `espalier_mine\.Min`: espalier_mine has no `Min`\. Did you mean `Mine`\?$"
    with pytest.raises(UnknownNameError, match=message):
        refused("espalier_mine.Min")
    message = r"^keras_callback\.target `espalier_min\.Mine`: there is no module `espalier_min`\.$"
    with pytest.raises(UnknownNameError, match=message):
        refused("espalier_min.Mine")
    message = (
        r"^keras_callback\.target `espalier_lacking\.A`: its module espalier_lacking needs "
        r"`a_package_nobody_has`, which is not installed\. Install it and try again\.$"
    )
    with pytest.raises(MissingDependencyError, match=message):
        refused("espalier_lacking.A")
    sys.modules.pop("espalier_mine")


def test_offers_the_nearest_callback_of_keras():
    message = r"^keras_callback\.target `CSVLoger`: Keras has no such callback\. Did you mean `CSVLogger`\?$"
    with pytest.raises(UnknownNameError, match=message):
        keras_callback.build(keras_callback.Config(target="CSVLoger"))


@pytest.mark.parametrize(
    ("target", "options"),
    [("ReduceLROnPlateau", {}), ("LearningRateScheduler", {"schedule": lambda epoch: 0.1})],
)
def test_refuses_what_would_set_the_learning_rate(target, options):
    message = (
        rf"^keras_callback\.target: `{target}` sets the learning rate, which follows the schedule of the "
        r"modeler\. Set `lr_method` of the modeler instead\.$"
    )
    with pytest.raises(ConfigError, match=message):
        keras_callback.build(keras_callback.Config(target=target, options=options))


def test_is_built_from_what_every_callback_knows():
    assert isinstance(keras_callback.build(CallbackConfig())._keras, keras.callbacks.History)
