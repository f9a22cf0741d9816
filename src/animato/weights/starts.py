"""What training may begin with beside Stable Diffusion: a ControlNet's view of skeletons, AnimateDiff's motion modules, VAE and CLIP."""

from __future__ import annotations

from pathlib import Path

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from transformers import CLIPVisionModelWithProjection

from animato.core.errors import MissingModelError
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.weights.files import find_weights
from animato.weights.keymap import KeyMap, appearance, shapes, translate
from animato.weights.numbers import check_claims, check_finite
from animato.weights.read import read_state
from animato.weights.shared import IMAGE_ENCODER, MODULES, MOTION, TABLE, VAE, open_folder

EMBEDDING = "controlnet_cond_embedding."  # in diffusers' ControlNets: the layers before the copy of the U-Net
GUIDER = KeyMap(ignored=((".conv_out.", "the guider's own is zero: training begins without a pose"),))


def begin_guider(guider: PoseGuider, path: Path) -> None:
    """Gives a Pose Guider all but its last layer from a ControlNet for OpenPose's skeletons, as the published first stage begins.

    path  the ControlNet's weight file or folder; a file of the embedding's tensors alone will do
    Raises MissingModelError, which names every key that does not fit.
    """
    path = weight_file(path)
    state = read_state(path)
    given = {key.removeprefix(EMBEDDING): value for key, value in state.items() if key.startswith(EMBEDDING)}
    if not given:
        raise MissingModelError(
            f"{path} has no {EMBEDDING}*: it looks like {appearance(state)}, and a ControlNet in diffusers' form is due."
        )
    known = {key: value for key, value in guider.state_dict().items() if not key.startswith("conv_out.")}
    values = translate(given, shapes(known), GUIDER, f"{path} does not fit the Pose Guider")
    check_claims(values, path)
    check_finite(values, path)
    guider.load_state_dict(guider.state_dict() | values)


def begin_motion(denoiser: UNet, path: Path) -> None:
    """Gives a denoiser's motion modules the values of AnimateDiff's (mm_sd_v15_v2.ckpt), as the published second stage begins.

    Its tables of positions must be the formula's. The denoiser may know more positions, as MusePose's does, for they are computed; fewer
    would make less of the file than it is. Raises MissingModelError, which names every key that does not fit.
    """
    path = weight_file(path)
    state = read_state(path)
    there = max((value.shape[1] for key, value in state.items() if TABLE in key and value.ndim == 3), default=0)
    here = denoiser.longest_window
    if here is not None and there > here:
        raise MissingModelError(
            f"{path} knows {there} positions, the denoiser {here}: it is another system's, or set networks.temporal.positions = {there}."
        )
    known = {key: value for key, value in denoiser.state_dict().items() if MODULES in key}
    values = translate(state, shapes(known), MOTION, f"{path} does not fit the denoiser's motion modules")
    check_claims(values, path)
    check_finite(values, path)
    denoiser.load_state_dict(denoiser.state_dict() | values)


def read_vae(folder: Path) -> AutoencoderKL:
    """A VAE of a folder in diffusers' form, under old or new names. Raises MissingModelError."""
    return open_folder(weight_file(folder), AutoencoderKL, VAE).fill()


def read_image_encoder(folder: Path) -> CLIPVisionModelWithProjection:
    """CLIP's vision tower with projection, of a folder in transformers' form. Raises MissingModelError."""
    return open_folder(weight_file(folder), CLIPVisionModelWithProjection, IMAGE_ENCODER).fill()


def weight_file(path: Path) -> Path:
    """A weight file, given itself or by its folder. Raises MissingModelError."""
    found = find_weights(path) if path.is_dir() else path
    if found is None or not found.is_file():
        raise MissingModelError(f"{path} is no weight file, nor a folder with one: name the right one.")
    return found
