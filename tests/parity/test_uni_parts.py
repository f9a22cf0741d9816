"""What surrounds UniAnimate's trunk gives what was recorded: time, image tokens, latents, the sampler's tables, the detector's points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from animato.encoders.codec import FrameCodec
from animato.models.unified import UnifiedUNet
from animato.pose.draw import figure
from animato.pose.estimator import simcc
from animato.pose.keypoints import PoseSequence
from animato.sampling.ddim import alphas
from animato.sampling.schedule import NoiseSchedule, make_scheduler
from animato.weights.blank import wanted
from animato.weights.keymap import translate
from animato.weights.uni_animate import open_vae
from animato.weights.uni_animate_names import Layout, unet_names
from moore import assert_near, sidecar, tensors
from uni import recorded_weights, whole_checkpoint

PART, VAE, TABLE = 1e-5, 3e-5, 1e-12


@pytest.mark.parity("cond_encoders_*.safetensors")
@torch.no_grad()
def test_time_and_image_tokens(fixture_file: Path) -> None:
    recorded, net = tensors(fixture_file), surroundings(fixture_file)
    time = net.trunk.time_proj(recorded["inputs.t"])
    assert_near(time, recorded["outputs.t_sinusoid"], PART)
    assert_near(net.trunk.time_embedding(time), recorded["outputs.t_embed"], PART)
    prompt = recorded["inputs.zero_y"]
    context = net.tokens(recorded["inputs.image"], prompt)
    assert_near(context[:, prompt.shape[1] :], recorded["outputs.image_tokens"], PART)
    assert torch.equal(context[:, : prompt.shape[1]], prompt.expand(len(context), -1, -1))
    absent = net.tokens(None, prompt)
    assert absent.shape[1:] == context.shape[1:] and not absent[:, prompt.shape[1] :].any()


def surroundings(file: Path) -> UnifiedUNet:
    """A network whose time and image layers are recorded; such files hold no trunk."""
    meta, prefixes = sidecar(file)["config"], ("trunk.time_embedding.", "image.")
    net = UnifiedUNet(
        block_out_channels=(meta["dim"],),
        attention_levels=(True,),
        layers_per_block=1,
        head_dim=meta["head_dim"],
        entrance=(meta["dim"], meta["num_heads"]),
        context=(meta["context_dim"], meta["num_tokens"]),
    )
    state = {key: value for key, value in recorded_weights(file, "unet").items() if key.startswith(("time_embed.", "pre_image_condition."))}
    keys = {key: shape for key, shape in wanted(net).items() if key.startswith(prefixes)}
    net.load_state_dict(net.state_dict() | translate(state, keys, unet_names(Layout((True,), 1)), file.name))
    return net.eval()


@pytest.mark.parity("vae_*.safetensors")
@torch.no_grad()
def test_latents_and_pixels(fixture_file: Path, tmp_path: Path) -> None:
    """The published latents are a sample; the codec takes the mean, from which they differ by the recorded noise alone."""
    recorded = tensors(fixture_file)
    path = tmp_path / "sd.ckpt"
    torch.save(whole_checkpoint(fixture_file), path)
    vae = open_vae(path).fill()
    picture = 2 * recorded["inputs.image_01"] - 1
    assert_near(picture, recorded["outputs.encoder_in"], 1e-6)
    posterior = vae.encode(picture).latent_dist
    for name, value in (("mean", posterior.mean), ("logvar_clamped", posterior.logvar), ("std", posterior.std)):
        assert_near(value, recorded[f"outputs.{name}"], VAE)
    latents = (posterior.mean + posterior.std * recorded["inputs.posterior_noise"]) * vae.config.scaling_factor
    assert_near(latents, recorded["outputs.latents"], VAE)
    assert_near(FrameCodec(vae).decode(recorded["inputs.latents_to_decode"]), recorded["outputs.decoded_01"], VAE)


@pytest.mark.parity("ddim_tables*.safetensors")
def test_tables(fixture_file: Path) -> None:
    """All that the published code tabulates follows from alpha_bar; without zero terminal SNR it is diffusers' schedule."""
    recorded = tensors(fixture_file)
    plain = make_scheduler(NoiseSchedule(beta_schedule="scaled_linear", rescale_betas_zero_snr=False)).alphas_cumprod.double()
    for kind, level, tolerance in (("zsnr", alphas(), TABLE), ("plain", plain, 1e-6)):
        before, after = torch.cat([torch.ones(1), level[:-1]]), torch.cat([level[1:], torch.zeros(1)])
        follows = {"alphas_cumprod": level, "alphas_cumprod_prev": before, "alphas_cumprod_next": after}
        follows |= {"sqrt_alphas_cumprod": level.sqrt(), "sqrt_one_minus_alphas_cumprod": (1 - level).sqrt(), "betas": 1 - level / before}
        for name, value in follows.items():
            assert_near(value, recorded[f"outputs.{kind}.{name}"], tolerance * (10 if name == "betas" else 1))


@pytest.mark.parity("pose_align_*.safetensors")
def test_points_of_the_detector(fixture_file: Path) -> None:
    """From 133 points in pixels to what is aligned and drawn. What is hidden of a body `shown` tells, where the published code has -1."""
    recorded, config = {name: value.numpy() for name, value in tensors(fixture_file).items()}, sidecar(fixture_file)["config"]
    if "inputs.wholebody_keypoints_px" not in recorded:
        pytest.skip("this file holds no points of UniAnimate's detector")
    people = list(zip(recorded["inputs.wholebody_keypoints_px"], recorded["inputs.wholebody_scores"], strict=True))
    sizes = [tuple(config["video_hw"][::-1])] * (len(people) - 1) + [tuple(config["ref_hw"][::-1])]
    for row, ((pixels, sure), size) in enumerate(zip(people, sizes, strict=True)):
        points, score = simcc.openpose_order(pixels[:1], sure[:1])
        person = figure(PoseSequence(np.pad(points, ((0, 0), (0, 0), (0, 1)))[None], score[None].astype(float), size), hand_points=0)
        candidate, subset, hands, faces = (recorded[f"outputs.detector.{part}"][row] for part in ("candidate", "subset", "hands", "faces"))
        np.testing.assert_array_equal(person.shown, subset[0] >= 0)
        np.testing.assert_allclose(np.where(person.shown[:, None], person.body, -1), candidate, atol=1e-9, rtol=0)
        np.testing.assert_allclose(person.hands, hands, atol=1e-9, rtol=0)
        np.testing.assert_allclose(person.face, faces[0], atol=1e-9, rtol=0)
