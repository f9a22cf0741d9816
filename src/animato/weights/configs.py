"""Which fields of a configuration make a network, and what each may say. Nothing else of a config.json is ever taken.

A configuration may name code on a hub, kernels, quantisers, types and folders: none of that makes a network, and all of it is left aside.
What is taken is looked at before anything is built: a layer count of ten million would build for minutes, a NaN would make black pictures.
The bounds lie well above those of any network that is published.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from transformers import CLIPTextModel, CLIPVisionModelWithProjection

from animato.core.errors import MissingModelError
from animato.encoders.text import EmptyPrompt
from animato.models.controlnet import ControlNet
from animato.models.copy_head import CopyHead
from animato.models.pose_guider import PoseGuider
from animato.models.temporal import TemporalAttentionSpec, TemporalMambaSpec
from animato.models.unet import UNet
from animato.models.unified import UnifiedUNet
from animato.sampling.schedule import NoiseSchedule
from animato.weights.about import shown


@dataclass(frozen=True)
class Whole:
    """A whole number in a range. none: whether null will do."""

    least: int
    most: int
    none: bool = False

    def holds(self, value: object) -> bool:
        return (value is None and self.none) or (type(value) is int and self.least <= value <= self.most)

    def __str__(self) -> str:
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True)
class Real:
    """A finite number above `above`, at most `most`."""

    above: float
    most: float

    def holds(self, value: object) -> bool:
        return type(value) in (int, float) and math.isfinite(value) and self.above < value <= self.most  # type: ignore[arg-type,operator]

    def __str__(self) -> str:
        return f"a number above {self.above:g}, at most {self.most:g}"


@dataclass(frozen=True)
class Word:
    """One of some values: words, true and false, null."""

    choices: tuple[Any, ...]

    def holds(self, value: object) -> bool:
        return any(type(value) is type(one) and value == one for one in self.choices)

    def __str__(self) -> str:
        return " or ".join(str(one) for one in self.choices)


@dataclass(frozen=True)
class Listed:
    """A list of so many values. alone: whether one value without a list will do, too."""

    of: Whole | Word
    most: int = 8
    alone: bool = False

    def holds(self, value: object) -> bool:
        if not isinstance(value, list | tuple):
            return self.alone and self.of.holds(value)
        return 0 < len(value) <= self.most and all(self.of.holds(one) for one in value)

    def __str__(self) -> str:
        return f"a list of 1 to {self.most} values, each {self.of}"


@dataclass(frozen=True)
class Temporal:
    """A temporal module: null, its spec, or a table of it; which of its fields it has is checked where it is made."""

    def holds(self, value: object) -> bool:
        if value is None or isinstance(value, TemporalAttentionSpec | TemporalMambaSpec):
            return True
        counts = [value.get(name, 1) for name in ("heads", "positions")] if isinstance(value, dict) else [0]
        return all(type(count) is int and 0 < count <= POSITIONS for count in counts)

    def __str__(self) -> str:
        return f"null or a table with kind, heads, positions (up to {POSITIONS}), middle and norm"


Field = Whole | Real | Word | Listed | Temporal
"""What a field may say: a closed union."""

POSITIONS = 4096
FLAG = Word((True, False))
CHANNELS = Whole(1, 8192)
LATENTS = Whole(1, 128)
WIDTHS = Listed(CHANNELS)
LAYERS = Whole(1, 16)
DEEP = Whole(1, 128)  # layers of a transformer
HEADS = Whole(1, 256)
GROUPS = Whole(1, 256)
WIDTH = Whole(1, 16_384)
INNER = Whole(1, 65_536)
EPSILON = Real(0, 0.1)
NUMBER = Whole(0, 1_000_000, none=True)  # of a word
PIXELS = Whole(1, 2048)
RGB = Whole(3, 3)
ACTIVATIONS = Word(("silu", "swish", "mish", "gelu", "relu"))
CLIP_ACTIVATIONS = Word(("quick_gelu", "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu"))
NOT_SET = Word((None,))

_CLIP: dict[str, Field] = {
    "hidden_size": WIDTH,
    "intermediate_size": INNER,
    "projection_dim": WIDTH,
    "num_hidden_layers": DEEP,
    "num_attention_heads": HEADS,
    "hidden_act": CLIP_ACTIVATIONS,
    "layer_norm_eps": EPSILON,
}
FIELDS: Mapping[type[Any], Mapping[str, Field]] = {
    UNet: {
        "in_channels": LATENTS,
        "out_channels": Whole(0, 128, none=True),
        "block_out_channels": WIDTHS,
        "layers_per_block": LAYERS,
        "attention_levels": Listed(FLAG),
        "heads": HEADS,
        "cross_attention_dim": WIDTH,
        "temporal": Temporal(),
    },
    UnifiedUNet: {
        "in_channels": LATENTS,
        "block_out_channels": WIDTHS,
        "attention_levels": Listed(FLAG),
        "layers_per_block": LAYERS,
        "head_dim": CHANNELS,
        "entrance": Listed(CHANNELS, 2),
        "context": Listed(WIDTH, 2),
        "temporal": Word(("attention", "mamba")),
    },
    PoseGuider: {"out_channels": CHANNELS, "block_out_channels": WIDTHS},
    ControlNet: {
        "in_channels": LATENTS,
        "conditioning_channels": RGB,
        "flip_sin_to_cos": FLAG,
        "freq_shift": Whole(0, 1),
        "down_block_types": Listed(Word(("CrossAttnDownBlock2D", "DownBlock2D"))),
        "only_cross_attention": FLAG,
        "block_out_channels": WIDTHS,
        "layers_per_block": LAYERS,
        "downsample_padding": Whole(0, 1),
        "mid_block_scale_factor": Real(0, 100),
        "act_fn": ACTIVATIONS,
        "norm_num_groups": GROUPS,
        "norm_eps": EPSILON,
        "cross_attention_dim": WIDTH,
        "transformer_layers_per_block": Listed(LAYERS, alone=True),
        "attention_head_dim": Listed(HEADS, alone=True),
        "num_attention_heads": Whole(1, 256, none=True),
        "use_linear_projection": FLAG,
        "upcast_attention": FLAG,
        "resnet_time_scale_shift": Word(("default", "scale_shift")),
        "controlnet_conditioning_channel_order": Word(("rgb",)),  # the other one is not followed here
        "conditioning_embedding_out_channels": WIDTHS,
    },
    AutoencoderKL: {
        "in_channels": RGB,
        "out_channels": RGB,
        "down_block_types": Listed(Word(("DownEncoderBlock2D", "AttnDownEncoderBlock2D"))),
        "up_block_types": Listed(Word(("UpDecoderBlock2D", "AttnUpDecoderBlock2D"))),
        "block_out_channels": WIDTHS,
        "layers_per_block": LAYERS,
        "act_fn": ACTIVATIONS,
        "latent_channels": LATENTS,
        "norm_num_groups": GROUPS,
        "sample_size": Whole(1, 8192),
        "scaling_factor": Real(0, 1000),
        "shift_factor": Word((None, 0, 0.0)),  # no system here has one
        "latents_mean": NOT_SET,
        "latents_std": NOT_SET,
        "use_quant_conv": FLAG,
        "use_post_quant_conv": FLAG,
        "mid_block_add_attention": FLAG,
    },
    CLIPVisionModelWithProjection: _CLIP | {"num_channels": RGB, "image_size": PIXELS, "patch_size": PIXELS},
    CLIPTextModel: _CLIP
    | {
        "vocab_size": Whole(3, 1_000_000),
        "max_position_embeddings": Whole(3, POSITIONS),
        "pad_token_id": NUMBER,
        "bos_token_id": NUMBER,
        "eos_token_id": NUMBER,
    },
    EmptyPrompt: {"hidden_size": WIDTH, "length": Whole(1, POSITIONS)},
    CopyHead: dict.fromkeys(("channels", "maps", "features", "width", "matched", "learned", "pixels"), CHANNELS),
    NoiseSchedule: {
        "beta_start": Real(0, 1),
        "beta_end": Real(0, 1),
        "beta_schedule": Word(("linear", "scaled_linear", "squaredcos_cap_v2")),
        "prediction_type": Word(("epsilon", "sample", "v_prediction")),
        "rescale_betas_zero_snr": FLAG,
        "timestep_spacing": Word(("leading", "trailing", "linspace")),
        "steps_offset": Whole(0, 1000),
        "set_alpha_to_one": FLAG,
        "clip_sample": FLAG,
    },
}
PARTS: Mapping[type[Any], str] = {CLIPVisionModelWithProjection: "vision_config", CLIPTextModel: "text_config"}  # of a whole CLIP's


def taken(kind: type[Any], said: Mapping[str, Any], where: Path) -> dict[str, Any]:
    """The fields of a configuration that make a network of a class, each looked at. `where` says it: a file or folder.

    Raises MissingModelError for a field that says what it cannot.
    """
    said = _part(kind, said)
    found = dict[str, Any]()
    for name, may in FIELDS[kind].items():
        if name not in said:
            continue
        value = said[name]
        if not may.holds(value):
            raise MissingModelError(f"{where} says {name} = {shown(value)}, where {may} is due. Get the right file.")
        found[name] = tuple(value) if isinstance(value, list) else value
    return found


def _part(kind: type[Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a whole CLIP's configuration the side that is wanted; the width of their common space may stand beside both."""
    part = said.get(PARTS.get(kind, ""))
    if not isinstance(part, dict):
        return said
    return {name: said[name] for name in ("projection_dim",) if name in said} | part
