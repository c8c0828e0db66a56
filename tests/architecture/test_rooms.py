"""Imports run downwards through the rooms of DESIGN, and never in a circle."""

from graphlib import CycleError, TopologicalSorter

import pytest

from .source import imports, trees

#: From the roof to the ground; a room imports only rooms below it.
ROOMS = (
    'tools',
    *(f'downstream/{name}' for name in ('tal', 'anomaly', 'detection', 'features')),
    *(f'albar_mm/{name}' for name in ('experiments', 'doctor', 'preparation', 'engine', 'debias')),
    *(f'albar_mm/{name}' for name in ('datasets', 'visualization', 'models', 'bias_sets')),
    *(f'albar_mm/{name}' for name in ('report', 'annotations', 'evaluation', 'compositing')),
    *(f'albar_mm/{name}' for name in ('video', 'compat', 'utils')),
)
#: Neither of the two transfers imports the other.
APART = {('downstream/tal', 'downstream/anomaly')}


def room(path):
    return next((r for r in ROOMS if path.startswith(f'{r}/')), None)


def upward(given):
    """Imports of a room above, as sentences; those inside functions count too."""
    for path in given:
        here = room(path)
        for other, line in imports(path, given):
            there = room(other)
            if here is None or there is None:
                continue
            if ROOMS.index(there) < ROOMS.index(here) or (here, there) in APART:
                yield f'{path}:{line} imports {other}'


def circle(graph):
    """A circle of a graph, or None."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]


def files_graph(given):
    return {path: {other for other, _ in imports(path, given, later=False)} for path in given}


def folder_circles(given):
    """Circles of folders, whatever imports are inside functions; each as a set."""
    graph = {}
    for path in given:
        folder = graph.setdefault(path.rpartition('/')[0], [])
        folder += (other.rpartition('/')[0] for other, _ in imports(path, given))
    graph = {here: sorted(set(there) - {here}) for here, there in graph.items()}
    found = set()
    while names := circle(graph):
        found.add(frozenset(names))
        graph[names[1]].remove(names[0])  # of a list, each is imported by the next
    return found


def test_imports_run_downwards_and_in_no_circle():
    assert list(upward(trees())) == []
    assert circle(files_graph(trees())) is None
    assert folder_circles(trees()) == set()


def test_every_folder_is_a_room():
    named = {'/'.join(path.split('/')[:2]) for path in trees() if path.count('/') > 1}
    assert named - {f'tools/{path.split("/")[1]}' for path in trees()} == set(ROOMS[1:])


def made_up(root, **files):
    for path, text in files.items():
        file = root / f'{path.replace("__", "/")}.py'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return trees(root)


@pytest.mark.parametrize(
    'text, refused',
    [
        ('from albar_mm.engine import launch', True),
        ('def f():\n    from ..engine.launch import train', True),
        ('import albar_mm.engine.launch as launch', True),
        ('from ..utils.text import plural', False),
        ('import json, torch', False),
    ],
)
def test_the_check_itself(tmp_path, text, refused):
    others = dict(albar_mm__engine__launch='', albar_mm__utils__text='')
    given = made_up(tmp_path, albar_mm__video__reading=text, **others)
    assert bool(list(upward(given))) == refused


def test_the_transfers_are_apart(tmp_path):
    given = made_up(
        tmp_path, downstream__tal__jobs='from ..anomaly import jobs', downstream__anomaly__jobs=''
    )
    assert list(upward(given)) == ['downstream/tal/jobs.py:1 imports downstream/anomaly/jobs.py']


def test_circles_are_found(tmp_path):
    later = 'def f():\n    from ..one import a\nif TYPE_CHECKING:\n    from ..one import b'
    ours = dict(albar_mm__one__a='from . import b', albar_mm__one__b='from ..two.c import name')
    given = made_up(tmp_path, **ours, albar_mm__two__c=later)
    assert circle(files_graph(given)) is None
    assert folder_circles(given) == {frozenset({'albar_mm/one', 'albar_mm/two'})}
    later = 'if True:\n    import albar_mm.one.a'
    given = made_up(tmp_path / 'b', albar_mm__one__a='from . import b', albar_mm__one__b=later)
    assert set(circle(files_graph(given))) == {'albar_mm/one/a.py', 'albar_mm/one/b.py'}
