"""Toy SDN recognisers and batches."""

import torch

from tests import toy_recognizers as toys

TSM = (
    dict(type='ResNetTSM', depth=18, num_segments=4),
    toys.head(512, type='TSMHead', num_segments=4),
)


def build(
    type='SDNRecognizer3D', backbone=None, cls_head=None, seed=0, num_scenes=5, blending=None, **sdn
):
    layout = 'NCHW' if type.endswith('2D') else 'NCTHW'
    kwargs = dict(sdn=dict(num_scenes=num_scenes, **sdn)) if type.startswith('SDN') else {}
    kwargs['data_preprocessor'] = toys.preprocessor(
        'ActionDataPreprocessor', layout, blending=blending
    )
    return toys.build(type, backbone, cls_head, seed, **kwargs)


def boxes(frames, x1=1.0, y1=2.0, x2=5.0, y2=6.0):
    """One box on each of the frames."""
    return torch.tensor([[t, x1, y1, x2, y2] for t in frames]).reshape(-1, 5)


def batch(labels=(0, 1, 2, 1), scenes=(0, 1, 2, 4), people=None, shape=(1, 3, 4, 8, 8), seed=0):
    """What a loader yields; ``people`` None: a box on every frame."""
    data = toys.batch(list(labels), shape=shape, seed=seed)
    frames = shape[0] * (shape[2] if len(shape) == 5 else 1)
    for index, sample in enumerate(data['data_samples']):
        if scenes is not None:
            sample.set_field(torch.as_tensor(scenes[index]), 'scene_target')
        found = boxes(range(frames)) if people is None else people[index]
        if found is not None:
            sample.set_field(found, 'person_boxes')
    return data


def losses(model, data, seed=1):
    """Loss dict of one step, dropout seeded."""
    torch.manual_seed(seed)
    return model(**model.data_preprocessor(data, training=True), mode='loss')
