"""Single blocks of UniAnimate's trunk, at the places where the key map puts them, give what was recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
import torch
from torch import Tensor, nn

from animato.models.trunk import ReadyCrossAttention
from animato.models.unified import UnifiedUNet
from animato.weights.blank import wanted as wanted_keys
from animato.weights.keymap import translate
from animato.weights.uni_animate_names import Layout, unet_names
from moore import sidecar, tensors
from uni import recorded_weights

BLOCK = 1e-5
LEVELS = Layout(attention_levels=(True, True), layers=1)


class Place(NamedTuple):
    """Where a block stands: the beginning of its published keys, and its modules within the trunk, in the order in which they run."""

    published: str
    own: tuple[str, ...]


WITHIN = Place("input_blocks.1.0", ("down_blocks.0.resnets.0", "down_blocks.0.temp_convs.0"))
MIDDLE = Place("middle_block.0", ("mid_block.resnets.0", "mid_block.temp_convs.0"))
ENTRANCE = Place("input_blocks.0.1", ("transformer_in",))
BEHIND = Place("input_blocks.1.2", ("down_blocks.0.temp_attentions.0",))


@pytest.mark.parity("blocks_*.safetensors")
@torch.no_grad()
def test_blocks(fixture_file: Path) -> None:
    """Inputs of about 1e-3 tell whether the norms divide by the published epsilon."""
    recorded = tensors(fixture_file)
    for block in sidecar(fixture_file)["config"]["blocks"]:
        name, (places, run) = block["name"], KINDS[block["kind"]]
        given = {key.removeprefix(f"inputs.{name}."): value for key, value in recorded.items() if key.startswith(f"inputs.{name}.")}
        for place in places(block):
            modules = standing_at(place, block, recorded_weights(fixture_file, name))
            for scale in (key.removeprefix("x") for key in given if key.startswith("x")):
                outcome, wanted = run(modules, given[f"x{scale}"], block, given), recorded[f"outputs.{name}.y{scale}"]
                told = f"{name}{scale} at {place.published}: {float((outcome - wanted).abs().max()):.1e} apart"
                torch.testing.assert_close(outcome, wanted, atol=BLOCK, rtol=0, msg=told)


def standing_at(place: Place, block: dict[str, Any], state: dict[str, Tensor]) -> list[nn.Module]:
    """The modules of a trunk of the block's widths, with its weights."""
    net = network_of(block)
    modules = [net.trunk.get_submodule(name) for name in place.own]
    if "emb" in block:
        cast(Any, modules[0]).time_emb_proj = nn.Linear(block["emb"], block["cout"])  # recorded with a time as wide as it likes
    paths = [f"trunk.{name}." for name in place.own]
    keys = {path + key: shape for path, module in zip(paths, modules, strict=True) for key, shape in wanted_keys(module).items()}
    placed = {f"{place.published}.{key}": value for key, value in state.items()}
    loaded = translate(placed, keys, unet_names(LEVELS), place.published)
    for path, module in zip(paths, modules, strict=True):
        module.load_state_dict({key.removeprefix(path): value for key, value in loaded.items() if key.startswith(path)})
    return modules


def network_of(block: dict[str, Any]) -> UnifiedUNet:
    width = block["cout"] if "cout" in block else block["ch"]
    return UnifiedUNet(
        block_out_channels=(width, width),
        attention_levels=LEVELS.attention_levels,
        layers_per_block=LEVELS.layers,
        head_dim=block.get("head_dim", width),
        entrance=(block.get("cin", width), block.get("heads", 1)),
        context=(block.get("ctx", 1), 1),
    ).eval()


Modules = list[Any]
Block = dict[str, Any]
Given = dict[str, Tensor]


def resnet(modules: Modules, x: Tensor, block: Block, given: Given) -> Tensor:  # B*F C H W
    space, time = modules
    return time(space(x, given["emb"]), num_frames=block["frames"])


def spatial(modules: Modules, x: Tensor, _: Block, given: Given) -> Tensor:  # B*F C H W
    attention: ReadyCrossAttention = modules[0].transformer_blocks[0].attn2
    ready = {attention.name: attention.project(given["context"])}
    return modules[0](x, encoder_hidden_states=ready, return_dict=False)[0]


def temporal(modules: Modules, x: Tensor, block: Block, _: Given) -> Tensor:  # B C F H W
    return framewise(lambda frames: modules[0](frames, num_frames=block["frames"], return_dict=False)[0], x)


def over_time(modules: Modules, x: Tensor, block: Block, _: Given) -> Tensor:  # B C F H W
    return framewise(lambda frames: modules[0](frames, num_frames=block["frames"]), x)


def down(modules: Modules, x: Tensor, _: Block, __: Given) -> Tensor:  # B*F C H W
    return modules[0](x)


def up(modules: Modules, x: Tensor, _: Block, __: Given) -> Tensor:  # B*F C H W
    height, width = x.shape[-2:]
    return modules[0](x, (2 * height, 2 * width))


def framewise(work: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:  # B C F H W
    rows, _, frames = x.shape[:3]
    return work(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (rows, frames)).transpose(1, 2)


KINDS: dict[str, tuple[Callable[[Block], list[Place]], Callable[[Modules, Tensor, Block, Given], Tensor]]] = {
    "resblock": (lambda block: [WITHIN, MIDDLE] if block["cin"] == block["cout"] else [WITHIN], resnet),
    "spatial": (lambda _: [Place("input_blocks.1.1", ("down_blocks.0.attentions.0",))], spatial),
    "temporal": (lambda block: [ENTRANCE, BEHIND] if block["heads"] * block["head_dim"] == block["ch"] else [ENTRANCE], temporal),
    "tempconv": (lambda _: [Place("input_blocks.1.0.temopral_conv", WITHIN.own[1:])], over_time),
    "down": (lambda _: [Place("input_blocks.2", ("down_blocks.0.downsamplers.0",))], down),
    "up": (lambda _: [Place("output_blocks.1.3", ("up_blocks.0.upsamplers.0",))], up),
}
