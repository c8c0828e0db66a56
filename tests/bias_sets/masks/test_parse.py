"""Mask sources on the command line."""

import dataclasses
import re
import sys
import types
from pathlib import Path

import pytest

from albar_mm.bias_sets.masks.boxes import BoxMasks
from albar_mm.bias_sets.masks.folders import JhmdbMasks, NpzMasks, PngMasks, RleMasks
from albar_mm.bias_sets.masks.network import SegmenterMasks
from albar_mm.bias_sets.masks.parse import FORMS, parse_masks
from albar_mm.bias_sets.masks.refine import GrabCutMasks, MotionMasks, WithinBoxes
from albar_mm.bias_sets.masks.sam2 import Sam2Masks
from albar_mm.bias_sets.masks.source import UnionMasks
from tests.refused import refused

from .tiny_onnx import mixing, node, write_model


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working folder with one of everything that can be named."""
    monkeypatch.chdir(tmp_path)
    for folder in ('persons', 'saliency', 'a, b (1', 'x,boxes:y', 'with (b)'):
        (tmp_path / folder).mkdir()
    for file in ('boxes.pkl', 'b,c.txt', 'all.json', 'sam2_hiera_large.pt', 'own.pt'):
        (tmp_path / file).touch()
    conv, constants = mixing([[1, 0, 0], [0, 1, 0]])
    nodes = [node('Identity', ['x'], 'a'), conv, node('Identity', ['b'], 'y')]
    write_model(tmp_path / 'net.onnx', nodes, constants, (1, 3, 8, 8), (1, 2, 8, 8))
    write_model(tmp_path / 'free.onnx', nodes, constants, (1, 3, 'h', 'w'), (1, 2, 'h', 'w'))
    (tmp_path / 'broken.onnx').write_bytes(b'nothing')
    monkeypatch.setitem(sys.modules, 'sam2', types.ModuleType('sam2'))
    return Path


def test_every_plain_form(here):
    boxes = BoxMasks(here('boxes.pkl'))
    expected = {
        'jhmdb:persons': JhmdbMasks(here('persons')),
        'png:persons': PngMasks(here('persons')),
        'npz:./persons/': NpzMasks(here('persons')),
        'rle:persons': RleMasks(here('persons')),
        'rle:all.json': RleMasks(here('all.json')),
        'boxes:boxes.pkl': boxes,
        'boxes: boxes.pkl ': boxes,
        'boxes:boxes.pkl,actors=first': BoxMasks(here('boxes.pkl'), 'first'),
        'grabcut:boxes.pkl': GrabCutMasks(boxes),
        'grabcut:boxes.pkl,padding=0.1,propagate=false': GrabCutMasks(boxes, 0.1, propagate=False),
        'motion': MotionMasks(),
        'motion,threshold=20,kernel=7': MotionMasks(20.0, 7),
        'sam2:sam2_hiera_large.pt,boxes=boxes.pkl': Sam2Masks(here('sam2_hiera_large.pt'), boxes),
        'sam2:own.pt,config=a/b+.yaml,boxes=b,c.txt,every=30,prompt=largest': Sam2Masks(
            here('own.pt'), BoxMasks(here('b,c.txt')), 'a/b+.yaml', 'largest', 30
        ),
        'within(png:persons,boxes:boxes.pkl)': WithinBoxes(PngMasks(here('persons')), boxes),
        'union(png:persons, png:saliency)': UnionMasks(
            PngMasks(here('persons')), PngMasks(here('saliency'))
        ),
    }
    names = [re.match(r'\w+', text)[0] for text in expected]
    assert {*names, 'dnn'} == {re.match(r'\w+', usage)[0] for usage in FORMS}
    for text, source in expected.items():
        assert parse_masks(text) == source, text


def test_options_of_a_segmenter(here):
    text = (
        'dnn:net.onnx,size=16x24,scale=0.01,mean=0.4/0.5/0.6,std=0.1/0.2/0.3,channels=bgr,'
        'layout=nchw,output=argmax,person=1,threshold=0.4,layer=y'
    )
    means = (0.4, 0.5, 0.6), (0.1, 0.2, 0.3)
    expected = SegmenterMasks(
        here('net.onnx'), (16, 24), 0.01, *means, 'bgr', 'y', 'nchw', 'argmax', 1, 0.4
    )
    assert parse_masks(text) == expected
    assert parse_masks('dnn:net.onnx') == SegmenterMasks(here('net.onnx'))


def test_nested(here):
    boxes = BoxMasks(here('boxes.pkl'))
    segmenter = SegmenterMasks(here('net.onnx'), person=1)
    within = parse_masks('within(dnn:net.onnx,person=1,boxes:boxes.pkl,padding=0.2)')
    assert within == WithinBoxes(segmenter, boxes, 0.2)
    inner = WithinBoxes(GrabCutMasks(boxes, padding=0.3), boxes, padding=0.2)
    persons = PngMasks(here('persons'))
    assert parse_masks(
        'union(within(grabcut:boxes.pkl,padding=0.3,boxes:boxes.pkl,padding=0.2),'
        'union(motion,png:persons,radius=0),radius=2)'
    ) == UnionMasks(inner, UnionMasks(MotionMasks(), persons, 0), 2)
    assert parse_masks('union(motion,motion)') == UnionMasks(MotionMasks(), MotionMasks())
    sam2 = Sam2Masks(here('sam2_hiera_large.pt'), boxes)
    within = parse_masks('within(sam2:sam2_hiera_large.pt,boxes=boxes.pkl,boxes:boxes.pkl)')
    assert within == WithinBoxes(sam2, boxes)


def test_paths_of_any_characters(here):
    assert parse_masks('png:a, b (1') == PngMasks(here('a, b (1'))
    assert parse_masks('png:x,boxes:y') == PngMasks(here('x,boxes:y'))
    assert parse_masks('png:"a, b (1"') == PngMasks(here('a, b (1'))
    assert parse_masks('boxes:b,c.txt') == BoxMasks(here('b,c.txt'))
    union = parse_masks('union(png:with (b),boxes:b,c.txt)')
    assert union == UnionMasks(PngMasks(here('with (b)')), BoxMasks(here('b,c.txt')))
    union = parse_masks('union(png:"a, b (1",png:"x,boxes:y")')
    assert union == UnionMasks(PngMasks(here('a, b (1')), PngMasks(here('x,boxes:y')))
    said = 'union takes 2 specs, got 1; .*double quotes'
    refused(said, parse_masks, 'union(png:a, b (1,png:persons)')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('jhmbd:persons', r"source \(did you mean 'jhmdb'\?\); expected one of: jhmdb:FOLDER, "),
        ('/a/b', 'no such mask source; expected one of: jhmdb:FOLDER, .*union'),
        ('PNG:persons', r"did you mean 'png'\?"),
        ('jhmdb', 'expected jhmdb:FOLDER'),
        ('png(persons)', 'expected png:FOLDER'),
        ('within:persons', r'expected within\(MASKS,boxes:FILE'),
        ('motion:persons', 'expected motion'),
        ('png:', 'expected png:FOLDER'),
        ('png:gone', 'gone: no such folder; expected png:FOLDER'),
        ('jhmdb:boxes.pkl', 'boxes.pkl: is a file, not a folder; expected jhmdb:FOLDER'),
        ('rle:gone', 'gone: no such folder or file'),
        ('boxes:gone.pkl', 'gone.pkl: no such file; expected boxes:FILE'),
        ('dnn:gone.onnx', 'gone.onnx: no such file'),
        ('dnn:broken.onnx', 'broken.onnx: OpenCV .* cannot read it as ONNX'),
        ('dnn:free.onnx', 'free.onnx: .*; add size=HEIGHTxWIDTH'),
        ('dnn:net.onnx,sise=3x4', r"no option 'sise' \(did you mean 'size'\?\); options: size, "),
        ('dnn:net.onnx,size=3', 'size=3: expected HEIGHTxWIDTH in px'),
        ('dnn:net.onnx,size=axb', 'size=axb: expected HEIGHTxWIDTH'),
        ('dnn:net.onnx,mean=1/2', 'mean=1/2: expected three numbers'),
        ('dnn:net.onnx,person=1,person=0', 'person= is given twice'),
        ('grabcut:boxes.pkl,padding=nan', 'padding=nan: expected a finite number'),
        ('grabcut:boxes.pkl,iterations=0', 'iterations=0: expected a whole number from 1'),
        ('grabcut:boxes.pkl,propagate=maybe', 'propagate=maybe: expected true or false'),
        ('motion,threshold=0', 'threshold=0.0: expected a number from 1 to 255'),
        ('motion,kernel=4', 'kernel=4: expected an odd whole number'),
        ('motion,speed=4', "motion has no option 'speed'; options: threshold, kernel, min_area"),
        ('sam2:own.pt,config=c', 'boxes= is missing; expected sam2:CHECKPOINT,boxes=FILE'),
        ('sam2:own.pt,boxes=boxes.pkl', 'own.pt: not named as a published SAM 2 checkpoint'),
        ('sam2:own.pt,config=c,boxes=gone.txt', 'gone.txt: no such file'),
        ('sam2:gone.pt,config=c,boxes=boxes.pkl', 'gone.pt: no such file'),
        ('within(png:persons)', 'within takes 2 specs, got 1'),
        ('within(png:persons,png:saliency)', "within refines person boxes, got 'png'"),
        ('within(png:persons,boxes:boxes.pkl', 'no closing parenthesis'),
        ('within()', 'within takes 2 specs'),
        ('union(png:persons,png:saliency,png:persons)', 'union takes 2 specs, got 3'),
        ('union(png:persons,motion,padding=3)', "union has no option 'padding'; options: radius"),
        ('union(png:persons,motion,radius=-1)', 'radius=-1: expected a whole number from 0'),
        ('union(png:persons,png:gone)', 'gone: no such folder'),
        ('union(png:persons,nonsense:x)', 'union takes 2 specs, got 1'),
    ],
)
def test_errors_are_one_line_that_names_the_text(here, text, message):
    named = re.escape(repr(text))
    refused(f'^mask source {named}: .*{message}', parse_masks, text)


def test_docs_name_every_form_and_option():
    page = Path(__file__).parents[3] / 'docs' / 'build_benchmark.md'
    known = page.read_text().partition('```text\n')[2].partition('```')[0]
    for usage, maker in FORMS.items():
        name = re.match(r'\w+', usage)[0]
        start = re.search(rf'^{name}[ :(]', known, re.MULTILINE).start()
        for field in dataclasses.fields(maker):
            if field.default is not dataclasses.MISSING:
                assert field.name in known[start:], (name, field.name)
