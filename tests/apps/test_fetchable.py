"""What can be fetched stands in one table, and what was fetched is found again by a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from animato.apps.cli import main
from animato.apps.fetchable import BESIDE, densepose_file, names, officials
from animato.core.errors import MissingModelError
from animato.pose.estimator.dwpose import DETECTOR, ESTIMATOR, DWPose
from animato.systems.known import with_weights
from animato.weights.fetch import fetch
from animato.weights.files import Network, Offer, Official, Piece, Remote, Source
from animato.weights.official import densepose
from animato.weights.places import HuggingFace
from hub import Hub, serving
from tiny_onnx import detector_answer, save_network, simcc_answer

EYE, LOOK = (640, 640), (288, 384)

pytestmark = pytest.mark.usefixtures("cache")


def test_help_doctor_and_errors_read_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert names() == ["pose", *(one.name for one in with_weights()), "dwpose", "densepose", "densepose-r101"]
    assert main(["fetch", "nothing"]) == 2
    assert f"choose {', '.join(names())}." in capsys.readouterr().err
    main(["doctor"])
    said = capsys.readouterr().out
    main(["fetch", "--help"])
    helped = " ".join(capsys.readouterr().out.split())
    for one in BESIDE:
        assert f"animato fetch {one.system})" in said and one.system in helped


def test_sizes_and_licences_are_as_published() -> None:
    sizes = {one.system: sum(piece.size for piece in one.pieces) for one in BESIDE}
    assert sizes == {"dwpose": 351_145_849, "densepose": 265_000_000, "densepose-r101": 342_000_000}
    licences = {one.system: {offer.licence for offer in one.offers} for one in BESIDE}
    assert licences["dwpose"] == {"Apache-2.0"} and "CC BY-SA 3.0" in next(iter(licences["densepose"]))
    assert "is a program" in densepose.SMALL.caution and densepose.SMALL.folder == densepose.LARGE.folder
    musepose = next(one for name, one in officials().items() if "muse" in name)
    assert all("non-commercial research" in offer.licence for offer in musepose.offers[:4])


def test_what_a_program_is_and_how_it_is_used_is_said(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "densepose"]) == 2  # offline
    assert "A TorchScript file is a program that runs here" in capsys.readouterr().out
    name = "densepose_r50_fpn_dl.torchscript"
    put(cache / "densepose" / name)
    put(cache / "densepose" / f"{name}.01234567.part")
    assert main(["fetch", "densepose"]) == 0
    assert [path.name for path in (cache / "densepose").iterdir()] == [name]
    assert "are in" in (said := capsys.readouterr().out) and "--densepose r50" in said


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_a_word_means_a_fetched_densepose(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for word, name in (("r50", "densepose"), ("r101", "densepose-r101"), ("fetched", "densepose")):
        with pytest.raises(MissingModelError, match=f"--densepose {word}` is not on this machine. Run `animato fetch {name}`"):
            densepose_file(Path(word))
    large = put(cache / "densepose" / "densepose_r101_fpn_dl.torchscript")
    assert densepose_file(Path("r101")) == densepose_file(Path("fetched")) == densepose_file(Path(large.name)) == large
    small = put(cache / "densepose" / "densepose_rcnn_R_50_FPN_DL_s1x_fp32.pt")
    assert densepose_file(Path("r50")) == densepose_file(Path("fetched")) == small
    assert densepose_file(Path("my.torchscript")) == Path("my.torchscript")
    put(tmp_path / "r50")
    assert densepose_file(Path("r50")) == Path("r50")


def test_a_fetched_dwpose_just_works(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real names and places of the files, with tiny networks inside."""
    monkeypatch.delenv("ANIMATO_OFFLINE")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingModelError, match="Run `animato fetch dwpose` and name `fetched`"):
        DWPose.from_folder(Path("fetched"))
    save_network(tmp_path / DETECTOR, EYE, [detector_answer(EYE, [(320, 250, 100, 200, 0.8)])])
    save_network(tmp_path / ESTIMATOR, LOOK, simcc_answer(LOOK, np.full((133, 2), 50.0), np.full(133, 0.9)))
    made = {name: (tmp_path / name).read_bytes() for name in (DETECTOR, ESTIMATOR)}
    wanted = officials()["dwpose"]
    with serving(Hub({"yzd-v/DWPose": made})) as hub:
        offers = tuple(
            Offer(
                Piece(name, (Network(name, len(data)),)), "Apache-2.0", (Source(HuggingFace("yzd-v/DWPose"), (Remote(name, len(data)),)),)
            )
            for name, data in made.items()
        )
        fetch(Official("dwpose", offers), wanted.folder, lambda text: None, hub.hubs)
    assert wanted.missing(wanted.folder) == {}
    found = DWPose.from_folder(Path("fetched")).estimate_picture(np.full((64, 64, 3), 128, np.uint8))
    assert len(found) == 1
