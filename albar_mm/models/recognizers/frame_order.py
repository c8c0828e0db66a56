"""Can a recogniser see the order of the frames at all?"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..utils.rng import preserved_attributes, preserved_rng
from ..utils.static_frames import time_axis

#: Difference of logits, relative to the largest one, below which two predictions count as equal:
#: well above float32 rounding (about 1e-6), below what a temporal layer does (1e-3 and more).
RELATIVE_TOLERANCE = 5e-5
PERTURBATION = 0.1

WARNING = (
    'the logits of {model} do not depend on the order of the frames: to this network a clip '
    'and a static clip differ only by which pictures they hold, so ALBAR can only drive it '
    'to chance. Use a backbone with temporal modelling (3D convolution, TSM, attention over '
    'time).'
)


def ignores_frame_order(model: nn.Module, inputs: Tensor) -> bool | None:
    """Compare the logits of the first clip with those of the same frames in two other orders.

    It is the architecture that is asked, not its present weights: temporal layers often start at
    zero (time embeddings), and untrained BatchNorm statistics can flatten every signal. So a noisy
    copy of the weights answers, with BatchNorm on batch statistics and dropout off. Weights,
    buffers and random state of the training are left as they were.

    Args:
        model: A recogniser whose ``forward(x, mode='tensor', stage='head')`` returns logits.
        inputs: (B, N, C, T, H, W) or (B, N, C, H, W).

    Returns:
        bool | None: None if there is no answer: all frames of the clip are equal.
    """
    axis = time_axis(inputs)
    clip = inputs[:1].detach()
    num_frames = clip.shape[axis]
    if num_frames == 1:
        return True
    if torch.equal(clip, clip.narrow(axis, 0, 1).expand_as(clip)):
        return None
    # All orders go through in one batch, so that they share the batch statistics.
    ordered = torch.arange(num_frames, device=clip.device)
    interleaved = torch.cat([ordered[::2], ordered[1::2]])
    batch = torch.cat([clip, clip.flip(axis), clip.index_select(axis, interleaved)])
    with (
        torch.no_grad(),
        torch.autocast(clip.device.type, enabled=False),
        preserved_rng(clip.device),
        _deterministic_layers(model),
    ):
        logits = functional_call(
            model, _perturbed_parameters(model), (batch,), dict(mode='tensor', stage='head')
        )
    if not isinstance(logits, Tensor):
        return None  # the static pass itself says what is wrong
    # A head may return one row per view; each order owns the same number of rows.
    reference, *others = logits.chunk(3)
    tolerance = RELATIVE_TOLERANCE * reference.abs().max()
    return all(bool((other - reference).abs().max() <= tolerance) for other in others)


def _perturbed_parameters(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter plus noise of a tenth of its root mean square (0.1 where it is zero)."""
    generator = torch.Generator().manual_seed(0)
    perturbed = {}
    for name, parameter in model.named_parameters():
        value = parameter.detach().float()
        scale = value.square().mean().sqrt()
        scale = torch.where(scale > 0, scale, torch.ones_like(scale)) * PERTURBATION
        noise = torch.randn(value.shape, generator=generator).to(value.device)
        perturbed[name] = (value + scale * noise).to(parameter.dtype)
    return perturbed


@contextmanager
def _deterministic_layers(model: nn.Module) -> Iterator[None]:
    """Eval mode, but plain BatchNorm on batch statistics; restores every module's flags.

    SyncBatchNorm keeps its running statistics: ranks need not reach this check together.
    """
    with preserved_attributes(model.modules(), 'training', 'track_running_stats'):
        for module in model.modules():
            plain = type(module) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
            module.training = plain
            if plain:
                module.track_running_stats = False
        yield
