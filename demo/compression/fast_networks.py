"""Fast networks: take channels out of a real network, and measure what is left of its products, time and accuracy.

python demo/compression/fast_networks.py resnet20 --data=data/cifar-10-batches-bin --weights=data/resnet20_cifar10.npz
python demo/compression/fast_networks.py lenet5 --data=data/mnist
python demo/compression/fast_networks.py morphnet --data=data/cifar-10-batches-bin --weights=data/resnet20_cifar10.npz

`resnet20` and `lenet5` lose channels, and one block, under the eyes of the whole network; then the rest is trained on
in int8. `morphnet` narrows the blocks of ResNet-20 to half of its operations, once by MorphNet and once all alike, in
the same steps. Everything is left in runs/fast_networks/<network>; what is complete is not trained again. The last line
is one JSON object.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import small_files  # the recipes of the networks, in this folder

from source.command.mistakes import report_mistakes

TEACHER = small_files.TEACHER
# Of MorphNet and of all blocks alike: what goes inside of each block in the second case, how both are trained, and the
# last step that narrows anything.
ALIKE = 0.5
SHRINK_EPOCHS = 6
SHRINK_STEPS = 900
SHRINK_RATE = 0.03


def rule(layer, action):
    return {"match": {"name": layer}, "do": action}


def pruning(**settings):
    return {"name": "filter_pruning", "score": "l2", "initial_sparsity": 0.1, "every_steps": 50, **settings}


# The trunk of a residual network: what all blocks add to.
TRUNK = rule("stem_conv|stage._block._conv2", "skip")


@dataclasses.dataclass(frozen=True)
class Case:
    """What is cut, and how the rest is trained.

    Attributes:
        recipe: of the network, its data and its images.
        members: of the compressor `chain` that cuts.
        epochs, learning_rate: of the training that cuts.
        flags: more flags of it.
        int8_epochs, int8_learning_rate: of the training in int8 that follows.
    """

    recipe: small_files.Recipe
    members: tuple[dict, ...]
    epochs: int
    learning_rate: float
    int8_epochs: int
    int8_learning_rate: float
    flags: tuple[str, ...] = ()


# Blocks are as wide as a multiple of 8. Of the first stage one block goes as a whole: below 16 channels a CPU with
# AVX-512 saves hardly any time. The trunk stays.
RESNET20 = Case(
    recipe=small_files.RESNET20,
    members=(
        pruning(
            sparsity=0.5,
            multiple=8,
            end_step=1200,
            rules=[TRUNK, rule("stage1_block3_conv1", {"sparsity": 1.0})],
        ),
        TEACHER,
    ),
    epochs=20,
    learning_rate=0.04,
    int8_epochs=4,
    int8_learning_rate=0.005,
)
LENET5 = Case(
    recipe=small_files.LENET5,
    members=(
        pruning(
            sparsity=0.7,
            end_step=3000,
            rules=[rule("conv2", {"sparsity": 0.76}), rule("dense1", {"sparsity": 0.88})],
        ),
        TEACHER,
    ),
    epochs=12,
    learning_rate=0.02,
    int8_epochs=3,
    int8_learning_rate=0.002,
    flags=("--network_options.dropout=0", "--augmenter_options.pad=1"),
)
CASES = {"resnet20": RESNET20, "lenet5": LENET5}
MOMENTUM = ("--optimizer=momentum", "--optimizer_options.nesterov=true", "--warmup_epochs=0.5")
HELD_OUT = ("--validation_fraction=0.02", "--evaluate_every_epochs=4")


def train(recipe, data, folder, members, epochs, learning_rate, weights):
    """Trains with compressors and returns the finished model's file."""
    small_files.train(
        recipe,
        data,
        folder,
        *MOMENTUM,
        *HELD_OUT,
        f"--epochs={epochs}",
        f"--learning_rate={learning_rate}",
        "--l2_weight_decay=0.0001",
        "--compressor=chain",
        f"--compressor_options.members={json.dumps(members)}",
        *weights,
    )
    return folder / "finished.keras"


def network_of(recipe, *flags):
    """Returns the recipe with another network in the place of its own."""
    rest = [flag for flag in recipe.network if not flag.startswith("--network")]
    return dataclasses.replace(recipe, network=(*rest, *flags))


def cut(case, data, folder, weights):
    """Cuts a network, trains it in int8, and returns the numbers of all files."""
    import espalier

    floats = small_files.trained_weights(case.recipe, data, folder, weights)
    begin = [*case.flags, f"--pretrained_model={floats}"]
    smaller = train(case.recipe, data, folder / "cut", case.members, case.epochs, case.learning_rate, begin)
    rounded = train(
        network_of(case.recipe, "--network=keras_file", f"--network_options.path={smaller}"),
        data,
        folder / "int8",
        [{"name": "quantize_aware"}, TEACHER],
        case.int8_epochs,
        case.int8_learning_rate,
        [],
    )
    models = {
        "before": whole_network(case.recipe, data, folder, floats),
        "after": espalier.load_model(smaller),
        "int8": espalier.load_model(rounded),
    }
    return measured(case.recipe, data, folder, models)


def whole_network(recipe, data, folder, weights):
    """Returns the network with its float weights."""
    files = {"train_dataset_meta": str(data / recipe.train), "eval_dataset_meta": str(data / recipe.test)}
    whole = {"pretrained_model": str(weights), "model_dir": str(folder / "whole"), "mode": "evaluate"}
    runner = assembled(recipe, {**files, **whole})
    runner.evaluate()
    return runner.modeler.model


def measured(recipe, data, folder, models):
    """Returns products, bytes, latencies and test accuracies of models as LiteRT files."""
    import espalier
    from source.exporter.latency import alternate
    from source.graph.channel_cost import channel_cost

    images, labels = test_images(recipe, data)
    result, artefacts = {}, {}
    for name, model in models.items():
        precision = {"precision": "float32"} if name != "int8" else {}
        file = folder / f"{name}.tflite"
        report = espalier.export(model, file, examples=images[:100], batch_size=1, overwrite=True, **precision)
        artefacts[name] = espalier.open_artefact(file, threads=1)
        result[name] = {"bytes": report.bytes, "accuracy": accuracy(artefacts[name], images, labels)}
        if name != "int8":  # it has the layers of `after`
            result[name]["macs"] = int(channel_cost(model).total("macs"))
    latencies = alternate(list(artefacts.values()), images[:100], rounds=200, warm_up=20, threads=1)
    for name, latency in zip(artefacts, latencies, strict=True):
        result[name]["latency_ms"] = latency.network.p50_ms
    before, after, int8 = (result[name] for name in ("before", "after", "int8"))
    return {
        **result,
        "times_fewer_macs": before["macs"] / after["macs"],
        "times_faster": before["latency_ms"] / after["latency_ms"],
        "int8_times_faster": before["latency_ms"] / int8["latency_ms"],
    }


def accuracy(artefact, images, labels):
    """Returns the share of test images that a file gets right, one at a time as it is used."""
    right = sum(int(artefact.run([images[at : at + 1]])[0].argmax() == labels[at]) for at in range(len(labels)))
    return right / len(labels)


def assembled(recipe, settings):
    """Returns the runner of the recipe's application."""
    from source.command.assembly import Names, assemble
    from source.command.flags import parse_flags

    names = Names(
        inputter="image_classification_array_inputter",
        modeler="image_classification_modeler",
        runner="single_device_runner",
        callbacks=["eval_basic"],
    )
    return assemble(names, {**parse_flags([*recipe.network]).values, **settings}, ())


def test_images(recipe, data):
    """Returns the data set's test images as the network sees them, and their labels."""
    import numpy as np

    files = {"train_dataset_meta": str(data / recipe.train), "eval_dataset_meta": str(data / recipe.test)}
    inputter = assembled(recipe, {**files, "mode": "evaluate"}).inputter
    images, labels = [], []
    for batch in inputter.input_fn("evaluate"):
        real = batch["weight"].numpy() > 0  # the last batch is filled up
        images.append(batch["image"].numpy()[real])
        labels.append(batch["label"].numpy()[real])
    return np.concatenate(images), np.concatenate(labels)


def shrunk(data, folder, weights):
    """Shrinks ResNet-20 by MorphNet and all blocks alike, and returns operations and test accuracies of both."""
    import espalier
    from source.graph.channel_cost import channel_cost

    recipe, structures = small_files.RESNET20, folder / "morphnet"
    whole = whole_network(recipe, data, folder, weights)
    cost = channel_cost(whole)
    budget = cost_alike(cost) / cost.total("flops")
    ways = {"morphnet": morphnet(budget, structures), "uniform": alike()}
    pretrained = [f"--pretrained_model={weights}"]
    files = {
        name: train(recipe, data, folder / name, [way, TEACHER], SHRINK_EPOCHS, SHRINK_RATE, pretrained)
        for name, way in ways.items()
    }
    images, labels = test_images(recipe, data)
    result = {"budget": budget}
    for name, finished in files.items():
        model, file = espalier.load_model(finished), folder / f"{name}.tflite"
        espalier.export(model, file, examples=images[:100], batch_size=1, overwrite=True, precision="float32")
        share = channel_cost(model).total("flops") / cost.total("flops")
        result[name] = {"flops_share": share, "accuracy": accuracy(espalier.open_artefact(file), images, labels)}
    smaller = espalier.load_model(files["morphnet"])
    return {**result, "rebuilt_from_json": is_rebuilt(whole, smaller, structures)}


def morphnet(budget, structures):
    return {
        "name": "morphnet",
        "regularizer": "gamma",
        "budget": budget,
        "gradually": True,
        "end_step": SHRINK_STEPS,
        "every_steps": 50,
        "structure_folder": str(structures),
        "rules": [TRUNK],
    }


def alike():
    return pruning(sparsity=ALIKE, end_step=SHRINK_STEPS, rules=[TRUNK])


def cost_alike(cost):
    """Returns the operations that are left when the insides of all blocks lose the same share."""
    import numpy as np

    kept = np.zeros(cost.groups.count, bool)
    for group in cost.groups.prunable:
        is_inside = len(group.producers) == 1 and group.name.endswith("conv1")
        kept[group.channels[: round((1 - ALIKE) * len(group)) if is_inside else len(group)]] = True
    return cost.total("flops", kept[cost.channels])


def is_rebuilt(whole, smaller, structures):
    """Whether the JSON that MorphNet wrote makes a network of the same widths of the whole one."""
    from source.surgery.widths import from_structure, structure

    newest = max(structures.glob("learned_structure/alive_*"), key=lambda file: int(file.name.rpartition("_")[2]))
    rebuilt = from_structure(whole, json.loads(newest.read_text()), weights=False)
    return structure(rebuilt) == structure(smaller) and rebuilt.count_params() == smaller.count_params()


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=[*CASES, "morphnet"])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the data set's own files")
    parser.add_argument("--weights", type=pathlib.Path, help="published weights to begin with")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("runs/fast_networks"))
    given = parser.parse_args(arguments)
    folder = given.folder / given.network
    if given.network == "morphnet":
        weights = small_files.trained_weights(small_files.RESNET20, given.data, folder, given.weights)
        result = shrunk(given.data, folder, weights)
    else:
        result = cut(CASES[given.network], given.data, folder, given.weights)
    print(json.dumps({"network": given.network, **result}))
    return 0


if __name__ == "__main__":
    sys.exit(report_mistakes("fast_networks.py", main))
