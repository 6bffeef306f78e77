"""What a roofline estimate needs to know of hardware: how fast it computes, and how fast it reads and writes."""

import pathlib
import time
from collections.abc import Callable

import numpy as np

from source.config.config import require
from source.config.errors import ConfigError, UnknownNameError
from source.config.nearest import did_you_mean
from source.config.settings import from_mapping, settings

_SHIPPED = pathlib.Path(__file__).parent
# What `hardware` measures in the place of reading it.
THIS_CPU = "this_cpu"
_SIDE = 1024  # of the matrices that are multiplied
_BYTES = 64 * 2**20  # that are copied: more than caches hold
_ROUNDS = 5


@settings
class Hardware:
    """A device as a roofline.

    Williams et al.: Roofline, an insightful visual performance model, 2009, https://doi.org/10.1145/1498765.1498785

    Attributes:
        name: for reports.
        peak_flops: floating point operations a second, positive; a product and its addition are two.
        bandwidth: bytes that it reads and writes in a second, positive.
    """

    name: str
    peak_flops: float
    bandwidth: float

    def __post_init__(self) -> None:
        require(self.peak_flops > 0, "peak_flops", "positive", self.peak_flops)
        require(self.bandwidth > 0, "bandwidth", "positive", self.bandwidth)


def hardware(name: str | Hardware) -> Hardware:
    """Returns the description of a device.

    Args:
        name: of a shipped one, in any case; "this_cpu", which is measured in about a second; or the path of a YAML file
            with `name`, `peak_flops` and `bandwidth`. A description is returned as it is.

    Raises:
        UnknownNameError: for a name that is neither shipped nor a file.
        ConfigError: for a file that does not hold a description.
    """
    if isinstance(name, Hardware):
        return name
    if name.lower() == THIS_CPU:
        return measured()
    known = shipped()
    if name.lower() in known:
        return _read(_SHIPPED / f"{name.lower()}.yaml")
    if not name.endswith((".yaml", ".yml")):
        choices = [*known, THIS_CPU]
        raise UnknownNameError(
            f"hardware: `{name}` is not known. {did_you_mean(name.lower(), choices)} Expected {', '.join(choices)}, or "
            "the path of a YAML file."
        )
    return _read(pathlib.Path(name))


def shipped() -> list[str]:
    """Returns the names of the devices whose descriptions are shipped."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def measured(clock: Callable[[], float] = time.perf_counter) -> Hardware:
    """Returns a description of the CPU that this runs on: the fastest of a few products of matrices, and of copies.

    Both are float32, on as many cores as NumPy takes.

    Args:
        clock: returns seconds.
    """
    matrix = np.ones((_SIDE, _SIDE), np.float32)
    first, second = np.ones(_BYTES, np.uint8), np.empty(_BYTES, np.uint8)
    product = _fastest(lambda: matrix @ matrix, clock)
    copied = _fastest(lambda: np.copyto(second, first), clock)
    return Hardware(name=THIS_CPU, peak_flops=2.0 * _SIDE**3 / product, bandwidth=2.0 * _BYTES / copied)


def _fastest(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """Returns the least seconds of a few runs, after one that does not count."""
    run()
    seconds = []
    for _ in range(_ROUNDS):
        begin = clock()
        run()
        seconds.append(clock() - begin)
    return min(seconds)


def _read(path: pathlib.Path) -> Hardware:
    import yaml  # only files need it: costs that are no latency do without

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"hardware: `{path}` cannot be read as YAML: {error}") from error
    return from_mapping(Hardware, found, str(path))
