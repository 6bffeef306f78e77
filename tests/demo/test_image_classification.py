"""Tests of the image classification demo: all its modes, on a tiny data set, and its documented commands."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from demo.image.image_classification import APPLICATION
from source.config.errors import CheckpointError, ConfigError
from source.runner.single_device_runner import SingleDeviceRunner
from tests.demo.pictures import CLASSES, SIDE, write_pictures

SMALL = (
    "--network=tests.demo.tiny_network",
    "--augmenter=normalize",
    f"--image_height={SIDE}",
    f"--image_width={SIDE}",
    f"--num_classes={CLASSES}",
    "--batch_size_per_gpu=8",
    "--l2_weight_decay=0.0001",
    "--learning_rate=0.05",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with `train.csv`, `eval.csv` and, in `run`, a model trained for four epochs of three steps."""
    folder = tmp_path_factory.mktemp("pictures")
    write_pictures(folder)
    write_pictures(folder, 7, "eval.csv", seed=1)
    demo(folder, "--mode=train", "--epochs=4", "train_args", f"--dataset_meta={folder}/train.csv")
    return folder


def demo(folder, *flags):
    """Runs the demo in this process, in the folder's `run` unless the flags say otherwise."""
    assert APPLICATION.run([*SMALL, f"--model_dir={folder}/run", *flags]) == 0


def checkpoints(run):
    return sorted(path.name for path in (run / "checkpoints").glob("*.npz"))


def test_training_leaves_a_checkpoint_and_a_record(folder):
    assert checkpoints(folder / "run") == ["checkpoint-00000012.npz"]
    record = json.loads((folder / "run" / "run.json").read_text())
    assert record["modeler"]["config"]["network"] == "tests.demo.tiny_network"
    assert record["inputter"]["config"]["epochs"] == 4.0


def test_training_again_is_complete_and_more_epochs_go_on(folder, tmp_path, capsys):
    flags = ("--mode=train", f"--dataset_meta={folder}/train.csv", f"--model_dir={tmp_path}")
    demo(folder, *flags, "--epochs=1")
    demo(folder, *flags, "--epochs=1")
    assert "Training is complete: 3 of 3 steps are done." in capsys.readouterr().out
    demo(folder, *flags, "--epochs=4")
    assert "Resumed from the checkpoint of step 3." in capsys.readouterr().out
    # Batches are a function of the step alone, so going on gives what training at once gave, bit for bit.
    resumed = np.load(tmp_path / "checkpoints" / "checkpoint-00000012.npz")
    at_once = np.load(folder / "run" / "checkpoints" / "checkpoint-00000012.npz")
    for name in ("model/conv/kernel", "model/logits/kernel", "model/logits/bias"):
        np.testing.assert_array_equal(resumed[name], at_once[name])


def test_evaluation_needs_no_training_data(folder, capsys):
    demo(folder, "--mode=eval", "eval_args", f"--dataset_meta={folder}/eval.csv")
    printed = capsys.readouterr().out
    assert "Restored the checkpoint of step 12." in printed
    assert float(re.search(r"eval_accuracy ([\d.]+)", printed)[1]) == 1.0


def test_inference_writes_a_sheet_and_a_table(folder):
    samples = [f"{folder}/1_{number}.png" for number in (2, 0, 1)]
    demo(folder, "--mode=infer", "infer_args", f"--test_samples={','.join(samples)}")
    with open(folder / "run" / "infer" / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == samples
    assert [row["class"] for row in rows] == ["2", "0", "1"]
    assert (folder / "run" / "infer" / "predictions.png").read_bytes().startswith(b"\x89PNG")


def test_export_writes_a_saved_model_of_the_outputs_asked_for(folder):
    flags = ("--mode=export", "export_args", "--export_dir=served", "--export_version=3")
    demo(folder, *flags, "--input_ops=input_image", "--output_ops=output_classes")
    served = tf.saved_model.load(folder / "run" / "served" / "3")
    images = tf.stack([tf.io.decode_png(tf.io.read_file(f"{folder}/1_{number}.png")) for number in range(3)])
    answer = served.predict(tf.cast(images, tf.float32))
    assert {name: value.numpy().tolist() for name, value in answer.items()} == {"output_classes": [0, 1, 2]}


def test_an_export_is_overwritten_only_when_asked(folder):
    flags = ("--mode=export", "--export_dir=again")
    demo(folder, *flags)
    with pytest.raises(ConfigError, match="again/1 exists already"):
        demo(folder, *flags)
    demo(folder, *flags, "--overwrite")


def test_transfer_takes_all_but_the_head_and_trains_the_head_alone(folder, tmp_path, capsys):
    pretrained = folder / "run" / "checkpoints" / "checkpoint-00000012.npz"
    train = write_pictures(tmp_path, seed=2)
    demo(
        folder,
        "--mode=train",
        f"--model_dir={tmp_path}/run",
        "--epochs=1",
        "--num_classes=5",
        "train_args",
        f"--dataset_meta={train}",
        f"--pretrained_model={pretrained}",
        "--skip_pretrained_var=logits,global_step,power",
        "--trainable_vars=logits",
    )
    assert "loaded        2: conv/kernel, conv/bias" in capsys.readouterr().out
    before = np.load(pretrained)
    after = np.load(tmp_path / "run" / "checkpoints" / "checkpoint-00000003.npz")
    np.testing.assert_array_equal(after["model/conv/kernel"], before["model/conv/kernel"])
    assert after["model/logits/kernel"].shape[1] == 5
    assert not [name for name in after.files if name.startswith("optimizer/") and "conv" in name]


def test_without_a_checkpoint_there_is_nothing_to_evaluate(folder, tmp_path):
    with pytest.raises(CheckpointError, match="There is no checkpoint to evaluate with"):
        demo(folder, "--mode=eval", f"--dataset_meta={folder}/eval.csv", f"--model_dir={tmp_path}/none")


@pytest.fixture
def assembled(monkeypatch):
    """A function that returns the runner that flags describe, without running it."""
    runners = []
    monkeypatch.setattr(SingleDeviceRunner, "run", lambda self: runners.append(self))

    def assembled(command):
        assert APPLICATION.run(command.split()) == 0
        return runners.pop()

    return assembled


COMMON = (
    " --model_dir=~/demo/model/resnet32_cifar10 --network=resnet32 --augmenter=cifar_augmenter"
    " --batch_size_per_gpu=256 --epochs=100 "
)


def test_the_documented_training_is_accepted(assembled, monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    runner = assembled(
        "--mode=train"
        + COMMON
        + "train_args --learning_rate=0.5 --optimizer=momentum --piecewise_boundaries=50,75,90"
        + " --piecewise_lr_decay=1.0,0.1,0.01,0.001 --dataset_meta=~/demo/data/cifar10/train.csv"
    )
    assert runner.inputter.config.train_meta == ("/home/someone/demo/data/cifar10/train.csv",)
    assert runner.inputter.config.batch_size_per_gpu == runner.modeler.config.batch_size_per_gpu == 256
    assert runner.modeler.config.piecewise_boundaries == (50.0, 75.0, 90.0)
    assert runner.modeler.config.piecewise_lr_decay == (1.0, 0.1, 0.01, 0.001)
    assert len(runner.callbacks) == 5
    assert runner.callbacks[0].config.model_dir == "/home/someone/demo/model/resnet32_cifar10"


def test_the_documented_transfer_is_accepted(assembled):
    runner = assembled(
        "--mode=train"
        + COMMON
        + "train_args --dataset_meta=train.csv --pretrained_model=a.npz --trainable_vars=resnet_v2_50/logits"
        + " --skip_pretrained_var=resnet_v2_50/logits,global_step,power"
    )
    assert runner.callbacks[0].config.skip_pretrained_var == ("resnet_v2_50/logits", "global_step", "power")
    assert runner.modeler.config.trainable_vars == ("resnet_v2_50/logits",)


def test_the_documented_evaluation_is_accepted(assembled):
    runner = assembled("--mode=eval" + COMMON + "eval_args --dataset_meta=/data/eval.csv")
    assert runner.inputter.config.evaluate_meta == ("/data/eval.csv",)
    assert runner.inputter.config.train_meta == ()
    assert runner.config.mode == "evaluate"


def test_the_documented_inference_is_accepted(assembled):
    callbacks = "infer_basic,infer_display_image_classification"
    runner = assembled("--mode=infer" + COMMON + f"infer_args --callbacks={callbacks} --test_samples=a.png,b.png")
    assert runner.inputter.config.test_samples == ("a.png", "b.png")
    assert len(runner.callbacks) == 2


def test_the_documented_export_is_accepted(assembled):
    flags = "--export_dir=export --export_version=1 --input_ops=input_image --output_ops=output_classes"
    runner = assembled("--mode=export" + COMMON + "export_args " + flags)
    assert runner.config.exporter_options == {
        "saved_model": {"input_ops": "input_image", "output_ops": "output_classes"}
    }
    assert (runner.callbacks[0].config.export_dir, runner.callbacks[0].config.export_version) == ("export", "1")


def own_lines(errors):
    """Leaves out what TensorFlow says of the machine: `E0000 00:00:1795.7 cuda_platform.cc:52] no GPU`."""
    return "".join(line for line in errors.splitlines(True) if not re.match(r"[IWE]\d{4} \d\d:\d\d:", line))


def test_the_script_runs_as_a_program(folder, repository, tmp_path):
    def run(*flags):
        return subprocess.run(
            [sys.executable, repository / "demo" / "image" / "image_classification.py", *SMALL, *flags],
            capture_output=True,
            text=True,
            timeout=300,
            cwd=tmp_path,
        )

    done = run("--mode=eval", f"--model_dir={folder}/run", f"--dataset_meta={folder}/eval.csv")
    assert (done.returncode, own_lines(done.stderr)) == (0, "")
    assert "eval_accuracy" in done.stdout
    wrong = run("--mode=eval", f"--model_dir={folder}/run", f"--dataset_meta={folder}/evil.csv")
    assert wrong.returncode == 2
    assert own_lines(wrong.stderr) == (
        f"image_classification.py: {folder}/evil.csv: the file cannot be read (No such file or directory).\n"
    )
    assert list(tmp_path.iterdir()) == []
