"""Tests of training on several devices: states are the same on all, and what one device would make of the batches."""

import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def found(repository) -> dict[str, dict]:
    # Gates add 16 gradients to the 844 of the others. In one process, TensorFlow 2.21 numbers the reductions of every
    # new strategy from 100, and holds their shapes against those of the strategy before.
    processes = (("magnitude_pruning", "quantize_aware", "morphnet", "filter_pruning"), ("gates",))
    return {name: each for names in processes for name, each in printed(repository, names).items()}


def printed(repository, names) -> dict[str, dict]:
    """Returns what a process of its own prints: logical devices must be there before TensorFlow is used."""
    command = [sys.executable, "-m", "tests.compressor.print_replicas", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=repository)
    return json.loads(done.stdout.splitlines()[-1])


def test_devices_hold_the_same_weights_masks_and_limits(found):
    assert [(each["devices"], each["agree"]) for each in found.values()] == [(2, True)] * 5


@pytest.mark.parametrize("name", ["magnitude_pruning", "filter_pruning"])
def test_masks_are_those_of_one_device(found, name):
    assert found[name]["states"] == 0.0
    # Gradients of two halves of a batch are added: a few ulps of weights below 1.
    assert found[name]["weights"] < 2.0**-20


def test_limits_are_averages_of_what_the_devices_see(found):
    # Extremes of 4 examples each in the place of those of 8: smaller by a seventh, and by a third for the logits.
    assert 0.0 < found["quantize_aware"]["states"] < 0.4
    # Weights move by up to 0.025 in the four steps.
    assert found["quantize_aware"]["weights"] < 0.015


def test_a_loss_of_weights_counts_once(found):
    # Were it counted by both devices, weights would move by twice as much, and strengths go another way.
    assert found["morphnet"]["states"] == 0.0
    assert found["morphnet"]["weights"] < 2.0**-20


def test_gates_are_drawn_once_for_all_devices(found):
    # Were they drawn by each, noise and weights would be others; gradients are added up in another order.
    assert found["gates"]["states"] < 1e-5
    assert found["gates"]["weights"] < 2.0**-20
