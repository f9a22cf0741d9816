"""Five commands that write, at tiny size, each with an older result in its place: what may stand there after a blow, and in the end."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from animato.apps.cli import main
from animato.apps.console import complain, note, say
from animato.apps.outputs import tidy
from animato.apps.signals import Ending
from animato.core.errors import AnimatoError, Interrupted
from animato.core.lock import release
from animato.core.media import open_clip
from animato.people.shipped import ASSETS
from animato.systems.known import trainee
from animato.training.checkpoint import check_checkpoint
from animato.training.loop import Training
from animato.training.recipe import read_recipe
from animato.training.run_folder import RunFolder
from animato.weights.fetch import fetch as fetch_weights
from animato.weights.files import File, Folder, Offer, Official, Piece, Remote, Source
from animato.weights.places import Hubs, HuggingFace
from hub import lfs
from runs import RECIPE
from weight_bytes import safetensors
from weight_files import official, tiny_networks

CHANGES = ("run.steps=6", "run.checkpoint_every=2", "run.sample_every=2", "data.people=1")
HIDDEN = re.compile(r"(.*/)?\.animato-[^/]*(/.*)?")
LOCK = re.escape(".animato.lock")
PART = r".*\.[0-9a-f]{8}\.part"
NONE = r"(?!)"  # no name at all

NET = safetensors(bytes(range(256)) * 12_000)  # 3 MB
VAE = safetensors(b"v" * 900_000)
HUB = {"some/net": {"net.safetensors": NET}, "other/vae": {"config.json": b"{ }", "model.safetensors": VAE}}
OFFICIAL = Official(
    "tiny",
    (
        Offer(
            Piece("the VAE", (Folder(("vae",), len(VAE)),)),
            "MIT",
            (Source(HuggingFace("other/vae"), (Remote("config.json"), Remote("model.safetensors", len(VAE))), "vae"),),
        ),
        Offer(
            Piece("the network", (File(("net",), len(NET)),)),
            "MIT",
            (Source(HuggingFace("some/net"), (Remote("net.safetensors", len(NET), lfs(NET)["sha256"]),)),),
        ),
    ),
)

Tree = dict[str, str]  # path below a folder -> sum of the file, or what else it is


def no_faults(folder: Path) -> list[str]:
    return []


def nothing(folder: Path) -> list[Path]:
    return []


@dataclass(frozen=True)
class Command:
    """A command that is struck.

    inputs      are laid into a new folder
    older       adds an older result, or the first half of the work
    work        does the command in that folder, given the address of a hub; its exit code
    results     each of these, a file or a folder with all that is in it, is at every moment the older or the new one
    documented  further names that may be there after a blow
    differs     names of files that are never the same twice
    faults      what else may be wrong with what stands there after a blow, in words
    done        files that are finished by then, and must not be made again
    """

    name: str
    inputs: Callable[[Path], None]
    older: Callable[[Path], None]
    work: Callable[[Path, str], int]
    results: tuple[str, ...] = ()
    documented: str = NONE
    differs: str = NONE
    faults: Callable[[Path], list[str]] = no_faults
    done: Callable[[Path], list[Path]] = nothing


def tree(folder: Path) -> Tree:
    found = Tree()
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(parent, name)
            found[str(path.relative_to(folder))] = _what(path)
    return found


def _what(path: Path) -> str:
    if path.is_symlink():
        return f"link to {os.readlink(path)}"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"


def part_of(tree: Tree, result: str) -> Tree:
    """A result: a file, or a folder with all that is in it."""
    return {name: what for name, what in tree.items() if name == result or name.startswith(f"{result}/")}


def _command(*words: str) -> int:
    return main(list(words))


def picture_and_poses(folder: Path) -> None:
    shutil.copy(ASSETS / "characters" / "mara.png", folder / "in.png")
    shutil.copy(ASSETS / "motions" / "wave.json", folder / "wave.json")


def older_video(folder: Path) -> None:
    (folder / "out.mp4").write_bytes(b"an older video" * 1000)


def older_pictures(folder: Path) -> None:
    (folder / "out").mkdir()
    for number in range(9):
        (folder / "out" / f"{number:06d}.png").write_bytes(b"an older picture" * number)


def animate(out: str, folder: Path, hub: str) -> int:
    words = ("--system", "puppet", "--quality", "fast", "--size", "160x240", "--frames", "24")
    return _command("animate", str(folder / "in.png"), str(folder / "wave.json"), "-o", str(folder / out), *words)


def partial_video(folder: Path) -> list[str]:
    """What Ctrl-C or SIGTERM left must be a video of all frames that it says."""
    return [fault for path in folder.glob("out.partial*.mp4") for fault in _opened(path)]


def _opened(path: Path) -> list[str]:
    try:
        return [] if len(list(open_clip(path))) else [f"{path.name} is empty"]
    except AnimatoError as error:
        return [str(error)]


def weights(folder: Path) -> None:
    official(folder / "official", tiny_networks())


def older_weights(folder: Path) -> None:
    shutil.copytree(ASSETS / "preview" / "animate-anyone" / "copy_head", folder / "out" / "vae")
    (folder / "out" / "animato.json").write_text('{"format": 1, "system": "animate-anyone", "source": "older", "version": "0"}\n')


def convert(folder: Path, hub: str) -> int:
    return _command("convert", str(folder / "official"), "--out", str(folder / "out"))


def no_inputs(folder: Path) -> None:
    """A fetch takes nothing from its folder."""


def half_fetched(folder: Path) -> None:
    (folder / "vae").mkdir()
    (folder / "vae" / "config.json").write_bytes(b"{ }")


def fetch(folder: Path, hub: str) -> int:
    """As apps/weights.fetch does it, with a hub of one's own."""
    os.environ.pop("ANIMATO_OFFLINE", None)
    os.environ.pop("HF_HUB_OFFLINE", None)
    with Ending() as ending:
        try:
            tidy([folder])
            release(folder)
            fetch_weights(OFFICIAL, folder, say, Hubs(hub, hub, hub, pauses=()))
        except KeyboardInterrupt:
            note("Stopped.")
            return ending.code
        except AnimatoError as error:
            complain(str(error))
            return ending.code if ending.signal else error.exit_code
    return 0


def whole_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part" and path.name[0] != "."]


def recipe(folder: Path) -> None:
    (folder / "tiny.toml").write_text(RECIPE)


def half_trained(folder: Path) -> None:
    """Three steps, after which the training is asked to stop."""

    def progress(stage: str, done: int, total: int) -> None:
        if done == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with contextlib.suppress(Interrupted):
        Training(trainee(read_recipe(folder / "tiny.toml", CHANGES)), folder / "run").go(progress)


def train(folder: Path, hub: str) -> int:
    return _command("train", str(folder / "tiny.toml"), *CHANGES, "--out", str(folder / "run"))


def training_faults(folder: Path) -> list[str]:
    """The checkpoint that counts must be whole, and so must the networks."""
    try:
        if pointed := _pointed(folder):
            check_checkpoint(RunFolder(folder / "run").checkpoint(pointed))
        for path in (folder / "run" / "networks").rglob("*.safetensors"):
            load_file(path)
    except (AnimatoError, SafetensorError) as error:
        return [str(error)]
    return []


def samples_done(folder: Path) -> list[Path]:
    """Sample grids up to the checkpoint that counts: a training that began anew would draw them again."""
    return [path for path in (folder / "run" / "samples").glob("0*.png") if int(path.stem) <= _pointed(folder)]


def _pointed(folder: Path) -> int:
    pointer = folder / "run" / "latest.json"
    return int(json.loads(pointer.read_text())["checkpoint"]) if pointer.is_file() else 0


COMMANDS = (
    Command(
        "animate to .mp4",
        picture_and_poses,
        older_video,
        partial(animate, "out.mp4"),
        ("out.mp4",),
        documented=r"out\.partial(-\d+)?\.mp4",
        faults=partial_video,
    ),
    Command(
        "animate to a folder",
        picture_and_poses,
        older_pictures,
        partial(animate, "out"),
        ("out",),
        documented=r"out\.partial(-\d+)?(/\d{6}\.png)?",
    ),
    Command("convert", weights, older_weights, convert, ("out",)),
    Command(
        "fetch",
        no_inputs,
        half_fetched,
        fetch,
        ("net.safetensors", "vae/config.json", "vae/model.safetensors"),
        documented=rf"vae|{PART}|{LOCK}",
        done=whole_files,
    ),
    Command(
        "train",
        recipe,
        half_trained,
        train,
        documented=r"run(/.*)?",
        differs=r"run/curves/.*|run/checkpoints/(?!000006).*",
        faults=training_faults,
        done=samples_done,
    ),
)
