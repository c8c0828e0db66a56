"""The source as trees: which files there are, and what each imports."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ('albar_mm', 'downstream', 'tools')


@cache
def texts(root=ROOT, folders=OURS):
    """Path from ``root``, with slashes -> text, of every Python file in the folders."""
    files = (file for folder in folders for file in sorted((root / folder).rglob('*.py')))
    return {file.relative_to(root).as_posix(): file.read_text(encoding='utf-8') for file in files}


@cache
def trees(root=ROOT):
    """Path -> syntax tree of every file of ours."""
    return {path: ast.parse(text) for path, text in texts(root).items()}


def imports(path, given, later=True):
    """(file, line) of each of our files that this one imports.

    Args:
        path: The file.
        given: What :func:`trees` returned.
        later: Also what is imported when a function runs, or for type checkers alone.
    """
    package = path.split('/')[:-1]
    for node in _nodes(given[path], later):
        if isinstance(node, ast.Import):
            names = [alias.name.split('.') for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split('.') if node.module else [])
            names = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for name in names:
            file = _file(name, given) or _file(name[:-1], given)
            if file and file != path:
                yield file, node.lineno


def _file(name, given):
    path = '/'.join(name)
    return next((p for p in (f'{path}.py', f'{path}/__init__.py') if p in given), None)


def _nodes(tree, later):
    for node in ast.iter_child_nodes(tree):
        for_types = isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.unparse(node.test)
        if later or not (for_types or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))):
            yield node
            yield from _nodes(node, later)
