import pytest
import torch
from mmaction.structures import ActionDataSample

from albar_mm.models.utils.labels import batch_labels


def stack(*labels):
    return batch_labels([ActionDataSample().set_gt_label(label) for label in labels], 'cpu')


def test_hard_labels():
    labels = stack(2, 0)
    assert labels.dtype == torch.long and labels.tolist() == [2, 0]


def test_integer_one_hot_of_a_blending_becomes_float():
    labels = stack(torch.tensor([0, 1, 0]), torch.tensor([1, 0, 0]))
    assert labels.dtype == torch.float and labels.tolist() == [[0, 1, 0], [1, 0, 0]]


def test_soft_labels():
    labels = stack(torch.tensor([0.25, 0.75]), torch.tensor([1.0, 0.0]))
    assert torch.equal(labels, torch.tensor([[0.25, 0.75], [1.0, 0.0]]))


def test_multi_label_is_refused():
    with pytest.raises(ValueError, match='multi-label'):
        stack(torch.tensor([1, 1, 0]), torch.tensor([1, 0, 0]))


def test_missing_label_names_the_sample():
    with pytest.raises(ValueError, match='sample 1 of the batch has no gt_label'):
        batch_labels([ActionDataSample().set_gt_label(0), ActionDataSample()], 'cpu')
