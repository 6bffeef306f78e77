import json
import subprocess
import sys

import numpy as np
import tensorflow as tf

from source.modeler import _replica

# Splitting the CPU in two has to come before TensorFlow starts, so it has a process of its own.
SCRIPT = """
import json
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from source.modeler import image_classification_modeler
from tests.modeler.conftest import FakeInputter, linear

images = np.random.default_rng(2).normal(size=(8, 2, 2, 1)).astype("float32")
batch = {
    "image": images,
    "label": np.array([0, 1, 2, 1, 0, 0, 2, 1], np.int32),
    "weight": np.array([1, 0.5, 1, 1, 0, 0, 1, 1], np.float32),
}

def make():
    config = image_classification_modeler.Config(
        num_classes=3, optimizer="momentum", l2_weight_decay=0.1, clip_norm=0.2, ema_decay=0.9
    )
    modeler = image_classification_modeler.build(config, linear)
    modeler.get_dataset_info(FakeInputter())
    modeler.build()
    return modeler

def report(modeler, outputs):
    return {name: np.asarray(value).tolist() for name, value in outputs.items()} | {
        name: variable.numpy().tolist() for name, variable in modeler.state().items()
    }

alone = make()
first = report(alone, [alone.train_step({k: tf.constant(v) for k, v in batch.items()}) for _ in range(2)][-1])

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    shared = make()

@tf.function
def step(data):
    return strategy.run(shared.train_step, args=(data,))

dataset = tf.data.Dataset.from_tensor_slices(batch).repeat(2).batch(8)
for part in strategy.experimental_distribute_dataset(dataset):
    outputs = step(part)
second = report(shared, {k: strategy.experimental_local_results(v)[1] for k, v in outputs.items()})
print(json.dumps([strategy.num_replicas_in_sync, first, second]))
"""


def test_two_replicas_train_as_one(repository):
    """Weights, averages and outputs of two steps, with L2 and clipping, and padding on one side."""
    result = subprocess.run([sys.executable, "-c", SCRIPT], cwd=repository, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    replicas, alone, shared = json.loads(result.stdout.splitlines()[-1])
    assert replicas == 2
    assert alone.keys() == shared.keys()
    for name, value in alone.items():
        # Two sums of four instead of one of eight: some roundings of 6e-8.
        np.testing.assert_allclose(shared[name], value, rtol=2e-6, atol=2e-7, err_msg=name)


def test_one_replica_adds_nothing():
    value = tf.constant(3.0)
    assert _replica.count() == 1
    assert _replica.total(value) is value
