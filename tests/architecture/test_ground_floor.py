"""What the ground floor does is done nowhere else, and every file stays small."""

import ast

import pytest

from .source import ROOT, texts, trees

#: Functions of modules, and what may be called on anything.
NAMES = {'json.load', 'json.loads', 'np.load', 'numpy.load', 'csv.reader', 'csv.DictReader'}
NAMES |= {'csv.writer', 'csv.DictWriter'}
ANYWHERE = {'read_text', 'splitlines', 'list_from_file'}
GROUND = ('albar_mm/utils/', 'albar_mm/video/')
#: What reads no file of a user's.
ALLOWED = {
    'albar_mm/compat/config.py': 'importlib.metadata has a read_text of its own',
    'albar_mm/doctor/child.py': 'JSON that a process prints',
    'albar_mm/doctor/machine.py': 'what the system tells under /proc',
    'albar_mm/doctor/packages.py': 'runs where numpy is missing; files of the repository',
}


def own_reading(tree):
    """Lines on which a file reads by itself what the ground floor reads."""
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute):
            module = called.value.id if isinstance(called.value, ast.Name) else ''
            if called.attr in ANYWHERE or f'{module}.{called.attr}' in NAMES:
                yield node.lineno
        elif isinstance(called, ast.Name) and called.id == 'list_from_file':
            yield node.lineno


def test_files_are_read_by_the_ground_floor():
    lines = {p: list(own_reading(t)) for p, t in trees().items() if not p.startswith(GROUND)}
    found = {path for path in lines if lines[path]}
    assert found == ALLOWED.keys(), {path: lines[path] for path in found - ALLOWED.keys()}


@pytest.mark.parametrize(
    'text, found',
    [
        ('json.load(stream)', True),
        ('np.load(path)', True),
        ('csv.reader(stream)', True),
        ('Path(name).read_text()', True),
        ('mmengine.list_from_file(path)', True),
        ("text.split('\\n')", False),
        ('files.read_json(path)', False),
        ('json.dumps(value)', False),
    ],
)
def test_the_check_itself(text, found):
    assert bool(list(own_reading(ast.parse(text)))) == found


def test_every_error_is_one_of_ours():
    bases = {
        node.name: [ast.unparse(base).rpartition('.')[2] for base in node.bases]
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith('Error')
    }
    ours = {'AlbarError'}
    while more := {name for name in bases if ours & set(bases[name])} - ours:
        ours |= more
    assert bases.keys() == ours


def test_files_are_short_and_formatted():
    given = texts(ROOT, ('albar_mm', 'downstream', 'tools', 'tests', 'benchmarks', 'configs'))
    mark = '# fmt: ' + 'skip'
    assert [path for path, text in given.items() if mark in text] == []
    assert {path for path, text in given.items() if text.count('\n') > 500} == set()
