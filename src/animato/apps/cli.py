"""The command line: thin words over animato.api, with progress, and errors in one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from animato import __version__
from animato.apps.fetchable import BESIDE, POSE, WORDS, officials
from animato.apps.signals import Ending
from animato.core.cache import pictures_folder
from animato.core.errors import AnimatoError
from animato.pose.choices import FEET, HOLD, SMOOTHINGS, STEADY
from animato.pose.estimator.dwpose_files import DWPOSE_FILES, FETCHED
from animato.systems.known import ALIGNMENTS, KNOWN, PARTS, names, with_weights

STOPPED = 130  # the exit code after Ctrl-C
_UsageError: Any = typer.BadParameter.__mro__[2]  # ClickException, of click itself or of the copy that newer typers carry


def one_of(words: Iterable[str]) -> str:
    """'a, b or c'."""
    *first, last = words
    return f"{', '.join(first)} or {last}"


BOTH = ", ".join(one.name for one in KNOWN if len(one.previews) > 1)
CHAINING = ", ".join(one.name for one in KNOWN if len(one.long) > 1)
BY_PARTS = ", ".join(one.title for one in KNOWN if PARTS in one.follows)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Picture = Annotated[
    str, typer.Argument(help="A picture of the character (PNG, JPEG, WebP), or the name of a shipped one.", metavar="PICTURE")
]
Driving = Annotated[
    str, typer.Argument(help="A video, a folder of pictures, a pose file, or the name of a shipped motion.", metavar="DRIVING")
]
Frames = Annotated[int | None, typer.Option(help="Only the first so many frames.", min=1)]
Skip = Annotated[int, typer.Option(help="Leave out so many frames after each one that is made; the rate falls with it.", min=0)]
Who = Annotated[str, typer.Option(help="Whom to follow: largest, a number from the left (0, 1, ...), or a point x,y in the first frame.")]
Smoothing = Annotated[
    str, typer.Option(help=f"How trembling is taken out of a video's joints: {one_of(SMOOTHINGS)}. steady goes by time, not by frames.")
]
Feet = Annotated[str, typer.Option(help=f"Feet that stand: {one_of(FEET)}. For the alignment {ALIGNMENTS[0]}.")]
How = Annotated[str, typer.Option("--align", help=f"How the motion is brought onto the character's body: {one_of(ALIGNMENTS)}.")]
Adjustments = Annotated[
    list[str] | None,
    typer.Option("--adjust", help="GROUP=SCALE or GROUP=SCALE,X,Y for whole, head, torso, arms, hands, legs or feet; may be repeated."),
]
OwnPose = Annotated[
    Path | None,
    typer.Option("--picture-pose", help="The picture's pose by hand: what `animato pose PICTURE -o FILE` writes, edited; OpenPose's, too."),
]
OwnMask = Annotated[
    Path | None,
    typer.Option(
        "--picture-mask", help="A picture as large as PICTURE, white (or opaque) on the figure. Without it, PICTURE's own transparency."
    ),
]
Resolution = Annotated[str | None, typer.Option(help="Width x height of the result, such as 512x768. Default: the picture's shape.")]

System = Annotated[
    str,
    typer.Option(help=f"{', '.join(names())} or auto: the best one whose weights are here."),
]
Weights = Annotated[Path | None, typer.Option(help="A folder of the system's official or converted weights.")]
Memory = Annotated[str | None, typer.Option(help="auto, high, low or least: how a diffusion system uses the device's memory.")]
Temporal = Annotated[
    str, typer.Option(help=f"attention or mamba: how frames know each other, where a preview model comes in both ({BOTH}).")
]
Long = Annotated[str | None, typer.Option(help=f"How a long video is made: windows that overlap, or, by {CHAINING}, a chain of clips.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE, repeated: steps, guidance, seed, window, ...")]


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails; works behind any command too.")] = False,
) -> None:
    """One picture of a character and a driving video become a video in which that character performs that motion."""
    if version:
        print(f"animato {__version__}")
        raise typer.Exit


@app.command()
def animate(
    picture: Picture,
    driving: Driving,
    out: Annotated[Path, typer.Option("--out", "-o", help="The result: .mp4, .gif, .webp, or a folder for numbered PNG pictures.")],
    system: System = "auto",
    quality: Annotated[str, typer.Option(help="The puppet's quality: good or fast.")] = "good",
    size: Resolution = None,
    frames: Frames = None,
    skip: Skip = 0,
    how: How = "robust",
    adjust: Adjustments = None,
    person: Who = "largest",
    sound: Annotated[bool, typer.Option("--sound/--mute", help="Keep the driving video's sound.")] = True,
    report: Annotated[Path | None, typer.Option(help="Also write what was measured to this JSON file.")] = None,
    weights: Weights = None,
    memory: Memory = None,
    temporal: Temporal = "attention",
    long: Long = None,
    settings: Settings = None,
    own_pose: OwnPose = None,
    own_mask: OwnMask = None,
    force: Annotated[bool, typer.Option("--force", help="Take a picture from the side, too, which the puppet refuses.")] = False,
    smoothing: Smoothing = STEADY,
    feet: Feet = HOLD,
) -> None:
    """Animate a picture with the motion of a video."""
    from animato import api
    from animato.apps import commands, processes
    from animato.apps.options import settings_of
    from animato.systems.load import load

    request = commands.Request(
        picture, driving, size, frames, how, adjust or [], person, skip, own_pose, own_mask, pictures_folder(), smoothing, feet
    )
    words = [*(settings or []), *([f"memory={memory}"] if memory else [])]

    def load_it() -> api.Animator:
        return load(system, quality, weights, settings_of(words), temporal, long, force)

    if processes.several():
        processes.animate(request, out, load_it, sound, report)
    else:
        commands.check_animate(request, out, report)
        commands.animate(request, out, commands.system(load_it, system), sound, report)


@app.command()
def pose(
    video: Annotated[str, typer.Argument(help="A video, a picture, or a folder of numbered pictures.", metavar="VIDEO")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The poses: .json (OpenPose names) or .npz; of densepose .mp4, .png and the like."),
    ],
    kind: Annotated[str, typer.Option(help=f"skeleton, or densepose: pictures of body parts, which drive {BY_PARTS}.")] = "skeleton",
    overlay: Annotated[
        Path | None, typer.Option(help="Also write the video (a .png: its first frame) with what was found drawn over it.")
    ] = None,
    frames: Frames = None,
    person: Who = "largest",
    smoothing: Smoothing = STEADY,
    dwpose: Annotated[
        Path | None, typer.Option(help=f"A folder with DWPose's {' and '.join(DWPOSE_FILES)}, or {FETCHED}: use it instead.")
    ] = None,
    densepose: Annotated[
        Path | None,
        typer.Option(
            help=f"Find the parts with a DensePose network: a TorchScript file, or {one_of(WORDS)}. "
            "It is a program that runs: from people you trust only."
        ),
    ] = None,
) -> None:
    """Estimate the pose in every frame of a video."""
    from animato.api import Estimation
    from animato.apps import commands
    from animato.apps.densepose import densepose as show_parts
    from animato.apps.options import check_pose_kind, person_of

    how = Estimation(person_of(person), smoothing, dwpose)
    check_pose_kind(kind, densepose)
    if kind == "densepose":
        show_parts(video, out, overlay, frames, how, densepose)
    else:
        commands.pose(video, out, overlay, frames, how)


@app.command()
def align(
    picture: Picture,
    driving: Driving,
    out: Annotated[Path, typer.Option("--out", "-o", help="The aligned poses: .npz or .json.")],
    preview: Annotated[Path | None, typer.Option(help="Also write a video: picture, its pose, frame, its pose, aligned pose.")] = None,
    size: Resolution = None,
    frames: Frames = None,
    skip: Skip = 0,
    how: How = "robust",
    adjust: Adjustments = None,
    person: Who = "largest",
    own_pose: OwnPose = None,
    own_mask: OwnMask = None,
    smoothing: Smoothing = STEADY,
    feet: Feet = HOLD,
) -> None:
    """Bring a motion onto the body of the character in a picture."""
    from animato.apps import commands

    request = commands.Request(
        picture, driving, size, frames, how, adjust or [], person, skip, own_pose, own_mask, pictures_folder(), smoothing, feet
    )
    commands.align(request, out, preview)


@app.command()
def compare(
    reference: Annotated[str, typer.Argument(help="A picture of the character, or the name of a shipped one.", metavar="REFERENCE")],
    driving: Driving,
    systems: Annotated[str, typer.Option(help=f"The systems, separated by commas, such as {','.join(names()[:2])}.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The grid: .mp4, .gif, .webp, or a folder for numbered PNG pictures.")],
    report: Annotated[Path | None, typer.Option("--json", help="Also write the table to this JSON file.")] = None,
    truth: Annotated[Path | None, typer.Option(help="A video of what should come out, frame by frame, in the result's size.")] = None,
    size: Resolution = None,
    frames: Frames = None,
    how: How = "robust",
    adjust: Adjustments = None,
    person: Who = "largest",
    own_pose: OwnPose = None,
    own_mask: OwnMask = None,
    smoothing: Smoothing = STEADY,
    feet: Feet = HOLD,
) -> None:
    """Animate the same picture by several systems, side by side, with a table of measures."""
    from animato.apps.commands import Request
    from animato.apps.compare import compare as run

    run(
        Request(reference, driving, size, frames, how, adjust or [], person, 0, own_pose, own_mask, pictures_folder(), smoothing, feet),
        systems,
        out,
        report,
        truth,
    )


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write demo.mp4 and demo.png into.")] = Path("out"),
    character: Annotated[str, typer.Option(help="A shipped character; animato doctor lists them.")] = "mara",
    motion: Annotated[str, typer.Option(help="A shipped motion; animato doctor lists them.")] = "dance",
) -> None:
    """Animate a shipped character with a shipped motion."""
    from animato.apps import commands

    commands.demo(out, character, motion)


@app.command()
def train(
    recipe: Annotated[
        Path, typer.Argument(help=f"A recipe, such as recipes/{with_weights()[0].name}-preview-image.toml.", metavar="RECIPE")
    ],
    changes: Annotated[list[str] | None, typer.Argument(help="Changes of it, such as run.steps=100.", metavar="[KEY=VALUE]...")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder of the run. One that holds an unfinished run goes on with it.")
    ] = None,
) -> None:
    """Train a system by a recipe, or go on with a training."""
    from animato.apps.train import train as run

    run(recipe, changes or [], out)


@app.command()
def web(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes any free one.", min=0, max=65535)] = 7860,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="A further name by which browsers reach the page, such as that of a machine that forwards to it; may be repeated."
        ),
    ] = None,
    max_upload: Annotated[int, typer.Option(help="MB, the largest file that can be handed in.", min=1, max=1_000_000)] = 1000,
) -> None:
    """Serve the web page, by default for this machine alone."""
    from animato.apps.web.serve import Options, serve

    serve(Options(host, port, open_browser, tuple(name or []), max_upload * 1_000_000))


@app.command()
def doctor(
    online: Annotated[
        bool, typer.Option("--online", help="Ask every source of every official file instead; nothing is downloaded.")
    ] = False,
) -> None:
    """Say what is installed, which models are there, and what this machine has."""
    if online:
        from animato.apps.online import examine_sources

        raise typer.Exit(examine_sources(officials().values()))
    from animato.apps.doctor import examine

    raise typer.Exit(examine())


@app.command()
def fetch(
    what: Annotated[
        str,
        typer.Argument(
            help=f"{POSE}: the embedded pose estimator's models; {', '.join(one.name for one in with_weights())}: official weights; "
            f"{', '.join(one.system for one in BESIDE)}: networks that find poses and body parts."
        ),
    ],
    wheel: Annotated[Path | None, typer.Option(help="Take the pose models from this wheel of mediapipe instead of downloading it.")] = None,
    to: Annotated[Path | None, typer.Option(help="Put weights into this folder instead of the user's cache.")] = None,
) -> None:
    """Fetch model files once into the user's cache."""
    from animato.apps import commands

    commands.fetch(what, wheel, to)


@app.command()
def convert(
    weights: Annotated[Path, typer.Argument(help="The folder with the official files, or with converted ones.", metavar="WEIGHTS")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write, in this project's own form.")],
    system: Annotated[str, typer.Option(help="Whose weights they are.")] = with_weights()[0].name,
    half: Annotated[bool, typer.Option("--half/--full", help="Store numbers of 16 bits, which takes half the space.")] = False,
    base: Annotated[
        bool, typer.Option("--base", help="WEIGHTS holds Stable Diffusion's U-Net, VAE and image encoder: write what training begins with.")
    ] = False,
) -> None:
    """Convert weights into this project's own form, checked key by key."""
    from animato.apps.weights import convert as run

    run(weights, out, system, half, base)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code: 0, or 2 with one sentence on what is wrong, or 130 after Ctrl-C, 143 after SIGTERM,
    129 after SIGHUP."""
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    debug = "--debug" in words or bool(os.environ.get("ANIMATO_DEBUG"))
    with Ending() as ending:
        try:
            result = app([word for word in words if word != "--debug"], prog_name="animato", standalone_mode=False)
            if result == STOPPED:  # what newer typers make of Ctrl-C
                return _said(KeyboardInterrupt(), ending)
            return result if isinstance(result, int) else 0
        except (AnimatoError, _UsageError, KeyboardInterrupt, typer.Abort, MemoryError) as error:
            if debug:
                raise
            return _said(error, ending)
        except Exception:
            if debug or ending.signal is None:
                raise
            return _said(KeyboardInterrupt(), ending)  # what a library made of it, such as an import that failed


def _said(error: BaseException, ending: Ending) -> int:
    ending.over = True
    from animato.apps.console import complain

    if isinstance(error, AnimatoError):
        complain(str(error))
        return ending.code if ending.signal else error.exit_code
    if isinstance(error, _UsageError):
        complain(f"{error.format_message().rstrip('.')}. See animato --help.")
        return 2
    if isinstance(error, MemoryError):
        complain("The memory of this machine is not enough: ask for a smaller --size or fewer --frames.")
        return 2
    complain("Stopped; nothing was written.")
    return ending.code
