"""Makes every operation give the same bits in every run."""

import os

import tensorflow as tf

from source.config.errors import ConfigError

THREADS_VARIABLE = "TF_NUM_INTEROP_THREADS"


def make_deterministic() -> None:
    """Asks TensorFlow for reproducible operations, and for one operation at a time.

    The second is needed on CPUs: with two operations at a time the gradients of ResNet-20 differ between two runs by
    1e-8 after one step of 128 images, also with deterministic operations; one operation at a time still uses all
    cores.

    Raises:
        ConfigError: if TensorFlow has started already with more threads for operations.
    """
    tf.config.experimental.enable_op_determinism()
    if os.environ.get(THREADS_VARIABLE) == "1":
        return
    try:
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        raise ConfigError(
            f"deterministic: TensorFlow has started already and runs several operations at a time. Set "
            f"{THREADS_VARIABLE}=1 in the environment before it is loaded. "
            f"Received: {THREADS_VARIABLE}={os.environ.get(THREADS_VARIABLE)}."
        ) from None
