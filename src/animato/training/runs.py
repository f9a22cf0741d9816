"""From a recipe to a finished training: sources, encoders, networks and the trainee that the loop drives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate.utils import send_to_device
from torch import Tensor, nn

from animato.core.errors import InputError
from animato.core.progress import Progress, silent
from animato.data.index import Videos, read_index
from animato.data.mixture import People
from animato.data.sample import Sample, Source
from animato.encoders.codec import Codec
from animato.models.copy_head import clean, velocity
from animato.pose.styles import animate_anyone, muse_pose, uni_animate
from animato.sampling.ddim import make_steps
from animato.sampling.schedule import make_scheduler
from animato.training.animate_anyone import EVERY_TIME, AnimateAnyoneStep, chance
from animato.training.batch import HINTS, Batch, Encoders, row_generator
from animato.training.conditions import Told, check_shares
from animato.training.loop import Training
from animato.training.magic_animate import MagicAnimateStep, check_taus, joint, magic_networks
from animato.training.magic_preview import MagicPreviewStep
from animato.training.networks import Parts, make_encoders, make_networks
from animato.training.stage import Data, Recipe
from animato.training.uni_animate import UniAnimateStep, uni_chance
from animato.training.uni_networks import uni_networks
from animato.training.uni_preview import UniPreviewStep, preview_chance
from animato.weights import own
from animato.weights.about import About

STYLES = {  # how skeletons are drawn for each system
    "animate-anyone": animate_anyone.STYLE,
    "muse-pose": muse_pose.STYLE,
    "uni-animate": uni_animate.STYLE,
}
GRID_ROWS = 4
GRID_SEED = 2**31  # samples to look at are none that training draws
GRID_STEPS = 10


@dataclass(eq=False)
class AnimateAnyoneTrainee:
    """Animate Anyone as the loop's trainee, and MusePose, which differs in data and drawing alone."""

    recipe: Recipe
    source: Source
    encoders: Encoders
    step: Any  # AnimateAnyoneStep; of MagicAnimate MagicAnimateStep

    @property
    def networks(self) -> Parts:
        return self.step.networks

    def feed(self, number: int, rows: range) -> tuple[Any, ...]:
        """The batch of a step, and its chance."""
        seed, device = self.recipe.run.seed, self.step.alphas_cumprod.device
        pairs = [row_generator(seed, number, row) for row in rows]
        generators = [generator for _, generator in pairs]
        batch = self.encoders.batch(self.samples([rng for rng, _ in pairs]), generators)
        draw = self.chance(batch.latents, generators)
        return batch.to(device), send_to_device(draw, device)

    def chance(self, latents: Tensor, generators: list[torch.Generator]) -> Any:
        """A NamedTuple of what is left to chance in a step."""
        return chance(self.recipe.objective, latents, generators)

    def samples(self, rngs: list[np.random.Generator]) -> list[Sample]:
        """Those of a batch, which have as many frames each."""
        return [self.source.draw(rng) for rng in rngs]

    @torch.no_grad()
    def grid(self, networks: nn.Module) -> np.ndarray:
        """Rows of reference | skeleton, truth and result of the first and the last frame: H W 3 uint8."""
        rows = []
        for row in range(GRID_ROWS):
            rng, generator = row_generator(GRID_SEED, 0, row)
            batch = self.encoders.batch([self.source.draw(rng)], [generator])
            made = self.generate(networks, batch, generator)
            codec = Codec(self.encoders.vae)
            reference, truth, result = (codec.decode(x[0]) for x in (batch.reference, batch.latents, made))
            drawn = nn.functional.interpolate(batch.skeletons[0], reference.shape[-2:], mode="area")
            shown = [reference[0], *(part[i] for i in (0, len(truth) - 1) for part in (drawn, truth, result))]
            rows.append(np.concatenate([picture(one) for one in shown], axis=1))
        return np.concatenate(rows)

    def generate(self, networks: Any, batch: Batch, generator: torch.Generator) -> Tensor:  # -> B F C h w
        """A batch's frames from noise, without guidance: a quick look, not the system's sampling."""
        step = AnimateAnyoneStep(networks, self.recipe)
        condition, copied = step.condition(batch)
        if self.recipe.objective.kind == "fetch" and copied is not None:
            return copied.base
        steps = GRID_STEPS if copied is None else 1
        scheduler = make_scheduler(self.recipe.noise, steps=steps)
        x = torch.randn(batch.latents[:, :1].shape, generator=generator).expand(batch.latents.shape)
        for t in scheduler.timesteps:
            output = networks.denoising_unet(x, t, condition)
            if copied is not None:
                a = scheduler.alphas_cumprod[t].sqrt()
                s = (1 - scheduler.alphas_cumprod[t]).sqrt()
                output = velocity(clean(output, x, copied.base, a, s), x, a, s)
            x = scheduler.step(output, t, x).prev_sample
        return x

    @property
    def fixed(self) -> dict[str, Any]:
        """The networks that do not learn; patches and mean colours, which have no tensors, are none."""
        encoders = {"vae": self.encoders.vae, "image_encoder": self.encoders.clip}
        return {name: network for name, network in encoders.items() if network.state_dict()}

    def keep(self, folder: Path) -> None:
        """Writes the networks that do not learn, if there are any."""
        if self.fixed:
            own.save(folder, self.fixed.items(), self._about)

    def save(self, networks: nn.Module, folder: Path, kept: Path) -> None:
        """All networks in the project's form, with those of `keep`."""
        own.save(folder, [*cast(Parts, networks).parts(), *((name, kept / name) for name in self.fixed)], self._about)

    @property
    def _about(self) -> About:
        options = {"noise": asdict(self.recipe.noise), "size": self.recipe.data.size}
        return About(self.recipe.system, "a training run of this project", options)


class MagicAnimateTrainee(AnimateAnyoneTrainee):
    """MagicAnimate as the loop's trainee: joint training, and what the denoiser is told depends on the time."""

    def samples(self, rngs: list[np.random.Generator]) -> list[Sample]:
        """The first sample's generator decides what all of the batch are for."""
        r = float(rngs[0].random())
        return [joint(sample, r, self.recipe.objective.taus) for sample in super().samples(rngs)]

    def generate(self, networks: Any, batch: Batch, generator: torch.Generator) -> Tensor:  # -> B F C h w
        step = MagicAnimateStep(networks, self.recipe)
        scheduler = make_scheduler(self.recipe.noise, steps=GRID_STEPS)
        x = torch.randn(batch.latents[:, :1].shape, generator=generator).expand(batch.latents.shape)
        for t in scheduler.timesteps:
            x = scheduler.step(networks.denoising_unet(x, t, step.condition(batch, x, t)), t, x).prev_sample
        return x


class MagicPreviewTrainee(AnimateAnyoneTrainee):
    """MagicAnimate's preview model as the loop's trainee."""

    def generate(self, networks: Any, batch: Batch, generator: torch.Generator) -> Tensor:  # -> B F C h w
        noise = torch.randn(batch.latents[:, :1].shape, generator=generator).expand(batch.latents.shape)
        return MagicPreviewStep(networks, self.recipe).generate(batch, noise)


class UniAnimateTrainee(AnimateAnyoneTrainee):
    """UniAnimate as the loop's trainee: clips of several lengths, of which it is told this or that."""

    def samples(self, rngs: list[np.random.Generator]) -> list[Sample]:
        """The first sample's generator decides how long all of the batch are."""
        data = self.recipe.data
        frames = int(rngs[0].choice(data.lengths or [data.frames]))
        return [sample.begun(frames) for sample in super().samples(rngs)]

    def chance(self, latents: Tensor, generators: list[torch.Generator]) -> Any:
        return uni_chance(self.recipe.objective, latents, generators)

    def generate(self, networks: Any, batch: Batch, generator: torch.Generator) -> Tensor:  # -> B F C h w
        """By the reference, without a first frame, which would give the answer away."""
        step = UniAnimateStep(networks, self.recipe)
        steps = make_steps(self.recipe.noise, steps=GRID_STEPS)
        yes = torch.ones(len(batch.latents), dtype=torch.bool)
        condition = step.condition(batch, Told(yes, yes, ~yes, yes))
        x = torch.randn(batch.latents.shape, generator=generator)
        for t in steps.timesteps:
            x = steps.step(networks.unet(x, t, condition), t, x).prev_sample
        return x


class UniPreviewTrainee(AnimateAnyoneTrainee):
    """UniAnimate's preview model as the loop's trainee."""

    def chance(self, latents: Tensor, generators: list[torch.Generator]) -> Any:
        return preview_chance(self.recipe.objective, latents, generators)

    def generate(self, networks: Any, batch: Batch, generator: torch.Generator) -> Tensor:  # -> B F C h w
        noise = torch.randn(batch.latents[:, :1].shape, generator=generator).expand(batch.latents.shape)
        return UniPreviewStep(networks, self.recipe).generate(batch, noise)


def make_source(data: Data) -> Source:
    size = (data.size[0], data.size[1])
    if not data.index:
        return People(data.people, data.length, data.fps, size, data.frames, together=data.together)
    entries = tuple(read_index(Path(data.index)))
    return Videos(entries, size, data.frames, data.rate, data.cut, (data.scale[0], data.scale[1]), data.margin, data.fast)


def make_trainee(recipe: Recipe) -> AnimateAnyoneTrainee:
    """Raises InputError for a recipe whose parts do not fit together."""
    check(recipe)
    if recipe.system == "magic-animate":
        return _magic_animate(recipe)
    if recipe.system == "uni-animate":
        return _uni_animate(recipe)
    networks = make_networks(recipe.networks, recipe.run.seed)
    if recipe.run.checkpointing:
        networks.denoising_unet.enable_gradient_checkpointing()
    vae, clip = make_encoders(recipe.networks)
    halvings = len(networks.pose_guider.config.block_out_channels) - 1
    encoders = Encoders(vae, clip, halvings, HINTS[recipe.networks.copy_head], STYLES[recipe.system])
    return AnimateAnyoneTrainee(recipe, make_source(recipe.data), encoders, AnimateAnyoneStep(networks, recipe))


def _magic_animate(recipe: Recipe) -> AnimateAnyoneTrainee:
    networks = magic_networks(recipe.networks, recipe.run.seed)
    if recipe.run.checkpointing:
        networks.denoising_unet.enable_gradient_checkpointing()
    vae, clip = make_encoders(recipe.networks)
    halvings = len(networks.densepose_controlnet.config.conditioning_embedding_out_channels) - 1
    encoders = Encoders(vae, clip, halvings, HINTS[recipe.networks.copy_head], style=None)
    source = make_source(recipe.data)
    if recipe.networks.copy_head:
        return MagicPreviewTrainee(recipe, source, encoders, MagicPreviewStep(networks, recipe))
    return MagicAnimateTrainee(recipe, source, encoders, MagicAnimateStep(networks, recipe))


def _uni_animate(recipe: Recipe) -> AnimateAnyoneTrainee:
    networks = uni_networks(recipe.networks, recipe.run.seed)
    if recipe.run.checkpointing:
        networks.unet.enable_gradient_checkpointing()
    vae, clip = make_encoders(recipe.networks)
    halvings = max(2, Codec(vae).stride.bit_length() - 1)  # its stems halve twice
    encoders = Encoders(vae, clip, halvings, HINTS[recipe.networks.copy_head], STYLES[recipe.system], "bilinear")
    if recipe.networks.copy_head:
        return UniPreviewTrainee(recipe, make_source(recipe.data), encoders, UniPreviewStep(networks, recipe))
    return UniAnimateTrainee(recipe, make_source(recipe.data), encoders, UniAnimateStep(networks, recipe))


def check(recipe: Recipe) -> None:
    """Raises InputError for what cannot be trained, before any work is done."""
    magic = recipe.system == "magic-animate"
    if (magic and not recipe.networks.copy_head) != (recipe.objective.kind == "epsilon"):
        raise InputError("MagicAnimate learns by the objective 'epsilon', and no other system does: set system or objective.kind.")
    if recipe.networks.copy_head and magic != (recipe.networks.copy_head == "parts"):
        raise InputError("MagicAnimate's copy head goes by parts, that of the others by limbs: set networks.copy_head.")
    check_taus(recipe.objective.taus, recipe.data.frames)
    check_lengths(recipe)
    check_shares(recipe.objective)
    if recipe.objective.kind not in EVERY_TIME and not recipe.networks.copy_head:
        raise InputError(f"The objective '{recipe.objective.kind}' needs a copy head: set networks.copy_head to limbs or parts.")
    if recipe.objective.kind in EVERY_TIME and recipe.networks.copy_head:
        raise InputError("A copy head learns by the objective 'clean' or 'fetch', not by another one: set objective.kind.")
    if recipe.networks.copy_head and (recipe.networks.vae or recipe.networks.clip):
        raise InputError("A copy head fetches patches: leave networks.vae and networks.clip empty.")
    temporal = recipe.networks.temporal
    positions = None if temporal.get("kind") == "mamba" else temporal.get("positions")  # Mamba needs none
    if positions is not None and recipe.data.frames > positions:
        raise InputError(f"{recipe.data.frames} frames are too many for {positions} positions: lower data.frames.")
    if recipe.data.margin < 0 or recipe.data.fast < 0 or recipe.data.rate < 1:
        raise InputError("data.margin and data.fast cannot be below 0, nor data.rate below 1: choose others.")
    if min(recipe.data.size) < 16 or recipe.run.batch < 1 or recipe.run.accumulate < 1 or recipe.data.frames < 1:
        raise InputError("Pictures of at least 16 x 16 pixels and batches of at least one frame are due.")


def check_lengths(recipe: Recipe) -> None:
    """Raises InputError for lengths that no system takes, or that samples do not have."""
    lengths, frames = recipe.data.lengths, recipe.data.frames
    if lengths and (recipe.system != "uni-animate" or recipe.networks.copy_head):
        raise InputError("Only UniAnimate learns from clips of several lengths, without a copy head: leave data.lengths empty.")
    if lengths and not 1 <= min(lengths) <= max(lengths) <= frames:
        raise InputError(f"data.lengths {lengths} must be from 1 to data.frames, which is {frames}: they are the first frames of a sample.")


def train(recipe: Recipe, folder: Path, progress: Progress = silent) -> None:
    """Runs a recipe in a folder, or goes on with it."""
    Training(recipe, make_trainee(recipe), folder).go(progress)


def picture(pixels: Tensor) -> np.ndarray:  # 3 H W in [0, 1] -> H W 3 uint8
    return (pixels * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
