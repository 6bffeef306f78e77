"""Tests of the demo of fast networks: what needs no training, and all of it where there is time."""

import json
import subprocess
import sys

import pytest

from source.graph.channel_cost import channel_cost
from source.network import resnet20
from tests.demo.data_files import cifar10_binaries
from tests.network.counting import images

# What the documentation promises of the files: fewer products, accuracy, and how much sooner they are done; times vary,
# so that they are not asserted.
PROMISED = {"resnet20": (2.0, 0.905), "lenet5": (10.0, 0.99)}


@pytest.fixture
def demo(load_demo):
    return load_demo("compression/fast_networks.py")


def test_blocks_that_lose_half_of_their_inside_cost_about_half(demo):
    cost = channel_cost(resnet20.build(resnet20.Config(), images(32, 32, 3)))
    # 442,368 of the stem and 640 of the head stay; half of the 40,108,032 between them goes.
    assert demo.cost_alike(cost) * 40_551_040 == cost.total("flops") * 20_497_024


def test_another_network_takes_the_place_of_the_recipe_s(demo):
    recipe = demo.network_of(demo.RESNET20.recipe, "--network=keras_file")
    assert [flag for flag in recipe.network if flag.startswith("--network")] == ["--network=keras_file"]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("network", PROMISED)
def test_networks_are_as_small_and_as_good_as_promised(network, data_folder, repository, tmp_path):
    data = {
        "lenet5": lambda: data_folder / "mnist",
        "resnet20": lambda: cifar10_binaries(data_folder / "cifar10", tmp_path),
    }
    weights = data_folder / "pretrained" / "resnet20_cifar10" / "resnet20_cifar10.npz"
    script = repository / "demo" / "compression" / "fast_networks.py"
    flags = [network, f"--data={data[network]()}", f"--weights={weights}", f"--folder={tmp_path / 'runs'}"]
    ended = subprocess.run([sys.executable, str(script), *flags], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(ended.stdout.splitlines()[-1])
    times_fewer, least_accuracy = PROMISED[network]
    assert found["times_fewer_macs"] >= times_fewer
    assert found["after"]["accuracy"] >= least_accuracy
