"""A fetch asks, says, downloads, resumes and compares; a hub of one's own stands for the real ones, which tests never ask."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from animato.core.errors import MissingModelError, OutputError
from animato.weights.fetch import Plan, fetch, make_plan, notice
from animato.weights.files import File, Folder, Offer, Official, Piece, Remote, Source
from animato.weights.official import animate_anyone, densepose, magic_animate, muse_pose, uni_animate
from animato.weights.places import HuggingFace, ModelScope
from hub import Hub, lfs, serving
from weight_bytes import safetensors, torch_zip

VALUES = safetensors(b"v" * 49_900)
COPY = safetensors(b"w" * 49_900)
CHECKPOINT = torch_zip(b"c" * 90_000)
LARGE = torch_zip(bytes(range(256)) * 90_000)  # 23 MB: many of the pieces in which it is written
FILES = {
    "some/weights": {"net.pth": LARGE, "unwanted.bin": b"x"},
    "other/vae": {"config.json": b"{ }", "model.safetensors": VALUES},
    "third/copy": {"vae/config.json": b"{ }", "vae/model.safetensors": COPY, "whole.ckpt": CHECKPOINT},
}
NET = Piece("the network", (File(("net",), len(LARGE)),))
VAE = Piece("the VAE", (Folder(("sd-vae", "vae"), 50_000), File(("whole",), 90_000, ".ckpt")))
SOURCE = Source(HuggingFace("some/weights"), (Remote("net.pth", len(LARGE)),))
FIRST = Source(HuggingFace("other/vae"), (Remote("config.json"), Remote("model.safetensors", 50_000)), "sd-vae")
SECOND = Source(HuggingFace("third/copy"), (Remote("vae/config.json"), Remote("vae/model.safetensors", 50_000)))
WHOLE = Source(HuggingFace("third/copy"), (Remote("whole.ckpt", 90_000, lfs(CHECKPOINT)["sha256"]),))
TINY = Official("tiny", (Offer(NET, "Apache-2.0", (SOURCE,)), Offer(VAE, "MIT", (FIRST, SECOND, WHOLE))))
PLACES = {"net.pth": LARGE, "sd-vae/config.json": b"{ }", "sd-vae/model.safetensors": VALUES}
SYSTEMS = [module.OFFICIAL for module in (animate_anyone, muse_pose, magic_animate, uni_animate)]
OFFICIAL = [*SYSTEMS, *uni_animate.OFFICIAL.beside, densepose.SMALL, densepose.LARGE]


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    for switch in ("ANIMATO_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(switch, raising=False)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub(FILES)) as hub:
        yield hub


def there(root: Path) -> dict[str, bytes]:
    files = {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    return {path.as_posix(): (root / path).read_bytes() for path in files}


def get(root: Path, hub: Hub) -> list[str]:
    """Fetches all. What was said."""
    said: list[str] = []
    fetch(TINY, root, said.append, hub.hubs)
    return said


def lacking(root: Path, hub: Hub) -> str:
    """The message of a fetch that cannot get everything."""
    with pytest.raises(MissingModelError) as raised:
        get(root, hub)
    message = str(raised.value)
    assert message.startswith("Not all weights of tiny could be fetched: ") and "\n" not in message
    assert message.endswith(f"fetch again, it goes on from there; or put into {root} by hand what is missing.")
    return message


def test_what_is_wanted_is_told_and_fetched(hub: Hub, tmp_path: Path) -> None:
    root = tmp_path / "new"
    text = notice(make_plan(TINY, root, hub.hubs), root)
    assert text.startswith(f"23 MB will be downloaded into {root}:")
    assert "some/weights: net.pth, 23 MB, licence Apache-2.0 (this repository's card says mit); no other source is known" in text
    assert "other/vae: model.safetensors, 50 kB, licence MIT\n" in text + "\n" and "config.json, 1 kB, licence MIT; no sha256" in text
    assert "unwanted" not in text and "not from" not in text and not root.exists() and hub.ranges == []
    steps: list[tuple[str, int, int]] = []
    said: list[str] = []
    fetch(TINY, root, said.append, hub.hubs, lambda stage, done, total: steps.append((stage, done, total)))
    assert there(root) == PLACES and said == [text]
    total = sum(map(len, PLACES.values()))
    assert steps[0] == ("fetching", 0, total) and ("fetching", total, total) in steps and {total for _, _, total in steps} == {total}
    assert {stage for stage, _, _ in steps} == {"fetching", "checking"} and len(steps) > 20


def test_what_is_there_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    for name, data in (("net.pth", LARGE), ("sd-vae/model.safetensors", b"too short")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert [one.file.name for one in make_plan(TINY, tmp_path, hub.hubs).downloads] == ["config.json", "model.safetensors"]
    get(tmp_path, hub)
    assert there(tmp_path) == PLACES and get(tmp_path, hub) == []


def test_a_file_of_ones_own_in_another_form_is_left_alone(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(b"mine")
    (tmp_path / "whole.ckpt").write_bytes(CHECKPOINT)
    assert make_plan(TINY, tmp_path, hub.hubs) == Plan((), {}, ())
    assert hub.asked == ["third/copy"]


def test_a_broken_connection_is_resumed(hub: Hub, tmp_path: Path) -> None:
    hub.breaks = 1
    get(tmp_path, hub)
    assert there(tmp_path) == PLACES
    assert hub.ranges[0] == "" and hub.ranges[1].startswith("bytes=1")


def test_a_fetch_that_failed_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    """And what it stopped at costs nothing else."""
    hub.breaks, hub.refuses = 1, 1
    assert "net.pth (some/weights: it could not be reached: " in (said := lacking(tmp_path, hub)) and "500" in said
    part = f"net.pth.{lfs(LARGE)['sha256'][:8]}.part"
    assert {name: data for name, data in there(tmp_path).items() if name != part} == {k: v for k, v in PLACES.items() if k != "net.pth"}
    assert 0 < (tmp_path / part).stat().st_size < len(LARGE)
    hub.ranges.clear()
    get(tmp_path, hub)
    assert there(tmp_path) == PLACES and [one.startswith("bytes=1") for one in hub.ranges] == [True]


def test_two_sources_of_one_file_share_what_has_come(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"some/weights": FILES["some/weights"], "copy/weights": {"net.pth": LARGE}}
    hub.breaks, hub.refuses = 1, 1
    both = Official("tiny", (Offer(NET, "MIT", (SOURCE, Source(HuggingFace("copy/weights"), (Remote("net.pth", len(LARGE)),)))),))
    said: list[str] = []
    fetch(both, tmp_path, said.append, hub.hubs)
    assert there(tmp_path) == {"net.pth": LARGE} and hub.ranges[-1].startswith("bytes=1")
    assert len(said) == 2 and "copy/weights: net.pth" in said[1] and "not from some/weights: it could not be reached" in said[1]


def test_a_left_part_that_is_too_long_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / f"net.pth.{lfs(LARGE)['sha256'][:8]}.part").write_bytes(LARGE + b"more")
    get(tmp_path, hub)
    assert there(tmp_path) == PLACES


def wrong(**files: bytes) -> Callable[[Hub], None]:
    return lambda hub: hub.files["other/vae"].update({f"{name}.safetensors": data for name, data in files.items()})


REFUSALS: dict[str, tuple[Callable[[Hub], object], str]] = {
    "dead": (lambda hub: hub.files.pop("other/vae"), "the hub shows no such repository"),
    "gated": (lambda hub: hub.faults.update({"other/vae": "gated"}), "its terms must be accepted first, on its page; then"),
    "without the file": (lambda hub: hub.files["other/vae"].pop("model.safetensors"), "it no longer has model.safetensors"),
    "another file": (wrong(model=b"v" * 20_000), "its model.safetensors is another file of that name (20 kB, not 50 kB)"),
    "spoilt": (lambda hub: hub.faults.update({"other/vae": "other bytes"}), "what it sent as config.json cannot be read"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_source_that_will_not_do_costs_only_its_own_files(what: str, tmp_path: Path) -> None:
    """The next one is tried, its sizes and licence are text before, and all else is fetched."""
    spoil, why = REFUSALS[what]
    with serving(Hub({name: dict(files) for name, files in FILES.items()})) as hub:
        spoil(hub)
        said = get(tmp_path, hub)
    assert there(tmp_path).items() >= {"net.pth": LARGE, "vae/config.json": b"{ }", "vae/model.safetensors": COPY}.items()
    assert TINY.missing(tmp_path) == {} and not list(tmp_path.rglob("*.part"))
    assert "third/copy: vae/model.safetensors, 50 kB, licence MIT" in said[-1] and f"not from other/vae: {why}" in said[-1]


def test_a_repository_with_a_new_name_still_serves(hub: Hub, tmp_path: Path) -> None:
    hub.files = FILES | {"new/vae": FILES["other/vae"]}
    hub.moved = {"other/vae": "new/vae"}
    get(tmp_path, hub)
    assert there(tmp_path) == PLACES


def test_a_revision_that_is_gone(hub: Hub, tmp_path: Path) -> None:
    pinned = replace(FIRST, at=HuggingFace("other/vae", "4e63672c03103b6c636b8fb4119ba982469b2955"))
    plan = make_plan(Official("tiny", (Offer(VAE, "MIT", (pinned, SECOND)),)), tmp_path, hub.hubs)
    assert plan.refused == {pinned: "it no longer has revision 4e63672c"} and {one.source for one in plan.downloads} == {SECOND}
    hub.revisions |= {"4e63672c03103b6c636b8fb4119ba982469b2955"}
    plan = make_plan(Official("tiny", (Offer(VAE, "MIT", (pinned, SECOND)),)), tmp_path, hub.hubs)
    assert plan.refused == {} and {one.source for one in plan.downloads} == {pinned}


def test_the_last_source_is_another_form(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"some/weights": FILES["some/weights"], "third/copy": {"whole.ckpt": CHECKPOINT}}
    get(tmp_path, hub)
    assert there(tmp_path) == {"net.pth": LARGE, "whole.ckpt": CHECKPOINT} and TINY.missing(tmp_path) == {}


def test_everything_that_could_not_be_had_is_told_at_the_end(hub: Hub, tmp_path: Path) -> None:
    """Each file by where it belongs, with all its sources and why they would not do; asked once each."""
    hub.files = {"some/weights": FILES["some/weights"], "third/copy": {"whole.ckpt": torch_zip(b"d" * 90_000)}}
    assert (
        "fetched: sd-vae/config.json, sd-vae/model.safetensors (other/vae: the hub shows no such repository; third/copy: it no longer has "
        "vae/config.json; third/copy: its whole.ckpt is another file of that name (sha256 "
    ) in lacking(tmp_path, hub)
    assert there(tmp_path) == {"net.pth": LARGE} and hub.asked == ["some/weights", "other/vae", "third/copy"]


@pytest.mark.parametrize("switch", ["ANIMATO_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_asks_nobody(switch: str, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(switch, "1")
    with pytest.raises(MissingModelError, match=f"weights of tiny cannot be fetched while {switch} is set.*put the files into {tmp_path}"):
        get(tmp_path, hub)
    assert hub.asked == []
    monkeypatch.setenv(switch, "0")
    assert len(make_plan(TINY, tmp_path, hub.hubs).downloads) == 3


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "RepoNotFound", "the hub shows no such repository"),
        (401, "RepoNotFound", "the hub shows no such repository"),
        (403, "GatedRepo", "its terms must be accepted first, on its page; then log in with `hf auth login`"),
        (503, "", "it could not be reached: "),
    ],
)
def test_a_hub_that_refuses(status: int, code: str, expected: str, hub: Hub, tmp_path: Path) -> None:
    hub.status, hub.code = status, code
    said = lacking(tmp_path, hub)
    assert f"net.pth (some/weights: {expected}" in said and said.count(expected) == 4
    assert hub.asked == ["some/weights", "other/vae", "third/copy"]


def test_no_hub_at_all(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert "net.pth (some/weights: it could not be reached: " in lacking(
            tmp_path, Hub({}, url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        )


@pytest.mark.parametrize(
    ("known", "stated", "expected"),
    [
        ("Apache-2.0", None, "licence Apache-2.0"),
        (
            "CreativeML OpenRAIL-M by its card; for research only",
            "creativeml-openrail-m",
            "licence CreativeML OpenRAIL-M by its card; for research only",
        ),
        ("MIT", "cc-by-nc-4.0", "licence MIT (this repository's card says cc-by-nc-4.0)"),
    ],
)
def test_licences_as_they_are_known_and_as_the_card_says(known: str, stated: str | None, expected: str, hub: Hub, tmp_path: Path) -> None:
    hub.licence = stated
    text = notice(make_plan(Official("tiny", (Offer(NET, known, (SOURCE,)),)), tmp_path, hub.hubs), tmp_path)
    assert f"{expected}; no other source is known" in text


def test_a_folder_that_cannot_be_made(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="file"):
        get(tmp_path / "file" / "weights", hub)


def test_a_file_that_cannot_be_written_is_no_fault_of_the_hub(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / f"net.pth.{lfs(LARGE)['sha256'][:8]}.part").mkdir()
    with pytest.raises(OutputError, match=r"net.pth.*part is no file"):
        get(tmp_path, hub)


def test_a_full_disk_is_told_beforehand(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1 << 30))
    with pytest.raises(OutputError, match=r"23 MB do not fit .* 1\.1 GB are free"):
        get(tmp_path, hub)
    assert hub.ranges == []


def test_offers_of_published_weights() -> None:
    """Every needed piece has a source, and no withdrawn repository is asked."""
    places = {source.at for official in OFFICIAL for offer in official.offers for source in offer.sources}
    withdrawn = ("runwayml/", "stabilityai/stable-diffusion-2")
    assert not [place for place in places if isinstance(place, HuggingFace) and place.repository.startswith(withdrawn)]
    assert not [place for place in places if "novita" in str(place)]
    assert all(offer.sources for official in OFFICIAL for offer in official.offers if offer.piece.needed)


def test_the_vae_comes_before_the_whole_checkpoint() -> None:
    sources = next(offer.sources for offer in uni_animate.OFFICIAL.offers if offer.piece == uni_animate.SD_VAE)
    assert [sum(file.size for file in source.files) < 4e8 for source in sources] == [True, True, False, False, False]
    assert all(source.files[-1].name.endswith(".safetensors") for source in sources[:2])
    assert ModelScope("stabilityai/stable-diffusion-2-1-base") in [source.at for source in sources]


@pytest.mark.parametrize("official", OFFICIAL, ids=lambda official: official.system)
def test_the_official_files_are_what_is_looked_for_afterwards(official: Official, tmp_path: Path) -> None:
    """Every piece is found where a fetch from any of its sources puts it."""
    for number in range(5):
        root = tmp_path / str(number)
        for offer in official.offers:
            for source in offer.sources[: number + 1][-1:]:
                for file in source.files:
                    path = source.path(file, root)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(b"")
        assert official.missing(root) == {}
        assert len(official.find(root)) == sum(piece.needed for piece in official.pieces)


def test_another_pose_guider_of_the_same_name_is_refused_by_name(tmp_path: Path) -> None:
    official = animate_anyone.OFFICIAL
    for offer in official.offers:
        for source in offer.sources[:1]:
            for file in source.files:
                path = source.path(file, tmp_path)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"")
    (tmp_path / "pose_guider.pth").write_bytes(b"x" * 2_071_000)
    assert list(official.missing(tmp_path).values()) == [
        "pose_guider.pth (4 MB); the pose_guider.pth there is that of novita-ai/AnimateAnyone, which is another Pose Guider"
    ]
    with pytest.raises(MissingModelError, match=r"novita-ai/AnimateAnyone.* Run `animato fetch animate-anyone`"):
        official.find(tmp_path)
    assert muse_pose.OFFICIAL.missing(tmp_path) == {}
