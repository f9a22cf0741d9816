"""The core on other Pythons, with the oldest and the newest allowed versions of what it needs: python make.py matrix [--pythons 3.11,3.13].

For each Python that is found here, and for each set of versions, a fresh virtual environment outside the checkout gets the core install (no
torch). Then `pip check`, `animato doctor`, `animato demo` and those tests run that need the core alone. "newest" is what pip takes.
"oldest" is the lower bound that pyproject.toml allows or, where no wheel of it fits this Python, the first version above that has one.
A Python that is not here is named as not tried. With --debian DIR, Debian 13's own Python is tried in a root folder, which debootstrap
makes if it is not there (Linux, as root). It ends with 1 if anything failed, and with 3 if the package could not be built (no network?).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from animato.core.versions import number, split, within

ROOT = Path(__file__).resolve().parents[1]
MINORS = range(11, 21)  # Python 3.11 and newer
EXPECTED = (11, 12, 13)  # named, if they are not here
SETS = ("oldest", "newest")
TOOLS = ("pytest", "pytest-xdist", "hypothesis")
TESTS = ("core", "people", "pose", "puppet", "data", "evaluation", "apps")  # folders of tests that need the core alone
NOT_CORE = ("apps/web", "apps/test_fetchable.py")  # the page needs Gradio, weights need torch
COPIED = ("tests", "benchmarks", "recipes", "docs", "pyproject.toml", "constraints.txt", "README.md", "CHANGELOG.md")
BUILT_FROM = ("src", "pyproject.toml", "README.md", "LICENSE")
SHOWN = ("av", "pillow", "numpy", "opencv-python-headless", "ai-edge-litert")
FAILED, NO_NETWORK = 1, 3
SUITE, MIRROR = "trixie", "http://deb.debian.org/debian"
IN_ROOT = (  # a mount of its own that ends with the process: /proc, and the work folder under the same name
    'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mkdir -p "$1$2" && mount --bind "$2" "$1$2" || exit 1; '
    'root=$1; export HERE="$2"; shift 2; exec chroot "$root" sh -c \'cd "$HERE" && exec "$@"\' sh "$@"'
)


@dataclass(frozen=True)
class Interpreter:
    """A Python, and the words before a command that bring it into its own root folder."""

    version: str
    program: str
    inside: tuple[str, ...] = ()
    where: str = ""

    @property
    def name(self) -> str:
        return f"{self.version}{f' ({self.where})' if self.where else ''}"


@dataclass(frozen=True)
class Outcome:
    """What became of one Python with one set of versions."""

    python: str
    versions: str
    result: str
    good: bool
    seconds: float = 0.0
    packages: dict[str, str] = field(default_factory=dict)


class StepFailed(Exception):
    """A step ended badly; what it printed last is shown already."""


@dataclass(frozen=True)
class Workplace:
    """A folder outside the checkout: the built package, the tests, the pose models, one virtual environment at a time."""

    folder: Path

    def run(self, one: Interpreter, step: str, *command: str) -> str:
        """The standard output of a command. Raises StepFailed, after its last lines are shown."""
        done = subprocess.run([*one.inside, *command], cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines()
            print("\n".join(f"    {line}" for line in lines[-40:]), flush=True)
            raise StepFailed(f"{step} failed")
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Nothing of the checkout or of the user's own packages is seen; pip's cache and options stay."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "ANIMATO_", "PYTEST_"))}
        ours = {"PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1", "ANIMATO_CACHE": str(self.folder / "cache"), "LC_ALL": "C.UTF-8"}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        here = {"TMPDIR": str(self.folder / "tmp"), "PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        return kept | ours | threads | here

    def prepare(self, one: Interpreter) -> None:
        """The package is built from a copy, so that nothing left in the checkout gets into it. The tests see no folder src."""
        source = self.folder / "source"
        for name in BUILT_FROM:
            copy(ROOT / name, source / name)
        for name in COPIED:
            copy(ROOT / name, self.folder / name)
        (self.folder / "tmp").mkdir()
        program = self.new_environment(one, "builder")
        self.run(one, "build", program, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(self.folder / "wheel"), str(source))
        shutil.rmtree(self.folder / "builder")

    def new_environment(self, one: Interpreter, name: str) -> str:
        """The Python of a fresh virtual environment."""
        folder = self.folder / name
        self.run(one, "venv", one.program, "-m", "venv", str(folder))
        return str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))

    @property
    def wheel(self) -> str:
        return str(next((self.folder / "wheel").glob("animato-*.whl")))


def copy(source: Path, target: Path) -> None:
    """A file or a folder, without what Python left in it."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def bounds() -> dict[str, list[str]]:
    """Each package that the core needs, and its bounds: {"av": [">=18", "<20"]}."""
    return dict(map(split, tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]))


def oldest(available: list[str], limits: list[str]) -> str | None:
    """The first release within the bounds; pre-releases are none."""
    releases = (version for version in available if re.fullmatch(r"\d+(\.\d+)*", version))
    return min((version for version in releases if within(version, limits)), key=number, default=None)


def wheels(place: Workplace, one: Interpreter, program: str, package: str) -> list[str]:
    """The versions of a package that have a wheel for this Python. Raises StepFailed."""
    told = place.run(one, f"index of {package}", program, "-m", "pip", "index", "versions", "--only-binary", ":all:", package)
    found = re.search(r"^Available versions: (.+)$", told, re.MULTILINE)
    return [version.strip() for version in found[1].split(",")] if found else []


def pinned(place: Workplace, one: Interpreter, program: str) -> list[str]:
    """NAME==VERSION of the oldest allowed version of each package. Raises StepFailed."""
    pins = []
    for package, limits in bounds().items():
        version = oldest(wheels(place, one, program, package), limits)
        if version is None:
            raise StepFailed(f"no wheel of {package} {','.join(limits)}")
        pins.append(f"{package}=={version}")
    return pins


def installed(place: Workplace, one: Interpreter, program: str) -> dict[str, str]:
    code = "import importlib.metadata as m, json, sys; print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
    return json.loads(place.run(one, "versions", program, "-c", code, *bounds()))


def tested(place: Workplace, one: Interpreter, program: str) -> str:
    """What pytest says in its last line: 1385 passed, 16 skipped."""
    folders = [f"tests/{name}" for name in TESTS]
    without = [f"--ignore=tests/{name}" for name in NOT_CORE]
    processes = str(min(os.cpu_count() or 1, 4))
    told = place.run(one, "tests", program, "-m", "pytest", "-p", "no:cacheprovider", "-n", processes, *folders, *without)
    return re.sub(r" in [\d.]+s.*", "", told.strip().splitlines()[-1]).strip("= ")


def attempt(place: Workplace, one: Interpreter, versions: str) -> Outcome:
    """One Python with one set of versions, from an empty environment to the tests."""
    print(f"- Python {one.name}, {versions} ...", flush=True)
    began = time.monotonic()
    packages: dict[str, str] = {}
    try:
        program = place.new_environment(one, "venv")
        pip = (program, "-m", "pip")
        pins = pinned(place, one, program) if versions == "oldest" else []
        place.run(one, "install", *pip, "install", "--quiet", "--only-binary", ":all:", place.wheel, *pins, *TOOLS)
        packages = installed(place, one, program)
        place.run(one, "pip check", *pip, "check")
        for words in (("fetch", "pose"), ("doctor",), ("demo", "--out", str(place.folder / "demo"))):
            place.run(one, f"animato {words[0]}", program, "-m", "animato", *words)
        result, good = tested(place, one, program), True
    except StepFailed as failure:
        result, good = str(failure), False
    shutil.rmtree(place.folder / "venv", ignore_errors=True)
    print(f"  {result}", flush=True)
    return Outcome(one.name, versions, result, good, time.monotonic() - began, packages)


def candidates(minor: int) -> Iterator[str]:
    """Where a Python of this minor version may be."""
    yield f"python3.{minor}"
    home = Path.home()
    for folder in (home / ".pyenv" / "versions", home / ".local" / "share" / "uv" / "python"):
        yield from map(str, sorted(folder.glob(f"*3.{minor}.*/bin/python3.{minor}"), reverse=True))
    yield sys.executable


def ask(command: list[str]) -> str | None:
    """The version that a Python says it has, if it runs and can make virtual environments."""
    code = "import ensurepip, venv, platform; print(platform.python_version())"
    try:
        done = subprocess.run([*command, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def find(minor: int) -> Interpreter | None:
    for program in candidates(minor):
        version = ask([program])
        if version and version.startswith(f"3.{minor}."):
            return Interpreter(version, program)
    return None


def chosen(wanted: str) -> tuple[list[Interpreter], list[Outcome]]:
    """The Pythons to try, and those that were asked for and are not here. `wanted`: "all", "newest", or 3.11,3.13."""
    named = [int(word.removeprefix("3.")) for word in wanted.split(",")] if wanted not in ("all", "newest") else []
    found = {minor: find(minor) for minor in named or MINORS}
    here = [one for one in found.values() if one]
    lacking = [Outcome(f"3.{minor}", "", "not tried: not found here", True) for minor in named or EXPECTED if not found[minor]]
    return (here[-1:], []) if wanted == "newest" else (here, lacking)


def debian(folder: Path, place: Workplace) -> Interpreter:
    """The Python of a Debian 13 root folder, made by debootstrap if it is not there. Raises StepFailed."""
    if os.name == "nt" or os.geteuid() != 0:
        raise StepFailed("not tried: needs Linux and the rights of root")
    here = Interpreter("", "")
    if not (folder / "usr" / "bin" / "python3").exists():
        if not shutil.which("debootstrap"):
            raise StepFailed("not tried: no debootstrap here (apt install debootstrap)")
        print(f"Debian's {SUITE} goes into {folder} (about 400 MB) ...", flush=True)
        packages = "--include=python3,python3-venv,ca-certificates"
        place.run(here, "debootstrap", "debootstrap", "--variant=minbase", packages, SUITE, str(folder), MIRROR)
    for name in ("/etc/resolv.conf", os.environ.get("PIP_CERT", "")):  # the network as it is outside
        if name and Path(name).is_file():
            shutil.copyfile(name, folder / name.lstrip("/"))
    inside = ("unshare", "--mount", "sh", "-c", IN_ROOT, "sh", str(folder), str(place.folder))
    version = place.run(
        Interpreter("", "", inside), "Debian's Python", "python3", "-c", "import platform; print(platform.python_version())"
    )
    return Interpreter(version.strip(), "python3", inside, "Debian 13")


def table(outcomes: list[Outcome]) -> str:
    rows = [("Python", "set", *SHOWN, "result", "seconds")]
    for one in outcomes:
        versions = (one.packages.get(name, "-") for name in SHOWN)
        rows.append((one.python, one.versions or "-", *versions, one.result, f"{one.seconds:.0f}" if one.seconds else "-"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def matrix(arguments: argparse.Namespace, place: Workplace) -> int:
    pythons, outcomes = chosen(arguments.pythons)
    if arguments.debian:
        try:
            pythons.append(debian(arguments.debian.resolve(), place))
        except StepFailed as failure:
            outcomes.append(Outcome("Debian 13", "", str(failure), "not tried" in str(failure)))
    if pythons:
        try:
            place.prepare(pythons[0])
        except StepFailed:
            print("The package could not be built: the matrix was not tried. Is there a network?")
            return NO_NETWORK
    outcomes += [attempt(place, one, versions) for one in pythons for versions in arguments.sets.split(",")]
    print("\n" + table(outcomes))
    return 0 if all(one.good for one in outcomes) else FAILED


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pythons", default="all", help="all (the default), newest, or a list: 3.11,3.13")
    parser.add_argument("--sets", default=",".join(SETS), help="oldest, newest or both, which is the default")
    parser.add_argument("--debian", type=Path, metavar="DIR", help="Debian 13's own Python too, in this root folder (debootstrap makes it)")
    arguments = parser.parse_args()
    if unknown := set(arguments.sets.split(",")) - set(SETS):
        parser.error(f"--sets {','.join(sorted(unknown))}: choose from {', '.join(SETS)}")
    if not re.fullmatch(r"all|newest|3\.\d+(,3\.\d+)*", arguments.pythons):
        parser.error(f"--pythons {arguments.pythons}: write all, newest, or a list such as 3.11,3.13")
    with tempfile.TemporaryDirectory(prefix="animato-matrix-") as folder:
        return matrix(arguments, Workplace(Path(folder).resolve()))


if __name__ == "__main__":
    sys.exit(main())
