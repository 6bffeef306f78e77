"""What every handler keeps to, found by existing: channels of zeros can be cut out, and nothing else changes."""

import importlib
import pkgutil

import keras
import pytest

from source.graph.channel_groups import channel_groups
from source.graph.channels import handlers
from source.graph.channels.handler import Handler
from tests.graph.channels.cutting import ROUNDING, cut, largest_error
from tests.graph.channels.handlers.cases import CASES, DOUBTFUL, PREPARED

NAMES = [module.name for module in pkgutil.iter_modules(handlers.__path__)]
EVERY = [(name, case) for name in NAMES for case in CASES.get(name, {})]


def test_every_handler_has_cases():
    assert set(NAMES) == set(CASES) | PREPARED


@pytest.mark.parametrize("name", NAMES)
def test_a_handler_names_what_it_follows(name):
    handler = importlib.import_module(f"{handlers.__name__}.{name}").HANDLER
    assert isinstance(handler, Handler)
    assert handler.kinds or handler.names


def test_no_two_handlers_follow_the_same():
    found = [importlib.import_module(f"{handlers.__name__}.{name}").HANDLER for name in NAMES]
    followed = [each for handler in found for each in (*handler.kinds, *handler.names)]
    assert len(followed) == len(set(followed))


@pytest.mark.parametrize(("name", "case"), EVERY)
def test_channels_of_zeros_are_cut_out(name, case):
    model = CASES[name][case]()
    smaller = cut(model)
    assert smaller.count_params() < model.count_params()
    assert names(smaller) == names(model)
    if (name, case) in DOUBTFUL:
        assert any(group.doubts for group in channel_groups(model).prunable)
        return
    assert largest_error(model, smaller) <= ROUNDING


@pytest.mark.parametrize(("name", "case"), EVERY)
def test_what_is_left_is_saved_and_loaded(name, case, tmp_path):
    smaller = cut(CASES[name][case]())
    smaller.save(tmp_path / "model.keras")
    assert largest_error(smaller, keras.models.load_model(tmp_path / "model.keras")) == 0.0


def names(model: keras.Model) -> list[str]:
    """Returns the names of the layers, but those of inputs, which are numbered anew."""
    return [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
