# Every method on motion_sprites: tools/compare_methods.py configs/compare_sprites.py --seeds 0 1 2
_base_ = ['erm_sprites.py', '_base_/models/albar_from_scratch.py']

comparison = dict(
    boxes='data/motion_sprites/train.jsonl',
    scenes='data/motion_sprites/train.jsonl',
    reference=dict(config='stillmix/reference/resnet18_sprites.py', frame_size=32),
    options={
        'albar': dict(static=_base_.albar_static),
        'albar+stillmix': dict(static=_base_.albar_static),
    },
    notes={
        'sdn': 'true scene ids and true boxes of the actor',
        'actorcutmix': 'true boxes of the actor',
        'stillmix': 'bank of a reference network trained on the same videos',
        'albar': 'weights for training from scratch, chosen on the validation set '
                 '(configs/_base_/models/albar_from_scratch.py)',
        'albar+stillmix': 'the same weights; frames of the batch, as published',
    })
