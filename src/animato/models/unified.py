"""UniAnimate's network: conditions become channels beside the noise and a frame before it, and one 3-D U-Net sees all of it together.

Conditions are encoded in two stages. Stems look at every picture by itself, once for a clip. Behind them attention runs over the frames
that the network sees at once, so that part is done for every window, and only once for all steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_temporal import TransformerTemporalModel
from diffusers.models.unets.unet_3d_condition import UNet3DConditionModel
from diffusers.models.unets.unet_i2vgen_xl import I2VGenXLTransformerTemporalEncoder
from torch import Tensor, nn

from animato.core.errors import InputError
from animato.models.condition import UnifiedCondition
from animato.models.frames import per_frame

BESIDE = 8  # channels beside the noise
WIDTH = 32  # of the stems
HEADS = 2  # of the attention behind them, each as wide as all channels


@dataclass(frozen=True, eq=False)
class Given:
    """What a clip is told: any of it, or nothing. Pictures are in [0, 1], of any size; B may be 1."""

    image: Tensor | None = None  # B 1 D, the reference as CLIP sees it
    reference: Tensor | None = None  # B 1 C H W, latents
    reference_pose: Tensor | None = None  # B 1 3 H W; without the reference it says nothing
    poses: Tensor | None = None  # B F 3 H W
    first_frame: Tensor | None = None  # B 1 3 H W for all frames, or B F 3 H W


@dataclass(frozen=True, eq=False)
class Stems:
    """What does not depend on the window: every picture behind its stem, the context, the frame in front."""

    context: Tensor  # B S D
    prefix: Tensor  # B 1 C+8 H W
    poses: Tensor | None  # B F 8 H W
    first_frame: Tensor | None  # B 1 8 H W or B F 8 H W


class Encoder(nn.Module):
    """Pictures or latents -> features of the latents' size: a stem on every frame by itself, then attention over frames at each place."""

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
        x = per_frame(lambda frame: F.adaptive_avg_pool2d(F.silu(first(frame)), inner), pictures)
        return per_frame(third, F.silu(per_frame(second, x)))

    def together(self, features: Tensor) -> Tensor:  # B F C H W -> B F C H W
        """The attention over frames. Of frames that are all the same, one is enough: it gives what each of them would."""
        tokens = features.permute(0, 3, 4, 1, 2)  # B H W F C
        return self.over_frames(tokens.flatten(0, 2)).view(tokens.shape).permute(0, 3, 4, 1, 2)


class UnifiedUNet(ModelMixin, ConfigMixin):
    """Noisy latents and a UnifiedCondition -> the prediction. The trunk is diffusers' UNet3DConditionModel.

    head_dim      width of a head of attention at every level
    entrance      channels behind the first convolution, a quarter of the time's, and heads of the temporal transformer there
    image_tokens  what the embedding of the reference becomes in the context
    """

    @register_to_config
    def __init__(
        self,
        in_channels: int = 4,
        block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280),
        attention_levels: tuple[bool, ...] = (True, True, True, False),
        layers_per_block: int = 2,
        cross_attention_dim: int = 1024,
        head_dim: int = 64,
        entrance: tuple[int, int] = (320, 8),
        image_tokens: int = 4,
    ) -> None:
        super().__init__()
        whole = in_channels + BESIDE
        self.trunk = UNet3DConditionModel(
            in_channels=whole,
            out_channels=in_channels,
            block_out_channels=block_out_channels,
            down_block_types=tuple("CrossAttnDownBlock3D" if attends else "DownBlock3D" for attends in attention_levels),
            up_block_types=tuple("CrossAttnUpBlock3D" if attends else "UpBlock3D" for attends in reversed(attention_levels)),
            layers_per_block=layers_per_block,
            cross_attention_dim=cross_attention_dim,
            attention_head_dim=head_dim,
        )
        _enter(self.trunk, entrance[0], TransformerTemporalModel(entrance[1], head_dim, entrance[0]))
        self.image = nn.Sequential(
            nn.Linear(cross_attention_dim, cross_attention_dim),
            nn.SiLU(),
            nn.Linear(cross_attention_dim, cross_attention_dim * image_tokens),
        )
        self.pose = Encoder(3, BESIDE, stride=2)
        self.first_frame = Encoder(3, BESIDE, stride=2)
        self.reference_pose = Encoder(3, whole, stride=2)
        self.reference = Encoder(in_channels, whole, stride=1)

    def encode(self, given: Given, prompt: Tensor, size: tuple[int, int]) -> Stems:
        """All that is the same in every window. prompt: 1 S D, what the text encoder says of no words; size: h, w of the latents.

        Raises InputError for clips of poses and of first frames that differ in length.
        """
        poses, first = given.poses, given.first_frame
        if poses is not None and first is not None and first.shape[1] not in (1, poses.shape[1]):
            raise InputError(f"{first.shape[1]} first frames do not fit {poses.shape[1]} poses: give one, or one for each pose.")
        return Stems(
            self._context(given.image, prompt),
            self._prefix(given, size),
            None if poses is None else self.pose.each(poses, size),
            None if first is None else self.first_frame.each(first, size),
        )

    def condition(self, stems: Stems, frames: Sequence[int]) -> UnifiedCondition:
        """What the network is told of these frames, which it will see at once, in this order."""
        batch, _, _, *size = stems.prefix.shape
        channels = stems.prefix.new_zeros(batch, len(frames), BESIDE, *size)
        if stems.first_frame is not None:
            alike = stems.first_frame.shape[1] == 1
            channels = channels + self.first_frame.together(stems.first_frame if alike else stems.first_frame[:, list(frames)])
        if stems.poses is not None:
            channels = channels + self.pose.together(stems.poses[:, list(frames)])
        return UnifiedCondition(stems.context, channels, stems.prefix)

    def forward(self, x: Tensor, t: Tensor | float, condition: UnifiedCondition) -> Tensor:  # B F C H W -> B F C H W
        rows = len(x)
        beside, prefix, context = (part.expand(rows, *part.shape[1:]) for part in (condition.channels, condition.prefix, condition.context))
        whole = torch.cat([prefix, torch.cat([x, beside], dim=2)], dim=1).transpose(1, 2)
        times: Any = torch.as_tensor(t, device=x.device).reshape(-1).expand(rows)
        return self.trunk(whole, times, context).sample.transpose(1, 2)[:, 1:]

    def _context(self, image: Tensor | None, prompt: Tensor) -> Tensor:
        """Without an image its tokens are zero but stand there, and attention counts them, as in the published code."""
        tokens, width = self.config.image_tokens, self.config.cross_attention_dim
        told = prompt.new_zeros(1, tokens, width) if image is None else self.image(image).view(len(image), tokens, width)
        return torch.cat([prompt.expand(len(told), -1, -1), told], dim=1)

    def _prefix(self, given: Given, size: tuple[int, int]) -> Tensor:
        if given.reference is None:
            weight = self.trunk.conv_in.weight
            return weight.new_zeros(1, 1, weight.shape[1], *size)
        prefix = self.reference.together(self.reference.each(given.reference, size))
        if given.reference_pose is not None:
            prefix = prefix + self.reference_pose.together(self.reference_pose.each(given.reference_pose, size))
        return prefix


def _enter(trunk: UNet3DConditionModel, channels: int, transformer: TransformerTemporalModel) -> None:
    """The published way in: its transformer has heads of its own, and its width need not be that of the first level, as diffusers' is.

    Everything that meets it goes along: the time, the first layer, and the last one, to which its output is a skip connection.
    """
    trunk.conv_in = nn.Conv2d(trunk.conv_in.in_channels, channels, 3, padding=1)
    trunk.transformer_in = transformer
    trunk.time_proj = Timesteps(channels, flip_sin_to_cos=True, downscale_freq_shift=0)
    trunk.time_embedding = TimestepEmbedding(channels, 4 * channels)
    level: int = trunk.config.block_out_channels[0]
    for block, layer, width in ((trunk.down_blocks[0], 0, channels), (trunk.up_blocks[-1], -1, level + channels)):
        layers: Any = block.resnets
        layers[layer] = ResnetBlock2D(in_channels=width, out_channels=level, temb_channels=4 * channels, eps=1e-5)
    for module in trunk.modules():
        if isinstance(module, ResnetBlock2D):
            module.time_emb_proj = nn.Linear(4 * channels, module.out_channels)
