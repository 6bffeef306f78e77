"""The one wrapper: a layer that sees its weights, inputs and outputs through chains of transformations."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from source.config.errors import ConfigError
from source.config.nearest import did_you_mean
from source.layer import weight_paths
from source.layer.batch_normalized import BatchNormalized
from source.layer.building import build_from_call, build_from_shapes, builds_itself
from source.layer.transformation import Tensor, Transformation, copies_of, deserialized, serialized

Chain = Sequence[Transformation]


@keras.saving.register_keras_serializable(package="espalier")
class Compressed(keras.layers.Layer):
    """Calls a layer with each weight w replaced by f(w), and inputs x and outputs y by g(x) and h(y).

    f, g and h are chains of transformations, applied in their order. Gradients reach w through f. Any Keras layer
    with `get_config` can be wrapped, nested ones and whole models too: their weights are told apart by their paths,
    such as `query/kernel`. Biases, statistics and random states that no chain names work as before.

    Attributes:
        layer: the layer inside.
        weight_chains: path of a weight below the layer to its chain.
        input_chains: one chain for each input tensor, in the order of the arguments; may be shorter.
        before_activation: chain of the output before the layer's `activation`, which is then applied outside.
        output_chain: chain of the output, or of the first output if there are several.
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        weights: Mapping[str, Chain] | None = None,
        inputs: Sequence[Chain] = (),
        before_activation: Chain = (),
        outputs: Chain = (),
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        """Wraps a layer, which is changed if `before_activation` is given: its own activation becomes linear.

        Args:
            layer: any Keras layer.
            weights: path of a weight below the layer to its chain.
            inputs: chains of the input tensors.
            before_activation: chain of the output before the activation.
            outputs: chain of the output.
            activation: what is applied after `before_activation`; None takes it from the layer.
            **kwargs: `name` and `trainable`.

        Raises:
            ConfigError: for what is no layer or no transformation, for a path that no weight of a built layer has,
                and for `before_activation` of a layer without `activation`.
        """
        if not isinstance(layer, keras.layers.Layer):
            raise ConfigError(f"Only Keras layers can be wrapped. Received: {layer!r}.")
        if layer.quantization_mode is not None:
            raise ConfigError(
                f"Layer `{layer.name}` is quantized by Keras already. Compress the model as it was before, or let a "
                f"rule skip the layer. Received: quantization_mode={layer.quantization_mode!r}."
            )
        kwargs = {"name": layer.name, "dtype": layer.dtype_policy, **kwargs}
        super().__init__(autocast=False, **kwargs)
        self.layer = _as_layer(layer)
        self.weight_chains = {path: deserialized(chain) for path, chain in (weights or {}).items()}
        self.input_chains = [deserialized(chain) for chain in inputs]
        self.before_activation = deserialized(before_activation)
        self.output_chain = deserialized(outputs)
        self.activation = keras.activations.get(activation)
        if self.before_activation and activation is None:
            self.activation = _take_activation(self.layer)
        self.supports_masking = self.layer.supports_masking
        _name_chains(self)
        self._mapped: list[keras.Variable] = []
        if self.layer.built:
            with keras.name_scope(self.name):
                self._build_weight_chains()

    @property
    def trainable(self) -> bool:
        """Whether the layer trains; weights that no gradient reaches through their chains never do."""
        return bool(super().trainable)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Sets it for the layer inside and the chains, too."""
        keras.layers.Layer.trainable.fset(self, value)
        self._hold_still()

    def build(self, input_shape: Any) -> None:
        """Builds the layer inside, and the chains of its weights."""
        if self.weight_chains or builds_itself(self.layer):  # others are built when they are called
            build_from_call(self.layer, input_shape)
        self._build_weight_chains()

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns what the layer inside needs to be built."""
        return self.layer.get_build_config()

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layer inside from what `get_build_config` returned."""
        build_from_shapes(self.layer, config)
        with keras.name_scope(self.name):
            self._build_weight_chains()

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments as plain values."""
        # Without the shapes that it was built from: `get_build_config` has them.
        layer = weight_paths.unbuilt(keras.saving.serialize_keras_object(self.layer))
        return {
            "name": self.name,
            "trainable": self.trainable,
            "layer": layer,
            "paths": list(weight_paths.of(self.layer)),
            "weights": {path: serialized(chain) for path, chain in self.weight_chains.items()},
            "inputs": [serialized(chain) for chain in self.input_chains],
            "before_activation": serialized(self.before_activation),
            "outputs": serialized(self.output_chain),
            "activation": keras.activations.serialize(self.activation) if self.before_activation else None,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Compressed":
        """Returns the layer that plain values mean."""
        layer = keras.saving.deserialize_keras_object(config["layer"])
        weight_paths.keep(layer, config.get("paths", ()))
        return cls(layer, **{key: value for key, value in config.items() if key not in ("layer", "paths")})

    def call(self, *inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Returns what the layer inside returns for the transformed inputs, with the transformed weights."""
        args, kwargs = self._seen_inputs(inputs, kwargs, training)
        outputs = self._call_layer(args, kwargs, training) if self._mapped else self.layer(*args, **kwargs)
        several = isinstance(outputs, (list, tuple))
        first = outputs[0] if several else outputs
        if self.before_activation:
            first = self.activation(through(self.before_activation, first, training))
        first = through(self.output_chain, first, training)
        return type(outputs)([first, *outputs[1:]]) if several else first

    def compute_output_spec(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Returns the shapes and types that the layer inside gives: no chain changes them."""
        inputs = [x for x in keras.tree.flatten((args, kwargs)) if _is_input(x)]
        for chain, x in zip(self.input_chains, inputs, strict=False):
            _build(chain, x.shape)
        outputs = self.layer.compute_output_spec(*args, **kwargs)
        first = outputs[0] if isinstance(outputs, (list, tuple)) else outputs
        _build([*self.before_activation, *self.output_chain], first.shape)
        return outputs

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Returns the mask of time steps of the layer inside."""
        # Keras hands over all positional arguments of a call, and their masks; those of the first are meant.
        if isinstance(inputs, tuple):
            previous_mask = previous_mask[:1] if isinstance(previous_mask, tuple) else [previous_mask]
            return self.layer.compute_mask(inputs[0], *previous_mask) if inputs else None
        return self.layer.compute_mask(inputs, previous_mask)

    def variable(self, path: str) -> keras.Variable:
        """Returns the weight that a path names.

        Raises:
            ConfigError: if the layer has no such weight.
        """
        known = weight_paths.of(self.layer)
        if path not in known:
            raise ConfigError(f"Layer `{self.name}` has no weight `{path}`. {did_you_mean(path, known)}")
        return known[path]

    def seen_weight(self, path: str, before: Transformation | None = None, training: bool = False) -> Tensor:
        """Returns a weight as the layer sees it, float32; where normalization is folded in, as it is stored in the end.

        Args:
            path: of the weight below the layer.
            before: end the chain before this transformation.
            training: as the layer sees it in a training step.
        """
        chain = self.weight_chains[path]
        chain = chain[: chain.index(before)] if before is not None else chain
        return through(chain, self.weight(path), training)

    def weight(self, path: str) -> Tensor:
        """Returns the float32 weight that enters the chain: the layer's own, or what folding makes of it.

        Args:
            path: of the weight below the layer.
        """
        weight = ops.convert_to_tensor(self.variable(path))
        scale = self._scale(path)
        return weight if scale is None else weight * scale

    def around(
        self,
        layer: keras.layers.Layer,
        weights: Mapping[str, Chain] | None = None,
        inputs: Sequence[Chain] = (),
        before_activation: Chain = (),
        outputs: Chain = (),
    ) -> "Compressed":
        """Returns a wrapper with these chains and their states around another layer, each continued by the ones given.

        Args:
            layer: of the same class and weights.
            weights: path of a weight to what its chain continues with.
            inputs: what the chains of inputs continue with.
            before_activation: what the chain before the activation continues with.
            outputs: what the chain of the output continues with.
        """
        more = dict(weights or {})
        paths = [*self.weight_chains, *(path for path in more if path not in self.weight_chains)]
        with keras.name_scope(self.name):  # for the paths of the copied variables; the wrapper names new ones itself
            pairs = itertools.zip_longest(self.input_chains, inputs, fillvalue=())
            chains: dict[str, Any] = {
                "weights": {p: [*copies_of(self.weight_chains.get(p, ())), *more.get(p, ())] for p in paths},
                "inputs": [[*copies_of(chain), *new] for chain, new in pairs],
                "before_activation": [*copies_of(self.before_activation), *before_activation],
                "outputs": [*copies_of(self.output_chain), *outputs],
            }
        activation = self.activation if self.before_activation else None
        return Compressed(layer, **chains, activation=activation, name=self.name, trainable=self.trainable)

    def transformations(self) -> Iterator[tuple[str, Transformation]]:
        """Yields every transformation with the place it stands at: `kernel`, `input 0`, `output`, ..."""
        for path, chain in self.weight_chains.items():
            yield from ((path, each) for each in chain)
        for position, chain in enumerate(self.input_chains):
            yield from ((f"input {position}", each) for each in chain)
        yield from (("before activation", each) for each in self.before_activation)
        yield from (("output", each) for each in self.output_chain)

    def _build_weight_chains(self) -> None:
        for path, chain in self.weight_chains.items():
            _build(chain, self.variable(path).shape)
        # Every variable is mapped, or a backend without state would read constants for those left out.
        self._mapped = list(self.layer.variables) if self.weight_chains else []
        self.built = True
        self._hold_still()

    def _hold_still(self) -> None:
        """Makes weights that gradients do not reach constants for the optimizer, which would warn of them."""
        for path, chain in self.weight_chains.items() if self.layer.built else ():
            if not all(each.passes_gradient for each in chain):
                self.variable(path).trainable = False

    def _seen_inputs(self, args: tuple, kwargs: dict[str, Any], training: bool | None) -> tuple[tuple, dict[str, Any]]:
        if not self.input_chains:
            return args, kwargs
        chains = iter(self.input_chains)

        def seen(x: Any) -> Any:
            return through(next(chains, ()), x, training) if _is_input(x) else x

        return keras.tree.map_structure(seen, (args, kwargs))

    def _call_layer(self, args: tuple, kwargs: dict[str, Any], training: bool | None) -> Any:
        # Without statistics of the batch, what a device computes in the end is computed here, the same bits.
        folds = self._is_folded() and self.layer.folds(training)
        mapping = self._seen_weights(training, folds)
        with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
            given = [scope.get_current_value(variable) for variable, _ in mapping]
            outputs = self.layer.call_folded(*args) if folds else self.layer(*args, **kwargs)
            left = [scope.get_current_value(variable) for variable, _ in mapping]
        for (variable, _), before, after in zip(mapping, given, left, strict=True):
            if after is not before:
                self._check_state(variable)
                variable.assign(after)
        for loss in scope.losses:
            self.add_loss(loss)
        return outputs

    def _check_state(self, variable: keras.Variable) -> None:
        if any(variable is each for each in self.layer.trainable_variables):
            raise ConfigError(
                f"Layer `{self.name}` ({type(self.layer).__name__}) assigns to its weight `{variable.path}` when it "
                "is called in training, so that weight cannot be seen through a chain. Let a rule skip the layer."
            )

    def _is_folded(self) -> bool:
        folded = isinstance(self.layer, BatchNormalized)
        return folded and any(self._scale(path) is not None for path in self.weight_chains)

    def _seen_weights(self, training: bool | None, folds: bool) -> list[tuple[keras.Variable, Tensor]]:
        """Returns every variable of the layer with the value that it is to have during the call."""
        seen = {id(self.variable(path)): self._seen_weight(path, training, folds) for path in self.weight_chains}
        if folds and self.layer.linear.use_bias:
            bias = self.layer.linear.bias
            seen[id(bias)] = self.layer.folded_bias(seen.get(id(bias)))
        return [(each, seen.get(id(each), ops.convert_to_tensor(each))) for each in self._mapped]

    def _seen_weight(self, path: str, training: bool | None, folds: bool) -> Tensor:
        seen = self.seen_weight(path, training=bool(training))
        scale = self._scale(path)
        if scale is None:
            return seen
        return self.layer.folded_kernel(path, seen) if folds else seen / scale

    def _scale(self, path: str) -> Tensor | None:
        """Returns what a weight is multiplied by before its chain, and divided by after it; None for most."""
        return self.layer.channel_scale(path) if isinstance(self.layer, BatchNormalized) else None


def through(chain: Chain, x: Tensor, training: bool | None) -> Tensor:
    """Returns x seen through a chain of transformations.

    Args:
        chain: in the order of application.
        x: floating point tensor.
        training: whether the call belongs to a training step.
    """
    for transformation in chain:
        x = transformation(x, training=training)
    return x


def _build(chain: Chain, shape: Sequence[int | None]) -> None:
    for each in chain:
        if not each.built:
            each.build(tuple(shape))
            each.built = True


def compressed_layers(model: keras.layers.Layer) -> Iterator[Compressed]:
    """Yields every wrapped layer of a model, in order, those of nested models too, each once."""
    seen: set[int] = set()
    for layer in _layers(model):
        if isinstance(layer, Compressed) and id(layer) not in seen:
            seen.add(id(layer))
            yield layer


def transformations_of(model: keras.layers.Layer) -> Iterator[Transformation]:
    """Yields every transformation of a model, those in wrappers and those that stand as layers.

    Args:
        model: prepared.
    """
    yield from (each for _, _, each in placed_transformations(model))


def placed_transformations(model: keras.layers.Layer) -> Iterator[tuple[str, str, Transformation]]:
    """Yields every transformation of a model with the name of its layer and the place where it stands there.

    One that stands as a layer of its own is at the `output` of that.

    Args:
        model: prepared.
    """
    for layer in _layers(model):
        if isinstance(layer, Transformation):
            yield layer.name, "output", layer
    for wrapper in compressed_layers(model):
        yield from ((wrapper.name, place, each) for place, each in wrapper.transformations())


def _layers(model: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    if isinstance(model, Compressed):
        yield model
        return
    for layer in getattr(model, "layers", ()):
        yield from _layers(layer) if isinstance(layer, keras.Model) else (layer,)


def _is_input(x: Any) -> bool:
    is_tensor = isinstance(x, keras.KerasTensor) or bool(ops.is_tensor(x))
    return is_tensor and keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))


def _name_chains(layer: Compressed) -> None:
    """Names every transformation after its place, the same in every process, so that states can be told apart."""
    taken: dict[str, int] = {}
    for place, each in layer.transformations():
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", type(each).__name__).lower()
        name = f"{re.sub('[^a-z0-9]+', '_', place.lower())}_{words}"
        taken[name] = taken.get(name, 0) + 1
        each.name = name if taken[name] == 1 else f"{name}_{taken[name]}"


def _as_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, Compressed):
        raise ConfigError(f"Layer `{layer.name}` is wrapped already: add to its chains instead.")
    return layer


def _take_activation(layer: keras.layers.Layer) -> Any:
    """Returns a layer's activation, and makes it linear."""
    activation = getattr(layer, "activation", None)
    if activation is None or isinstance(layer, keras.layers.RNN):
        raise ConfigError(
            f"before_activation: layer `{layer.name}` ({type(layer).__name__}) has no activation at its output. "
            "Transform its output instead."
        )
    layer.activation = keras.activations.linear
    return activation
