import pytest
import torch
from mmaction.structures import ActionDataSample

from albar_mm.models.utils.labels import batch_labels


def stack(*labels):
    return batch_labels([ActionDataSample().set_gt_label(label) for label in labels], 'cpu')


@pytest.mark.parametrize(
    'labels, dtype, expected',
    [
        ((2, 0), torch.long, [2, 0]),
        # the one-hot integers of a blending become float
        (([0, 1, 0], [1, 0, 0]), torch.float, [[0, 1, 0], [1, 0, 0]]),
        (([0.25, 0.75], [1.0, 0.0]), torch.float, [[0.25, 0.75], [1.0, 0.0]]),
    ],
)
def test_hard_and_soft_labels(labels, dtype, expected):
    found = stack(*(each if isinstance(each, int) else torch.tensor(each) for each in labels))
    assert found.dtype == dtype and found.tolist() == expected


def test_labels_that_are_refused():
    with pytest.raises(ValueError, match='multi-label'):
        stack(torch.tensor([1, 1, 0]), torch.tensor([1, 0, 0]))
    with pytest.raises(ValueError, match='sample 1 of the batch has no gt_label'):
        batch_labels([ActionDataSample().set_gt_label(0), ActionDataSample()], 'cpu')
