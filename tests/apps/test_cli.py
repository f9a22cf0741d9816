"""The commands on good input: what they write, what they say, and that they start fast."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import animato
from animato.apps.cli import main
from animato.core.media import open_clip
from animato.core.packages import missing
from animato.pose.io import load_poses
from extras import diffusion
from material import Material


def frames(path: Path) -> list[np.ndarray]:
    return list(open_clip(path))


def test_animate_writes_the_motion_and_its_report(material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, report = tmp_path / "new" / "result.mp4", tmp_path / "report.json"
    words = ["animate", str(material.character), str(material.motion), "-o", str(out), "--size", "128x192", "--report", str(report)]
    assert main(words) == 0
    clip, measured = open_clip(out), json.loads(report.read_text())
    assert clip.size == (128, 192) and clip.length == 6 == measured["frames"]
    assert measured["self_drive_psnr_db"] > 25 and 0 <= measured["pck_at_tenth_torso"] <= 1
    assert f"{out}: 6 frames of 128x192" in capsys.readouterr().out


def test_animate_moves_what_the_motion_moves(material: Material, tmp_path: Path) -> None:
    assert main(["animate", str(material.character), str(material.motion), "-o", str(tmp_path / "a.mp4"), "--size", "128x192"]) == 0
    first, *_, last = frames(tmp_path / "a.mp4")
    changed = np.abs(first.astype(int) - last).max(axis=2) > 40
    assert changed.any() and not changed[:, :6].any()


def test_same_input_same_video(material: Material, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        assert main(["animate", str(material.character), str(material.motion), "-o", str(tmp_path / name), "--frames", "3"]) == 0
    assert all(np.array_equal(a, b) for a, b in zip(frames(tmp_path / "a.mp4"), frames(tmp_path / "b.mp4"), strict=True))


def test_fast_is_another_picture_of_the_same_size(material: Material, tmp_path: Path) -> None:
    for quality in ("good", "fast"):
        words = ["animate", str(material.character), str(material.motion), "-o", str(tmp_path / f"{quality}.gif"), "--quality", quality]
        assert main([*words, "--frames", "2", "--size", "128x192"]) == 0
    good, fast = frames(tmp_path / "good.gif"), frames(tmp_path / "fast.gif")
    assert good[0].shape == fast[0].shape and not np.array_equal(good[1], fast[1])


def test_shipped_names_stand_for_files(tmp_path: Path) -> None:
    assert main(["animate", "mara", "wave", "-o", str(tmp_path / "frames"), "--frames", "2", "--size", "192x288"]) == 0
    assert len(list((tmp_path / "frames").glob("*.png"))) == 2


def test_pose_of_a_video_with_overlay(material: Material, tmp_path: Path) -> None:
    out, overlay = tmp_path / "poses.json", tmp_path / "overlay.mp4"
    assert main(["pose", str(material.video), "-o", str(out), "--overlay", str(overlay)]) == 0
    poses = load_poses(out)
    assert len(poses) == 4 and poses.size == (192, 288) and (poses.score[:, 0, :18] > 0.3).mean() > 0.9
    drawn, plain = frames(overlay)[0], frames(material.video)[0]
    assert drawn.shape == plain.shape and np.abs(drawn.astype(int) - plain).max() > 100


def test_edited_poses_drive_again(material: Material, tmp_path: Path) -> None:
    aligned, preview = tmp_path / "aligned.json", tmp_path / "preview.mp4"
    assert main(["align", str(material.character), str(material.motion), "-o", str(aligned), "--preview", str(preview)]) == 0
    assert open_clip(preview).length == 6
    edited = json.loads(aligned.read_text())
    for frame in edited["frames"]:
        frame["people"][0]["pose_keypoints_2d"][1] += 12
    aligned.write_text(json.dumps(edited))
    assert main(["animate", str(material.character), str(aligned), "-o", str(tmp_path / "again.mp4"), "--align", "none"]) == 0
    assert open_clip(tmp_path / "again.mp4").length == 6


def test_adjusting_a_group_changes_the_alignment(material: Material, tmp_path: Path) -> None:
    for name, extra in (("plain", []), ("long", ["--adjust", "arms=1.2"])):
        assert main(["align", str(material.character), str(material.motion), "-o", str(tmp_path / f"{name}.npz"), *extra]) == 0
    plain, long = load_poses(tmp_path / "plain.npz").points[:, 0], load_poses(tmp_path / "long.npz").points[:, 0]
    forearm = [np.linalg.norm((points[:, 4] - points[:, 3])[:, :2], axis=-1).mean() for points in (plain, long)]
    assert forearm[1] == pytest.approx(1.2 * forearm[0], rel=0.05)


@pytest.mark.long
def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path)]) == 0
    sheet = animato.read_picture(tmp_path / "demo.png")
    systems = ["puppet"] if missing() else ["puppet", "animate-anyone", "magic-animate", "uni-animate"]
    videos = [tmp_path / ("demo.mp4" if name == "puppet" else f"demo-{name}.mp4") for name in systems]
    assert len({open_clip(video).length for video in videos}) == 1
    rows = 1 + len(systems)
    assert sheet.shape[0] == rows * 256 + (rows - 1) * 4 and sheet.shape[1] > sheet.shape[0] and sheet.std() > 20
    assert f"picture | pose | {' | '.join(systems)}" in capsys.readouterr().out


def test_doctor_says_ready(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "Ready" in printed and "mara" in printed and "memory" in printed


def test_doctor_without_models_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANIMATO_CACHE", str(tmp_path))
    assert main(["doctor"]) == 1
    assert "animato fetch pose" in capsys.readouterr().out


def test_models_missing_is_said_before_work(
    material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMATO_CACHE", str(tmp_path))
    assert main(["animate", str(material.character), str(material.motion), "-o", str(tmp_path / "x.mp4")]) == 2
    assert "animato fetch pose" in capsys.readouterr().err and not (tmp_path / "x.mp4").exists()


def test_python_call_is_the_same_as_the_command(material: Material, tmp_path: Path) -> None:
    assert main(["animate", str(material.character), str(material.motion), "-o", str(tmp_path / "frames"), "--frames", "3"]) == 0
    clip = animato.animate(material.character, material.motion, frames=3)
    assert all(np.array_equal(a, b) for a, b in zip(clip, frames(tmp_path / "frames"), strict=True))


@pytest.mark.parametrize("words", [["-c", "import animato"], ["-m", "animato", "--help"]], ids=["import", "help"])
def test_starts_without_heavy_packages(words: list[str]) -> None:
    """Nothing slow is imported before it is used: what `import animato` and `--help` load is all listed by -X importtime."""
    done = subprocess.run([sys.executable, "-X", "importtime", *words], capture_output=True, text=True, check=True)
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if line.startswith("import time")}
    assert not loaded & {"numpy", "cv2", "av", "PIL", "torch", "ai_edge_litert", "onnxruntime"}


def test_nothing_of_the_puppet_needs_torch(material: Material, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from animato.apps.cli import main; code = main(); "
        "sys.exit(code or any(name.startswith('torch.') for name in sys.modules))"
    )
    words = ["animate", str(material.character), str(material.motion), "-o", str(tmp_path / "x.mp4"), "--frames", "2"]
    assert subprocess.run([sys.executable, "-c", code, *words], check=False).returncode == 0


@diffusion
def test_python_call_takes_every_system_by_name(material: Material) -> None:
    clip = animato.animate(material.character, material.motion, system="animate-anyone", frames=2)
    assert [frame.shape for frame in clip] == [(768, 512, 3)] * 2
