"""The shipped recipes, sorted by what they are for, and which of them go together."""

from source.command.session import Session
from source.config.recipe.recipe import SHIPPED

COMMON = ("synthetic",)
SMALL_GREY = ("mnist", "fashion_mnist", "digits")
SMALL_COLOUR = ("cifar10", "cifar100")
PHOTOGRAPHS = ("flowers", "imagenet", "folder", "csv")
# Networks that are made for small pictures; all others take photographs.
SMALL_NETWORKS = {"lenet5": SMALL_GREY, "cifarnet": SMALL_COLOUR}
# What a recipe leaves to be said, by the name of the setting.
GIVEN = {
    "_pictures": "pictures",
    "_list": "list.csv",
    "num_classes": "2",
    "pretrained_model": "weights.keras",
    "_teacher": "teacher.keras",
}


def names(kind: str) -> list[str]:
    """Returns the names of the recipes of a kind, without `.yaml`, sorted."""
    return sorted(path.stem for path in (SHIPPED / kind).glob("*.yaml"))


def text(name: str) -> str:
    """Returns a shipped recipe as it is written."""
    return (SHIPPED / name).read_text(encoding="utf-8")


def data_for(network: str) -> tuple[str, ...]:
    """Returns the data that a network suits."""
    return (*SMALL_NETWORKS.get(network, PHOTOGRAPHS), *COMMON)


def session(*words: str) -> Session:
    """Returns a session of files and settings, with a value for whatever they leave to be said."""
    made = Session()
    for word in words:
        if "=" in word:
            made.add_setting(word)
        else:
            made.add_file(word)
    for name, value in GIVEN.items():
        found = made.recipe.tree.value.get(name)
        if found is not None and found.value == "???":
            made.add_setting(f"{name}={value}")
    return made
