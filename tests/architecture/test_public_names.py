"""Tests that all that is public is documented: modules, classes, functions, arguments and settings."""

import ast
import re
from collections.abc import Iterator

from source.config.meanings import attribute_meanings
from tests.architecture.sources import modules


def test_every_module_says_in_one_sentence_what_it_is_for():
    wrong = [
        module
        for module, tree in modules().items()
        if not re.match(r"\S.*[.:]$", (ast.get_docstring(tree) or "").partition("\n\n")[0].replace("\n", " "))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_public_class_function_and_method_has_a_docstring():
    assert [name for name, node in public_definitions() if not ast.get_docstring(node)] == []


def test_every_public_function_documents_its_arguments():
    wrong = []
    for name, node in public_definitions():
        text = ast.get_docstring(node) or ""
        if isinstance(node, ast.ClassDef) or "Args:" not in text:
            continue
        documented = set(re.findall(r"^ {4}\*{0,2}(\w+): ", text.partition("Args:")[2], re.MULTILINE))
        wrong += [f"{name}: {argument}" for argument in argument_names(node) if argument not in documented]
    assert not wrong, "\n".join(wrong)


def test_every_setting_has_a_meaning():
    wrong = [
        f"{module}.{node.name}: {field}"
        for module, tree in modules().items()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and is_settings(node)
        for field in declared_fields(node)
        if field not in known_meanings(module, node)
    ]
    assert not wrong, "\n".join(wrong)


def public_definitions() -> Iterator[tuple[str, ast.AST]]:
    """Yields what does not begin with an underscore, nor stands in something that does."""
    for module, tree in modules().items():
        if not any(part.startswith("_") for part in module.split(".")):
            yield from _definitions(module, tree)


def _definitions(path: str, parent: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for node in parent.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
            yield f"{path}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _definitions(f"{path}.{node.name}", node)


def declared_fields(node: ast.ClassDef) -> list[str]:
    targets = [line.target for line in node.body if isinstance(line, ast.AnnAssign)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def known_meanings(module: str, node: ast.ClassDef) -> set[str]:
    """Returns the settings that a class or one of its bases explains; a new default needs no new words."""
    names = set(attribute_meanings(ast.get_docstring(node)))
    for base in node.bases:
        if found := find_class(module, ast.unparse(base)):
            names |= known_meanings(*found)
    return names


def find_class(module: str, name: str) -> tuple[str, ast.ClassDef] | None:
    """Returns the class that `name` means in a module, with the module that defines it."""
    homes = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in modules()[module].body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    first, _, rest = name.partition(".")
    home, original = homes.get(first, (module, first))
    home, original = (f"{home}.{original}", rest) if rest else (home, original)
    body = modules()[home].body if home in modules() else []
    found = [node for node in body if isinstance(node, ast.ClassDef) and node.name == original]
    return (home, found[0]) if found else None


def argument_names(node: ast.FunctionDef) -> list[str]:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    names = [argument.arg for argument in every if not argument.arg.startswith("_")]
    return [name for name in names if name not in ("self", "cls")]


def is_settings(node: ast.ClassDef) -> bool:
    return any(ast.unparse(decorator).split(".")[-1] == "settings" for decorator in node.decorator_list)
