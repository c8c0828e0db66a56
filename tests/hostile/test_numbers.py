"""Numbers on command lines: every option of every tool has bounds, and says them."""

import argparse

import pytest

from tests.in_process import TOOLS, run_tool, tool

BAD = ('nan', 'inf', '-inf', '1e300', '-3', '9' * 400, 'x', '')
NAMES = sorted(path.stem for path in TOOLS.glob('[!_]*.py'))


def options_of(name, monkeypatch):
    """The options of a tool and its sub-commands."""
    seen = []

    def stop(parser, *_):
        seen.append(parser)
        raise SystemExit

    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', stop)
    with pytest.raises(SystemExit):
        tool(name).main([])
    for parser in seen:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                seen.extend(action.choices.values())
            elif not action.choices and action.help != argparse.SUPPRESS:
                yield action


@pytest.mark.parametrize('name', NAMES)
def test_every_number_has_bounds(name, monkeypatch):
    for action in options_of(name, monkeypatch):
        assert action.type not in (int, float), action.option_strings
        if getattr(action.type, '__module__', '') == '_command':
            for text in BAD:
                with pytest.raises(argparse.ArgumentTypeError, match=r'^expected a .* from .* to '):
                    action.type(text)


@pytest.mark.parametrize(
    'words',
    [
        'join_clips c o --background a --fps -5',
        'join_clips c o --background a --fps 1e308',
        'join_clips c o --background a --size 0 0',
        'join_clips c o --background a --size 100000 100000',
        'join_clips c o --background a --train -3',
        'join_clips c o --background a --test-share nan',
        'join_clips c o --background a --seed -1',
        'downstream features --config c --checkpoint w --videos v --out s --fps 1e300',
        'downstream features --config c --checkpoint w --videos v --out s --batch-size 0',
        'downstream features --config c --checkpoint w --videos v --out s --workers -3',
        'downstream features --config c --checkpoint w --videos v --out s --stride 1e20',
        'downstream import f s --layout mgfn --lengths l --fps nan',
        'downstream tal --seeds 0 -1',
        'prepare_dataset motion_sprites --train -3',
        'prepare_dataset motion_sprites --look-rate nan',
        'prepare_dataset ucf101 --val-share 2',
        'build_frame_bank c w --out b.npz --window 0.5 nan',
        'compare_methods c --jobs 0',
    ],
)
def test_what_is_refused(words, tmp_path):
    tool, *rest = words.split()
    done = run_tool(tool, *rest, folder=tmp_path)
    option = next(word for word in reversed(rest) if word.startswith('--'))
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and f'argument {option}: expected a ' in last and 'got ' in last
    assert not list(tmp_path.iterdir())
