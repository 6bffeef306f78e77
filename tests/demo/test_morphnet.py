"""Tests of the demo `compression/morphnet.py` on tiny images."""

import json

import keras
import pytest

from source.network.keras_application import applications

TINY = ("--base-model-name=MobileNet", "--examples=16", "--batch-size=8", "--hidden=16", "--random-seed=3")


@pytest.fixture
def demo(load_demo):
    yield load_demo("compression/morphnet.py")
    keras.config.set_dtype_policy("float32")


def two_blocks(weights, include_top, input_tensor, input_shape):
    """Returns what takes a fraction of the seconds that a network of keras.applications needs to be compiled."""
    x = input_tensor
    for number in (1, 2):
        x = keras.layers.Conv2D(32, 3, strides=2, use_bias=False, name=f"conv{number}")(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(name=f"norm{number}")(x))
    return keras.Model(input_tensor, x)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(keras.applications, "MobileNet", two_blocks)


def run(demo, tmp_path, *flags):
    code = demo.main([*TINY, f"--log-dir={tmp_path}", *flags])
    [folder] = tmp_path.iterdir()
    return code, folder, json.loads((folder / "result.json").read_text())


def test_a_budget_is_met_and_what_is_left_is_written(demo, small, tmp_path, capsys):
    code, folder, result = run(demo, tmp_path, "--budget=0.5", "--learning-rate=0.001", "--expand")
    assert code == 0
    assert 0.45 < result["cost_left"] <= 0.5
    smaller = keras.models.load_model(folder / "smaller.keras")
    assert smaller.count_params() == result["parameters_left"] < result["parameters"]
    assert result["parameters_expanded"] > result["parameters_left"]
    names = sorted(path.name for path in (folder / "learned_structure").iterdir())
    assert names == [f"alive_{step}" for step in range(5)]
    structures = [json.loads((folder / "learned_structure" / name).read_text()) for name in names]
    assert structures[0]["conv1/Conv2D"] == 32 and len(structures[0]) == 2
    assert structures[-1] == {
        f"{layer.name}/Conv2D": layer.filters for layer in smaller.layers if type(layer) is keras.layers.Conv2D
    }
    printed = capsys.readouterr().out
    assert "Epoch: 1, Train Acc: " in printed and "FLOPs left: 100.00%" in printed


def test_the_flags_of_the_model_zoo_are_known(demo, small, tmp_path, capsys):
    code, folder, result = run(
        demo,
        tmp_path,
        *("--num-epochs=1", "--num-classes=3", "--learning-rate=0.01", "--morphnet-regularizer-algorithm=Gamma"),
        *("--morphnet-target-cost=Latency", "--morphnet-hardware=P100", "--morphnet-regularizer-threshold=0.98"),
        *("--morphnet-regularization-multiplier=10", "--num-cuda-device=1", "--main-train-device=/cpu:0"),
        *("--main-eval-device=/cpu:0", "--optimizer=SGD", "--weight-decay=0.0001", "--mixed-precision"),
    )
    assert code == 0 and "before" in result
    names = sorted(path.name for path in (folder / "learned_structure").iterdir())
    assert names == ["alive_0", "alive_2"]
    assert "Latency left: " in capsys.readouterr().out


def test_a_multiplier_of_zero_turns_morphnet_off(demo, small, tmp_path):
    code, folder, result = run(demo, tmp_path, "--num-epochs=1", "--morphnet-regularization-multiplier=0")
    assert code == 0 and set(result) == {"before", "parameters"}
    assert not (folder / "learned_structure").exists()


def test_the_digits_are_a_data_set_too(demo):
    flags = demo.read_flags(["--dataset=digits", "--image-size=16"])
    (images, labels), (others, _) = demo.digits(flags)
    assert images.shape == (1437, 16, 16, 3) and len(others) == 360
    assert images.min() >= 0.0 and images.max() <= 1.0 and set(labels) == set(range(10))


def test_a_missing_package_is_named(demo, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_datasets", None)
    with pytest.raises(demo.MissingDependencyError, match=r"`cifar10` needs .* pip install 'espalier\[datasets\]'"):
        demo.public(demo.read_flags(["--dataset=cifar10"]))


def test_latency_needs_hardware(demo, tmp_path):
    flags = ["--morphnet-target-cost=Latency", "--morphnet-hardware=Others", f"--log-dir={tmp_path}"]
    with pytest.raises(demo.ConfigError, match=r"--morphnet-hardware: Latency needs hardware that is known."):
        demo.main([*TINY, *flags])


def test_gamma_on_vgg_is_refused_with_all_its_convolutions(demo, tmp_path):
    with pytest.raises(demo.ConfigError, match=r"needs batch normalizations with a scale that trains") as caught:
        demo.main([*TINY, "--base-model-name=VGG16", "--morphnet-regularizer-algorithm=Gamma", f"--log-dir={tmp_path}"])
    names = [f"block{block}_conv{number}" for block in range(1, 6) for number in range(1, 3 if block < 3 else 4)]
    assert len(names) == 13
    for name in [*names, "hidden"]:
        assert f"`{name}`: no batch normalization follows" in str(caught.value)


def test_gpus_that_are_not_there_are_an_error(demo, tmp_path):
    with pytest.raises(demo.ConfigError, match=r"--num-cuda-device: there are 0 GPUs. Received: 2."):
        demo.main([*TINY, "--num-cuda-device=2", f"--log-dir={tmp_path}"])


WITHOUT_SCALES = ("VGG", "ConvNeXt", "InceptionV3", "InceptionResNetV2")
ZOO = (
    *("ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2", "VGG16", "VGG19", "Xception"),
    *("InceptionV3", "InceptionResNetV2", "MobileNet", "MobileNetV2", "DenseNet121", "DenseNet169", "DenseNet201"),
    *("NASNetLarge", "NASNetMobile"),
)


def test_every_network_of_the_model_zoo_is_there():
    assert set(ZOO) <= set(applications())


@pytest.fixture
def eager(monkeypatch):
    """Lets models train without being traced first: minutes for one step of the large ones."""
    compile_ = keras.Model.compile
    monkeypatch.setattr(
        keras.Model, "compile", lambda self, *given, **more: compile_(self, *given, run_eagerly=True, **more)
    )


@pytest.mark.slow
@pytest.mark.parametrize("cost", ["FLOPs", "ModelSize", "Latency"])
@pytest.mark.parametrize("algorithm", ["GroupLasso", "Gamma"])
@pytest.mark.parametrize("name", ZOO)
def test_every_row_of_the_model_zoo_takes_a_step_and_writes_its_structure(demo, eager, tmp_path, name, algorithm, cost):
    flags = [f"--base-model-name={name}", f"--morphnet-regularizer-algorithm={algorithm}", "--num-epochs=1"]
    flags += [f"--morphnet-target-cost={cost}", "--examples=4", "--batch-size=4", f"--log-dir={tmp_path}"]
    if algorithm == "Gamma" and name.startswith(WITHOUT_SCALES):
        with pytest.raises(demo.ConfigError, match="needs batch normalizations with a scale that trains"):
            demo.main(flags)
        return
    assert demo.main(flags) == 0
    [folder] = tmp_path.iterdir()
    assert sorted(path.name for path in (folder / "learned_structure").iterdir()) == ["alive_0", "alive_1"]
