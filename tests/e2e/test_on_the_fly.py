"""One ``Runner.test()`` on the fly scores as on the lossless export."""

import json

import torch

from .. import toy_recognizers as toy
from ..bias_sets.toy_benchmark import build, settings_of, write_photos, write_sources
from .runs import domains, runner

PIPELINE = [
    dict(type='DecordInit'),
    dict(type='BiasSampleFrames', clip_len=4, frame_interval=2, test_mode=True, short='clamp'),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 32)),
    dict(type='CenterCrop', crop_size=32),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]


MODEL = dict(
    type='Recognizer3D',
    backbone=dict(type='ToyTanhBackbone'),
    cls_head=toy.head(4, 2),
    data_preprocessor=dict(
        toy.preprocessor('ActionDataPreprocessor'), mean=[128.0] * 3, std=[64.0] * 3
    ),
)


def test_scores_of_the_lossless_export(tmp_path):
    photos = write_photos(tmp_path / 'photos')
    sources = write_sources(tmp_path)
    build(tmp_path / 'bias', sources, settings_of(photos, encoding='lossless', per_video=4))
    (tmp_path / 'iid.txt').write_text('jump/jump_a.avi 0\nwave/wave_a.avi 1\n')
    videos = str(tmp_path / 'videos')
    iid = dict(ann_file=str(tmp_path / 'iid.txt'), data_prefix=dict(video=videos))
    both = ['stripe', 'photos']
    sets = dict(dataset='TOY', scuba=both, scufo=both, conflfg=['stripe'], num_classes=2)
    shared = dict(sets, iid=iid, extra_iid=dict(aras=iid), pipeline=PIPELINE)
    shared['bias_root'] = str(tmp_path / 'bias')
    settings = {key: MODEL[key] for key in ('backbone', 'cls_head', 'data_preprocessor')}
    checkpoint = tmp_path / 'toy.pth'
    torch.save(dict(state_dict=toy.build('Recognizer3D', **settings).state_dict()), checkpoint)

    def run(type, **more):
        dataset = dict(shared, type=type, **more)
        given = dict(model=MODEL, load_from=str(checkpoint), **domains(dataset, 4))
        made = runner(tmp_path / type, **given)
        assert len(made.test_dataloader.dataset) == 64
        return made.test()

    made = run('OnTheFlyBenchmarkDataset', videos=videos, backgrounds=dict(photos=str(photos)))
    assert made == run('BiasBenchmarkDataset')
    assert made['aras/top1'] == made['iid/top1'] and 'contrasted/avg' in made
    assert 0 < made['scuba/avg'] < 100  # else these weights show nothing
    text = (tmp_path / 'OnTheFlyBenchmarkDataset' / 'results.json').read_text()
    assert str(tmp_path) not in text  # nothing of this machine
    document = json.loads(text)
    steps = [step['type'] for step in document['protocol']['pipelines']['conflfg']]
    assert steps[:4] == ['SourceInit', 'BiasSampleFrames', 'SourceDecode', 'PasteForeground']
    assert document['metrics'] == made
    names = {entry['file'] for entry in document['data']}
    assert {'iid/iid.txt', 'aras/iid.txt', 'TOY_SCUBA_Stripe/manifest.jsonl'} <= names
