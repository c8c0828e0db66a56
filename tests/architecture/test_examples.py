"""The examples in docstrings run, and give what they say."""

import doctest
import importlib

import pytest
from mmengine.config import Config

from albar_mm.datasets.transforms import with_person_boxes, with_scene_labels

from .source import texts

WITH_EXAMPLES = [
    path.removesuffix('.py').removesuffix('/__init__').replace('/', '.')
    for path, text in texts().items()
    if '>>>' in text and not path.startswith('tools/')
]


@pytest.fixture
def given():
    """What the examples take as given: a config, and its training pipeline."""
    pipeline = [
        dict(type='DecordInit'),
        dict(type='DecordDecode'),
        dict(type='FormatShape', input_format='NCTHW'),
        dict(type='PackActionInputs'),
    ]
    return dict(
        cfg=Config(dict(train_dataloader=dict(dataset=dict(pipeline=pipeline)))),
        train_pipeline=pipeline,
        with_person_boxes=with_person_boxes,
        with_scene_labels=with_scene_labels,
    )


@pytest.mark.parametrize('name', WITH_EXAMPLES)
def test_examples(name, given):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    module = importlib.import_module(name)
    found = doctest.testmod(module, extraglobs=given, optionflags=flags)
    assert found.attempted and not found.failed
