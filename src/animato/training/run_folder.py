"""The folder of a run: whose it is, where its checkpoints are and which one counts, what it needs of the disk.

run.json      says that a training made this folder; without it nothing in it is touched
latest.json   names the checkpoint that counts; it is exchanged in one call when that one is whole
checkpoints/  000200/ and so on, the newest `keep` of them
networks/     the average of weights and what does not learn, of that checkpoint: to be used
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from animato.core.errors import AnimatoError, InputError, OutputError
from animato.core.leftovers import sweep
from animato.core.output import explained, put_in_place, temporary_beside, write_text
from animato.core.progress import Notice
from animato.core.reading import read_json
from animato.training.checkpoint import FACTS, NAME, Damaged, Facts, check_checkpoint, write_checkpoint
from animato.training.state import PARTS, Tensors

FORMAT = 1
MARK, POINTER = "run.json", "latest.json"
CHECKPOINTS, NETWORKS, ENCODERS, SAMPLES, CURVES = "checkpoints", "networks", "encoders", "samples", "curves"
CURVE, RECIPE = "curve.jsonl", "recipe.json"
OURS = (POINTER, CHECKPOINTS, NETWORKS, ENCODERS, SAMPLES, CURVES, CURVE, RECIPE)
ONCE = Path("latest", "step.json")  # of runs whose state was unpickled
MOST = 100_000  # bytes of run.json and latest.json
MB = 1_000_000


@dataclass(frozen=True)
class RunFolder:
    """keep: how many checkpoints stay."""

    path: Path
    keep: int = 2

    def check(self) -> None:
        """Raises InputError where somebody else keeps what a run would write, or an older version has trained. Changes nothing."""
        if (self.path / ONCE).is_file() and not os.path.lexists(self.path / MARK):
            raise InputError(
                f"{self.path} holds a training of an older version, whose state is a program's and is not opened any more: "
                "give a new folder. networks.start may name the old networks."
            )
        if os.path.lexists(self.path / MARK):
            known = read_json(self.path / MARK, MOST)
            if not isinstance(known, dict) or known.get("format") != FORMAT:
                raise InputError(f"{self.path / MARK} is not what a training writes: give another folder.")
            return
        taken = [name for name in OURS if os.path.lexists(self.path / name)]
        if taken:
            raise InputError(
                f"{self.path} has {', '.join(taken)} already, which no training here has made and which would be written over: "
                "give a new folder, or move that elsewhere."
            )

    def claim(self, tell: Notice) -> None:
        """The folder is this run's, and what runs left unfinished there is removed. Raises InputError as `check`, OutputError."""
        self.check()
        for folder in (self.path, self.path / CHECKPOINTS, self.path / SAMPLES):
            for sentence in sweep(folder):
                tell(sentence)
        if not (self.path / MARK).is_file():
            write_text(json.dumps({"format": FORMAT, "version": version("animato")}) + "\n", self.path / MARK)

    def checkpoint(self, step: int) -> Path:
        return self.path / CHECKPOINTS / f"{step:06d}"

    def newest(self, tell: Notice) -> Facts | None:
        """Of the checkpoint to go on from; None where no step was ever kept. Damaged ones are named, and the one before them is taken.

        Raises InputError where there were some and none is whole.
        """
        steps = self._candidates(tell)
        broken = list[str]()
        for step in steps:
            try:
                facts = check_checkpoint(self.checkpoint(step))
            except Damaged as error:
                broken.append(str(error).rstrip("."))
                continue
            for one in broken:
                tell(f"A checkpoint is damaged: {one}. The training goes on from step {step}.")
            return facts
        if steps or self._has_begun():
            listed = "".join(f"\n- {one}." for one in broken) or " None is there any more."
            raise InputError(
                f"{self.path} has no whole checkpoint to go on from.{listed}\n"
                "Bring one back, or begin in a new folder; networks.start may name the networks of this run."
            )
        return None

    def put(self, parts: Mapping[str, Tensors], facts: Facts) -> None:
        """Writes a checkpoint, which does not count before `point`. Raises OutputError."""
        target = self.checkpoint(facts.step)
        with temporary_beside(target) as temporary:
            write_checkpoint(temporary, parts, facts)
            put_in_place(temporary, target)

    def put_networks(self, temporary: Path) -> None:
        """Puts new networks in place of old ones. What somebody laid beside the old ones stays beside the new. Raises OutputError."""
        target = self.path / NETWORKS
        with explained(target):
            for old in sorted(target.rglob("*")) if target.is_dir() and not target.is_symlink() else ():
                new = temporary / old.relative_to(target)
                if not os.path.lexists(new) and (old.is_symlink() or not old.is_dir()):
                    new.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(old, new, follow_symlinks=False)
        put_in_place(temporary, target)

    def point(self, step: int) -> None:
        """From now on this checkpoint counts, and those are removed that are too many. Raises OutputError."""
        write_text(json.dumps({"format": FORMAT, "checkpoint": f"{step:06d}"}) + "\n", self.path / POINTER)
        before = [known for known in self._steps() if known < step]
        whole = [known for known in before if (self.checkpoint(known) / FACTS).is_file()]  # the others are half removed
        for old in set(before) - set(whole[: self.keep - 1]):
            self._remove(self.checkpoint(old))

    def counts(self, step: int) -> bool:
        """Whether the checkpoint of this step is the one that counts."""
        try:
            return bool(read_json(self.path / POINTER, MOST)["checkpoint"] == f"{step:06d}")
        except (AnimatoError, KeyError, TypeError):
            return False

    def check_room(self, needed: int, why: str) -> None:
        """Raises OutputError where fewer bytes are free."""
        with explained(self.path):
            free = shutil.disk_usage(self.path).free
        if free < needed:
            raise OutputError(
                f"{self.path} needs {needed / MB:,.0f} MB for {why}, and {free / MB:,.0f} MB are free on its disk: free some. "
                "The checkpoints that are there stay, and the same command goes on from the last one."
            )

    def has_room(self, size: int) -> None:
        """Looks at the beginning for all that will stand there at once. Raises OutputError. size: bytes of a checkpoint."""
        there = sum(path.stat().st_size for name in (CHECKPOINTS, NETWORKS) for path in (self.path / name).rglob("*") if path.is_file())
        self.check_room((self.keep + 2) * size - there, f"{self.keep + 1} checkpoints and networks")

    def _candidates(self, tell: Notice) -> list[int]:
        """Steps of checkpoints, the one that counts first."""
        steps = self._steps()
        if not os.path.lexists(self.path / POINTER):
            return steps
        try:
            known = read_json(self.path / POINTER, MOST)
            name = str(known["checkpoint"])
            if not NAME.fullmatch(name):
                raise InputError(f"{self.path / POINTER} names no checkpoint.")
        except (AnimatoError, KeyError, TypeError):
            tell(f"{self.path / POINTER} is damaged: the newest whole checkpoint is taken.")
            return steps
        return [int(name), *(step for step in steps if step != int(name))]

    def _steps(self) -> list[int]:
        """Of the checkpoints that are there, newest first."""
        folder = self.path / CHECKPOINTS
        if not folder.is_dir():
            return []
        return sorted((int(path.name) for path in folder.iterdir() if NAME.fullmatch(path.name)), reverse=True)

    def _has_begun(self) -> bool:
        return any(os.path.lexists(self.path / name) for name in (POINTER, NETWORKS))

    def _remove(self, folder: Path) -> None:
        """Only what a checkpoint is made of; a folder into which somebody laid more stays."""
        files = {FACTS, *(f"{name}.safetensors" for name in PARTS)}
        with explained(folder):
            if folder.is_symlink() or any(path.name not in files for path in folder.iterdir()):
                return
            (folder / FACTS).unlink(missing_ok=True)  # from now on it is no checkpoint any more
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
