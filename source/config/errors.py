"""The exceptions that tell a user what was expected, what came and what to do."""


class EspalierError(Exception):
    """A mistake of the user or a fault of the input, told in one message.

    The command line prints the message alone and exits with code 2; every other exception is a defect and
    keeps its traceback.
    """


class ConfigError(EspalierError, ValueError):
    """A setting that cannot be: the message begins with the path of the setting."""


class UnknownNameError(EspalierError, LookupError):
    """A name that nothing answers to: the message offers the nearest known ones."""


class MissingDependencyError(EspalierError, ImportError):
    """A plugin or a feature needs a package that is not installed: the message says which."""


class DataError(EspalierError, ValueError):
    """An input that cannot be used: the message names the file and, where there is one, the row."""


class CheckpointError(EspalierError, RuntimeError):
    """A checkpoint that is missing, broken, or made for another model."""


class TrainingError(EspalierError, RuntimeError):
    """A run that cannot go on, such as one whose loss is no longer a number."""


class ExportError(EspalierError, RuntimeError):
    """A file that was written but does not answer what the model answers, or cannot be written at all."""
