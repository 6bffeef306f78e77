"""Tests that shipped recipes take a step: a sample by default, all of them when slow tests are asked for."""

import pytest

from tests.recipe.shipped import names, session

TINY = (
    "data/synthetic.yaml",
    "inputter.num_samples=16",
    "inputter.num_evaluation_samples=8",
    "batch_size_per_gpu=8",
    "image_height=16",
    "image_width=16",
    "runner.dry_run=true",
    "epochs=50",
)
# LeNet-5 has rules of its own, and so has what approximates operators, of which small networks have none.
FOR_LENET5 = [name for name in names("compress") if "lenet5" in name]
NEEDS_OPERATORS = ["approximated_operators"]
SMALL = sorted({*names("compress")} - {*FOR_LENET5, *NEEDS_OPERATORS})


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Returns the folder of a file of weights for each of the two networks, which serve as teachers too."""
    folder = tmp_path_factory.mktemp("weights")
    for network in ("resnet8", "lenet5"):
        runner = session(*TINY, f"network={network}").runner
        runner.train()
        runner.modeler.model.save(folder / f"{network}.keras")
    return folder


def take_a_step(*words: str) -> None:
    runner = session(*words).runner
    runner.train()
    assert int(runner.modeler.optimizer.iterations) == 1


def test_a_network_data_a_trainer_and_a_compression_take_a_step(capsys):
    take_a_step("network/lenet5.yaml", *TINY, "trainer/sgd.yaml", "compress/dns.yaml")
    assert "The dry run went well" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("trainer", names("trainer"))
def test_every_trainer_takes_a_step(trainer, weights):
    given = (f"pretrained_model={weights / 'resnet8.keras'}",) if trainer == "finetune" else ()
    take_a_step(*TINY, "network=resnet8", f"trainer/{trainer}.yaml", *given)


@pytest.mark.slow
@pytest.mark.parametrize("compress", [*SMALL, *FOR_LENET5])
def test_every_compression_takes_a_step(compress, weights):
    network = "lenet5" if compress in FOR_LENET5 else "resnet8"
    file = weights / f"{network}.keras"
    words = (*TINY, f"network={network}", "trainer/momentum.yaml", f"compress/{compress}.yaml")
    take_a_step(*words, f"pretrained_model={file}", f"_teacher={file}")


@pytest.mark.slow
@pytest.mark.parametrize("network", ["cifarnet", "lenet5", "mobilenet_v2", "resnet18", "squeezenet_v11"])
def test_networks_take_a_step(network):
    size = () if network in ("cifarnet", "lenet5") else ("image_height=64", "image_width=64")
    sized = [word for word in TINY if not word.startswith("image_")]
    take_a_step(f"network/{network}.yaml", *sized, *size, "trainer/momentum.yaml")


@pytest.mark.slow
def test_operators_are_approximated():
    words = (
        "network.name=keras_application",
        "network.application=EfficientNetB0",
        "image_height=32",
        "image_width=32",
    )
    take_a_step(*TINY, *words, "trainer/adamw.yaml", "compress/approximated_operators.yaml")
