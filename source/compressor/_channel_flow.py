"""Where the channels that a layer makes go: into a batch normalization, or out of the model."""

import keras

from source.graph.wiring import Wiring
from source.layer import weight_paths
from source.surgery.rewrite import graphs_of
from source.surgery.wrap import inside


def normalizations(model: keras.Model) -> dict[str, keras.layers.BatchNormalization]:
    """Returns the batch normalization that follows a layer and nothing else does, by the layer's name.

    Args:
        model: functional or sequential, built; nested models are looked into.
    """
    found = {}
    for each in graphs_of(model):
        wiring = Wiring(each)
        for name in wiring.operations:
            following = wiring.only_consumer(name)
            following = inside(following) if isinstance(following, keras.layers.Layer) else None
            if isinstance(following, keras.layers.BatchNormalization):
                found[name] = following
    return found


def last_layers(model: keras.Model) -> set[str]:
    """Returns the names of layers with kernels whose channels come out of the model without passing another kernel.

    Args:
        model: as for `normalizations`.
    """
    wiring = Wiring(model)
    waiting = [name for name in wiring.operations if wiring.is_output(name)]
    found: set[str] = set()
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        operation = wiring.operations[name]
        if _is_model(operation):
            found |= last_layers(operation)
        elif _has_kernel(operation):
            found.add(name)
        else:
            waiting += [each.name for each in wiring.producers(name)]
    return found


def _is_model(operation: object) -> bool:
    return isinstance(operation, keras.Model) and bool(getattr(operation, "inputs", None))


def _has_kernel(operation: object) -> bool:
    if not isinstance(operation, keras.layers.Layer):
        return False
    weights = weight_paths.of(inside(operation))
    return any(weight_paths.is_kernel(path, variable) for path, variable in weights.items())
