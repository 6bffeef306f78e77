"""Tests of what all compressors share: the model in training, its schedule, and what `finish` asks for."""

import keras
import numpy as np
import pytest

from source.compressor.compressor import Compressor
from source.config.config import CompressorConfig
from source.config.errors import ConfigError
from source.layer.compressed import compressed_layers
from source.surgery.rewrite import rewrite
from source.surgery.wrap import wrapped
from tests.layer.kinds import Half, batch_for, equal, made


class Halving(Compressor):
    """Halves outputs; halves their factor at steps 2 and 4."""

    name = "halving"

    def prepare(self, model, calibration=None):
        prepared = rewrite(model, lambda layer: wrapped(layer, outputs=[Half(owner=self.name)]))
        self._model = prepared
        return prepared

    def next_update(self, step):
        return next((due for due in (2, 4) if due > step), None)

    def update(self, step):
        updates.append(step)
        for _, _, half in self._mine(self.model, Half):
            half.factor.assign({0: 1.0, 2: 0.5, 4: 0.25}[step // 2 * 2 if step < 4 else 4])

    def check_finished(self, model):
        if all(float(half.factor) == 1.0 for _, _, half in self._mine(model, Half)):
            raise ConfigError("nothing was halved")


updates: list[int] = []


@pytest.fixture
def halving() -> Halving:
    updates.clear()
    return Halving(CompressorConfig())


def fit(compressor, model, **settings):
    model.compile("sgd", "mse", **settings.pop("compiled", {}))
    x = batch_for(model, 12)
    targets = np.zeros((12, *model.output_shape[1:]), np.float32)
    model.fit(x, targets, batch_size=4, verbose=0, callbacks=[compressor.keras_callback()], **settings)
    return model


def test_a_compressor_without_a_model_says_what_to_do(halving):
    with pytest.raises(ConfigError, match=r"halving: there is no model yet. Call `prepare\(model\)` first."):
        halving.update(2)


def test_the_name_is_that_of_the_module_if_none_is_given():
    class Nameless(Halving):
        name = ""

    assert Nameless(CompressorConfig()).name == "test_compressor"


def test_the_model_in_training_is_the_prepared_or_the_attached_one(halving):
    prepared = halving.prepare(made("dense"))
    assert halving.model is prepared
    other = Halving(CompressorConfig())
    other.attach(prepared)
    assert other.model is prepared


def test_a_model_of_another_compressor_is_not_taken_up(halving):
    class Other(Halving):
        name = "other"

    prepared = Other(CompressorConfig()).prepare(made("dense"))
    message = r"halving: model `.*` has nothing of this compressor. Train what `compressor.prepare\(model\)` returns."
    for call in (halving.attach, halving.finish, lambda model: fit(halving, model)):
        with pytest.raises(ConfigError, match=message):
            call(prepared)
    both = halving.prepare(prepared)
    assert len(list(halving._mine(both, Half))) == 1 and len(list(halving._mine(both, object))) == 1


def test_a_schedule_beyond_the_training_is_refused(halving):
    prepared = halving.prepare(made("dense"))
    assert halving.first_step == 2
    halving.attach(prepared, total_steps=2)
    with pytest.raises(
        ConfigError,
        match=r"halving: its schedule begins at step 2, but training ends at step 1: nothing would be compressed. "
        r"Begin earlier, or train longer.",
    ):
        halving.attach(prepared, total_steps=1)


def test_updates_happen_before_their_steps_and_at_the_end(halving):
    prepared = fit(halving, halving.prepare(made("dense")), epochs=2)
    assert updates == [0, 2, 4]
    [layer] = compressed_layers(prepared)
    assert float(layer.output_chain[0].factor) == 0.25


def test_an_update_due_at_the_last_step_happens_after_it(halving):
    fit(halving, halving.prepare(made("dense")), epochs=1, steps_per_epoch=2)
    assert updates == [0, 2]


def test_training_goes_on_at_the_step_of_the_optimizer(halving):
    prepared = fit(halving, halving.prepare(made("dense")), epochs=1)
    x = batch_for(prepared, 12)
    updates.clear()
    prepared.fit(x, np.zeros((12, 3)), batch_size=4, verbose=0, callbacks=[halving.keras_callback()])
    assert updates == [3, 4]


def test_several_steps_in_one_call_update_before_them(halving):
    fit(halving, halving.prepare(made("dense")), epochs=2, compiled={"steps_per_execution": 3})
    assert updates == [0, 3, 6]


def test_finishing_bakes_and_checks(halving):
    prepared = halving.prepare(made("dense"))
    with pytest.raises(ConfigError, match="nothing was halved"):
        halving.finish(prepared)
    halving.update(2)
    finished = halving.finish(prepared)
    assert equal(finished(batch_for(finished)), prepared(batch_for(finished)))
    assert not any(True for _ in compressed_layers(finished))


def test_a_report_says_why_nothing_is_compressed(halving):
    report = halving.report(halving.prepare(made("dense")))
    assert [(row.weight, row.how) for row in report.rows] == [
        ("kernel", "not treated by this compressor"),
        ("bias", "not treated by this compressor"),
    ]
    assert list(report.activations) == ["it output"]


def test_a_compressor_without_schedule_never_updates():
    class Plain(Compressor):
        def prepare(self, model, calibration=None):
            return model

    plain = Plain(CompressorConfig())
    assert plain.first_step is None and plain.next_update(7) is None and not plain.needs_calibration
    plain.update(3)
    plain.check_finished(made("dense"))
    assert isinstance(plain.keras_callback(), keras.callbacks.Callback)
