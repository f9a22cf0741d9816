"""The U-Net in the shape of Stable Diffusion 1.5, over frames.

With a temporal module it is a video denoiser; without one it treats every frame by itself. `reference` makes of either the bank that a
denoiser reads. Spatial weights are named as in diffusers' UNet2DConditionModel, temporal ones as in its UNetMotionModel.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, cast

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from animato.models.attention import Entrance, SpatialTransformer, fed_forward
from animato.models.blocks import DownLevel, Layer, MiddleLevel, UpLevel, Widths, down_channels, up_channels
from animato.models.branches import add, fork, join
from animato.models.condition import Bank, Context, Features, UNetCondition
from animato.models.frames import per_frame
from animato.models.mamba import BidirectionalMamba, Mamba
from animato.models.peak import Pass
from animato.models.temporal import MotionModule, TemporalAttentionSpec, motion_module_of, motion_module_table

# What a pass holds at its peak, in values as wide as the first level, counted on the tensors alive in a full-size pass.
BOTH_HALVES = 27  # a token of a window, when both halves of guidance run together; the skeletons' features included
ONE_HALF = 18  # the same, when one half runs by itself
FEED_FORWARD = 12  # a token of the piece that is in the feed-forward
REFERENCE = 27  # a token of the reference: its keys and values, and the features they come from

Run = Generator[tuple[str, Tensor], None, list[Tensor]]


class UNet(ModelMixin, ConfigMixin):
    """A function of noisy frames, time and conditions. See `forward`, `branches` and `reference`.

    temporal  the temporal module: its spec, or the table of one as saved configurations have it; None: every frame by itself
    """

    whole: ClassVar[tuple[type[nn.Module], ...]] = (Mamba, BidirectionalMamba)  # layers that use the weights of those within them
    _supports_gradient_checkpointing = True

    @register_to_config
    def __init__(
        self,
        in_channels: int = 4,
        out_channels: int | None = 4,  # None: no norm and convolution at the end (ReferenceNet); 0: none of what follows its last bank
        block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280),
        layers_per_block: int = 2,
        attention_levels: tuple[bool, ...] = (True, True, True, False),
        heads: int = 8,
        cross_attention_dim: int = 768,
        temporal: MotionModule | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.motion_module = motion_module_of(temporal) if isinstance(temporal, Mapping) else temporal
        if temporal is not None and not isinstance(temporal, Mapping):
            self.register_to_config(temporal=motion_module_table(temporal))  # configurations are saved as JSON
        first = block_out_channels[0]
        last = block_out_channels[-1]
        levels = range(len(block_out_channels))
        widths = Widths(heads, cross_attention_dim, 4 * first, self.motion_module)
        self.time_proj = Timesteps(first, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(first, 4 * first)
        self.conv_in = nn.Conv2d(in_channels, first, 3, padding=1)
        down = zip(down_channels(block_out_channels, layers_per_block), attention_levels, levels, strict=True)
        self.down_blocks = nn.ModuleList(DownLevel(pairs, attention, widths, i == levels[-1]) for pairs, attention, i in down)
        self.mid_block = MiddleLevel(last, widths)
        up = zip(up_channels(block_out_channels, layers_per_block), reversed(attention_levels), levels, strict=True)
        self.up_blocks = nn.ModuleList(UpLevel(pairs, attention, widths, i == levels[-1]) for pairs, attention, i in up)
        if out_channels == 0:
            cast(UpLevel, self.up_blocks[-1]).end_at_bank()
        if out_channels:
            self.conv_norm_out = widths.norm(32, first, eps=1e-5)
            self.conv_out = nn.Conv2d(first, out_channels, 3, padding=1)
        self.gradient_checkpointing = False

    @property
    def longest_window(self) -> int | None:
        """Frames of the longest window that the temporal module can take; None: any number."""
        return self.motion_module.positions if isinstance(self.motion_module, TemporalAttentionSpec) else None

    def peak_values(self, through: Pass) -> int:
        """Values on the device at the peak of such a pass, weights apart."""
        tokens = through.windows * through.frames * through.positions
        halves = BOTH_HALVES if through.halves == 2 else ONE_HALF
        wide = (halves + through.conditioning - 1) * tokens + FEED_FORWARD * fed_forward(tokens) + REFERENCE * through.positions
        return int(self.config.block_out_channels[0] * (wide + through.conditioning * through.kept * through.positions))

    def forward(self, x: Tensor, t: Tensor | float, condition: UNetCondition) -> Tensor:  # B F C H W -> B F C' H W
        """The prediction for noisy frames `x` at time `t` (one number, or one for each row).

        Raises InputError for more frames than the temporal module has positions, TypeError if no channels come out.
        """
        return self.branches(x, t, [condition])[0]

    def branches(self, x: Tensor, t: Tensor | float, conditions: Sequence[UNetCondition]) -> list[Tensor]:
        """One prediction for each condition. As far as the conditions are the same, the network runs once."""
        if self.config.out_channels == 0:
            raise TypeError("a U-Net that ends at its last bank predicts nothing: call its reference()")
        outputs = result(self._run(x, t, conditions))
        return outputs * len(conditions) if len(outputs) == 1 else outputs

    def reference(self, x: Tensor, t: Tensor | float, context: Context) -> Features:  # B F C H W
        """What every spatial transformer sees of a reference, to be projected by the denoiser that reads it. Ends at the last of them.

        Several frames give one bank of all their tokens.
        """
        writers = {name: module for name, module in self.named_modules() if isinstance(module, Entrance)}
        written = {}
        for name, tokens in self._run(x, t, [UNetCondition(context)]):
            written[name] = writers[name].write(tokens)
            if len(written) == len(writers):
                break
        return written

    def project_bank(self, features: Features, rounded: torch.dtype | None = None) -> Bank:
        """Keys and values of a reference's features, once for all frames, windows and steps.

        `rounded=torch.float16` is what the published pipelines do to the features even in an fp32 pipeline.
        """
        transformers = dict(self.transformers())
        values = {name: value if rounded is None else value.to(rounded).to(value.dtype) for name, value in features.items()}
        return {name: transformers[name].block.attn1.project(value) for name, value in values.items()}

    def project_context(self, tokens: Tensor) -> Context:  # B S D
        """What the cross-attention of every layer reads, once per video. Of one token it is a constant (`Attention.constant`)."""
        layers = ((name, transformer.block.attn2) for name, transformer in self.transformers())
        return {name: attention.constant(tokens) if tokens.shape[1] == 1 else attention.project(tokens) for name, attention in layers}

    def transformers(self) -> Iterator[tuple[str, SpatialTransformer]]:
        """Names and whole spatial transformers in the order in which they run."""
        return ((name, module) for name, module in self.named_modules() if isinstance(module, SpatialTransformer))

    def _run(self, x: Tensor, t: Tensor | float, conditions: Sequence[UNetCondition]) -> Run:
        """The whole network. It pauses at every spatial transformer, with its name and tokens, for whoever wants no more than that."""
        temb = self._time(t, x)
        values = add([per_frame(self.conv_in, x)], [condition.conv_in for condition in conditions])
        skips = [values]
        for i, down in enumerate(cast(Iterable[DownLevel], self.down_blocks)):
            for layer in down.layers(f"down_blocks.{i}"):
                values = yield from self._layer(layer, values, temb, conditions)
                skips.append(values)
            for half in down.downsamplers:
                values = [per_frame(half, value) for value in values]
                skips.append(values)
        skips = [add(skip, [c.residuals and c.residuals.skips[i] for c in conditions]) for i, skip in enumerate(skips)]
        for layer in self.mid_block.layers("mid_block"):
            values = yield from self._layer(layer, values, temb, conditions)
        values = add(values, [c.residuals and c.residuals.middle for c in conditions])
        for i, up in enumerate(cast(Iterable[UpLevel], self.up_blocks)):
            for layer in up.layers(f"up_blocks.{i}"):
                values = yield from self._layer(layer, join(values, skips.pop()), temb, conditions)
            for double in up.upsamplers:
                size = skips[-1][0].shape[-2:]  # of the skip connection to come, so that sizes need not be multiples of 8
                values = [per_frame(partial(double, output_size=size), value) for value in values]
        return values if self.config.out_channels is None else [self._end(value) for value in values]

    def _layer(self, layer: Layer, values: list[Tensor], temb: Tensor, conditions: Sequence[UNetCondition]) -> Run:
        values = [self._call(layer.resnet, value, temb) for value in values]
        if layer.attention is not None:
            values = yield from self._attention(layer.name, layer.attention, values, conditions)
        if layer.motion is not None:
            values = [self._call(layer.motion, value) for value in values]
        return values

    def _attention(self, name: str, entrance: Entrance, values: list[Tensor], conditions: Sequence[UNetCondition]) -> Run:
        tokens = [self._call(entrance.enter, value) for value in values]
        yield name, tokens[0]
        layer = cast(SpatialTransformer, entrance)  # a network that ends here is not run any further
        own = list(zip(values, map(layer.block.self_attention, tokens), strict=True))
        sources = [(condition.context[name], condition.bank.get(name)) for condition in conditions]
        return [self._call(layer, value, attention, *source) for (value, attention), source in fork(own, sources)]

    def _call(self, layer: Callable[..., Tensor], *args: Any) -> Tensor:
        """A layer, its inner values forgotten and computed again in the backward pass when gradient checkpointing is on."""
        if self.gradient_checkpointing and torch.is_grad_enabled():
            return self._gradient_checkpointing_func(layer, *args)
        return layer(*args)

    def _time(self, t: Tensor | float, x: Tensor) -> Tensor:  # -> B D
        times = torch.as_tensor(t, device=x.device).reshape(-1).expand(len(x))
        return self.time_embedding(self.time_proj(times).to(x.dtype))

    def _end(self, x: Tensor) -> Tensor:
        return per_frame(self.conv_out, F.silu(self.conv_norm_out(x)))


def result(run: Run) -> list[Tensor]:
    """What a run returns when nobody stops it at its pauses."""
    try:
        while True:
            next(run)
    except StopIteration as end:
        return end.value
