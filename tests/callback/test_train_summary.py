import keras
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from source.callback import train_summary
from source.config.config import CallbackConfig
from source.config.errors import ConfigError
from tests.callback.fake_run import FakeModeler, FakeRun, drive, window
from tests.callback.test_compression import pruned_run


def read(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"histograms": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    return (
        {tag: [(event.step, event.value) for event in accumulator.Scalars(tag)] for tag in tags["scalars"]},
        {tag: [event.step for event in accumulator.Histograms(tag)] for tag in tags["histograms"]},
    )


def outputs(step):
    return {"loss": float(step), "learning_rate": 2.0**-step}


def train(run, **settings):
    callback = train_summary.build(train_summary.Config(**settings))
    callback.before_run(run)
    drive(callback, run, scalars=outputs)
    callback.after_run(run)


def test_writes_means_and_the_last_learning_rate(tmp_path):
    train(FakeRun(tmp_path, max_step=5), save_summary_steps=2)
    scalars, histograms = read(tmp_path / "tensorboard" / "train")
    assert scalars == {
        "loss": [(2, 1.5), (4, 3.5)],
        "learning_rate": [(2, 0.25), (4, 0.0625)],
        "examples_per_second": [(2, 128.0), (4, 128.0)],
    }
    assert histograms == {}


def test_writes_sparsity_bits_and_ends_of_a_compressed_model_at_its_own_steps(tmp_path):
    run = pruned_run(tmp_path, max_step=5)
    run.modeler.compressor.update(4)
    train(run, save_summary_steps=2)
    scalars, _ = read(tmp_path / "tensorboard" / "train")
    kernel = {name: scalars[f"compression/head/kernel/{name}"] for name in ("sparsity", "bits", "low", "high")}
    assert kernel == {
        "sparsity": [(2, 0.5), (4, 0.5)],
        "bits": [(2, 17.0), (4, 17.0)],
        "low": [(2, -8.0), (4, -8.0)],
        "high": [(2, 7.0), (4, 7.0)],
    }
    assert scalars["compression/bits"] == [(2, 20.0), (4, 20.0)]


def test_writes_only_the_outputs_that_are_named(tmp_path):
    train(FakeRun(tmp_path, max_step=2, summary_names="loss"), save_summary_steps=2)
    assert read(tmp_path / "tensorboard" / "train")[0] == {"loss": [(2, 1.5)]}


def test_refuses_a_name_that_is_no_output(tmp_path):
    run = FakeRun(tmp_path, summary_names=("loss", "learning_rat"))
    callback = train_summary.build(CallbackConfig())
    callback.before_run(run)
    message = r"^summary_names: no output is called `learning_rat`\. Did you mean `learning_rate`\?$"
    with pytest.raises(ConfigError, match=message):
        callback.after_step(run, window(100, **outputs(3)))
    callback.after_run(run)


def test_a_resumed_run_leaves_every_point_once(tmp_path):
    train(FakeRun(tmp_path, max_step=6), save_summary_steps=2)
    train(FakeRun(tmp_path, step=3, max_step=8), save_summary_steps=2)
    assert [step for step, _ in read(tmp_path / "tensorboard" / "train")[0]["loss"]] == [2, 4, 6, 8]


def test_writes_histograms_of_the_weights_at_the_end_of_epochs(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="logits")])
    run = FakeRun(tmp_path, max_step=9, steps_per_epoch=4, modeler=FakeModeler(model))
    train(run, save_summary_steps=6, histograms=True)
    scalars, histograms = read(tmp_path / "tensorboard" / "train")
    assert set(histograms) == {f"weights/{variable.path}" for variable in model.trainable_variables}
    assert all(steps == [4, 8, 9] for steps in histograms.values())
    assert [step for step, _ in scalars["loss"]] == [4, 6, 8, 9]


def test_refuses_a_run_without_folder():
    with pytest.raises(ConfigError, match=r"^train_summary: writes below .* Set `model_dir`\.$"):
        train_summary.build(CallbackConfig()).before_run(FakeRun(None))
