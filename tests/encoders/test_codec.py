"""Pixels and latents, against diffusers' own processor and against CLIP's from transformers."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.image_processor import VaeImageProcessor
from transformers import CLIPImageProcessor

import animators
from animato.encoders.clip import ImageEncoder, clip_pixels
from animato.encoders.codec import FrameCodec


@pytest.fixture(scope="module")
def codec():
    return FrameCodec(animators.vae())


def test_what_the_vae_says_of_itself(codec):
    assert (codec.stride, codec.channels) == (8, 4)


@torch.no_grad()
def test_encoding_is_the_scaled_mean(codec):
    frames = np.stack([animators.picture((32, 40)), animators.picture((32, 40))[::-1]])
    pixels = VaeImageProcessor().preprocess([frames[0] / 255, frames[1] / 255])
    assert pixels.min() < -0.9
    torch.testing.assert_close(codec.encode(frames), 0.18215 * codec.vae.encode(pixels.float()).latent_dist.mean)


def test_samples_are_of_every_frame_its_own(codec):
    """As training wants them: about the mean, and the same again from generators in the same state."""
    frames = np.stack([animators.picture((32, 40))] * 2)
    mean = codec.encode(frames)
    first, again = (codec.encode(frames, [torch.Generator().manual_seed(seed) for seed in (1, 2)]) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1]) and not torch.equal(first, mean)


@torch.no_grad()
def test_decoding_is_diffusers(codec):
    latents = torch.randn(2, 4, 5, 4, generator=torch.manual_seed(0))
    theirs = VaeImageProcessor().postprocess(codec.vae.decode(latents / 0.18215).sample, output_type="pt")
    mine = codec.decode(latents)
    torch.testing.assert_close(mine, theirs)
    assert mine.min() >= 0 and mine.max() <= 1


def test_a_clip_is_decoded_frame_by_frame_when_it_is_asked_for(codec):
    latents, decoded = torch.randn(3, 4, 5, 4, generator=torch.manual_seed(0)), []
    handle = codec.vae.decoder.register_forward_hook(lambda *_: decoded.append(1))
    clip = codec.clip(latents, (30, 37), Fraction(25), Path("song.m4a"))
    assert (clip.size, clip.fps, clip.length, clip.sound, decoded) == ((30, 37), 25, 3, Path("song.m4a"), [])
    first = next(iter(clip))
    assert len(decoded) == 1
    frames = list(clip)
    handle.remove()
    assert np.array_equal(frames[0], first) and len(frames) == 3
    whole = codec.decode(latents)[1, :, :37, :30]
    assert frames[1].shape == (37, 30, 3) and frames[1].dtype == np.uint8
    assert np.abs(frames[1] - 255 * whole.permute(1, 2, 0).numpy()).max() <= 0.5001


def test_whoever_takes_frames_keeps_their_gradients(codec):
    """A frame is decoded without gradients; between frames they are as they were."""
    frames = iter(codec.clip(torch.zeros(2, 4, 2, 2), (16, 16), Fraction(25)))
    next(frames)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("size", [(45, 62), (62, 45), (300, 224)])
def test_the_middle_of_the_picture_as_transformers_sees_it(size):
    """transformers' processor, which is Pillow's where there is no torchvision."""
    picture = animators.picture(size)
    theirs = CLIPImageProcessor()(picture, return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(clip_pixels(picture, 224, "crop"), theirs, atol=1e-5, rtol=0)


def test_the_whole_picture_squashed():
    picture = animators.picture((100, 40))
    theirs = CLIPImageProcessor(size={"height": 224, "width": 224}, do_center_crop=False)(picture, return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(clip_pixels(picture, 224), theirs, atol=1e-5, rtol=0)


@torch.no_grad()
def test_token():
    model, picture = animators.clip(), animators.picture()
    token = ImageEncoder(model).token(picture)
    assert token.shape == (1, 1, 24)
    torch.testing.assert_close(token[0], model(pixel_values=clip_pixels(picture, 28)).image_embeds)
    assert not torch.equal(token, ImageEncoder(model, "crop").token(picture))
