import os
import subprocess
import sys

import pytest

ASK = "from source.runner._determinism import make_deterministic; make_deterministic()\n"
THREADS = "import tensorflow as tf; print(tf.config.threading.get_inter_op_parallelism_threads())\n"
USE = "import tensorflow as tf; tf.constant(1.0) + 1.0\n"
TRAIN = """
import hashlib
from tests.runner.parts import make_inputter, make_modeler
from source.config.config import RunnerConfig
from source.network import resnet20
from source.runner import single_device_runner
inputter = make_inputter(batch_size_per_gpu=128, num_samples=256, image_height=32, image_width=32)
modeler = make_modeler(batch_size_per_gpu=128)
modeler.network = resnet20
config = RunnerConfig(max_steps=3, deterministic=True, evaluate_every_epochs=0)
single_device_runner.build(config, inputter, modeler).train()
bits = b"".join(variable.numpy().tobytes() for variable in modeler.state().values())
print(hashlib.sha256(bits).hexdigest())
"""


def run(code, threads=None):
    environment = {name: value for name, value in os.environ.items() if name != "TF_NUM_INTEROP_THREADS"}
    if threads is not None:
        environment["TF_NUM_INTEROP_THREADS"] = threads
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)


def test_one_operation_runs_at_a_time():
    assert run(ASK + THREADS).stdout == "1\n"


def test_when_tensorflow_has_started_the_environment_must_say_so():
    refused = run(USE + ASK)
    assert "ConfigError: deterministic: TensorFlow has started already" in refused.stderr
    assert "Set TF_NUM_INTEROP_THREADS=1 in the environment" in refused.stderr
    assert run(USE + ASK, threads="1").returncode == 0


@pytest.mark.slow
def test_a_residual_network_has_the_same_bits_in_every_run():
    # Without determinism three runs of this gave three results.
    results = {run(TRAIN, threads="1").stdout for _ in range(4)}
    assert len(results) == 1
    assert len(results.pop()) == 65
