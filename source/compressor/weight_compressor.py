"""Compressors that let some weights of some layers be seen through chains: what to choose, where, and why not."""

import abc
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from source.compressor.compressor import Calibration, Compressor
from source.compressor.rules import Rules
from source.config.config import CompressorConfig
from source.config.errors import ConfigError
from source.layer import weight_paths
from source.layer.compressed import Chain
from source.layer.transformation import Transformation
from source.surgery.rewrite import layers_of, refuse_other_models, rewrite
from source.surgery.wrap import inside, wrapped


class WeightCompressor(Compressor):
    """A compressor of weights: subclasses say which chain a weight gets, and keep its state up to date.

    Attributes:
        settings: what a rule may set, and its defaults: an instance of a class made by `settings`.
    """

    settings: Any

    def __init__(self, config: CompressorConfig, settings: Any) -> None:
        super().__init__(config)
        self.settings = settings
        self._rules: Rules[Any] = Rules(settings, config.rules)

    @abc.abstractmethod
    def chain(self, layer: keras.layers.Layer, path: str, settings: Any) -> list[Transformation]:
        """Returns what a weight is seen through.

        Args:
            layer: the layer itself, built, not a wrapper.
            path: of the weight below the layer.
            settings: of this weight, after the rules.
        """

    def input_chains(self, layer: keras.layers.Layer) -> Sequence[Chain]:
        """Returns what the inputs of a layer with chosen weights are seen through; nothing by default.

        Args:
            layer: the layer itself, built, not a wrapper.
        """
        return ()

    def refusal(self, layer: keras.layers.Layer, path: str, variable: keras.Variable, settings: Any) -> str | None:
        """Returns why a weight that no rule skips is left alone, or None to compress it.

        By default, kernels and tables are compressed, and other weights that a rule names by `weight`.

        Args:
            layer: the layer itself.
            path: of the weight below the layer.
            variable: the weight.
            settings: of this weight, after the rules.
        """
        if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(variable.dtype)):
            return f"holds {variable.dtype}"
        chosen = weight_paths.is_kernel(path, variable) or self._rules.naming(layer, path)
        return None if chosen else "is no kernel or table"

    def prepare(self, model: keras.Model, calibration: Calibration = None) -> keras.Model:
        """Returns a copy of the model with the chosen weights behind chains; the model itself stays as it is."""
        refuse_other_models(model)
        self._rules.check_all_match((inside(layer), weight_paths.of(inside(layer))) for layer in layers_of(model))
        if not any(True for layer in layers_of(model) for _ in self._chosen(inside(layer))):
            raise ConfigError(
                f"{self.name}: no weight of model `{model.name}` is left to compress. It treats kernels and tables of "
                "floating point numbers; look at the rules that skip."
            )
        prepared = rewrite(model, self._wrapped)
        self._model = prepared
        return prepared

    def reason(self, layer: keras.layers.Layer, path: str, variable: keras.Variable) -> str:
        """Returns why a weight is not compressed, a few words."""
        settings = self._rules.of(layer, path)
        if settings is None:
            return "skipped by a rule"
        return self.refusal(layer, path, variable, settings) or "not treated by this compressor"

    def _chosen(self, layer: keras.layers.Layer) -> Iterator[tuple[str, Any]]:
        """Yields the weights of a layer that are to be compressed, with their settings."""
        for path, variable in weight_paths.of(layer).items():
            settings = self._rules.of(layer, path)
            if settings is None:
                continue
            refusal = self.refusal(layer, path, variable, settings)
            if refusal is None:
                yield path, settings
            elif rule := self._rules.naming(layer, path):
                raise ConfigError(
                    f"{rule}: weight `{path}` of layer `{layer.name}` cannot be compressed: it {refusal}."
                )

    def _wrapped(self, layer: keras.layers.Layer) -> keras.layers.Layer | None:
        bare = inside(layer)
        chains = {path: self._owned(self.chain(bare, path, settings)) for path, settings in self._chosen(bare)}
        if not chains:
            return None
        return wrapped(layer, weights=chains, inputs=[self._owned(list(chain)) for chain in self.input_chains(bare)])

    def _owned(self, chain: list[Transformation]) -> list[Transformation]:
        """Returns a chain whose transformations know whose they are."""
        for each in chain:
            each.owner = self.name
        return chain
