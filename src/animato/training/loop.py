"""One loop for every stage: batches, steps, the average of weights, checkpoints from which it goes on exactly, curves, sample grids."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list
from torch import nn

from animato.core.errors import InputError
from animato.core.output import put_in_place, temporary_beside, write_text
from animato.core.picture import write_picture
from animato.core.progress import Progress, silent
from animato.models.mamba import Mamba
from animato.training.check import Requirements, written
from animato.training.ema import EMA
from animato.training.recipe import Recipe, plain
from animato.training.trainee import Trainee

LATEST, ENCODERS = "latest", "encoders"


@dataclass(eq=False)
class Training:
    """A run of a recipe in a folder.

    It writes networks/ (the average of weights, and what does not learn: to be used), encoders/ (what does not learn, once), latest/
    (to go on from), samples/, curves/ (TensorBoard), curve.jsonl and recipe.json. Of several processes, which torchrun or `accelerate
    launch` started, each takes its own `run.batch` samples a step, gradients are averaged, and the first one writes.
    """

    trainee: Trainee
    folder: Path

    def __post_init__(self) -> None:
        self.recipe = self.trainee.recipe
        run = self.recipe.run
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # a batch without reference does not use the ReferenceNet
        self.accelerator = Accelerator(
            mixed_precision=run.precision,
            log_with="tensorboard",
            project_dir=self.folder,
            kwargs_handlers=[unused],
        )
        select(self.trainee.networks, run.learn, run.freeze)
        self.ema = EMA(self.trainee.networks, run.ema)
        options = self.recipe.optimizer
        learning = param_groups(self.trainee.networks, options.weight_decay)
        optimizer = torch.optim.AdamW(learning, options.lr, (options.betas[0], options.betas[1]), options.eps)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(self.recipe, step))
        self.step, self.optimizer = self.accelerator.prepare(self.trainee.step, optimizer)
        self.schedule = schedule
        self.ema.module.to(self.accelerator.device)
        self.accelerator.register_for_checkpointing(self.ema, self.schedule)

    def go(self, progress: Progress = silent) -> None:
        """From the folder's checkpoint, or the beginning, to the last step. Raises InputError for another recipe's or version's."""
        run = self.recipe.run
        first = self._resume()
        if not self.accelerator.is_main_process:
            progress = silent
        self.accelerator.init_trackers("curves")
        progress("train", first, run.steps)
        for number in range(first, run.steps):
            logs = self._step(number)
            done = number + 1
            if done % run.log_every == 0 or done == run.steps:
                self._log(done, logs)
            if done % run.sample_every == 0 or done == run.steps:
                self._sample(done)
            if done % run.checkpoint_every == 0 or done == run.steps:
                self._checkpoint(done)
            progress("train", done, run.steps)
        self.accelerator.end_training()

    def _step(self, number: int) -> dict[str, float]:
        """One step of the optimizer over run.accumulate batches."""
        run = self.recipe.run
        logs = dict[str, float]()
        for part in range(run.accumulate):
            first = (part * self.accelerator.num_processes + self.accelerator.process_index) * run.batch
            batch = self.trainee.batch(number, range(first, first + run.batch))
            last = part == run.accumulate - 1
            with nullcontext() if last else self.accelerator.no_sync(self.step), self.accelerator.autocast():
                values = self.step(*batch)
            self.accelerator.backward(values["loss"] / run.accumulate)
            for name, value in values.items():
                everywhere = self.accelerator.reduce(value.detach(), reduction="mean")
                logs[name] = logs.get(name, 0.0) + float(everywhere) / run.accumulate
        logs["gradient"] = float(self.accelerator.clip_grad_norm_(self.step.parameters(), self.recipe.optimizer.clip))
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.ema.update(self.trainee.networks)
        return logs

    def _log(self, done: int, logs: dict[str, float]) -> None:
        values = logs | {"rate": self.schedule.get_last_lr()[0]}
        self.accelerator.log(values, step=done)
        if self.accelerator.is_main_process:
            with (self.folder / "curve.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": done} | values) + "\n")

    def _sample(self, done: int) -> None:
        if not self.accelerator.is_main_process:
            return
        picture = self.trainee.grid(self.ema.module)
        (self.folder / "samples").mkdir(exist_ok=True)
        write_picture(picture, self.folder / "samples" / f"{done:06d}.png")
        self.accelerator.get_tracker("tensorboard", unwrap=True).add_image("samples", picture, done, dataformats="HWC")

    def _checkpoint(self, done: int) -> None:
        with temporary_beside(self.folder / LATEST) as name:
            temporary = Path(broadcast_object_list([str(name)])[0])  # the first process's, into which every process writes its part
            self.accelerator.save_state(str(temporary), safe_serialization=False)
            self.accelerator.wait_for_everyone()
            if self.accelerator.is_main_process:
                state = {"step": done, "groups": len(self.optimizer.param_groups), "recipe": plain(self.recipe)}
                (temporary / "step.json").write_text(json.dumps(state, indent=1))
                put_in_place(temporary, self.folder / LATEST)
                self.trainee.save(self.ema.module, self.folder / "networks", self.folder / ENCODERS)
        self.accelerator.wait_for_everyone()

    def _resume(self) -> int:
        """How many steps are done."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.accelerator.is_main_process:
            self.trainee.keep(self.folder / ENCODERS)
        state = self.folder / LATEST / "step.json"
        if not state.is_file():
            if self.accelerator.is_main_process:
                write_text(json.dumps(plain(self.recipe), indent=1) + "\n", self.folder / "recipe.json")
            return 0
        known = json.loads(state.read_text("utf-8"))
        check_same(known["recipe"], self.recipe, self.trainee.needs, self.folder)
        check_groups(known.get("groups", 1), len(self.optimizer.param_groups), self.folder)
        self.accelerator.load_state(str(self.folder / LATEST))
        return int(known["step"])


def rate(recipe: Recipe, step: int) -> float:
    """The learning rate of a step as a fraction of its highest: rising in the warm-up, falling to zero in the last part of the steps."""
    options, steps = recipe.optimizer, recipe.run.steps
    rise = min(1.0, (step + 1) / max(options.warmup, 1))
    fall = min(1.0, (steps - step) / (options.decay * steps)) if options.decay else 1.0
    return rise * max(fall, 0.0)


def select(networks: nn.Module, learn: list[str], freeze: list[str]) -> None:
    """Lets those parameters learn whose names begin as one of `learn` says (none given: all) and hold none of `freeze`.

    "*.motion_modules." in `learn` stands for every name that holds what follows the star. Raises InputError if nothing is left to learn.
    """
    for name, value in networks.named_parameters():
        begins = not learn or any(part[1:] in name if part.startswith("*") else name.startswith(part) for part in learn)
        value.requires_grad_(begins and not any(part in name for part in freeze))
    if not any(value.requires_grad for value in networks.parameters()):
        raise InputError(f"run.learn = {learn} and run.freeze = {freeze} leave nothing to learn.")


def param_groups(networks: nn.Module, decay: float) -> list[dict[str, Any]]:
    """What learns, for AdamW, which draws all of it towards zero by `decay` but for what sets a Mamba's time scales.

    Those are A_log, D and the bias of the step sizes, of which zero is no neutral value: A_log falling to zero would make all states of a
    channel forget equally fast, the bias would bring every step size to softplus(0) = 0.7, and without D a channel would lose its way past
    the scan (Mamba's published code marks the same three). A network without Mamba is one group.
    """
    ways = [way for module in networks.modules() if isinstance(module, Mamba) for way in module.ways]
    scales = {id(value) for way in ways for value in (way.a_log, way.d, way.dt_proj.bias)}
    learning = [value for value in networks.parameters() if value.requires_grad]
    decayed, free = ([value for value in learning if (id(value) in scales) == spared] for spared in (False, True))
    return [{"params": values, "weight_decay": rate} for values, rate in ((decayed, decay), (free, 0.0)) if values]


def check_groups(known: int, wanted: int, folder: Path) -> None:
    """Raises InputError for a training of a Mamba all of whose weights were drawn towards zero, as they were at first."""
    if known != wanted:
        raise InputError(f"{folder} was begun when weight decay still took hold of all of a Mamba: give another folder and begin anew.")


def check_same(known: dict[str, Any], wanted: Recipe, needs: Requirements, folder: Path) -> None:
    """A run goes on with its own recipe; only how often it is saved and looked at may change. What was unknown then had its default."""
    free = {"checkpoint_every", "sample_every", "log_every"}

    def fixed(recipe: Recipe) -> dict[str, Any]:
        values = json.loads(json.dumps(plain(recipe)))
        return values | {"run": {name: value for name, value in values["run"].items() if name not in free}}

    same = known["system"] == wanted.system and known["objective"]["kind"] == wanted.objective.kind
    if not same or fixed(written(known, needs, str(folder))) != fixed(wanted):
        raise InputError(f"{folder} holds a training by another recipe: give another folder, or the recipe that is in its recipe.json.")
