import pytest

from source.config import errors


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.ConfigError, ValueError),
        (errors.UnknownNameError, LookupError),
        (errors.MissingDependencyError, ImportError),
        (errors.DataError, ValueError),
        (errors.CheckpointError, RuntimeError),
        (errors.TrainingError, RuntimeError),
        (errors.ExportError, RuntimeError),
    ],
)
def test_mistakes_of_users_are_one_family_and_what_python_calls_them(error, builtin):
    assert issubclass(error, errors.EspalierError)
    assert issubclass(error, builtin)
    assert str(error("the message")) == "the message"


def test_every_error_of_the_module_is_in_the_family():
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    assert all(issubclass(error, errors.EspalierError) for error in found)
    assert len(found) == 8
