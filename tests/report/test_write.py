"""The page and the table: what they show, and that nothing of a file is taken for markup."""

import html.parser
import json
import re

import pytest

from albar_mm.report import Report, make_report, read_run, terminal_text
from albar_mm.utils.errors import DatasetError

from ..refused import refused
from .results_files import metrics, protocol, write

SCRIPT = '<script>alert(1)</script>'
VOID = {'meta', 'wbr'}


class Page(html.parser.HTMLParser):
    """Tags of a page, and whether they nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ''
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if 'style' not in self.open else ''


def made(tmp_path, named, **options):
    out = tmp_path / 'out'
    report = make_report([], named, out / 'r.html', out / 'r.md', **options)
    texts = (out / name for name in ('r.html', 'r.md'))
    return report, *(path.read_text(encoding='utf-8') for path in texts)


def test_page_and_table_show_the_scores(tmp_path):
    named = [
        ('erm', write(tmp_path / f'erm/seed{seed}', metrics(iid=iid)))
        for seed, iid in ((0, 80), (1, 84))
    ]
    named.append(('ours', write(tmp_path / 'ours', metrics(iid=95.125, scufo=30, contrasted=55))))
    report, page, markdown = made(tmp_path, named, published='hmdb51', num_classes=4)
    shown = Page(page)
    assert '82.00 ± 2.83' in shown.text and '95.12' in shown.text
    assert '6 of 6' not in shown.text and '9 of 9' in shown.text  # checks: 3 runs x 3
    assert 'Published results not measured here' in shown.text
    assert page.count('56.68*') == 1 and page.count('21.41*') == 1
    assert 'chance, 25.00' in shown.text
    row = next(line for line in markdown.splitlines() if line.startswith('| ours'))
    cells = [cell.strip() for cell in row.strip('|').split('|')]
    assert cells == ['ours', '**95.12**', '80.00', '**30.00**', '50.00', '**55.00**']
    assert markdown.count(r'21.41\*') == 1
    assert terminal_text(report) in markdown


def trained(path, **training):
    """The file with what it says of the weights."""
    document = json.loads(path.read_text())
    document['checkpoint']['training'] = training
    path.write_text(json.dumps(document))
    return path


def test_what_chose_the_weights_is_said(tmp_path):
    last = dict(epoch=30, epochs=30, chosen_by=None)
    named = [(name, trained(write(tmp_path / name), **last)) for name in ('erm', 'ours')]
    said = 'Weights: last of 30 epoch(s), nothing was chosen.'
    report, page, markdown = made(tmp_path, named)
    assert said in Page(page).text and said in markdown and not report.warnings
    best = trained(write(tmp_path / 'best'), epoch=6, epochs=50, chosen_by=SCRIPT)
    named += [('best', best), ('old', write(tmp_path / 'old'))]
    report, page, markdown = made(tmp_path, named)
    (warning,) = report.warnings
    kinds = (
        'last of 30 epoch(s), nothing was chosen (erm (seed 0), ours (seed 0)); chosen by ',
        SCRIPT,
    )
    for part in (*kinds, ': epoch 6 of 50 (best (seed 0)); not recorded (old (seed 0))'):
        assert part in warning and part in Page(page).text
    assert SCRIPT not in page and SCRIPT not in markdown
    for wrong in (dict(epoch=0, epochs=3), dict(epoch='1', epochs=3), dict(last, chosen_by=7)):
        trained(best, **wrong)
        with pytest.raises(DatasetError, match=r'results.json: checkpoint: training: expected "'):
            made(tmp_path, [('best', best)])


def test_the_page_loads_nothing_and_runs_nothing(tmp_path):
    _, page, _ = made(tmp_path, [('erm', write(tmp_path / 'erm'))], published='k400')
    shown = Page(page)
    assert not {'script', 'link', 'img', 'iframe', 'object', 'image', 'use'} & set(shown.tags)
    assert not [name for name, _ in shown.attributes if name in ('src', 'href') or name[:2] == 'on']
    assert 'url(' not in page and '@import' not in page
    assert (
        'content',
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    ) in shown.attributes
    assert '://' not in page.replace('http://www.w3.org/2000/svg', '')


def test_text_from_files_is_only_text(tmp_path):
    hostile = f'{SCRIPT}"\'|*x*`[a](b)'
    scores = {f'scuba/{SCRIPT}': 1.0, f'{hostile[8:]}/top1': 2.0, f'loss {SCRIPT}': 3.0}
    scores = metrics(contrasted=99) | scores
    how = protocol(SCRIPT)
    how['sets'][f'scuba/{SCRIPT}'] = 1
    path = write(
        tmp_path / 'a"b<i>' / 'seed0', scores, how=how, per_class={'0': metrics()}, run=SCRIPT
    )
    document = json.loads(path.read_text())
    document['config']['file'] = document['checkpoint']['weights_sha256'] = SCRIPT
    document['versions'].update(albar_mm=SCRIPT, torch=SCRIPT)
    path.write_text(json.dumps(document))
    other = write(tmp_path / 'other', metrics(), weights=SCRIPT)
    classes = tmp_path / 'classes.txt'
    classes.write_text(f'0{SCRIPT}\nb\n')
    report, page, markdown = made(
        tmp_path, [(hostile, path), ('b', other)], title=SCRIPT, classes=classes
    )
    assert report.faults and report.warnings and report.notes
    shown = Page(page)
    assert 'script' not in shown.tags and '<i>' not in page
    assert shown.text.count(SCRIPT) > 40 and '<scrip' not in page
    assert SCRIPT not in markdown and '<script' not in markdown
    row = next(line for line in markdown.splitlines() if line.startswith('| &lt;script'))
    cells = re.split(r'(?<!\\)\|', row)
    heads = next(line for line in markdown.splitlines() if line.startswith('| method'))
    assert len(cells) == len(re.split(r'(?<!\\)\|', heads))


def test_nothing_is_half_written(tmp_path):
    (tmp_path / 'r.html').mkdir()
    with pytest.raises(DatasetError, match='r.html: cannot be written'):
        make_report([write(tmp_path / 'erm')], [], tmp_path / 'r.html', tmp_path / 'r.md')
    assert sorted(p.name for p in tmp_path.iterdir()) == ['erm', 'r.html']
    run = read_run(tmp_path / 'erm' / 'results.json')
    refused("published must be one of 'hmdb51'.* got 'ssv2'", Report, [run], published='ssv2')
    refused('a whole number from 2, got 1', Report, [run], num_classes=1)


def test_files_that_lack_scores(tmp_path):
    _, page, _ = made(tmp_path, [('erm', write(tmp_path / 'erm', {'scuba/stripe': 50.0}))])
    assert 'best contrasted' not in Page(page).text and '50.00' in page  # of one background
    block = {'0': {'scuba/avg': 50.0, 'scufo/avg': 20.0}}
    named = [('new', write(tmp_path / 'new', per_class=block)), ('old', write(tmp_path / 'old'))]
    report, page, _ = made(tmp_path, named)
    assert 'no per-class scores in 1 of 2 files' in report.notes[0] and 'old' in report.notes[0]
    assert '+30.0' in page


def test_class_names(tmp_path):
    names = tmp_path / 'classes.txt'
    names.write_text('jump\nrun\n\n')
    path = write(tmp_path / 'a', per_class={'1': {'scuba/avg': 5.0, 'scufo/avg': 6.0}})
    report, page, _ = made(tmp_path, [('a', path)], classes=names)
    assert (report.class_name(1), report.class_name(7), report.num_classes) == ('run', 'class 7', 2)
    names.write_text('jump\n\nrun\n')
    refused('one class name per line', made, tmp_path, [('a', path)], classes=names)
