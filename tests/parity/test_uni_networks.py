"""UniAnimate's network, its encoders, and both sides of CLIP and the VAE from their published names give what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from animato.encoders.text import EmptyPrompt
from animato.models.unified import Encoder
from animato.weights.blank import wanted
from animato.weights.keymap import KeyMap, translate
from animato.weights.uni_animate import open_image_encoder, open_text_encoder, open_vae
from animato.weights.uni_animate_names import ENCODERS, Layout, unet_names, unfused
from moore import assert_near, frames_second, sidecar, tensors
from uni import given, network, recorded_weights, whole_checkpoint

FORWARD, PART, VAE = 5e-5, 1e-5, 3e-5
PASSES = {
    "cond_image_randomref_dwpose": ["image", "randomref", "dwpose"],
    "cond_image_localimage_dwpose": ["image", "local_image", "dwpose"],
    "cond_all4": ["image", "randomref", "local_image", "dwpose"],
    "uncond": [],
}


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    torch.set_grad_enabled(False)
    yield
    torch.set_grad_enabled(True)


@pytest.mark.parity("unet_*.safetensors")
@pytest.mark.parametrize("told", PASSES)
def test_network(fixture_file: Path, told: str) -> None:
    """With any of the conditions, and with none."""
    recorded, net = tensors(fixture_file), network(fixture_file)
    x = frames_second(recorded["inputs.x"])
    stems = net.encode(given(recorded, PASSES[told]), recorded["inputs.zero_y"], x.shape[-2:])
    output = net(x, recorded["inputs.t"], net.condition(stems, range(x.shape[1])))
    assert_near(frames_second(output), recorded[f"outputs.{told}"], FORWARD)


@pytest.mark.parity("cond_encoders_*.safetensors")
@pytest.mark.parametrize(
    ("published", "name"), [("local_image", "first_frame"), ("dwpose", "pose"), ("randomref_pose",) * 2, ("randomref",) * 2]
)
def test_encoders(fixture_file: Path, published: str, name: str) -> None:
    recorded, config = tensors(fixture_file), sidecar(fixture_file)["config"]
    pictures = frames_second(recorded[f"inputs.{published}"])
    name = {"randomref_pose": "reference_pose", "randomref": "reference"}.get(name, name)
    encoder = encoder_of(fixture_file, name, pictures.shape[2], recorded[f"outputs.{published}.stem"].shape[1])
    size = (config["resolution"][1] // 8, config["resolution"][0] // 8)
    stem = encoder.each(pictures, size)
    assert_near(frames_second(stem), recorded[f"outputs.{published}.stem"], PART)
    assert_near(frames_second(encoder.together(stem)), recorded[f"outputs.{published}.after"], PART)


def encoder_of(file: Path, name: str, channels: int, out_channels: int) -> Encoder:
    """One of the encoders alone: such files hold no trunk."""
    encoder = Encoder(channels, out_channels, stride=1 if name == "reference" else 2)
    starts = next((f"{stem}.", f"{behind}.") for stem, behind, _, known in ENCODERS if known == name)
    state = {key: value for key, value in recorded_weights(file, "unet").items() if key.startswith(starts)}
    names = unet_names(Layout((), 0))
    keymap = KeyMap(renames=(*names.renames, (f".{name}.", ".")))
    encoder.load_state_dict(translate(unfused(state), wanted(encoder), keymap, file.name))
    return encoder.eval()


@pytest.mark.parity("clip_*.safetensors")
def test_clip(fixture_file: Path, tmp_path: Path) -> None:
    """The picture's embedding and the empty prompt, from a file as OpenCLIP writes it."""
    recorded, config = tensors(fixture_file), sidecar(fixture_file)["config"]["open_clip_model_cfg"]
    path = tmp_path / "open_clip.safetensors"
    save_file(recorded_weights(fixture_file, "clip"), path)
    image = open_image_encoder(path, config["vision_cfg"]["head_width"]).fill()
    assert_near(image(recorded["inputs.pixel_values"]).image_embeds, recorded["outputs.image_embed"], PART)
    text = open_text_encoder(path, config["text_cfg"]["width"] // config["text_cfg"]["heads"]).fill()
    assert_near(EmptyPrompt.by(text, filler=0).tokens, recorded["outputs.text_hidden_zero_y"], PART)


@pytest.mark.parity("vae_*.safetensors")
def test_vae(fixture_file: Path, tmp_path: Path) -> None:
    """From a checkpoint with a U-Net in it as well."""
    recorded = tensors(fixture_file)
    path = tmp_path / "sd.ckpt"
    torch.save({"state_dict": whole_checkpoint(fixture_file)}, path)
    vae = open_vae(path).fill()
    moments = vae.encode(2 * recorded["inputs.image_01"] - 1).latent_dist.parameters
    assert_near(moments, recorded["outputs.moments"], VAE)
    decoded = vae.decode(recorded["inputs.latents_to_decode"] / vae.config.scaling_factor).sample
    assert_near(decoded, recorded["outputs.decoded"], VAE)
