"""Tests that models get the weights of a file by rules, the real files included."""

import gzip

import keras
import numpy as np
import pytest
from PIL import Image

from source.config.errors import CheckpointError, ConfigError
from source.modeler.importing import target_network
from source.modeler.importing.import_weights import check_layers, import_weights, weights_of
from source.modeler.importing.rule_set import load

RULES = {"rules": [{"rename": {"^fc\\.": "d/", "weight$": "kernel"}}, {"permute": {"axes": [1, 0]}}]}


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(2, name="d")])


def save(path, kernel=None):
    kernel = np.arange(6.0).reshape(2, 3) if kernel is None else kernel
    np.savez(path, **{"fc.weight": kernel, "fc.bias": np.float16([7, 8])})
    return path


def test_a_model_gets_what_the_file_has(tmp_path, model):
    plan = import_weights(model, save(tmp_path / "w.npz"), RULES)
    assert [row.state for row in plan.rows] == ["taken", "taken"]
    np.testing.assert_array_equal(model.get_layer("d").kernel, [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(model.get_layer("d").bias, [7, 8])


def test_random_states_are_no_weights(model):
    assert list(weights_of(model)) == ["d/kernel", "d/bias"]


def test_a_dry_run_and_a_refused_mapping_change_nothing(tmp_path, model):
    before = model.get_weights()
    bad = save(tmp_path / "w.npz", np.ones((2, 4)))
    plan = import_weights(model, bad, RULES, dry_run=True)
    assert plan.problems == ("`fc.weight` (2, 4) becomes (4, 2), and `d/kernel` is (3, 2).",)
    with pytest.raises(CheckpointError, match=r"w\.npz: `fc\.weight` \(2, 4\) becomes \(4, 2\), and"):
        import_weights(model, bad, RULES)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_rules_come_from_a_file_too_and_weights_may_stay(tmp_path, model):
    (tmp_path / "r.yaml").write_text("rules: [{rename: {'^fc.weight$': null, '^fc.bias': d/bias}}]")
    with pytest.raises(CheckpointError, match=r"`d/kernel` \(3, 2\) of the model has no source\."):
        import_weights(model, save(tmp_path / "w.npz"), str(tmp_path / "r.yaml"))
    import_weights(model, save(tmp_path / "w.npz"), str(tmp_path / "r.yaml"), may_miss=["kernel$"])
    np.testing.assert_array_equal(model.get_layer("d").bias, [7, 8])


def test_layers_in_which_the_weights_would_mean_something_else_are_refused():
    model = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(name="norm")])
    check_layers(model, {"BatchNormalization": {"epsilon": 1e-3}})
    with pytest.raises(ConfigError, match=r"^norm: these weights expect epsilon=1e-05\. Received: epsilon=0\.001\."):
        check_layers(model, {"BatchNormalization": {"epsilon": 1e-5}})


def built(name):
    rules = load(name)
    return target_network.build(rules.network, rules.settings, rules.input_shape)


def accuracy(model, images, labels):
    return round(100 * np.mean(np.argmax(model.predict(images, batch_size=500, verbose=0), axis=1) == labels), 2)


def mnist(folder):
    def read(name, offset):
        return np.frombuffer(gzip.decompress((folder / "mnist" / name).read_bytes()), np.uint8, offset=offset)

    images = read("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1)
    return images / np.float32(127.5) - np.float32(1), read("t10k-labels-idx1-ubyte.gz", 8)


@pytest.mark.data
def test_the_pruned_lenet5_has_its_accuracy_of_9927(data_folder):
    model = built("mayo_lenet5_mnist_pruned")
    import_weights(model, data_folder / "pretrained" / "mayo_lenet5_mnist_pruned", "mayo_lenet5_mnist_pruned")
    assert sum(np.count_nonzero(layer.kernel) for layer in model.layers if hasattr(layer, "kernel")) == 3859
    assert accuracy(model, *mnist(data_folder)) == 99.27


def cifar10(folder):
    strips = sorted((folder / "cifar10").glob("test_*.webp"))
    images = [np.asarray(Image.open(strip).convert("RGB")).reshape(-1, 32, 32, 3) for strip in strips]
    labels = [int(strip.name.split("_")[1]) for strip in strips]
    return np.concatenate(images).astype(np.float32), np.repeat(labels, [len(strip) for strip in images])


@pytest.mark.slow
@pytest.mark.data
def test_resnet20_and_resnet8_have_the_accuracies_of_where_they_come_from(data_folder):
    images, labels = cifar10(data_folder)
    resnet20 = built("resnet20_cifar10")
    import_weights(resnet20, data_folder / "pretrained/resnet20_cifar10/resnet20_cifar10.npz", "resnet20_cifar10")
    mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    assert accuracy(resnet20, (images / 255 - mean) / deviation, labels) == 91.73
    resnet8 = built("mlperf_tiny_resnet8")
    import_weights(resnet8, data_folder / "pretrained/mlperf_tiny/pretrainedResnet.h5", "mlperf_tiny_resnet8")
    assert accuracy(resnet8, images, labels) == 87.19


@pytest.mark.data
@pytest.mark.parametrize(
    ("rules", "file"),
    [
        ("resnet20_cifar10", "resnet20_cifar10/resnet20_cifar10.npz"),
        ("mlperf_tiny_resnet8", "mlperf_tiny/pretrainedResnet.h5"),
    ],
)
def test_shipped_rules_fit_the_files_they_are_for(data_folder, rules, file):
    plan = import_weights(built(rules), data_folder / "pretrained" / file, rules, dry_run=True)
    assert plan.problems == ()
