"""UniAnimate's network: conditions become channels beside the noise and a frame before it, and one 3-D U-Net sees all of it together.

Conditions are encoded in two stages. Stems read every picture by itself, once for a clip. Behind them attention runs over the frames
that the network sees at once, so that part is done for every window, and only once for all steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.unets.unet_3d_condition import UNet3DConditionModel
from diffusers.models.unets.unet_i2vgen_xl import I2VGenXLTransformerTemporalEncoder
from torch import Tensor, nn

from animato.core.errors import InputError
from animato.models.attention import fed_forward
from animato.models.condition import Context, KeyValues, UnifiedCondition
from animato.models.frames import per_frame
from animato.models.mamba import BidirectionalMamba, Mamba
from animato.models.peak import Pass
from animato.models.temporal import SEQUENCES
from animato.models.trunk import (
    Kind,
    at_once,
    drop,
    forgetful,
    project_context,
    replace_cross_attentions,
    replace_entrance,
    replace_feed_forwards,
    replace_temporal_modules,
    travel,
)

BESIDE = 8  # channels beside the noise
WIDTH = 32  # of the stems
HEADS = 2  # of the attention behind them, each as wide as all channels

# What a pass holds at its peak, in values as wide as the first level, counted on the tensors alive in a full-size pass.
TOKEN = 17  # a token of a window and of the frame in front of it, in every row of a pass
FEED_FORWARD = 18  # a token of the piece that is in the feed-forward
CONTEXT = 6400  # keys and values of the context, of each half of guidance, and again of every row of a pass
SCANNED = 90  # with Mamba: a sequence of those that are scanned at once
SCANNED_FRAME = 9  # the same: each of its frames


@dataclass(frozen=True, eq=False)
class Given:
    """What conditions a clip: any of it, or nothing. Pictures are in [0, 1], of any size; B may be 1."""

    image: Tensor | None = None  # B 1 D, the reference as CLIP sees it
    reference: Tensor | None = None  # B 1 C H W, latents
    reference_pose: Tensor | None = None  # B 1 3 H W; without the reference it says nothing
    poses: Tensor | None = None  # B F 3 H W
    first_frame: Tensor | None = None  # B 1 3 H W for all frames, or B F 3 H W


@dataclass(frozen=True, eq=False)
class Stems:
    """What does not depend on the window: every picture behind its stem, the context, the frame in front."""

    context: Context  # keys and values of every cross-attention, B S C
    prefix: Tensor  # B 1 C+8 H W
    poses: Tensor | None  # B F 8 H W
    first_frame: Tensor | None  # B 1 8 H W or B F 8 H W


class Encoder(nn.Module):
    """Pictures or latents -> features of the latents' size: a stem on every frame by itself, attention over frames at each position."""

    def __init__(self, channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.scale = stride**2
        self.stem = nn.ModuleList(
            [
                nn.Conv2d(channels, WIDTH, 3, padding=1),
                nn.Conv2d(WIDTH, WIDTH, 3, padding=1, stride=stride),
                nn.Conv2d(WIDTH, out_channels, 3, padding=1, stride=stride),
            ]
        )
        self.over_frames = I2VGenXLTransformerTemporalEncoder(
            out_channels, HEADS, out_channels, activation_fn="gelu", ff_inner_dim=4 * out_channels
        )

    def each(self, pictures: Tensor, size: tuple[int, int]) -> Tensor:  # B F C H W -> B F C' h w
        """The stem. `size` is h, w of the latents, to which pictures of any size are averaged down."""
        first, second, third = self.stem
        inner = (self.scale * size[0], self.scale * size[1])
        x = F.silu(per_frame(first, pictures))
        if x.shape[-2:] != inner:  # else averaging changes nothing
            x = per_frame(lambda frame: F.adaptive_avg_pool2d(frame, inner), x)
        return per_frame(third, F.silu(per_frame(second, x)))

    def together(self, features: Tensor) -> Tensor:  # B F C H W -> B F C H W
        """The attention over frames. Of frames that are all the same, one is enough: it gives what each of them would."""
        tokens = features.permute(0, 3, 4, 1, 2)  # B H W F C
        return self.over_frames(tokens.flatten(0, 2)).view(tokens.shape).permute(0, 3, 4, 1, 2)


class UnifiedUNet(ModelMixin, ConfigMixin):
    """Noisy latents and a UnifiedCondition -> the prediction. The trunk is diffusers' UNet3DConditionModel.

    head_dim      width of a head of attention at every level
    entrance      channels behind the first convolution, a quarter of the time's, and heads of the temporal transformer there
    context       width of the context, and tokens of it that the embedding of the reference becomes
    temporal      how frames know each other: the published attention, or Mamba, which the paper describes without code or weights
    """

    _supports_gradient_checkpointing = True
    whole: ClassVar[tuple[type[nn.Module], ...]] = (Mamba, BidirectionalMamba)  # layers that use the weights of those within them

    @register_to_config
    def __init__(
        self,
        in_channels: int = 4,
        block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280),
        attention_levels: tuple[bool, ...] = (True, True, True, False),
        layers_per_block: int = 2,
        head_dim: int = 64,
        entrance: tuple[int, int] = (320, 8),
        context: tuple[int, int] = (1024, 4),
        temporal: Kind = "attention",
    ) -> None:
        super().__init__()
        self.gradient_checkpointing = False
        whole = in_channels + BESIDE
        self.trunk = UNet3DConditionModel(
            in_channels=whole,
            out_channels=in_channels,
            block_out_channels=block_out_channels,
            down_block_types=tuple("CrossAttnDownBlock3D" if attends else "DownBlock3D" for attends in attention_levels),
            up_block_types=tuple("CrossAttnUpBlock3D" if attends else "UpBlock3D" for attends in reversed(attention_levels)),
            layers_per_block=layers_per_block,
            cross_attention_dim=context[0],
            attention_head_dim=head_dim,
        )
        replace_entrance(self.trunk, *entrance, head_dim)
        replace_cross_attentions(self.trunk)
        replace_feed_forwards(self.trunk)
        if temporal == "mamba":
            replace_temporal_modules(self.trunk)
        elif temporal != "attention":
            raise InputError(f"The kind of temporal module {temporal!r} is unknown: choose attention or mamba.")
        self.image = nn.Sequential(
            nn.Linear(context[0], context[0]),
            nn.SiLU(),
            nn.Linear(context[0], context[0] * context[1]),
        )
        self.pose = Encoder(3, BESIDE, stride=2)
        self.first_frame = Encoder(3, BESIDE, stride=2)
        self.reference_pose = Encoder(3, whole, stride=2)
        self.reference = Encoder(in_channels, whole, stride=1)

    def peak_values(self, through: Pass) -> int:
        """Values on the device at the peak of such a pass, weights apart. Rows of a pass share nothing."""
        rows = through.windows * through.halves
        frames = through.frames + 1
        tokens = rows * frames * through.positions
        wide = TOKEN * tokens + FEED_FORWARD * fed_forward(tokens) + CONTEXT * (2 + rows)
        if self.config.temporal == "mamba":
            wide += (SCANNED + SCANNED_FRAME * frames) * min(rows * through.positions, SEQUENCES)
        return self.config.block_out_channels[0] * wide

    def encode(self, given: Given, prompt: Tensor, size: tuple[int, int]) -> Stems:
        """All that is the same in every window. prompt: 1 S D, what the text encoder says of no words; size: h, w of the latents.

        Raises InputError for clips of poses and of first frames that differ in length.
        """
        poses, first = given.poses, given.first_frame
        if poses is not None and first is not None and first.shape[1] not in (1, poses.shape[1]):
            raise InputError(f"{first.shape[1]} first frames do not fit {poses.shape[1]} poses: give one, or one for each pose.")
        return Stems(
            project_context(self.trunk, self.tokens(given.image, prompt)),
            self._prefix(given, prompt, size),
            None if poses is None else self.pose.each(poses, size),
            None if first is None else self.first_frame.each(first, size),
        )

    def condition(self, stems: Stems, frames: Sequence[int]) -> UnifiedCondition:
        """The condition of these frames, which the network will see at once, in this order."""
        batch, _, _, *size = stems.prefix.shape
        channels = stems.prefix.new_zeros(batch, len(frames), BESIDE, *size)
        if stems.first_frame is not None:
            alike = stems.first_frame.shape[1] == 1
            channels = channels + self.first_frame.together(stems.first_frame if alike else stems.first_frame[:, list(frames)])
        if stems.poses is not None:
            channels = channels + self.pose.together(stems.poses[:, list(frames)])
        return UnifiedCondition(stems.context, channels, stems.prefix)

    def drop(self, rate: float) -> None:
        """Dropout within ResNets and temporal convolutions while it learns; 0.1 as published."""
        drop(self.trunk, rate)

    def forward(self, x: Tensor, t: Tensor | float, condition: UnifiedCondition) -> Tensor:  # B F C H W -> B F C H W
        rows = len(x)
        beside, prefix = (part.expand(rows, *part.shape[1:]) for part in (condition.channels, condition.prefix))
        context = {name: cast(KeyValues, ready).map(lambda part: part.expand(rows, -1, -1)) for name, ready in condition.context.items()}
        whole = torch.cat([prefix, torch.cat([x, beside], dim=2)], dim=1)
        through = forgetful if self.gradient_checkpointing and torch.is_grad_enabled() else at_once
        return travel(self.trunk, whole, torch.as_tensor(t, device=x.device).reshape(-1), context, through)[:, 1:]

    def tokens(self, image: Tensor | None, prompt: Tensor) -> Tensor:  # B 1 D or nothing, 1 S D -> B S+tokens D
        """The context. Without an image its tokens are zero but stand there, and attention counts them, as in the published code."""
        width, count = self.config.context
        added = prompt.new_zeros(1, count, width) if image is None else self.image(image).view(len(image), count, width)
        return torch.cat([prompt.expand(len(added), -1, -1), added], dim=1)

    def _prefix(self, given: Given, prompt: Tensor, size: tuple[int, int]) -> Tensor:
        if given.reference is None:
            return prompt.new_zeros(1, 1, self.trunk.conv_in.in_channels, *size)
        prefix = self.reference.together(self.reference.each(given.reference, size))
        if given.reference_pose is not None:
            prefix = prefix + self.reference_pose.together(self.reference_pose.each(given.reference_pose, size))
        return prefix
