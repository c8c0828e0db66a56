"""One ``Runner.test()`` on the fly scores as on the lossless export."""

import json

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from .. import toy_recognizers as toy
from ..bias_sets.toy_benchmark import build, settings_of, write_photos, write_sources

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


def run(work_dir, checkpoint, dataset):
    runner = Runner.from_cfg(
        Config(
            dict(
                default_scope='mmaction',
                model=MODEL,
                work_dir=str(work_dir),
                load_from=str(checkpoint),
                test_dataloader=dict(
                    batch_size=4,
                    num_workers=0,
                    sampler=dict(type='DefaultSampler', shuffle=False),
                    batch_sampler=dict(type='DomainBatchSampler'),
                    dataset=dataset,
                ),
                test_evaluator=dict(type='BiasMetric'),
                test_cfg=dict(type='TestLoop'),
                custom_hooks=[dict(type='ResultsHook')],
                randomness=dict(seed=3),
                log_level='WARNING',
                experiment_name=f'{work_dir.parent.name}-{work_dir.name}',
            )
        )
    )
    return runner.test(), runner


def test_scores_of_the_lossless_export(tmp_path):
    photos = write_photos(tmp_path / 'photos')
    sources = write_sources(tmp_path)
    settings = settings_of(photos, encoding='lossless', per_video=4)
    build(tmp_path / 'bias', sources, settings)
    (tmp_path / 'iid.txt').write_text('jump/jump_a.avi 0\nwave/wave_a.avi 1\n')
    videos = str(tmp_path / 'videos')
    dataset = dict(
        iid=dict(ann_file=str(tmp_path / 'iid.txt'), data_prefix=dict(video=videos)),
        extra_iid=dict(
            aras=dict(ann_file=str(tmp_path / 'iid.txt'), data_prefix=dict(video=videos))
        ),
        bias_root=str(tmp_path / 'bias'),
        dataset='TOY',
        scuba=['stripe', 'photos'],
        scufo=['stripe', 'photos'],
        conflfg=['stripe'],
        num_classes=2,
        pipeline=PIPELINE,
    )
    settings = {key: MODEL[key] for key in ('backbone', 'cls_head', 'data_preprocessor')}
    checkpoint = tmp_path / 'toy.pth'
    torch.save(dict(state_dict=toy.build('Recognizer3D', **settings).state_dict()), checkpoint)
    exported, runner = run(
        tmp_path / 'exported', checkpoint, dict(dataset, type='BiasBenchmarkDataset')
    )
    made, other = run(
        tmp_path / 'made',
        checkpoint,
        dict(
            dataset,
            type='OnTheFlyBenchmarkDataset',
            videos=videos,
            backgrounds=dict(photos=str(photos)),
        ),
    )
    assert made == exported
    assert made['aras/top1'] == made['iid/top1'] and 'contrasted/avg' in made
    assert 0 < made['scuba/avg'] < 100  # else these weights show nothing
    assert len(other.test_dataloader.dataset) == len(runner.test_dataloader.dataset) == 64
    text = (tmp_path / 'made' / 'results.json').read_text()
    assert str(tmp_path) not in text  # nothing of this machine
    document = json.loads(text)
    steps = [step['type'] for step in document['protocol']['pipelines']['conflfg']]
    assert steps[:4] == ['SourceInit', 'BiasSampleFrames', 'SourceDecode', 'PasteForeground']
    assert document['metrics'] == made
    names = {entry['file'] for entry in document['data']}
    assert {'iid/iid.txt', 'aras/iid.txt', 'TOY_SCUBA_Stripe/manifest.jsonl'} <= names
