# Every method on motion_sprites: tools/compare_methods.py configs/compare_sprites.py --seeds 0 1 2
# Options: the best validation contrast of four settings a method tried with seed 0, the default first
# (ALBAR+StillMix: of two); benchmarks/results/trials.jsonl lists them. Mixup, VideoMix, SDN, BE and
# ActorCutMix keep the default: no other setting was better.
_base_ = ['erm_sprites.py', '_base_/models/albar_from_scratch.py']

comparison = dict(
    boxes='data/motion_sprites/train.jsonl',
    scenes='data/motion_sprites/train.jsonl',
    reference=dict(config='stillmix/reference/resnet18_sprites.py', frame_size=32),
    options={
        'fame': dict(prob=1.0, fg_fraction=0.25),
        'stillmix': dict(prob=0.5, alpha=20.0, beta=60.0),
        'albar': dict(static=_base_.albar_static),
        'albar+stillmix': dict(static=_base_.albar_static, prob=0.25),
    },
    notes={
        'sdn': 'true scene ids and true boxes of the actor',
        'actorcutmix': 'true boxes of the actor',
        'fame': 'probability 1, a quarter of the pixels as foreground',
        'stillmix': 'bank of a reference network trained on the same videos; Beta(20, 60)',
        'albar': 'weights for training from scratch (configs/_base_/models/albar_from_scratch.py)',
        'albar+stillmix': 'the same weights; frames of the batch, probability 0.25',
    },
)
