"""The front door: every public name of Espalier, loaded from its room when it is first asked for.

Importing this package loads nothing else; a name is fetched on first use (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source import __version__
    from source.compressor.build import compressor
    from source.compressor.compressor import Compressor
    from source.config.config import (
        CallbackConfig,
        CompressorConfig,
        Config,
        InputterConfig,
        ModelerConfig,
        NetworkConfig,
        RunnerConfig,
    )
    from source.config.errors import EspalierError
    from source.config.image_classification_config import (
        ImageClassificationCallbackConfig,
        ImageClassificationInputterConfig,
        ImageClassificationModelerConfig,
    )
    from source.config.plugin import available, resolve
    from source.config.settings import from_mapping, settings, to_mapping
    from source.exporter.artefact.open_artefact import open_artefact
    from source.exporter.artefact.packed_file import load_packed
    from source.exporter.build import export
    from source.exporter.comparison import compare
    from source.exporter.cost_profile import profile
    from source.exporter.latency import measure
    from source.graph.channel_cost import channel_cost
    from source.graph.channel_groups import channel_groups
    from source.graph.channels.handler import register_handler
    from source.layer.load_model import load_model
    from source.modeler.importing.import_weights import import_weights
    from source.numeric.grammar import number_format
    from source.sparsity.grammar import sparsity_pattern
    from source.surgery.channels import remove_channels
    from source.surgery.fold import fold_batch_norm

_HOME = {
    "CallbackConfig": "source.config.config",
    "Compressor": "source.compressor.compressor",
    "CompressorConfig": "source.config.config",
    "Config": "source.config.config",
    "EspalierError": "source.config.errors",
    "ImageClassificationCallbackConfig": "source.config.image_classification_config",
    "ImageClassificationInputterConfig": "source.config.image_classification_config",
    "ImageClassificationModelerConfig": "source.config.image_classification_config",
    "InputterConfig": "source.config.config",
    "ModelerConfig": "source.config.config",
    "NetworkConfig": "source.config.config",
    "RunnerConfig": "source.config.config",
    "__version__": "source",
    "available": "source.config.plugin",
    "channel_cost": "source.graph.channel_cost",
    "channel_groups": "source.graph.channel_groups",
    "compare": "source.exporter.comparison",
    "compressor": "source.compressor.build",
    "export": "source.exporter.build",
    "fold_batch_norm": "source.surgery.fold",
    "from_mapping": "source.config.settings",
    "import_weights": "source.modeler.importing.import_weights",
    "load_model": "source.layer.load_model",
    "load_packed": "source.exporter.artefact.packed_file",
    "measure": "source.exporter.latency",
    "number_format": "source.numeric.grammar",
    "open_artefact": "source.exporter.artefact.open_artefact",
    "profile": "source.exporter.cost_profile",
    "register_handler": "source.graph.channels.handler",
    "remove_channels": "source.surgery.channels",
    "resolve": "source.config.plugin",
    "settings": "source.config.settings",
    "sparsity_pattern": "source.sparsity.grammar",
    "to_mapping": "source.config.settings",
}

# Written out, because tools that read sources cannot follow `list(_HOME)`; a test holds the two equal.
__all__ = [
    "CallbackConfig",
    "Compressor",
    "CompressorConfig",
    "Config",
    "EspalierError",
    "ImageClassificationCallbackConfig",
    "ImageClassificationInputterConfig",
    "ImageClassificationModelerConfig",
    "InputterConfig",
    "ModelerConfig",
    "NetworkConfig",
    "RunnerConfig",
    "__version__",
    "available",
    "channel_cost",
    "channel_groups",
    "compare",
    "compressor",
    "export",
    "fold_batch_norm",
    "from_mapping",
    "import_weights",
    "load_model",
    "load_packed",
    "measure",
    "number_format",
    "open_artefact",
    "profile",
    "register_handler",
    "remove_channels",
    "resolve",
    "settings",
    "sparsity_pattern",
    "to_mapping",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `espalier` has no attribute `{name}`")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # the next look-up no longer comes here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
