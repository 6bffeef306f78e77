import random
import signal
import subprocess
import sys
import time

import pytest

from source.runner._checkpoint import list_checkpoints, read_checkpoint

LAST_STEP = 60  # 80 pictures, 12 epochs, batches of 16


def start(model_dir):
    command = [sys.executable, "-u", "-m", "tests.runner.killable", str(model_dir)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(model_dir):
    output, errors = start(model_dir).communicate(timeout=300)
    assert f"step {LAST_STEP}/{LAST_STEP}" in output, errors
    return final(model_dir)


def final(model_dir):
    step, path = list_checkpoints(model_dir / "checkpoints")[-1]
    assert step == LAST_STEP
    return read_checkpoint(path)


def stop_after(process, lines, signal_number, delay=0.0):
    """Sends a signal once `lines` steps were logged; returns what was printed after that."""
    for line in process.stdout:
        lines -= line.startswith("step ")
        if lines <= 0:
            break
    time.sleep(delay)
    process.send_signal(signal_number)
    rest, _ = process.communicate(timeout=300)
    return rest


def assert_same_bits(first, second):
    assert list(first.arrays) == list(second.arrays)
    for name in first.arrays:
        assert first.arrays[name].tobytes() == second.arrays[name].tobytes(), name


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return finish(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_ends_with_the_bits_of_an_undisturbed_one(tmp_path, undisturbed, kills):
    moments = random.Random(kills)
    for _ in range(kills):
        process = start(tmp_path)
        # Up to 30 ms later, a step takes about 5 ms and a checkpoint as long: any phase of a step can be hit.
        stop_after(process, moments.randint(1, 5), signal.SIGKILL, moments.uniform(0, 0.03))
        assert process.returncode == -signal.SIGKILL
    assert_same_bits(finish(tmp_path), undisturbed)


@pytest.mark.parametrize(("signal_number", "exit_code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_saves_and_leaves_and_the_run_goes_on_from_there(tmp_path, undisturbed, signal_number, exit_code):
    process = start(tmp_path)
    rest = stop_after(process, 4, signal_number)
    step = list_checkpoints(tmp_path / "checkpoints")[-1][0]
    assert process.returncode == exit_code
    assert f"Stopped by {signal.Signals(signal_number).name} after step {step}. Run it again to go on." in rest
    assert 4 <= step < LAST_STEP
    assert_same_bits(finish(tmp_path), undisturbed)
