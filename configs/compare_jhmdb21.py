# Every method on real HMDB51 clips at CPU size; needs people.jsonl (docs/compare_methods.md) and the
# benchmark of configs/bias/erm_jhmdb21.py.
_base_ = ['bias/erm_jhmdb21.py', '_base_/models/albar_from_scratch.py']

comparison = dict(
    boxes='data/jhmdb21/people.jsonl',
    reference=dict(config='stillmix/reference/resnet18_jhmdb21.py', frame_size=56),
    options={
        'sdn': dict(scene=None),
        'albar': dict(static=_base_.albar_static),
        'albar+stillmix': dict(static=_base_.albar_static),
    },
    notes={
        'sdn': 'human-mask branch alone, as no scene classifier is at hand; boxes of the puppet masks',
        'actorcutmix': 'boxes of the puppet masks',
        'stillmix': 'bank of a reference network trained on the same videos',
        'albar': 'weights for training from scratch (configs/_base_/models/albar_from_scratch.py)',
        'albar+stillmix': 'the same weights; frames of the batch, as published',
    },
)
