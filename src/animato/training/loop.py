"""One loop for every stage: batches, steps, the average of weights, checkpoints from which it goes on exactly, curves, sample grids."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import nn

from animato.core.errors import InputError, Interrupted
from animato.core.lock import locked
from animato.core.output import explained, temporary_beside, write_text
from animato.core.picture import write_picture
from animato.core.progress import Notice, Progress, quiet, silent
from animato.models.mamba import Mamba
from animato.training.check import Requirements, written
from animato.training.checkpoint import Damaged, Facts, read_parts, told_by_system
from animato.training.curves import Curves, cut_back
from animato.training.ema import EMA
from animato.training.finite import Skipped, check_tensors, check_values
from animato.training.recipe import Recipe, plain
from animato.training.run_folder import CURVE, CURVES, ENCODERS, NETWORKS, RECIPE, SAMPLES, RunFolder
from animato.training.several import any_asked, by_first
from animato.training.state import State, Unfit
from animato.training.stopping import Stop
from animato.training.trainee import Trainee


@dataclass(eq=False)
class Training:
    """A run of a recipe in a folder.

    It writes networks/ (the average of weights, and what does not learn: to be used), encoders/ (what does not learn, once),
    checkpoints/ (to go on from; latest.json names the one that counts), samples/, curves/ (TensorBoard), curve.jsonl, recipe.json and
    run.json. Of several processes, which torchrun or `accelerate launch` started, each takes its own `run.batch` samples a step,
    gradients are averaged, and the first one reads, checks and writes for all.
    """

    trainee: Trainee
    folder: Path

    def __post_init__(self) -> None:
        self.recipe = self.trainee.recipe
        run = self.recipe.run
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # a batch without reference does not use the ReferenceNet
        check_precision(run.precision)
        self.accelerator = Accelerator(mixed_precision=run.precision, kwargs_handlers=[unused])
        select(self.trainee.networks, run.learn, run.freeze)
        self.ema = EMA(self.trainee.networks, run.ema)
        options = self.recipe.optimizer
        learning = param_groups(self.trainee.networks, options.weight_decay)
        optimizer = torch.optim.AdamW(learning, options.lr, (options.betas[0], options.betas[1]), options.eps)
        self.step, self.optimizer = self.accelerator.prepare(self.trainee.step, optimizer)
        self.ema.module.to(self.accelerator.device)
        self.state = State(self.trainee.networks, self.ema, self.optimizer, self.accelerator)
        self.skipped = Skipped()
        self.run_folder = RunFolder(self.folder, run.keep)
        self.kept = 0  # steps of the last checkpoint

    def go(self, progress: Progress = silent, tell: Notice = quiet) -> None:
        """From the folder's last whole checkpoint, or the beginning, to the last step.

        Raises InputError for a folder of another recipe, version or maker, or for numbers that are not finite; OutputError where it cannot
        be written or another process trains in it; Interrupted once it has stopped as it was asked to.
        """
        if not self.accelerator.is_main_process:
            progress = silent
            tell = quiet
        with ExitStack() as held:
            by_first(self.accelerator, lambda: self._enter(held, tell))
            first = self._resume(tell)
            try:
                self._steps(first, progress, tell)
            except KeyboardInterrupt as error:
                raise Interrupted(f"Stopped at once; the same command goes on from step {self.kept}.") from error

    def _steps(self, first: int, progress: Progress, tell: Notice) -> None:
        run = self.recipe.run
        curves = by_first(self.accelerator, lambda: Curves(self.folder / CURVE, self.folder / CURVES, first))
        progress("train", first, run.steps)
        with Stop(tell) as stop:
            for number in range(first, run.steps):
                logs = self._step(number)
                stopped = any_asked(self.accelerator, stop.asked)
                self._after(number + 1, logs, curves, stopped)
                progress("train", number + 1, run.steps)
                if stopped and number + 1 < run.steps:
                    done = f"Stopped after step {number + 1} of {run.steps}; the same command goes on from there."
                    raise Interrupted(done, stop.code)

    def _after(self, done: int, logs: dict[str, float], curves: Curves, stopped: bool) -> None:
        """What is due once so many steps are done."""
        run = self.recipe.run
        last = done == run.steps
        if done % run.log_every == 0 or last:
            by_first(self.accelerator, lambda: curves.log(done, logs | {"rate": self._rate(done)}))
        if done % run.sample_every == 0 or last:
            by_first(self.accelerator, lambda: self._sample(done, curves))
        if done % run.checkpoint_every == 0 or last or stopped:
            self._checkpoint(done, curves)

    def _step(self, number: int) -> dict[str, float]:
        """One step of the optimizer over run.accumulate batches. Raises InputError where numbers are not finite."""
        logs = self._learn(number)
        check_values({name: value for name, value in logs.items() if name != "gradient"}, number + 1)
        finite = math.isfinite(logs["gradient"])
        if self.accelerator.scaler is None:
            check_values(logs, number + 1)
        else:  # fp16 leaves out a step whose gradients ran over
            self.skipped.note(finite, number + 1)
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(number)
        self.optimizer.step()
        self.optimizer.zero_grad()
        learned = ((name, value) for name, value in self.trainee.networks.named_parameters() if value.requires_grad)
        check_tensors(learned, "the network's", number + 1)
        self.ema.update(self.trainee.networks)
        return logs

    def _learn(self, number: int) -> dict[str, float]:
        """Gradients of the step's batches, clipped; what the step says, and the gradients' norm before."""
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
        return logs

    def _rate(self, step: int) -> float:
        return self.recipe.optimizer.lr * rate(self.recipe, step)

    def _sample(self, done: int, curves: Curves) -> None:
        picture = self.trainee.grid(self.ema.module)
        path = self.folder / SAMPLES / f"{done:06d}.png"
        with explained(path):
            path.parent.mkdir(exist_ok=True)
            write_picture(picture, path)
        curves.picture(done, picture)

    def _checkpoint(self, done: int, curves: Curves) -> None:
        """Only what is finite is kept. The checkpoint counts once it and the networks are whole."""
        self.state.check(done)
        parts = self.state.parts()
        facts = Facts(done, plain(self.recipe), self.accelerator.num_processes, self.skipped.count, self.state.values())

        def write() -> None:
            self.run_folder.check_room(2 * self.state.size(), f"the checkpoint of step {done} and its networks")
            curves.sync()
            self.run_folder.put(parts, facts)
            self._save_networks()
            self.run_folder.point(done)

        by_first(self.accelerator, write)
        self.kept = done

    def _save_networks(self) -> None:
        with temporary_beside(self.folder / NETWORKS) as temporary:
            with explained(self.folder / NETWORKS), told_by_system():
                self.trainee.save(self.ema.module, temporary, self.folder / ENCODERS)
            self.run_folder.put_networks(temporary)

    def _enter(self, held: ExitStack, tell: Notice) -> None:
        held.enter_context(locked(self.folder, "train"))
        self.run_folder.claim(tell)

    def _resume(self, tell: Notice) -> int:
        """How many steps are done."""
        facts = by_first(self.accelerator, lambda: self._found(tell))
        if facts is None:
            return 0
        checkpoint = self.run_folder.checkpoint(facts.step)
        try:
            self.state.load(read_parts(checkpoint), facts.values, facts.step)
        except (Unfit, Damaged) as error:
            raise InputError(f"{checkpoint} is not of this training: {error}. Begin in a new folder.") from error
        self.skipped = Skipped(facts.skipped)
        self.kept = facts.step
        by_first(self.accelerator, lambda: self._complete(facts.step))
        return facts.step

    def _found(self, tell: Notice) -> Facts | None:
        """What the checkpoint to go on from says, and the folder made ready to go on."""
        facts = self.run_folder.newest(tell)
        if facts:
            check_same(facts.recipe, self.recipe, self.trainee.needs, self.folder)
            if facts.processes != self.accelerator.num_processes:
                tell(f"The training was done by {facts.processes} processes and goes on with {self.accelerator.num_processes}.")
        else:
            write_text(json.dumps(plain(self.recipe), indent=1) + "\n", self.folder / RECIPE)
        if facts is None or facts.step < self.recipe.run.steps:
            self.run_folder.has_room(self.state.size())
        if not (self.folder / ENCODERS).is_dir():
            with explained(self.folder / ENCODERS), told_by_system():
                self.trainee.keep(self.folder / ENCODERS)
        cut_back(self.folder / CURVE, facts.step if facts else 0)
        return facts

    def _complete(self, step: int) -> None:
        """Networks and pointer of the checkpoint that is gone on from, where a kill or somebody's hand has kept them from being there."""
        counts = self.run_folder.counts(step)
        lost = step == self.recipe.run.steps and not (self.folder / NETWORKS).is_dir()
        if lost or not counts:
            self._save_networks()
        if not counts:
            self.run_folder.point(step)


def check_precision(precision: str) -> None:
    """Raises InputError for one that this machine does not have."""
    if precision == "fp16" and not torch.cuda.is_available():
        raise InputError("run.precision = fp16 needs a GPU, and none is here: set run.precision to no or bf16.")


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


def check_same(known: dict[str, Any], wanted: Recipe, needs: Requirements, folder: Path) -> None:
    """A run goes on with its own recipe; only how often it is saved and looked at may change. What was unknown then had its default."""
    free = {"checkpoint_every", "sample_every", "log_every", "keep"}

    def fixed(recipe: Recipe) -> dict[str, Any]:
        values = json.loads(json.dumps(plain(recipe)))
        return values | {"run": {name: value for name, value in values["run"].items() if name not in free}}

    try:
        same = known["system"] == wanted.system and known["objective"]["kind"] == wanted.objective.kind
        same = same and fixed(written(known, needs, str(folder))) == fixed(wanted)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder} holds a training whose recipe cannot be read: begin in another folder.") from error
    if not same:
        raise InputError(f"{folder} holds a training by another recipe: give another folder, or the recipe that is in its recipe.json.")
