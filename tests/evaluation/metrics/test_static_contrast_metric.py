import torch
from mmaction.registry import METRICS
from mmengine.hooks import CheckpointHook


def sample(domain, name, pred, label):
    return dict(
        domain=domain,
        pair_id=name,
        pred_score=torch.nn.functional.one_hot(torch.tensor(pred), 3).float(),
        gt_label=torch.tensor([label]),
    )


def test_scores():
    metric = METRICS.build(dict(type='StaticContrastMetric'))
    for name, clip, static, label in (
        ('a', 0, 1, 0),
        ('b', 1, 1, 1),
        ('c', 0, 0, 2),
        ('d', 2, 0, 2),
    ):
        pair = dict(static=static, clip=clip)
        metric.process(None, [sample(domain, name, pair[domain], label) for domain in pair])
    expected = {'val/top1': 75.0, 'val/static_top1': 25.0, 'val/contrast': 50.0}
    assert metric.evaluate(8) == expected


def test_documented_checkpoint_rule_is_accepted():
    hook = CheckpointHook(save_best='val/contrast', rule='greater')
    assert hook.is_better_than['val/contrast'](2.0, 1.0)
