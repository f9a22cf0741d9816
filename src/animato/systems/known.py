"""The table of systems and of what carries their papers' names: all that the rest of the project knows of any of them by name.

A system is added by a card here and by files of its own. docs/adding.md shows how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from animato.core.errors import InputError
from animato.pose.choices import HOLD
from animato.weights.about import is_own
from animato.weights.files import Official
from animato.weights.official import animate_anyone, magic_animate, muse_pose, uni_animate

if TYPE_CHECKING:  # the table is read to print a help text: what is slow to import is imported by who opens a door
    from animato.pose.alignment.align import Method
    from animato.systems.performance import Animator

POSES, PARTS = "poses", "body parts"  # driving signals, the members of scene.Signal
ROBUST, MUSEPOSE, UNIANIMATE, NONE = ALIGNMENTS = ("robust", "musepose", "unianimate", "none")
ATTENTION, MAMBA = "attention", "mamba"
WINDOWS, CHAIN = "windows", "chain"
PREVIEWS = Path(__file__).resolve().parents[1] / "assets" / "preview"


class Doors(NamedTuple):
    """What opens a system's parts. To be had where torch is.

    page          a folder of weights -> the system
    preview       a folder of a preview model's weights -> the preview model
    convert       writes a folder's weights in the project's own form: (folder, out, dtype, progress)
    convert_base  the same of what training begins with, where that is another thing
    """

    page: Callable[[Path], Any]
    preview: Callable[[Path], Any]
    convert: Callable[..., None]
    convert_base: Callable[..., None] | None = None


@dataclass(frozen=True)
class Card:
    """One system.

    name        as typed
    title       for people
    expect      what comes out, in one line
    follows     the driving signals that it takes
    make        the system, where it needs no weights; called with a quality, and whether to force it, if it has some
    qualities   those that `make` takes, the usual one first
    official    its official weights
    long        ways of making a long video, the usual one first
    previews    temporal module -> the folder of the shipped preview model with it, the usual one first
    preview_of  whose preview model it shares, for people; nothing if it has its own
    doors       opens its parts
    trainee     a recipe -> what the training loop drives
    """

    name: str
    title: str
    expect: str
    follows: tuple[str, ...] = (POSES,)
    make: Callable[..., Animator] | None = None
    qualities: tuple[str, ...] = ()
    official: Official | None = None
    long: tuple[str, ...] = ()
    previews: Mapping[str, Path] = field(default_factory=dict)
    preview_of: str = ""
    doors: Callable[[], Doors] | None = None
    trainee: Callable[[Any], Any] | None = None

    @property
    def fetched(self) -> bool:
        """Whether its official weights, or a conversion of them, are where `animato fetch` puts them."""
        if self.official is None or not self.official.folder.is_dir():
            return False
        return is_own(self.official.folder) or not self.official.missing(self.official.folder)


def _puppet(quality: Any, force: bool = False) -> Animator:
    from animato.systems.puppet import Puppet

    return Puppet(quality, force)


def _animate_anyone() -> Doors:
    from animato.systems import animate_anyone as page
    from animato.systems.previews import animate_anyone as preview
    from animato.weights import animate_anyone as weights

    return Doors(page.load, preview.load, weights.convert, weights.convert_base)


def _muse_pose() -> Doors:
    from animato.systems import muse_pose as page
    from animato.systems.previews import animate_anyone as preview
    from animato.weights import muse_pose as weights

    return Doors(page.load, partial(preview.load, name=page.MusePose.name), weights.convert, weights.convert_base)


def _magic_animate() -> Doors:
    from animato.systems import magic_animate as page
    from animato.systems.previews import magic_animate as preview
    from animato.weights import magic_animate as weights

    return Doors(page.load, preview.load, weights.convert, weights.convert_base)


def _uni_animate() -> Doors:
    from animato.systems import uni_animate as page
    from animato.systems.previews import uni_animate as preview
    from animato.weights import uni_animate as weights

    return Doors(page.load, preview.load, weights.convert)


def _learn_animate_anyone(recipe: Any) -> Any:
    from animato.training.animate_anyone import trainee

    return trainee(recipe)


def _learn_muse_pose(recipe: Any) -> Any:
    from animato.training.muse_pose import trainee

    return trainee(recipe)


def _learn_magic_animate(recipe: Any) -> Any:
    from animato.training.magic_animate import trainee

    return trainee(recipe)


def _learn_uni_animate(recipe: Any) -> Any:
    from animato.training.uni_animate import trainee

    return trainee(recipe)


KNOWN = (
    Card(
        "puppet", "Puppet", "The picture is cut into layers and moved: sharp, at once, and flat.", make=_puppet, qualities=("good", "fast")
    ),
    Card(
        "animate-anyone",
        "Animate Anyone",
        "A network that reads the picture in every layer follows a skeleton: photographic with its official weights and a GPU.",
        official=animate_anyone.OFFICIAL,
        long=(WINDOWS,),
        previews={ATTENTION: PREVIEWS / "animate-anyone"},
        doors=_animate_anyone,
        trainee=_learn_animate_anyone,
    ),
    Card(
        "muse-pose",
        "MusePose",
        "Animate Anyone's networks with longer windows, trained on motions that were aligned to the picture's body.",
        official=muse_pose.OFFICIAL,
        long=(WINDOWS,),
        previews={ATTENTION: PREVIEWS / "animate-anyone"},
        preview_of="Animate Anyone",
        doors=_muse_pose,
        trainee=_learn_muse_pose,
    ),
    Card(
        "magic-animate",
        "MagicAnimate",
        "Follows the parts of the body: rendered from the pose, or a ready DensePose video.",
        follows=(POSES, PARTS),
        official=magic_animate.OFFICIAL,
        long=(WINDOWS,),
        previews={ATTENTION: PREVIEWS / "magic-animate"},
        doors=_magic_animate,
        trainee=_learn_magic_animate,
    ),
    Card(
        "uni-animate",
        "UniAnimate",
        "One network sees the picture as a frame before the others; long videos in windows or as a chain of clips.",
        official=uni_animate.OFFICIAL,
        long=(WINDOWS, CHAIN),
        previews={ATTENTION: PREVIEWS / "uni-animate", MAMBA: PREVIEWS / "uni-animate-mamba"},
        doors=_uni_animate,
        trainee=_learn_uni_animate,
    ),
    # here comes the card of the next system
)


def card(name: str) -> Card:
    """The card of a system. Raises InputError for a name that is not known."""
    found = next((one for one in KNOWN if one.name == name), None)
    if found is None:
        raise InputError(f"There is no system '{name}': choose {', '.join(names())}.")
    return found


def names() -> tuple[str, ...]:
    """As typed."""
    return tuple(one.name for one in KNOWN)


def with_weights() -> tuple[Card, ...]:
    """The systems that have official weights: those that sample."""
    return tuple(one for one in KNOWN if one.official)


def trainee(recipe: Any) -> Any:
    """What the training loop drives, by a recipe (training/recipe.Recipe); one that names no system is of the first that learns.

    Raises InputError for a system that is not known or learns nothing, and for a recipe that cannot be trained.
    """
    learning = {one.name: one.trainee for one in KNOWN if one.trainee}
    name = recipe.system or next(iter(learning))
    if name not in learning:
        raise InputError(f"There is no training of '{name}': set system to one of {', '.join(learning)}.")
    return learning[name](recipe)


def alignment(name: str, feet: str = HOLD) -> Method:
    """The method of alignment of that name; `feet` is for ours, published ones are exact. Raises InputError unless there is one."""
    if name not in ALIGNMENTS:
        raise InputError(f"There is no alignment '{name}': choose {', '.join(ALIGNMENTS)}.")
    from animato.pose.alignment import align, musepose, unianimate

    methods = {ROBUST: align.robust(feet), NONE: align.NONE}
    papers = {MUSEPOSE: musepose.align, UNIANIMATE: unianimate.align}
    return methods.get(name) or align.published(name, papers[name])
