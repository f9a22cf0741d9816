"""The names and sizes of UniAnimate's published files: tables of names, and what the shapes of a file tell of its network.

The network's file names its blocks by number, as Stability's code does, so their names follow from how many levels and layers there are.
CLIP comes as OpenCLIP names it, the VAE as a part of Stable Diffusion 2.1's checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from animato.core.errors import MissingModelError
from animato.weights.keymap import KeyMap, Shapes, appearance

HEAD_DIM, ENTRANCE_HEADS = 64, 8  # of the U-Net; no shape tells
IMAGE_HEAD, TEXT_HEAD = 80, 64  # widths of CLIP's heads
FIRST_STAGE = "first_stage_model."
FUSED = {
    "to_qkv.weight": ("to_q.weight", "to_k.weight", "to_v.weight"),
    "in_proj_weight": ("q_proj.weight", "k_proj.weight", "v_proj.weight"),
    "in_proj_bias": ("q_proj.bias", "k_proj.bias", "v_proj.bias"),
}

RESNET = (
    (".in_layers.0.", ".norm1."),
    (".in_layers.2.", ".conv1."),
    (".emb_layers.1.", ".time_emb_proj."),
    (".out_layers.0.", ".norm2."),
    (".out_layers.3.", ".conv2."),
    (".skip_connection.", ".conv_shortcut."),
)
ENDS = (
    (".time_embed.0.", ".trunk.time_embedding.linear_1."),
    (".time_embed.2.", ".trunk.time_embedding.linear_2."),
    (".input_blocks.0.0.", ".trunk.conv_in."),
    (".input_blocks.0.1.", ".trunk.transformer_in."),
    (".out.0.", ".trunk.conv_norm_out."),
    (".out.2.", ".trunk.conv_out."),
    (".pre_image_condition.", ".image."),
)
ENCODERS = (  # published stem, what stands behind it, the numbers of the stem's convolutions, name here
    ("local_image_embedding", "local_image_embedding_after", (0, 3, 5), "first_frame"),
    ("dwpose_embedding", "dwpose_embedding_after", (0, 3, 5), "pose"),
    ("randomref_pose2_embedding", "randomref_pose2_embedding_after", (0, 3, 5), "reference_pose"),
    ("randomref_embedding2", "randomref_embedding_after2", (0, 2, 4), "reference"),
)
OVER_FRAMES = (
    (".layers.0.0.norm.", ".norm1."),
    (".layers.0.0.fn.", ".attn1."),
    (".layers.0.1.net.0.0.", ".ff.net.0.proj."),
    (".layers.0.1.net.2.", ".ff.net.2."),
)
CLIP_LAYER = (
    (".attn.", ".self_attn."),
    (".ln_1.", ".layer_norm1."),
    (".ln_2.", ".layer_norm2."),
    (".mlp.c_fc.", ".mlp.fc1."),
    (".mlp.c_proj.", ".mlp.fc2."),
)
IMAGE = KeyMap(
    renames=(
        (".visual.class_embedding", ".vision_model.embeddings.class_embedding"),
        (".visual.positional_embedding", ".vision_model.embeddings.position_embedding.weight"),
        (".visual.conv1.", ".vision_model.embeddings.patch_embedding."),
        (".visual.ln_pre.", ".vision_model.pre_layrnorm."),
        (".visual.ln_post.", ".vision_model.post_layernorm."),
        (".visual.proj", ".visual_projection.weight"),
        (".visual.transformer.resblocks.", ".vision_model.encoder.layers."),
        *CLIP_LAYER,
    )
)
TEXT_RENAMES = (
    (".token_embedding.", ".embeddings.token_embedding."),
    (".positional_embedding", ".embeddings.position_embedding.weight"),
    (".ln_final.", ".final_layer_norm."),
    (".transformer.resblocks.", ".encoder.layers."),
    *CLIP_LAYER,
)
UNSAID = (("text_projection", "it makes the pooled vector, which is not used"), ("logit_scale", "it is for comparing texts with pictures"))
VAE_RENAMES = (
    (".nin_shortcut.", ".conv_shortcut."),
    (".downsample.", ".downsamplers.0."),
    (".upsample.", ".upsamplers.0."),
    (".norm_out.", ".conv_norm_out."),
    (".mid.block_1.", ".mid_block.resnets.0."),
    (".mid.block_2.", ".mid_block.resnets.1."),
    (".mid.attn_1.norm.", ".mid_block.attentions.0.group_norm."),
    (".mid.attn_1.q.", ".mid_block.attentions.0.to_q."),
    (".mid.attn_1.k.", ".mid_block.attentions.0.to_k."),
    (".mid.attn_1.v.", ".mid_block.attentions.0.to_v."),
    (".mid.attn_1.proj_out.", ".mid_block.attentions.0.to_out.0."),
)


class Layout(NamedTuple):
    """How the blocks of a U-Net are numbered."""

    attention_levels: tuple[bool, ...]
    layers: int  # of a level on the way down


def unfused(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Queries, keys and values in three tensors where a file has them in one, as views of it."""
    single = dict[str, Tensor]()
    for key, value in state.items():
        for fused, three in FUSED.items():
            if key.endswith(fused) and len(value) % 3 == 0:
                single.update({key.removesuffix(fused) + name: part for name, part in zip(three, value.chunk(3), strict=True)})
                break
        else:
            single[key] = value
    return single


def unified_sizes(given: Shapes, path: Path, entrance_heads: int = ENTRANCE_HEADS) -> dict[str, Any]:
    """What the shapes of a published file tell of its U-Net. Raises MissingModelError where they tell of none."""
    try:
        narrowing = _numbers(given, "input_blocks.", ".op.weight")
        starts = [1, *(number + 1 for number in narrowing)]
        end = 1 + _last(given, "input_blocks.", ".0.in_layers.2.weight")
        context = given["pre_image_condition.0.weight"][1]
        return {
            "in_channels": given["out.2.weight"][0],
            "block_out_channels": tuple(given[f"input_blocks.{start}.0.in_layers.2.weight"][0] for start in starts),
            "entrance": (given["input_blocks.0.0.weight"][0], entrance_heads),
            "attention_levels": tuple(f"input_blocks.{start}.1.norm.weight" in given for start in starts),
            "layers_per_block": (narrowing[0] if narrowing else end) - 1,
            "context": (context, given["pre_image_condition.2.weight"][0] // context),
        }
    except (KeyError, IndexError, ValueError) as error:
        raise MissingModelError(
            f"{path} holds no weights of UniAnimate's network ({error} is missing). It looks like {appearance(given)}. Give its own file."
        ) from error


def unet_names(layout: Layout) -> KeyMap:
    """The names of a U-Net of such a layout, and of the encoders around it."""
    renames = (*_down(layout), *_middle(), *_up(layout), *RESNET, *ENDS)
    for stem, behind, convolutions, name in ENCODERS:
        renames += tuple((f".{stem}.{number}.", f".{name}.stem.{index}.") for index, number in enumerate(convolutions))
        renames += tuple((f".{behind}{old}", f".{name}.over_frames{new}") for old, new in OVER_FRAMES)
    return KeyMap(renames=renames, flattened=(".proj_in.", ".proj_out."))


def _down(layout: Layout) -> tuple[tuple[str, str], ...]:
    renames = list[tuple[str, str]]()
    numbers = count(1)
    last = len(layout.attention_levels) - 1
    for level, attends in enumerate(layout.attention_levels):
        block = f".trunk.down_blocks.{level}"
        for layer in range(layout.layers):
            renames += _layer(f".input_blocks.{next(numbers)}", block, layer, attends)
        if level < last:
            renames.append((f".input_blocks.{next(numbers)}.op.", f"{block}.downsamplers.0.conv."))
    return tuple(renames)


def _middle() -> tuple[tuple[str, str], ...]:
    block = ".trunk.mid_block"
    return (*_layer(".middle_block", block, 0, attends=True), *_resnet(".middle_block.3", block, 1))


def _up(layout: Layout) -> tuple[tuple[str, str], ...]:
    renames = list[tuple[str, str]]()
    numbers = count()
    last = len(layout.attention_levels) - 1
    for level, attends in enumerate(reversed(layout.attention_levels)):
        block = f".trunk.up_blocks.{level}"
        for layer in range(layout.layers + 1):
            old = f".output_blocks.{next(numbers)}"
            if layer == layout.layers and level < last:
                renames.append((f"{old}.{3 if attends else 1}.conv.", f"{block}.upsamplers.0.conv."))
            renames += _layer(old, block, layer, attends)
    return tuple(renames)


def _layer(old: str, block: str, layer: int, attends: bool) -> tuple[tuple[str, str], ...]:
    renames = _resnet(f"{old}.0", block, layer)
    if attends:
        renames += ((f"{old}.1.", f"{block}.attentions.{layer}."), (f"{old}.2.", f"{block}.temp_attentions.{layer}."))
    return renames


def _resnet(old: str, block: str, layer: int) -> tuple[tuple[str, str], ...]:
    """The convolutions over time are within the published residual block, and beside diffusers'. The misspelling is published."""
    return ((f"{old}.temopral_conv.", f"{block}.temp_convs.{layer}."), (f"{old}.", f"{block}.resnets.{layer}."))


def vae_sizes(given: Shapes, path: Path) -> dict[str, Any]:
    """What the shapes of a VAE in Stability's naming tell. Raises MissingModelError where they tell of none."""
    levels = _numbers(given, "encoder.down.", ".block.0.conv1.weight")
    if not levels or "decoder.conv_in.weight" not in given:
        raise MissingModelError(f"The VAE in {path} lacks its encoder or its decoder. Give a whole Stable Diffusion checkpoint.")
    return {
        "block_out_channels": tuple(given[f"encoder.down.{level}.block.0.conv1.weight"][0] for level in levels),
        "layers_per_block": 1 + _last(given, "encoder.down.0.block.", ".conv1.weight"),
        "down_block_types": ("DownEncoderBlock2D",) * len(levels),
        "up_block_types": ("UpDecoderBlock2D",) * len(levels),
        "latent_channels": given["decoder.conv_in.weight"][1],
    }


def vae_names(levels: int) -> KeyMap:
    """The names of a VAE of so many levels; its decoder counts them from the other end."""
    renames = list[tuple[str, str]]()
    for level in range(levels):
        for part, old, new in (("encoder", "down", f"down_blocks.{level}"), ("decoder", "up", f"up_blocks.{levels - 1 - level}")):
            renames += [(f".{part}.{old}.{level}.block.", f".{part}.{new}.resnets."), (f".{part}.{old}.{level}.", f".{part}.{new}.")]
    return KeyMap(renames=(*renames, *VAE_RENAMES), flattened=(".mid.attn_1.",))


def image_sizes(given: Shapes, path: Path, head: int) -> dict[str, Any]:
    """What the shapes of OpenCLIP's image side tell. Raises MissingModelError where they tell of none."""
    try:
        width, _, patch, _ = given["visual.conv1.weight"]
        return {
            "hidden_size": width,
            "num_attention_heads": width // head,
            "num_hidden_layers": 1 + _last(given, "visual.transformer.resblocks.", ".ln_1.weight"),
            "intermediate_size": given["visual.transformer.resblocks.0.mlp.c_fc.weight"][0],
            "patch_size": patch,
            "image_size": patch * round((given["visual.positional_embedding"][0] - 1) ** 0.5),
            "projection_dim": given["visual.proj"][0],
        }
    except (KeyError, ValueError) as error:
        raise MissingModelError(
            f"{path} holds no image side of OpenCLIP ({error} is missing). Give the file of the whole model."
        ) from error


def text_sizes(given: Shapes, path: Path, head: int) -> dict[str, Any]:
    """What the shapes of OpenCLIP's text side tell; of its layers all but the last. Raises MissingModelError where they tell of none."""
    try:
        words, width = given["token_embedding.weight"]
        return {
            "vocab_size": words,
            "hidden_size": width,
            "num_attention_heads": width // head,
            "num_hidden_layers": _last(given, "transformer.resblocks.", ".ln_1.weight"),
            "intermediate_size": given["transformer.resblocks.0.mlp.c_fc.weight"][0],
            "max_position_embeddings": given["positional_embedding"][0],
            "eos_token_id": words - 1,
        }
    except (KeyError, ValueError) as error:
        raise MissingModelError(f"{path} holds no text side of OpenCLIP ({error} is missing). Give the file of the whole model.") from error


def _numbers(given: Shapes, before: str, after: str) -> list[int]:
    """The numbers that stand between these parts of keys, in order."""
    found = (key[len(before) : -len(after)] for key in given if key.startswith(before) and key.endswith(after))
    return sorted(int(number) for number in found if number.isdecimal())


def _last(given: Shapes, before: str, after: str) -> int:
    """The highest of these numbers. Raises KeyError where there is none."""
    if numbers := _numbers(given, before, after):
        return numbers[-1]
    raise KeyError(f"{before}0{after}")
