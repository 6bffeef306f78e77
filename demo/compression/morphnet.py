"""MorphNet: let any network of keras.applications learn its widths from what its channels cost.

python demo/compression/morphnet.py --base-model-name=ResNet50 --morphnet-target-cost=FLOPs

The network has a hidden dense layer of 1,024 and a last one behind its global average. By default it is trained on
synthetic images, colours and noise, so that nothing is downloaded; `--dataset` takes a name of tensorflow-datasets, and
`digits` the handwritten digits that come with scikit-learn. In <log-dir>/<date and time> are left
`learned_structure/alive_<step>` for the start and every epoch, events for TensorBoard, and `smaller.keras`, without the
channels that came down to the threshold. `--budget=0.4` finds the strength by itself; `--expand` widens what came out
until it costs what the network did at first, as `expanded.keras`.
"""

import argparse
import datetime
import json
import os
import pathlib
import sys
import types

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import espalier
from source.command.mistakes import report_mistakes
from source.config.errors import ConfigError, MissingDependencyError
from source.network.keras_application import applications
from source.surgery.expansion import expand_to

ALGORITHMS = {"GroupLasso": "group_lasso", "Gamma": "gamma", "LogisticSigmoid": "logistic_sigmoid"}
COSTS = {"FLOPs": "flops", "Latency": "latency", "ModelSize": "model_size", "Activation": "activation"}
# Below these, too few pixels are left for the last layers; smaller images are enlarged.
LEAST_SIZE = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
OPTIMIZERS = ("Adam", "AdamW", "SGD", "RMSprop", "Lamb", "Lion", "Nadam")


def read_flags(arguments):
    """Returns the flags, those of the MorphNet Model Zoo and ours."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--num-epochs", type=int, default=2)
    add("--num-classes", type=int, default=10)
    add("--batch-size", type=int, default=32, help="of all devices together")
    add("--learning-rate", type=float, default=1e-4)
    add("--base-model-name", default="ResNet50", choices=applications(), metavar="NAME", help="of keras.applications")
    add("--morphnet-regularizer-algorithm", default="GroupLasso", choices=list(ALGORITHMS))
    add("--morphnet-target-cost", default="FLOPs", choices=list(COSTS))
    add("--morphnet-hardware", default="V100", help="V100, P100, this_cpu, ..., a YAML file, or Others, for no latency")
    add("--morphnet-regularizer-threshold", type=float, default=1e-2, help="at and below which a channel goes")
    add(
        "--morphnet-regularization-multiplier", type=float, help="strength; 0 turns MorphNet off; 1000 without a budget"
    )
    add("--log-dir", default="runs/morphnet")
    add("--num-cuda-device", type=int, default=1, help="more than 1 shares every batch among so many GPUs")
    add("--random-seed", type=int, default=0)
    add("--main-train-device", help="such as /cpu:0; TensorFlow chooses by default")
    add("--main-eval-device", help="such as /gpu:0; TensorFlow chooses by default")
    add("--budget", type=float, help="share of the cost that is to be left; finds the strength by itself")
    add("--optimizer", default="Adam", choices=OPTIMIZERS)
    add("--weight-decay", type=float, help="of the optimizer")
    add("--mixed-precision", action="store_true", help="layers compute in float16, losses are scaled")
    add("--dataset", default="synthetic", help="synthetic, digits, or a name of tensorflow-datasets, such as cifar10")
    add("--image-size", type=int, default=32, help="height and width that images are resized to")
    add("--examples", type=int, default=128, help="of the synthetic data, for training; a quarter more to validate")
    add("--hidden", type=int, default=1024, help="width of the hidden dense layer")
    add("--expand", action="store_true", help="widen the result to the cost at first")
    return parser.parse_args(arguments)


def synthetic(flags):
    """Returns images of one colour a class, with noise, and labels, for training and validation."""
    draw = np.random.default_rng(flags.random_seed)
    colours = draw.uniform(0.2, 0.8, (flags.num_classes, 1, 1, 3))
    parts = []
    for count in (flags.examples, max(1, flags.examples // 4)):
        labels = draw.integers(0, flags.num_classes, count)
        noise = draw.normal(0.0, 0.1, (count, flags.image_size, flags.image_size, 3))
        parts.append(((colours[labels] + noise).astype(np.float32), labels))
    return parts


def digits(flags):
    """Returns the 1,797 handwritten digits, four fifths for training."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1).astype(np.float32) / 16.0
    images = np.asarray(tf.image.resize(np.repeat(images, 3, axis=-1), [flags.image_size] * 2))
    order = np.random.default_rng(flags.random_seed).permutation(len(labels))
    return [(images[part], labels[part]) for part in np.split(order, [len(order) * 4 // 5])]


def public(flags):
    """Returns the images of tensorflow-datasets in [0, 1], for training and of its test split."""
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise MissingDependencyError(
            f"dataset: `{flags.dataset}` needs the package tensorflow-datasets. Install it: "
            "pip install 'espalier[datasets]'; or take --dataset=synthetic or --dataset=digits."
        ) from error
    parts = []
    for split in ("train", "test"):
        loaded = tensorflow_datasets.load(flags.dataset, split=split, as_supervised=True)
        small = [(tf.image.resize(image, [flags.image_size] * 2), label) for image, label in loaded]
        images = np.stack([np.broadcast_to(image, (*image.shape[:2], 3)) for image, _ in small])
        parts.append((images.astype(np.float32) / 255.0, np.asarray([label for _, label in small])))
    return parts


def network(flags):
    """Returns the base model with its head; images that are too small for it are enlarged."""
    x = inputs = keras.Input((flags.image_size, flags.image_size, 3), name="image")
    least = LEAST_SIZE.get(flags.base_model_name, 32)
    if flags.image_size < least:
        x = keras.layers.Resizing(least, least, name="enlarged")(x)
    base = getattr(keras.applications, flags.base_model_name)
    extra = {"include_preprocessing": False} if "MobileNetV3" in flags.base_model_name else {}
    features = base(weights=None, include_top=False, input_tensor=x, input_shape=tuple(x.shape[1:]), **extra).output
    hidden = keras.layers.Dense(flags.hidden, activation="relu", name="hidden")
    x = hidden(keras.layers.GlobalAveragePooling2D(name="pool")(features))
    logits = keras.layers.Dense(flags.num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=flags.base_model_name.lower())


def morphnet(flags, folder, steps, epoch_steps):
    """Returns the compressor; None where a multiplier of 0 turns it off."""
    multiplier = flags.morphnet_regularization_multiplier
    if multiplier is None and flags.budget is None:
        multiplier = 1000.0
    if multiplier == 0:
        return None
    is_latency = flags.morphnet_target_cost == "Latency"
    if is_latency and flags.morphnet_hardware == "Others":
        raise ConfigError(
            "--morphnet-hardware: Latency needs hardware that is known. Give V100, P100, this_cpu or a YAML file."
        )
    return espalier.compressor(
        "morphnet",
        regularizer=ALGORITHMS[flags.morphnet_regularizer_algorithm],
        target=COSTS[flags.morphnet_target_cost],
        hardware=flags.morphnet_hardware,
        threshold=flags.morphnet_regularizer_threshold,
        relative=False,
        strength=multiplier,
        budget=flags.budget,
        end_step=steps,
        every_steps=epoch_steps if flags.budget is None else max(1, steps // 100),
        structure_folder=str(folder),
    )


class Told(keras.callbacks.Callback):
    """Prints each epoch and writes it for TensorBoard."""

    def __init__(self, compressor, flags, folder):
        super().__init__()
        self.compressor, self.name = compressor, f"{flags.morphnet_target_cost} left"
        self.device = flags.main_eval_device
        self.writer = tf.summary.create_file_writer(str(folder))

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        share = self.compressor.cost_share() if self.compressor else 1.0
        print(
            f"Epoch: {epoch}, Train Acc: {logs['accuracy']:.4f}, Loss Avg: {logs['loss']:.4f}, Validation Acc: "
            f"{logs.get('val_accuracy', float('nan')):.4f}, {self.name}: {share:.2%}"
        )
        with self.writer.as_default(step=epoch):
            for name, value in {**logs, self.name: share}.items():
                tf.summary.scalar(name, value)


def strategy_of(flags):
    """Returns what shares batches among GPUs; nothing for one device."""
    if flags.num_cuda_device <= 1:
        return types.SimpleNamespace(scope=lambda: tf.device(flags.main_train_device))
    known = tf.config.list_logical_devices("GPU")
    if len(known) < flags.num_cuda_device:
        raise ConfigError(f"--num-cuda-device: there are {len(known)} GPUs. Received: {flags.num_cuda_device}.")
    return tf.distribute.MirroredStrategy([each.name for each in known[: flags.num_cuda_device]])


def train(model, flags, data, folder):
    """Returns the compressor, the trained model and the finished one; the last is None if nothing went."""
    (images, labels), validation = data
    epoch_steps = -(-len(images) // flags.batch_size)
    compressor = morphnet(flags, folder, flags.num_epochs * epoch_steps, epoch_steps)
    decay = {} if flags.weight_decay is None else {"weight_decay": flags.weight_decay}
    with strategy_of(flags).scope():
        prepared = compressor.prepare(model) if compressor else model
        optimizer = getattr(keras.optimizers, flags.optimizer)(flags.learning_rate, **decay)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        prepared.compile(optimizer, loss, metrics=["accuracy"])
        callbacks = [*([compressor.keras_callback()] if compressor else []), Told(compressor, flags, folder)]
        settings = {"batch_size": flags.batch_size, "epochs": flags.num_epochs, "verbose": 0, "callbacks": callbacks}
        prepared.fit(images, labels, validation_data=validation, **settings)
        if compressor:  # steps whose scaled gradients overflow do not count
            compressor.update(compressor.config.end_step)
    try:
        return compressor, prepared, compressor.finish(prepared) if compressor else None
    except ConfigError as error:
        print(f"There is no smaller network. {error}")
        return compressor, prepared, None


def accuracy(model, flags, part):
    """Returns the share of images that a model gets right."""
    images, labels = part
    with tf.device(flags.main_eval_device):
        return float((model.predict(images, batch_size=flags.batch_size, verbose=0).argmax(-1) == labels).mean())


def main(arguments=None) -> int:
    flags = read_flags(arguments)
    keras.utils.set_random_seed(flags.random_seed)
    keras.config.set_dtype_policy("mixed_float16" if flags.mixed_precision else "float32")
    folder = pathlib.Path(flags.log_dir) / datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    folder.mkdir(parents=True)
    data = {"synthetic": synthetic, "digits": digits}.get(flags.dataset, public)(flags)
    with strategy_of(flags).scope():
        model = network(flags)
    compressor, prepared, smaller = train(model, flags, data, folder)
    result = {"before": accuracy(prepared, flags, data[1]), "parameters": model.count_params()}
    if smaller is not None:
        smaller.save(folder / "smaller.keras")
        result |= {"after": accuracy(smaller, flags, data[1]), "parameters_left": smaller.count_params()}
        result |= {"cost_left": compressor.cost_share()}
    if smaller is not None and flags.expand:
        target = COSTS[flags.morphnet_target_cost]
        total = espalier.channel_cost(model, hardware=compressor.config.hardware).total(target)
        wide = expand_to(smaller, total, target, hardware=compressor.config.hardware)
        wide.save(folder / "expanded.keras")
        result |= {"parameters_expanded": wide.count_params()}
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"{json.dumps(result)}\nLook at {folder}, and at tensorboard --logdir {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("morphnet.py", main))
