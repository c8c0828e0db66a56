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
    kinds = 'DecordInit', 'DecordDecode', 'FormatShape', 'PackActionInputs'
    pipeline = [dict(type=kind) for kind in kinds]
    pipeline[2]['input_format'] = 'NCTHW'
    cfg = Config(dict(train_dataloader=dict(dataset=dict(pipeline=pipeline))))
    named = dict(with_person_boxes=with_person_boxes, with_scene_labels=with_scene_labels)
    return dict(cfg=cfg, train_pipeline=pipeline, **named)


@pytest.mark.parametrize('name', WITH_EXAMPLES)
def test_examples(name, given):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    module = importlib.import_module(name)
    found = doctest.testmod(module, extraglobs=given, optionflags=flags)
    assert found.attempted and not found.failed
