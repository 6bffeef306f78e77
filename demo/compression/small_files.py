"""Small files: compress a real network, write it as one packed file, and measure the accuracy of that file.

python demo/compression/small_files.py lenet5 --data=data/mnist
python demo/compression/small_files.py resnet20 --data=data/cifar-10-batches-bin --weights=data/resnet20_cifar10.npz

`lenet5` first trains the float network; `resnet20` begins at the published weights. Everything is left in
runs/small_files/<network>; run again, what is complete is not trained again. The last line is one JSON object.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from source.command.mistakes import report_mistakes
from source.config.errors import DataError, TrainingError

APPLICATION = pathlib.Path(__file__).resolve().parents[1] / "image" / "image_classification.py"
CROP = (
    "--augmenter=cifar_augmenter",
    "--augmenter_options.brightness=0",
    "--augmenter_options.contrast_low=1",
    "--augmenter_options.contrast_high=1",
)
TEACHER = {"name": "distillation", "strength": 1.0, "temperature": 4.0}


def share(layer, sparsity, weight="kernel"):
    return {"match": {"name": layer, "weight": weight}, "do": {"sparsity": sparsity}}


def width(format_name, **match):
    return {"match": match, "do": {"weights": format_name}}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What is the same in every mode, what trains, and what compresses.

    Attributes:
        train, test: names of the data files below the folder of the data.
        network: flags of the network and its images.
        floats: flags that train the float network; empty if there are weights to begin with.
        steps: flags of the training that compresses.
        members: of the compressor `chain`.
        float32_bytes: of the network's weights, four a number.
    """

    train: str
    test: str
    network: tuple[str, ...]
    floats: tuple[str, ...]
    steps: tuple[str, ...]
    members: tuple[dict, ...]
    float32_bytes: int


LENET5 = Recipe(
    train="train-images-idx3-ubyte.gz",
    test="t10k-images-idx3-ubyte.gz",
    network=(
        "--network=lenet5",
        "--image_height=28",
        "--image_width=28",
        "--image_depth=1",
        *CROP,
        "--augmenter_options.flip=false",
        "--augmenter_options.normalization=symmetric",
        "--batch_size_per_gpu=64",
    ),
    floats=("--augmenter_options.pad=2", "--epochs=12", "--learning_rate=0.02", "--l2_weight_decay=0.0005"),
    steps=(
        "--network_options.dropout=0",
        "--augmenter_options.pad=1",
        "--epochs=50",
        "--optimizer=adam",
        "--learning_rate=0.001",
        "--l2_weight_decay=0",
    ),
    members=(
        {
            "name": "magnitude_pruning",
            "end_step": 20000,
            "every_steps": 50,
            "rules": [
                share("conv1", 0.68),
                share("conv2", 0.955),
                share("dense1", 0.997),
                share("logits", 0.77),
                share("dense1", 0.88, weight="bias"),
            ],
        },
        {
            "name": "quantize_aware",
            "weights": "int4",
            "weight_ranges": "learned_step",
            "activations": None,
            "inputs": None,
            "rules": [width("int6", name="conv1", weight="kernel"), width("int8", weight="bias")],
        },
        TEACHER,
    ),
    float32_bytes=1_724_320,
)

RESNET20 = Recipe(
    train="data_batch_*.bin",
    test="test_batch.bin",
    network=(
        "--network=resnet20",
        *CROP,
        "--augmenter_options.normalization=mean_std",
        "--augmenter_options.mean=123.675,116.28,103.53",
        "--augmenter_options.std=58.395,57.12,57.375",
        "--batch_size_per_gpu=128",
    ),
    floats=(),
    steps=(
        "--epochs=11",
        "--optimizer=momentum",
        "--optimizer_options.nesterov=true",
        "--warmup_epochs=0.5",
        "--learning_rate=0.02",
        "--l2_weight_decay=0.0002",
    ),
    members=(
        {
            "name": "magnitude_pruning",
            "scope": "global",
            "sparsity": 0.7,
            "least_density": 0.05,
            "initial_sparsity": 0.3,
            "end_step": 1600,
            "every_steps": 100,
        },
        {
            "name": "quantize_aware",
            "weights": "int4<channel>",
            "weight_ranges": "learned_step",
            "activations": None,
            "inputs": None,
            "fold_batch_norm": False,
            "rules": [width("int8<channel>", name="stem_conv")],
        },
        TEACHER,
    ),
    float32_bytes=1_078_888,
)
RECIPES = {"lenet5": LENET5, "resnet20": RESNET20}


def run(recipe, data, *flags):
    """Runs the application of image classification as a command of its own."""
    train = f"--train_dataset_meta={data / recipe.train}"
    common = ("--inputter=image_classification_array_inputter", train, *recipe.network)
    ended = subprocess.run([sys.executable, str(APPLICATION), *common, *flags], check=False).returncode
    if ended:
        raise TrainingError(f"the run ended with exit code {ended}; what it said stands above.")


def train(recipe, data, folder, *flags):
    run(
        recipe,
        data,
        "--mode=train",
        f"--model_dir={folder}",
        "--seed=0",
        "--lr_method=cosine",
        "--log_every_n_iter=500",
        "--save_checkpoints_steps=5000",
        *flags,
    )


def trained_weights(recipe, data, folder, weights):
    """Returns the float weights to begin with: those given, or those of the network that is trained here."""
    if not recipe.floats:
        if weights is None:
            raise DataError("--weights: this recipe begins at published weights. Name the file.")
        return weights
    train(recipe, data, folder / "float", *recipe.floats)
    return max((folder / "float" / "checkpoints").glob("checkpoint-*.npz"))


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=RECIPES)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the data set's own files")
    parser.add_argument("--weights", type=pathlib.Path, help="published weights to begin with")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("runs/small_files"))
    given = parser.parse_args(arguments)

    recipe, folder = RECIPES[given.network], given.folder / given.network
    weights = trained_weights(recipe, given.data, folder, given.weights)
    small = folder / "small"
    chain = ("--compressor=chain", f"--compressor_options.members={json.dumps(recipe.members)}")
    held_out = ("--validation_fraction=0.02", "--evaluate_every_epochs=10")
    train(recipe, given.data, small, *recipe.steps, *chain, *held_out, f"--pretrained_model={weights}")

    file = small / "model.esp"
    import espalier

    # Folded, so that statistics of normalization need no bytes; kernels keep their codes.
    finished = espalier.fold_batch_norm(espalier.load_model(small / "finished.keras", compile=False))
    report = espalier.export(finished, file, overwrite=True)
    print(f"\n{report}")
    result = {
        "network": given.network,
        "bytes": report.bytes,
        "times_smaller": recipe.float32_bytes / report.bytes,
        "accuracy": accuracy_of_file(recipe, given.data, file),
    }
    print(json.dumps(result))
    return 0


def accuracy_of_file(recipe, data, file):
    """Returns the share of the data set's test images that the decoded file gets right."""
    import numpy as np

    import espalier
    from source.command.assembly import Names, assemble
    from source.command.flags import parse_flags

    flags = parse_flags([*recipe.network, f"--train_dataset_meta={data / recipe.train}"])
    settings = {**flags.values, "eval_dataset_meta": str(data / recipe.test), "mode": "evaluate"}
    names = Names(
        inputter="image_classification_array_inputter",
        modeler="image_classification_modeler",
        runner="single_device_runner",
        callbacks=[],
    )
    inputter = assemble(names, settings, ()).inputter
    network, right, seen = espalier.open_artefact(file), 0, 0
    for batch in inputter.input_fn("evaluate"):
        [logits] = network.run([batch["image"].numpy()])
        real = batch["weight"].numpy() > 0  # the last batch is filled up
        right += int(np.sum((logits.argmax(-1) == batch["label"].numpy())[real]))
        seen += int(real.sum())
    return right / seen


if __name__ == "__main__":
    sys.exit(report_mistakes("small_files.py", main))
