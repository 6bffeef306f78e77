import json
import subprocess
import sys

import pytest

from source.config.errors import DataError, TrainingError
from tests.demo.data_files import cifar10_binaries

# What the recipes promise: bytes of the file, and the accuracy on the test images when the file is decoded.
PROMISED = {"lenet5": (1_724_320 / 300, 0.992), "resnet20": (1_078_888 / 12, 0.912)}


@pytest.fixture
def demo(load_demo):
    return load_demo("compression/small_files.py")


@pytest.fixture
def data_flags(data_folder, tmp_path):
    """Returns a function from the name of a network to the flags that name its data."""

    def flags(network):
        if network == "lenet5":
            return [f"--data={data_folder / 'mnist'}"]
        weights = data_folder / "pretrained" / "resnet20_cifar10" / "resnet20_cifar10.npz"
        return [f"--data={cifar10_binaries(data_folder / 'cifar10', tmp_path)}", f"--weights={weights}"]

    return flags


def test_published_weights_must_be_named(demo, tmp_path):
    with pytest.raises(DataError, match=r"^--weights: this recipe begins at published weights\. Name the file\.$"):
        demo.trained_weights(demo.RESNET20, tmp_path, tmp_path, None)


def test_a_run_that_fails_says_so(demo, tmp_path):
    with pytest.raises(TrainingError, match=r"^the run ended with exit code 2"):
        demo.run(demo.LENET5, tmp_path / "nowhere", "--mode=train", "--epochs=1")


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("network", PROMISED)
def test_the_files_are_as_small_and_as_good_as_promised(network, data_flags, repository, tmp_path):
    script = repository / "demo" / "compression" / "small_files.py"
    command = [sys.executable, str(script), network, f"--folder={tmp_path}", *data_flags(network)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(ended.stdout.splitlines()[-1])
    file = tmp_path / network / "small" / "model.esp"
    most_bytes, least_accuracy = PROMISED[network]
    assert found["bytes"] == file.stat().st_size <= most_bytes
    assert found["accuracy"] >= least_accuracy
