"""What a redesign must not change: frames and latents of every system, training steps of every recipe, the command line's help.

`python benchmarks/unchanged.py record FILE` writes sha256 sums (help: the text), `python benchmarks/unchanged.py compare FILE` makes them
again and names what differs. Sums of floating-point numbers hold for one machine and one version of torch: record on the machine that
compares. Everything runs on one thread, because sums over several threads are not added in the same order.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "support"))

import animators  # noqa: E402
from animato import api  # noqa: E402
from animato.sampling.plan import Chain, Windows  # noqa: E402
from animato.systems.known import trainee as trainee_of  # noqa: E402
from animato.systems.load import load  # noqa: E402
from animato.systems.scene import Scene  # noqa: E402
from animato.training.recipe import read_recipe  # noqa: E402

SCENES = (("mara", "walk"), ("tomo", "dance"))
SIZE, FRAMES = (192, 256), 10
COMMANDS = ("", "animate", "pose", "align", "compare", "demo", "train", "web", "doctor", "fetch", "convert")
NETS = {
    "patches": "{in_channels=12, out_channels=12, block_out_channels=[32, 32], layers_per_block=1, attention_levels=[false, true], "
    "heads=2, cross_attention_dim=12}",
    "unified": "{in_channels=12, block_out_channels=[32, 32], attention_levels=[true, false], layers_per_block=1, context=[12, 2], "
    "head_dim=16, entrance=[32, 2]}",
}
SMALL = ("networks.vae=", "networks.clip=", "networks.start=", "networks.copy_start=", "data.people=1", "data.size=[32, 32]")
PLAIN = ("data.index=", "run.precision=no", "data.length=8", "data.margin=0", "data.rate=1")


def digest(parts: list[Any]) -> str:
    total = hashlib.sha256()
    for part in parts:
        array = part.detach().cpu().contiguous().numpy() if isinstance(part, torch.Tensor) else np.ascontiguousarray(part)
        total.update(f"{array.shape}{array.dtype}".encode() + array.tobytes())
    return total.hexdigest()


def performed(scene: Scene, system: Any) -> str:
    return digest(list(api.perform(scene, system).clip))


def animated(scene: Scene, system: Any, settings: Any) -> str:
    """Latents of every step, and the frames."""
    seen: list[torch.Tensor] = []
    clip = system.animate(scene, settings, callback=lambda step, t, x: seen.append(x.clone()))
    return digest([*seen, *clip])


def networks_at_work() -> Iterator[tuple[str, Callable[[], Any], Any]]:
    """The published pages with small random networks."""
    few = {"steps": 3, "canvas": (64, 96), "batch": 2}
    windows = {"window": Windows(6, 2)}
    for name, make, own in (
        ("animate-anyone", animators.animator, windows),
        ("muse-pose", animators.muse, {"window": Windows(6, 2, end="open"), "interpolation": 2}),
        ("magic-animate", animators.magic, windows),
        ("uni-animate", animators.uni, {"window": Windows(6, 2, end="last")}),
        ("uni-animate chain", animators.uni, {"window": Chain(6, 0.5), "reference": "both"}),
        ("uni-animate mamba", partial(animators.uni, "mamba"), {"window": Windows(6, 2, end="last"), "memory": "low"}),
    ):
        system = make()
        yield name, make, replace(system.published, **few | own)


def systems() -> Iterator[tuple[str, Callable[[], str]]]:
    for character, motion in SCENES:
        scene = api.prepare(character, motion, size=SIZE, frames=FRAMES).scene
        where = f"{character} {motion}"
        for quality in ("good", "fast"):
            yield f"{where} puppet {quality}", partial(performed, scene, load("puppet", quality))
        for name, make, settings in networks_at_work():
            yield f"{where} {name}", partial(animated, scene, make(), settings)
        for name in ("animate-anyone", "muse-pose", "magic-animate", "uni-animate"):
            yield f"{where} preview {name}", partial(performed, scene, load(name))
        for name, words in (
            ("mamba", {"temporal": "mamba"}),
            ("chain", {"long": "chain"}),
            ("steps", {"settings": {"steps": 3, "seed": 5}}),
        ):
            yield f"{where} preview uni-animate {name}", partial(performed, scene, load("uni-animate", **words))


def small(path: Path) -> list[str]:
    """Changes that let a recipe run here: small networks that begin anew, procedural people."""
    recipe = read_recipe(path)
    unified = recipe.system == "uni-animate"
    changes = [*SMALL, *PLAIN, f"networks.unet={NETS['unified' if unified else 'patches']}", f"data.frames={min(recipe.data.frames, 3)}"]
    if unified:
        return [*changes, *(["data.lengths=[2, 3]"] if recipe.data.lengths else [])]
    if "video" in path.stem:
        norm = "clip" if recipe.system == "magic-animate" else "frame"
        middle = "false" if recipe.system == "magic-animate" else "true"
        changes.append(f'networks.temporal={{kind="attention", heads=2, positions=8, middle={middle}, norm="{norm}"}}')
    return changes


def learned(path: Path, more: tuple[str, ...] = ()) -> str:
    """Loss and gradients of a step."""
    recipe = read_recipe(path, [*small(path), *more])
    trainee = trainee_of(recipe)
    batch = trainee.batch(0, range(2))
    torch.manual_seed(0)
    values = trainee.step(*batch)
    values["loss"].backward()
    gradients = [value.grad for _, value in sorted(trainee.networks.named_parameters()) if value.grad is not None]
    return digest([values[name] for name in sorted(values)] + gradients)


def recipes() -> Iterator[tuple[str, Callable[[], str]]]:
    for path in sorted((ROOT / "recipes").glob("*.toml")):
        yield f"recipe {path.stem}", partial(learned, path)
    mamba = ROOT / "recipes" / "uni-animate-preview.toml"
    yield "recipe uni-animate-preview mamba", partial(learned, mamba, ('networks.temporal={kind="mamba"}',))


def helps() -> Iterator[tuple[str, Callable[[], str]]]:
    for command in COMMANDS:
        words = [sys.executable, "-m", "animato", *([command] if command else []), "--help"]
        yield f"help {command}".strip(), lambda words=words: subprocess.run(words, capture_output=True, text=True, check=True).stdout


def made() -> dict[str, str]:
    sums = {}
    for part in (systems, recipes, helps):
        for name, make in part():
            sums[name] = make()
            print(f"  {name}", file=sys.stderr, flush=True)
    return sums


def differences(known: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    for name in sorted(known.keys() | now.keys()):
        if known.get(name) == now.get(name):
            continue
        yield f"differs: {name}"
        if name.startswith("help"):
            yield from difflib.unified_diff(known.get(name, "").splitlines(), now.get(name, "").splitlines(), lineterm="", n=0)


def main(word: str, file: Path) -> int:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    now = made()
    if word == "record":
        file.write_text(json.dumps(now, indent=1) + "\n")
        return 0
    known = json.loads(file.read_text())
    told = list(differences(known, now))
    print("\n".join([*told, f"{len(known)} recorded, {sum(line.startswith('differs') for line in told)} differ"]))
    return bool(told)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
