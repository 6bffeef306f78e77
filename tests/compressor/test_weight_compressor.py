"""Tests of compressors of weights: which are chosen, which are left alone and why."""

import keras
import numpy as np
import pytest
from keras import layers

from source.compressor.weight_compressor import WeightCompressor
from source.config.config import CompressorConfig
from source.config.errors import ConfigError
from source.config.settings import settings
from source.layer.compressed import compressed_layers
from tests.layer.kinds import MODELS, Half, batch_for, equal, made


@settings
class Settings:
    """Settings of a test.

    Attributes:
        times: how often to halve.
    """

    times: int = 1


class Halving(WeightCompressor):
    """Halves kernels, as often as it is told."""

    name = "halving"

    def chain(self, layer, path, settings):
        return [Half() for _ in range(settings.times)]


def halving(*rules) -> Halving:
    return Halving(CompressorConfig(rules=rules), Settings())


def places(model: keras.Model) -> list[tuple[str, str]]:
    return [(layer.name, place) for layer in compressed_layers(model) for place, _ in layer.transformations()]


def test_kernels_and_tables_are_chosen():
    assert places(halving().prepare(made("residual"))) == [("one", "kernel"), ("two", "kernel"), ("three", "kernel")]
    assert places(halving().prepare(made("lstm"))) == [
        ("embedding", "embeddings"),
        ("it", "lstm_cell/kernel"),
        ("it", "lstm_cell/recurrent_kernel"),
        ("dense", "kernel"),
    ]


@pytest.mark.parametrize(
    "name", [name for name in MODELS if name not in ("batch_norm", "layer_norm", "group_norm", "prelu")]
)
def test_every_model_is_prepared_and_finished(name):
    compressor = halving()
    prepared = compressor.prepare(made(name))
    batch = batch_for(prepared)
    finished = compressor.finish(prepared)
    assert equal(finished(batch), prepared(batch))
    assert all(each.owner == "halving" for layer in compressed_layers(prepared) for _, each in layer.transformations())
    assert compressor.model is prepared


def test_rules_choose_settings_and_weights():
    compressor = halving(
        {"match": {"name": "one"}, "do": {"times": 2}},
        {"match": {"name": "two"}, "do": "skip"},
        {"match": {"name": "three", "weight": "bias"}, "do": {"times": 1}},
    )
    prepared = compressor.prepare(made("residual"))
    assert places(prepared) == [("one", "kernel"), ("one", "kernel"), ("three", "kernel"), ("three", "bias")]
    reasons = {(row.layer, row.weight): row.how for row in compressor.report(prepared).not_compressed}
    assert reasons == {
        ("one", "bias"): "is no kernel or table",
        ("two", "kernel"): "skipped by a rule",
        ("two", "bias"): "skipped by a rule",
    }


def test_what_was_prepared_is_prepared_further():
    once = halving().prepare(made("attention"))
    twice = halving(
        {"match": {"weight": "query/kernel"}, "do": {"times": 2}}, {"match": {"weight": "key/.*"}, "do": "skip"}
    )
    both = places(twice.prepare(once))
    assert both.count(("it", "query/kernel")) == 3
    assert both.count(("it", "key/kernel")) == 1 and both.count(("it", "value/kernel")) == 2


def test_a_rule_for_a_layer_applies_to_what_is_wrapped():
    once = halving().prepare(made("without_build"))
    rule = {"match": {"type": "WithoutBuild", "weight": ".*/up/kernel"}, "do": {"times": 3}}
    both = halving(rule).prepare(once)
    assert max(places(both).count(place) for place in places(both)) == 4


class Lookup(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(3, 2), dtype="int32", initializer="ones", trainable=False)

    def call(self, x):
        return x * keras.ops.cast(self.kernel[0, 0], x.dtype)


def test_whole_numbers_are_left_alone_and_refused_when_they_are_named():
    x = keras.Input((2,))
    model = keras.Model(x, layers.Dense(2, name="dense")(Lookup(name="lookup")(x)))
    compressor = halving()
    prepared = compressor.prepare(model)
    assert places(prepared) == [("dense", "kernel")]
    assert [row.how for row in compressor.report(prepared).not_compressed] == ["holds int32", "is no kernel or table"]
    with pytest.raises(
        ConfigError, match=r"rules\[0\]: weight `kernel` of layer `lookup` cannot be compressed: it holds int32."
    ):
        halving({"match": {"name": "lookup", "weight": "kernel"}, "do": {"times": 2}}).prepare(model)


def test_nothing_left_to_compress_is_an_error():
    with pytest.raises(
        ConfigError, match=r"halving: no weight of model `.*` is left to compress. It treats kernels and"
    ):
        halving().prepare(made("batch_norm"))
    with pytest.raises(ConfigError, match=r"is left to compress. .*; look at the rules that skip."):
        halving({"do": "skip"}).prepare(made("dense"))


def test_a_rule_that_matches_nothing_is_an_error():
    with pytest.raises(ConfigError, match=r"rules\[0\].match: no layer is called `treee`. Did you mean `three`\?"):
        halving({"match": {"name": "treee"}, "do": "skip"}).prepare(made("residual"))


def test_other_models_are_refused_before_anything_happens():
    with pytest.raises(ConfigError, match=r"Expected a keras.Model. Received: numpy.ndarray."):
        halving().prepare(np.zeros(3))


def test_chains_of_inputs_go_with_the_chosen_weights():
    class Watching(Halving):
        def input_chains(self, layer):
            return [[Half()]]

    prepared = Watching(CompressorConfig(), Settings()).prepare(made("nested"))
    assert places(prepared) == [("deep", "kernel"), ("deep", "input 0"), ("low", "kernel"), ("low", "input 0")]
    assert {each.owner for layer in compressed_layers(prepared) for _, each in layer.transformations()} == {"halving"}
