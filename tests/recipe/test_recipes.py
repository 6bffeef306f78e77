"""Tests of the shipped recipes: what they say of themselves, that they are right, and that they go together."""

import itertools

import pytest
import yaml

from source.config.errors import ConfigError
from source.config.plugin import available
from source.config.plugin_fields import plugin_fields
from source.config.recipe.recipe import SHIPPED, shipped_files
from source.config.training_share import MANY_STEPS, in_steps
from tests.recipe.shipped import data_for, names, session, text

KINDS = ("network", "data", "trainer", "compress")
RECIPES = [name for name in shipped_files() if name.partition("/")[0] in KINDS]


def test_what_was_asked_for_is_there():
    assert set(names("data")) >= {"mnist", "fashion_mnist", "cifar10", "cifar100", "flowers", "imagenet", "folder"}
    assert set(names("data")) >= {"csv", "digits", "synthetic"}
    trainers = {"sgd", "momentum", "adam", "adamw", "rmsprop", "cosine", "exponential", "finetune"}
    assert set(names("trainer")) >= trainers


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_opens_with_what_it_is_and_its_lines_are_short(name):
    lines = text(name).splitlines()
    assert lines[0].startswith("# ")
    assert len(lines[0]) > 20
    assert all(len(line) <= 120 for line in lines)
    assert text(name).endswith("\n")


@pytest.mark.parametrize("name", [each for each in RECIPES if not each.startswith("network/")])
def test_a_recipe_names_a_command_that_has_it(name):
    comment = " ".join(line[1:].strip(" \\") for line in text(name).splitlines() if line.startswith("#"))
    _, command, rest = comment.partition("espalier ")
    assert command
    assert name in rest


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_a_mapping_without_tags(name):
    assert isinstance(yaml.safe_load(text(name)), dict)


@pytest.mark.parametrize("name", RECIPES)
def test_files_that_the_comments_name_are_shipped(name):
    comment = " ".join(line for line in text(name).splitlines() if line.startswith("#"))
    words = [word.strip("#:,;.()`") for word in comment.split()]
    missing = [word for word in words if word.endswith(".yaml") and not (SHIPPED / word).is_file()]
    assert not missing


def test_every_compressor_has_a_recipe():
    used = set()
    for name in names("compress"):
        compressor = session(f"compress/{name}.yaml").setting("compressor")
        used |= {compressor["name"], *(member["name"] for member in compressor.get("members", ()))}
    assert used == set(available("compressor"))


@pytest.mark.parametrize("name", names("compress"))
def test_steps_follow_the_length_of_training(name):
    compressor = session(f"compress/{name}.yaml").setting("compressor")
    for member in compressor.get("members", [compressor]):
        known = plugin_fields("compressor", member["name"])
        given = set(in_steps(member, MANY_STEPS)) - {"name"}
        assert given <= set(known.fields)
        schedule = {"end_step", "every_steps", "portion_steps", "begin_step"} & set(known.fields)
        assert not schedule or schedule & given, f"{member['name']}: its steps are those of its defaults"
        assert all(value == 0 or isinstance(value, (str, list)) for key, value in member.items() if key in schedule)


def test_the_network_is_sized_for_the_data_that_comes_behind_it():
    parts = session("network/resnet18.yaml", "data/cifar10.yaml").parts
    assert parts.shared["image_height"] == 32
    parts = session("network/resnet18.yaml", "data/flowers.yaml").parts
    assert (parts.shared["image_height"], parts.shared["num_classes"]) == (224, 5)


@pytest.mark.parametrize("network", names("network"))
def test_a_network_goes_with_data_of_its_kind(network):
    data = data_for(network)[0]
    parts = session(f"network/{network}.yaml", f"data/{data}.yaml", "trainer/momentum.yaml").parts
    assert parts.shared["optimizer"] == "momentum"
    assert "train_dataset_meta" in parts.shared


@pytest.mark.parametrize("data", names("data"))
def test_data_goes_with_a_network_that_is_named(data):
    parts = session(f"data/{data}.yaml", "network=resnet20", "trainer/cosine.yaml").parts
    assert parts.names["network"] == "resnet20"


@pytest.mark.parametrize("trainer", names("trainer"))
def test_a_trainer_goes_with_a_network_and_data(trainer):
    assert session("network/lenet5.yaml", "data/digits.yaml", f"trainer/{trainer}.yaml").parts.shared["epochs"] > 0


@pytest.mark.parametrize("compress", names("compress"))
def test_a_compression_goes_with_a_network_and_data(compress):
    words = ("network/lenet5.yaml", "data/mnist.yaml", "trainer/sgd.yaml", f"compress/{compress}.yaml")
    assert session(*words).parts.names["compressor"]


@pytest.mark.slow
@pytest.mark.parametrize("network", names("network"))
def test_everything_goes_with_everything(network):
    for data, trainer, compress in itertools.product(data_for(network), names("trainer"), names("compress")):
        files = (f"network/{network}.yaml", f"data/{data}.yaml", f"trainer/{trainer}.yaml", f"compress/{compress}.yaml")
        assert session(*files).parts.names["runner"] == "single_device_runner"


def test_parameters_of_a_recipe_are_changed_from_the_command_line():
    words = ("network/lenet5.yaml", "data/digits.yaml", "trainer/sgd.yaml", "compress/dns.yaml", "_sparsity=0.98")
    parts = session(*words).parts
    assert parts.own["compressor"]["sparsity"] == 0.98
    assert "_sparsity" not in parts.shared


@pytest.mark.parametrize(
    "name", ["data/folder.yaml", "data/csv.yaml", "trainer/finetune.yaml", "compress/low_rank.yaml"]
)
def test_what_a_recipe_leaves_to_be_said_is_asked_for(name):
    from source.command.session import Session

    made = Session()
    made.add_file(name)
    with pytest.raises(ConfigError, match=rf"^{name}:\d+: \w+: needs a value: \w+=VALUE\.$"):
        made.resolved  # noqa: B018 - refuses


def test_other_data_may_be_given_behind():
    settings = session("network/lenet5.yaml", "data/mnist.yaml", "data_dir=elsewhere").parts.shared
    assert settings["train_dataset_meta"] == "elsewhere/mnist"


@pytest.mark.parametrize("compress", names("compress"))
@pytest.mark.parametrize("steps", [90, MANY_STEPS])
def test_a_compressor_can_be_made_for_short_and_long_trainings(compress, steps):
    from source.compressor.build import compressor

    settings = session(f"compress/{compress}.yaml", "_teacher=null").setting("compressor")
    assert compressor(settings.pop("name"), **in_steps(settings, steps)).config
