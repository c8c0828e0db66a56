"""ALBAR recognisers: a motion pass and a static pass in one ``loss()``."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.models.data_preprocessors import ActionDataPreprocessor
from mmaction.models.recognizers import Recognizer2D, Recognizer3D
from mmaction.registry import MODELS
from mmengine.logging import MessageHub, print_log
from torch import Tensor, nn

from ..data_preprocessors import StaticDataPreprocessor
from ..losses import StaticLoss, StaticPass
from ..losses.functional import full_precision, negative_entropy
from ..utils.labels import batch_labels
from ..utils.rng import replayed_rng
from ..utils.rows import rows_of
from ..utils.static_frames import repeat_frames, static_frame_indices, take_frames, time_axis
from .double_backward import (
    differentiable_twice,
    non_reentrant_checkpointing,
    probe_double_backward,
    refuse_unsupported,
)
from .frame_order import WARNING as FRAME_ORDER_WARNING
from .frame_order import ignores_frame_order
from .options import StaticOptions
from .static_norm import ClipStatistics, clip_statistics, static_norm


class ALBARMixin:
    """Adds the static pass of ALBAR (ICLR 2025) to a MMAction2 recogniser.

    ``loss()`` runs the recogniser's own loss on the clip (motion pass), then the network on a
    static clip, one frame of the same clip repeated, and adds ``weight * term`` for every static
    loss as ``loss_static_<name>``. Raw values are logged and *not* summed: ``static_ce`` (nats),
    ``static_entropy`` (nats, in [0, log K]), ``static_top1`` (in [0, 1]), ``static_penalty``. For
    MMEngine to average them set ``log_processor.mean_pattern`` to
    ``r'.*(loss|time|data_time|grad_norm).*|^static_'``.

    Prediction, parameters and state dict are those of the plain recogniser.

    Args:
        *args: See :class:`Recognizer3D` or :class:`Recognizer2D`.
        static: None or ``losses=[]`` for the plain recogniser, else a dict with the optional keys

            - ``frame``: ``'random'`` (default), ``'middle'``, ``'first'``, ``'last'`` or an index;
              used for samples whose pipeline has no ``StaticClip``, whose index wins. Passed on to
              the :class:`StaticDataPreprocessor`.
            - ``source``: ``'unblended'`` (default): frame and label before mini-batch blending,
              which needs :class:`StaticDataPreprocessor`; ``'blended'``: those after it.
            - ``norm``: what BatchNorm does in the static pass: ``'batch'`` (default),
              ``'running'``, ``'update'`` or ``'clip'``, see :func:`static_norm`.
            - ``losses``: list of ``dict(type=..., weight=...)``; by default adversarial 1,
              entropy 4, gradient penalty 10 (``'official'`` reduction).
            - ``share``, ``penalty_share``, ``every``: 1, 1 and 1 as published. Less work with the
              same gradient in the mean, as long as no BatchNorm uses statistics of the static
              batch: a static pass for a random share of the batch, the penalty for a random share
              of these, both in one of ``every`` steps, with ``every`` times the weight.
            - ``unpaired``: 1 as published; below, the loss of the clips leans on those that have a
              static pass, with the same gradient in the mean. What clip and still share then
              cancels within a sample, and less of it is left as noise: see ``docs/static_pass.md``.
            - ``ramp``, ``ramp_start``: 0 and 0.05. The weights rise from ``ramp_start`` times their
              value to it over the first ``ramp`` of the training (0.5: half of it), for networks
              that would not learn against full weights from the first step.
            - ``preset``: ``'paper'`` or ``'fast'``, the values of options that are not given.
        **kwargs: See :class:`Recognizer3D` or :class:`Recognizer2D`.

    Raises:
        TypeError, ValueError: For an illegal ``static`` (the message names the key), or a
            data preprocessor with another ``frame``.
    """

    def __init__(
        self, *args: Any, static: Mapping[str, Any] | None = MappingProxyType({}), **kwargs: Any
    ) -> None:
        options = StaticOptions.from_config(static)
        if len(args) < 6 and kwargs.get('data_preprocessor') is None:
            kwargs['data_preprocessor'] = dict(type='StaticDataPreprocessor')
        super().__init__(*args, **kwargs)
        self.static = options
        self.static_losses = nn.ModuleList(options.losses)
        if options.losses and not self.with_cls_head:
            raise ValueError('static losses need a cls_head')
        if options.losses:
            _keep_from_compiling()
        preprocessor = self.data_preprocessor
        if isinstance(preprocessor, StaticDataPreprocessor):
            if preprocessor.frame not in (None, options.frame):
                raise ValueError(
                    f'data_preprocessor.frame is {preprocessor.frame!r} but static.frame '
                    f'is {options.frame!r}: set only static.frame'
                )
            preprocessor.frame = options.frame
            preprocessor.emit_static = bool(options.losses) and options.source == 'unblended'
        self._frame_order_known = False
        self._double_backward_checked = False
        self._foreign_warned = False

    def loss(
        self,
        inputs: Tensor,
        data_samples: Sequence[Any],
        static_inputs: Tensor | None = None,
        static_target: Tensor | None = None,
        **kwargs: Any,
    ) -> dict[str, Tensor]:
        """Losses of the motion pass and the weighted static terms.

        Args:
            inputs: (B, N, C, T, H, W) or, for 2D recognisers, (B, N, C, H, W) with N as time.
            data_samples: B samples with ``gt_label``.
            static_inputs: (B, N, C, 1, H, W) or (B, 1, C, H, W) from
                :class:`StaticDataPreprocessor`.
            static_target: Labels of those frames, int64 (B,) or float (B, K).
            **kwargs: Passed to the parent's ``loss``.

        Returns:
            dict: Keys of the head plus those named in the class docstring.

        Raises:
            RuntimeError: Before the first step, if the penalty cannot work with this network.
        """
        active = [
            term
            for term in self.static_losses
            if term.weight > 0 and (self.static.penalty_share or not term.needs_input_grad)
        ]
        hub = MessageHub.get_current_instance()
        step = hub.get_info('iter', 0)
        if not active or step % self.static.every:
            return super().loss(inputs, data_samples, **kwargs)
        frames, labels = self._static_source(inputs, data_samples, static_inputs, static_target)
        count, penalised = self.static.counts(len(frames))
        order = None
        if penalised < len(frames):  # drawn in order, so that the first ones are a random share too
            order = torch.randperm(len(frames), device='cpu')
            rows = order[:count].to(frames.device)
            frames, labels = frames[rows], labels[rows]
        clip = repeat_frames(frames.detach(), inputs.shape[time_axis(inputs)])
        with non_reentrant_checkpointing():
            self._check_before_first_step(inputs, clip, active)
            with (
                clip_statistics(self, self.static.norm == 'clip') as statistics,
                self._leaning_on(order, count),
            ):
                losses = super().loss(inputs, data_samples, **kwargs)
        terms = self._static_terms(clip, labels, active, statistics, penalised, step)
        factor = self.static.factor(step, hub.get_info('max_iters', None))
        if factor != 1:
            terms = {k: factor * v if k.startswith('loss') else v for k, v in terms.items()}
        return losses | terms

    @contextmanager
    def _leaning_on(self, order: Tensor | None, count: int) -> Iterator[None]:
        """Weigh the losses of the head: its first ``count`` samples of an order above the rest.

        With s their share and u ``static.unpaired``, the mean loss of the rest counts (1 - s) u and
        that of the first the remainder to 1: in the mean over draws each sample counts as before.
        """
        if order is None or count == len(order) or self.static.unpaired == 1:
            yield
            return
        others = 1 - count / len(order)
        whole = self.cls_head.loss

        def loss(feats: Any, data_samples: Sequence[Any], **kwargs: Any) -> dict[str, Tensor]:
            parts = []
            for rows in (order[:count], order[count:]):
                samples = [data_samples[row] for row in rows.tolist()]
                parts.append(whole(rows_of(feats, rows, len(order)), samples, **kwargs))
            return {
                key: torch.lerp(
                    value, parts[1][key], others * (self.static.unpaired if 'loss' in key else 1)
                )
                for key, value in parts[0].items()
            }

        self.cls_head.loss = loss
        try:
            yield
        finally:
            del self.cls_head.loss  # the method of its class shows again

    def _static_source(
        self,
        inputs: Tensor,
        data_samples: Sequence[Any],
        static_inputs: Tensor | None,
        static_target: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Frame and labels of the static pass; falls back to what is left after blending."""
        if self.static.source == 'unblended':
            if static_inputs is not None and static_target is not None:
                return static_inputs, static_target
            self._warn_foreign_preprocessor()
        indices = static_frame_indices(
            data_samples, inputs.shape[time_axis(inputs)], self.static.frame, inputs.device
        )
        return take_frames(inputs, indices), batch_labels(data_samples, inputs.device)

    def _warn_foreign_preprocessor(self) -> None:
        preprocessor = self.data_preprocessor
        # Without blending the frame is the same before and after it: nothing to warn of.
        same = type(preprocessor) is ActionDataPreprocessor and preprocessor.blending is None
        if self._foreign_warned or same:
            return
        self._foreign_warned = True
        print_log(
            f'{type(preprocessor).__name__} does not hand on unblended frames, so the static '
            'pass takes frames and labels as they come, after any blending. Use '
            "type='StaticDataPreprocessor', or set static.source='blended' to say that this "
            'is meant.',
            'current',
            logging.WARNING,
        )

    def _check_before_first_step(
        self, inputs: Tensor, clip: Tensor, active: list[StaticLoss]
    ) -> None:
        """Refuse or warn before any weight has moved; each check runs once."""
        if not self._double_backward_checked and _twice(active):
            refuse_unsupported(self, self.static.norm)
            # 'update' would let the probe into the running statistics; 'clip' has none yet.
            norm = {'update': 'batch', 'clip': 'running'}.get(self.static.norm, self.static.norm)
            with self._static_context(clip.device.type, True, norm):
                probe_double_backward(self._clip_logits, full_precision(clip[:2]), self)
            self._double_backward_checked = True
        if not self._frame_order_known:
            ignored = ignores_frame_order(self, inputs)
            self._frame_order_known = ignored is not None
            if ignored:
                print_log(
                    FRAME_ORDER_WARNING.format(model=type(self.backbone).__name__),
                    'current',
                    logging.WARNING,
                )

    def _static_terms(
        self,
        clip: Tensor,
        labels: Tensor,
        active: list[StaticLoss],
        statistics: ClipStatistics,
        penalised: int,
        step: int,
    ) -> dict[str, Tensor]:
        """Run the static pass and return weighted terms and monitors.

        Terms that differentiate by the clip see the first ``penalised`` samples alone; the others
        then cost no more than in a motion pass.
        """
        by_input = any(term.needs_input_grad for term in active)
        count = penalised if by_input else len(clip)

        def context(twice: bool) -> AbstractContextManager:
            return self._static_context(clip.device.type, twice, self.static.norm, statistics)

        rest = None
        if count < len(clip):
            with context(False):
                rest = self._clip_logits(clip[count:])
        first, losses = clip[:count], {}
        if by_input:
            first = full_precision(first).requires_grad_()
        with context(_twice(active)):
            replay = replayed_rng(clip.device)

            def forward_fn(other: Tensor) -> Tensor:
                with replay():
                    return self._clip_logits(other)

            def passed(logits: Tensor, part: Tensor) -> StaticPass:
                return StaticPass(logits, labels[: len(part)], part, forward_fn, step)

            part = every = passed(self._clip_logits(first), first)
            if rest is not None:
                every = passed(torch.cat([part.logits, rest]), clip)
            for term in active:
                raw = term(part if term.needs_input_grad else every)
                losses[f'loss_static_{term.name}'] = term.weight * raw
                if term.monitor is not None:
                    losses[term.monitor] = raw.detach()
        losses.update(_monitors(every))
        return losses

    @contextmanager
    def _static_context(
        self, device_type: str, twice: bool, norm: str, statistics: ClipStatistics | None = None
    ) -> Iterator[None]:
        """BatchNorm mode, checkpointing and, if asked for, twice differentiable arithmetic."""

        @contextmanager
        def inner() -> Iterator[None]:
            arithmetic = differentiable_twice(device_type) if twice else nullcontext()
            with static_norm(self, norm, statistics), arithmetic:
                yield

        with inner(), non_reentrant_checkpointing(recompute=inner):
            yield

    def _clip_logits(self, clip: Tensor) -> Tensor:
        """Logits (B, K) of a batch of clips, as the head gives them, averaged over views."""
        # Without data samples a neck computes no auxiliary loss.
        feats, head_kwargs = self.extract_feat(clip)
        logits = self.cls_head(feats, **head_kwargs)
        if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) % len(clip):
            shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise TypeError(
                f'the static pass needs logits of shape (B, K) from '
                f'{type(self.cls_head).__name__}, got {shape}'
            )
        return full_precision(logits).view(len(clip), -1, logits.shape[1]).mean(1)


@cache
def _keep_from_compiling() -> None:
    """With ``compile=True`` compile the motion pass alone: such graphs have no second backward.

    Done for the first model, as it imports PyTorch's compiler, which takes half a second.
    """
    for name in ('_check_before_first_step', '_static_terms'):
        setattr(ALBARMixin, name, torch.compiler.disable(getattr(ALBARMixin, name)))


def _twice(active: list[StaticLoss]) -> bool:
    return any(term.differentiates_twice for term in active)


@torch.no_grad()
def _monitors(ctx: StaticPass) -> dict[str, Tensor]:
    """Raw values for the log; none of the keys contains 'loss', so MMEngine does not sum them."""
    target = ctx.labels if ctx.labels.ndim == 1 else ctx.labels.argmax(1)
    return dict(
        static_ce=F.cross_entropy(ctx.logits, ctx.labels),
        static_entropy=-negative_entropy(ctx.logits),
        static_top1=(ctx.logits.argmax(1) == target).float().mean(),
    )


@MODELS.register_module()
class ALBARRecognizer3D(ALBARMixin, Recognizer3D):
    """:class:`Recognizer3D` with the static pass of :class:`ALBARMixin`."""


@MODELS.register_module()
class ALBARRecognizer2D(ALBARMixin, Recognizer2D):
    """:class:`Recognizer2D` with the static pass; the segments of a video are its time axis."""
