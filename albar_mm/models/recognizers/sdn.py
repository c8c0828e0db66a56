"""SDN recognisers: scene-adversarial training and a human-mask confusion loss in one ``loss()``."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.models.recognizers import Recognizer2D, Recognizer3D
from mmaction.registry import MODELS
from mmengine.logging import print_log
from torch import Tensor
from torch.func import functional_call

from ..losses.functional import full_precision
from ..utils.gradient_reversal import reverse_gradient, scale_gradient
from ..utils.labels import batch_labels
from ..utils.person_masks import fill_people, num_frames, person_boxes_of, person_masks
from ._sdn_parts import (
    BranchHead,
    hits,
    last_linear,
    mask_negative_entropy,
    masked_mean,
    pooled_features,
    scene_cross_entropy,
    scene_targets,
)
from .options import SDNOptions
from .static_norm import static_norm


class SDNMixin:
    r"""Adds the two branches of SDN to a MMAction2 recogniser.

    SDN, Choi et al., "Why Can't I Dance in the Mall? Learning to Mitigate Scene Bias in Action
    Recognition", NeurIPS 2019. Both branches look at h, the pooled feature (B, D) that the last
    linear layer of the head receives (after its dropout; views and segments averaged), so any head
    with a linear classifier will do.

    **Scene branch.** A scene classifier learns the pseudo scene labels s (field ``scene_target``)
    from h behind a gradient reversal layer; the backbone learns to hide them:
    ``L_scene = -mean_b sum_k s_k log softmax(g_s(GRL_alpha(h)))_k``.

    **Mask branch.** People (field ``person_boxes``) are filled with the mean colour of the frame
    (:func:`.fill_people`), the masked clip goes through the network, and a second head gives q:
    ``L_mask = mean_b sum_c q_c log q_c``, the negative entropy. Only samples with a box in 70 % of
    their frames count. Frames are those of the sampled clip; the released code counts those of the
    whole video.

    *The sign.* Paper: on masked clips the network should be unsure of the action. The released code
    minimises L_mask behind a gradient reversal layer, so its *head* becomes unsure and its backbone
    is pushed towards *confident* predictions, against the stated aim. ``objective`` chooses:

    - ``'as_released'`` (default): head and backbone play as in the released code.
    - ``'maximise_entropy'``, ours, for the paper's aim (docs/sdn.md measures it): the backbone gets
      the gradient of L_mask times ``+alpha``, with the head held fixed; the head learns the action
      label from masked clips (cross-entropy, h detached). Nothing else gives the head a task: if
      it, too, maximised the entropy it would turn to constant uniform outputs, if it minimised it
      to one constant class, and in both cases the backbone would get no gradient any more. As the
      best guess of the action from the scene it is the adversary that the backbone has to confuse.

    Other differences from the released code: one optimiser step on the sum of all terms instead of
    two steps on two loaders (so ``weight`` exists besides ``alpha``); samples that the draw of
    ``mask_ratio`` leaves out are not used unmasked; people are masked after augmentation; masked
    clips leave the running statistics of BatchNorm alone (``norm='update'`` is as released).

    ``loss()`` adds ``loss_scene``, ``loss_mask`` and, with ``'maximise_entropy'``,
    ``loss_mask_head``, all weighted and summed. Raw values that are only logged: ``scene_top1``,
    ``mask_top1`` (of that objective; shares in [0, 1]), ``mask_entropy`` (nats, in [0, log K]) and
    ``mask_share``, the share of the batch that was used; the mask values of a step without such
    samples are 0. The masked pass always runs on the whole batch, and every parameter always gets a
    gradient, so that the processes of a distributed run stay together.

    Prediction is that of the plain recogniser. The state dict has the further keys
    ``sdn_scene_head.*`` and ``sdn_mask_head.*``; ``tools/strip_checkpoint.py`` takes them out.

    Args:
        *args: See :class:`Recognizer3D` or :class:`Recognizer2D`.
        sdn: A dict with

            - ``num_scenes``: number of scene classes S, needed by the scene branch.
            - ``scene``: None switches the branch off, else a dict with the optional keys ``alpha``
              (0.5, as in the full model; 1.0 in its first stage), ``hidden_layers`` (3),
              ``weight`` (1.0).
            - ``mask``: None switches the branch off, else a dict with the optional keys ``alpha``
              (1.0), ``hidden_layers`` (1), ``weight`` (1.0), ``mask_ratio`` (1.0, the probability
              of a usable sample to be used), ``min_person_frames`` (0.7), ``objective``, and
              ``norm``: what BatchNorm of the network does in the masked pass, ``'batch'``
              (default), ``'running'`` or ``'update'``, see :func:`.static_norm`.
        **kwargs: See :class:`Recognizer3D` or :class:`Recognizer2D`.

    Raises:
        TypeError, ValueError: For an illegal ``sdn`` (the message names the key), or a recogniser
            without a head that has a linear layer.
    """

    def __init__(self, *args: Any, sdn: Mapping[str, Any], **kwargs: Any) -> None:
        options = SDNOptions.from_config(sdn)
        super().__init__(*args, **kwargs)
        self.sdn = options
        if not self.with_cls_head:
            raise ValueError('SDN needs a cls_head')
        features = last_linear(self.cls_head).in_features
        if options.scene is not None:
            self.sdn_scene_head = BranchHead(
                features, options.num_scenes, options.scene.hidden_layers, 'sdn.scene'
            )
        if options.mask is not None:
            self.sdn_mask_head = BranchHead(
                features, self.cls_head.num_classes, options.mask.hidden_layers, 'sdn.mask'
            )
            if getattr(self.data_preprocessor, 'blending', None) is not None:
                print_log(
                    'the mask branch of SDN masks the people of every clip out after '
                    f'{type(self.data_preprocessor.blending).__name__}, which may have '
                    'brought in those of other clips: they stay',
                    'current',
                    logging.WARNING,
                )

    def loss(self, inputs: Tensor, data_samples: Sequence[Any], **kwargs: Any) -> dict[str, Tensor]:
        """Losses of the recogniser and of the branches.

        Args:
            inputs: (B, N, C, T, H, W) or, for 2D recognisers, (B, N, C, H, W).
            data_samples: B samples with ``gt_label``, ``scene_target`` and ``person_boxes``, as
                far as the branches need them.
            **kwargs: Passed to the parent's ``loss``.

        Returns:
            dict: Keys of the head plus those named in the class docstring.

        Raises:
            ValueError: If a field is missing or illegal, or a batch holds one sample from the
                start (BatchNorm of the branches).
        """
        # Fields are read first: what is wrong with them is said before any time is spent.
        scenes = boxes = None
        if self.sdn.scene is not None:
            scenes = scene_targets(data_samples, self.sdn.num_scenes, inputs.device)
        if self.sdn.mask is not None:
            boxes = person_boxes_of(data_samples, 'the mask branch of SDN')
        with pooled_features(last_linear(self.cls_head), len(inputs)) as pooled:
            losses = super().loss(inputs, data_samples, **kwargs)
        if scenes is not None:
            losses.update(self._scene_terms(pooled[0], *scenes))
        if boxes is not None:
            losses.update(self._mask_terms(inputs, boxes, data_samples))
        return losses

    def _scene_terms(self, features: Tensor, targets: Tensor, known: Tensor) -> dict[str, Tensor]:
        options = self.sdn.scene
        logits = full_precision(self.sdn_scene_head(reverse_gradient(features, options.alpha)))
        return dict(
            loss_scene=options.weight * scene_cross_entropy(logits, targets, known),
            scene_top1=hits(logits, targets, known),
        )

    def _mask_terms(
        self, inputs: Tensor, boxes: list[Tensor], data_samples: Sequence[Any]
    ) -> dict[str, Tensor]:
        options = self.sdn.mask
        height, width = inputs.shape[-2:]
        masks = person_masks(boxes, num_frames(inputs), height, width, inputs.device)
        share = masks.flatten(2).any(2).float().mean(1)
        drawn = torch.rand(len(inputs), device=inputs.device) < options.mask_ratio
        # A hair less, so that 7 of 10 frames are 70 % in float32 as well.
        used = (share >= options.min_person_frames - 1e-6) & (share > 0) & drawn
        features = self._masked_features(fill_people(inputs, masks))
        terms = {}
        if options.objective == 'as_released':
            logits = self.sdn_mask_head(reverse_gradient(features, options.alpha))
        else:
            labels = batch_labels(data_samples, inputs.device)
            guesses = full_precision(self.sdn_mask_head(features.detach()))
            mistakes = masked_mean(F.cross_entropy(guesses, labels, reduction='none'), used)
            terms.update(
                loss_mask_head=options.weight * mistakes, mask_top1=hits(guesses, labels, used)
            )
            fixed = {name: p.detach() for name, p in self.sdn_mask_head.named_parameters()}
            # copies, or the running statistics would count this batch twice
            fixed |= {name: buffer.clone() for name, buffer in self.sdn_mask_head.named_buffers()}
            logits = functional_call(
                self.sdn_mask_head, fixed, (scale_gradient(features, options.alpha),)
            )
        negative = mask_negative_entropy(full_precision(logits), used)
        terms.update(
            loss_mask=options.weight * negative,
            mask_entropy=-negative.detach(),
            mask_share=used.float().mean(),
        )
        return terms

    def _masked_features(self, clip: Tensor) -> Tensor:
        """Pooled features (B, D) of a batch of clips, as the head receives them."""
        with (
            static_norm(self, self.sdn.mask.norm),
            pooled_features(last_linear(self.cls_head), len(clip)) as pooled,
        ):
            # Without data samples a neck computes no auxiliary loss.
            feats, head_kwargs = self.extract_feat(clip)
            self.cls_head(feats, **head_kwargs)
        return pooled[0]


@MODELS.register_module()
class SDNRecognizer3D(SDNMixin, Recognizer3D):
    """:class:`Recognizer3D` with the branches of :class:`SDNMixin`."""


@MODELS.register_module()
class SDNRecognizer2D(SDNMixin, Recognizer2D):
    """:class:`Recognizer2D` with the branches of :class:`SDNMixin`."""
