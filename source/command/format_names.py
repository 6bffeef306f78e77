"""The names of number formats and sparsity patterns with what each is, read from the sources of their grammars."""

import ast
import re
from collections.abc import Iterator

from source.config.plugin_source import class_in, module_source

_NUMBER_GRAMMARS = ("source.numeric._shorthands", "source.numeric._readable", "source.numeric.grammar")
_PATTERNS = "source.sparsity.pattern"
_NAMED = re.compile(r"^(.*\S)[:,]? `([A-Z]+[^`]*)`")


def number_formats() -> list[tuple[str, str]]:
    """Returns the form of each name that `number_format` reads, with what it stands for."""
    found = []
    for dotted in _NUMBER_GRAMMARS:
        functions = {node.name: node for node in module_source(dotted).body if isinstance(node, ast.FunctionDef)}
        for form, read in _rules(module_source(dotted)):
            returns = functions[read].returns if read in functions else None
            found.append((form, _first_line(dotted, ast.unparse(returns) if returns else "")))
    return found


def sparsity_patterns() -> list[tuple[str, str]]:
    """Returns an example of each kind of name that `sparsity_pattern` reads, with what it keeps."""
    found = []
    for node in module_source(_PATTERNS).body:
        first = (ast.get_docstring(node) or "").partition("\n")[0] if isinstance(node, ast.ClassDef) else ""
        if named := _NAMED.match(first):
            found.append((named[2], named[1].rstrip(":,") + "."))
    return found


def _rules(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yields the form of each `Rule(pattern, form, read)`, and the name of the function that reads it."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Rule":
            yield ast.literal_eval(node.args[1]), ast.unparse(node.args[2])


def _first_line(dotted: str, name: str) -> str:
    """Returns the first line of what the docstring of a class says."""
    place = class_in(dotted, name) if name.isidentifier() else None
    for node in module_source(place[0]).body if place else ():
        if isinstance(node, ast.ClassDef) and node.name == name:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""
