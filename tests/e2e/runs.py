"""What every small run of the real Runner says."""

from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

#: Options of a shipped config of ``motion_sprites`` for one epoch in this process.
SHORT = [
    'train_cfg.max_epochs=1',
    'train_cfg.val_begin=1',
    'train_cfg.val_interval=1',
    'train_dataloader.batch_size=4',
    *(f'{part}_dataloader.num_workers=0' for part in ('train', 'val', 'test')),
    *(f'{part}_dataloader.persistent_workers=False' for part in ('train', 'val')),
]


def loader(dataset, batch_size, shuffle=False, **more):
    """A data loader's config, without processes."""
    sampler = dict(type='DefaultSampler', shuffle=shuffle)
    return dict(batch_size=batch_size, num_workers=0, sampler=sampler, dataset=dataset, **more)


def videos(root, pipeline, ann_file='list.txt', prefix='videos', **more):
    """A stock data set's config: a list in a folder of videos."""
    files = dict(ann_file=ann_file, data_root=str(root), data_prefix=dict(video=prefix))
    return dict(type='VideoDataset', pipeline=pipeline, **files, **more)


def domains(dataset, batch_size=2):
    """Settings of a test on all sets of a bias benchmark."""
    return dict(
        test_dataloader=loader(dataset, batch_size, batch_sampler=dict(type='DomainBatchSampler')),
        test_evaluator=dict(type='BiasMetric'),
        test_cfg=dict(type='TestLoop'),
        custom_hooks=[dict(type='ResultsHook')],
        randomness=dict(seed=3),
    )


def training(epochs=1, checkpoint=True):
    """Settings of a training loop that logs every step, and whether it saves every epoch."""
    saved = dict(type='CheckpointHook', interval=1) if checkpoint else None
    return dict(
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs),
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1), checkpoint=saved),
    )


def runner(work_dir, **settings):
    """A runner; its name is that of its folder, so that no two of a process share logs."""
    work_dir = Path(work_dir)
    cfg = dict(
        default_scope='mmaction',
        work_dir=str(work_dir),
        experiment_name=f'{work_dir.parent.name}-{work_dir.name}',
        log_level='WARNING',
        **settings,
    )
    return Runner.from_cfg(Config(cfg))
