"""`espalier env`: the versions and devices that a report of a fault should name."""

import argparse
import importlib.metadata
import os
import platform

import source
from source.command.parser import Parser

SUMMARY = "show versions and devices"
# More than one distribution brings the module `tensorflow`.
PACKAGES = {
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tf-nightly"),
    "keras": ("keras", "keras-nightly"),
    "numpy": ("numpy",),
    "pydantic": ("pydantic",),
    "omegaconf": ("omegaconf",),
    "tensorboard": ("tensorboard",),
    "pillow": ("pillow",),
}


def add_arguments(parser: Parser) -> None:
    """Declares what may follow `espalier env`: nothing.

    Args:
        parser: the parser of this command.
    """


def run(arguments: argparse.Namespace) -> int:
    """Prints versions and devices and returns the exit code 0; loads TensorFlow.

    Args:
        arguments: not used.
    """
    rows = {
        "espalier": source.__version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": platform.platform(),
        "cpu cores": str(os.cpu_count()),
        **{name: version(distributions) for name, distributions in PACKAGES.items()},
        "devices": ", ".join(devices()),
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"{name:<{width}}  {value}")
    return 0


def version(distributions: tuple[str, ...]) -> str:
    """Returns the version of the first of these distributions that is installed.

    Args:
        distributions: names that the same module is distributed under.

    Returns:
        The version, with the distribution's name if it is not the first; "not installed" if none is.
    """
    for name in distributions:
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        return found if name == distributions[0] else f"{found} ({name})"
    return "not installed"


def devices() -> list[str]:
    """Returns what TensorFlow sees: each device's kind, number and, for accelerators, its model."""
    try:
        import tensorflow as tf
    except ImportError:
        return ["unknown: TensorFlow cannot be imported"]
    found = []
    for device in tf.config.list_physical_devices():
        details = tf.config.experimental.get_device_details(device) if device.device_type == "GPU" else {}
        label = device.name.removeprefix("/physical_device:")
        found.append(f"{label} ({details['device_name']})" if "device_name" in details else label)
    return found
