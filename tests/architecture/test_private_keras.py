"""Tests that sources use public Keras only, keep to their backend, and never run what they read."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import imports, modules, room_of

# Written with `keras.ops` alone, so that they work on every Keras backend.
ANY_BACKEND = {"numeric", "sparsity", "layer", "graph", "surgery", "compressor"}
LIGHT = {"config", "command"}
PRIVATE = ("keras.src", "tensorflow.python", "tensorflow.compiler")
# They run what a file says, or hide the loop from the graph.
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
UNSAFE_CALLS = {"eval", "exec", "compile_command", "py_function", "numpy_function", "py_func", "unsafe_load"}


def test_only_public_modules_of_keras_and_tensorflow_are_imported():
    wrong = [f"{module} imports {name}" for module in modules() for name in imports(module) if name.startswith(PRIVATE)]
    wrong += [
        f"{module}:{node.lineno} uses {name}"
        for module, node in nodes(ast.Attribute)
        if (name := ast.unparse(node)).startswith(PRIVATE) or name.startswith("tf.python")
    ]
    assert not wrong, "\n".join(wrong)


def test_rooms_for_any_backend_import_no_tensorflow():
    assert importers_of_tensorflow(ANY_BACKEND, at_top_only=False) == []


def test_light_rooms_import_no_tensorflow_or_keras_before_an_action_runs():
    assert importers_of_tensorflow(LIGHT, at_top_only=True) == []


def test_sources_state_no_assertions():
    assert [f"{module}:{node.lineno}" for module, node in nodes(ast.Assert)] == []


def test_nothing_is_unpickled_or_evaluated():
    wrong = [
        f"{module} imports {name}"
        for module in modules()
        for name in imports(module)
        if name.split(".")[0] in UNSAFE_MODULES
    ]
    wrong += [f"{module}:{node.lineno}" for module, node in nodes(ast.Call) if is_unsafe(node)]
    assert not wrong, "\n".join(wrong)


def nodes(kind: type) -> Iterator[tuple[str, ast.AST]]:
    for module, tree in modules().items():
        yield from ((module, node) for node in ast.walk(tree) if isinstance(node, kind))


def importers_of_tensorflow(rooms: set[str], at_top_only: bool) -> list[str]:
    heavy = ("tensorflow",) if not at_top_only else ("tensorflow", "keras")
    found = []
    for module, tree in modules().items():
        body = tree.body if at_top_only else ast.walk(tree)
        for node in body if room_of(module) in rooms else ():
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{module}:{node.lineno}" for name in names if name.split(".")[0] in heavy]
    return found


def is_unsafe(call: ast.Call) -> bool:
    """Whether a call evaluates text, wraps Python for the graph, or allows pickles in `numpy.load`."""
    name = ast.unparse(call.func).split(".")[-1]
    allowed = {word.arg: ast.unparse(word.value) for word in call.keywords}
    return (
        name in UNSAFE_CALLS
        or allowed.get("allow_pickle", "False") != "False"
        or allowed.get("safe_mode", "True") != "True"
        or ast.unparse(call.func) == "yaml.load"
    )
