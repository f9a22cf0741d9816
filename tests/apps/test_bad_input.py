"""Bad input gets one sentence that says what is wrong and what to do, exit code 2, no traceback, and leaves older results alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from animato.apps.cli import main
from animato.core.packages import missing
from material import Material

# {m}: the folder of small files; {o}: an older result that must survive. A row: name, words after `animato`, what the message must say.
ANIMATE = [
    ("picture missing", "{m}/nothing.png {m}/motion.json -o {o}", "nothing.png.*not"),
    ("picture empty name", "'' {m}/motion.json -o {o}", "."),
    ("picture zero bytes", "{m}/zero.png {m}/motion.json -o {o}", "zero.png.*empty"),
    ("picture is text", "{m}/text.png {m}/motion.json -o {o}", "text.png.*not a picture"),
    ("picture truncated png", "{m}/cut.png {m}/motion.json -o {o}", "cut.png.*(cut off|truncated|damaged)"),
    ("picture truncated jpeg", "{m}/cut.jpg {m}/motion.json -o {o}", "cut.jpg.*(cut off|truncated|damaged)"),
    ("picture header only", "{m}/header.png {m}/motion.json -o {o}", "header.png"),
    ("picture is a folder", "{m}/folder.png {m}/motion.json -o {o}", "folder.png.*folder"),
    ("picture is a video", "{m}/video.mp4 {m}/motion.json -o {o}", "video.mp4.*video"),
    ("picture is a pose file", "{m}/motion.json {m}/motion.json -o {o}", "motion.json"),
    ("picture too small", "{m}/tiny.png {m}/motion.json -o {o}", "tiny.png.*8x8"),
    ("picture enormous", "{m}/bomb.png {m}/motion.json -o {o}", "bomb.png.*larger than"),
    ("nobody in the picture", "{m}/nobody.png {m}/motion.json -o {o}", "[Nn]o person.*picture"),
    ("driving missing", "{m}/character.png {m}/nothing.mp4 -o {o}", "nothing.mp4.*not"),
    ("driving zero bytes", "{m}/character.png {m}/zero.mp4 -o {o}", "zero.mp4.*empty"),
    ("driving is text", "{m}/character.png {m}/text.mp4 -o {o}", "text.mp4.*not"),
    ("driving truncated", "{m}/character.png {m}/cut.mp4 -o {o}", "cut.mp4"),
    ("driving is a picture", "{m}/character.png {m}/character.png -o {o}", "character.png.*picture"),
    ("driving is sound alone", "{m}/character.png {m}/sound.mp4 -o {o}", "sound.mp4"),
    ("driving has one frame", "{m}/character.png {m}/one.mp4 -o {o}", "1 frame"),
    ("nobody in the video", "{m}/character.png {m}/nobody.mp4 -o {o}", "[Nn]o(body| person).*"),
    ("folder without pictures", "{m}/character.png {m}/no-pictures -o {o}", "no-pictures"),
    ("folder with one picture", "{m}/character.png {m}/one-picture -o {o}", "1 frame"),
    ("poses broken", "{m}/character.png {m}/broken.json -o {o}", "broken.json"),
    ("poses empty file", "{m}/character.png {m}/empty.json -o {o}", "empty.json"),
    ("poses of another form", "{m}/character.png {m}/list.json -o {o}", "list.json"),
    ("poses with a number short", "{m}/character.png {m}/short.json -o {o}", "short.json.*frame 1.*pose_keypoints_2d"),
    ("poses with a word", "{m}/character.png {m}/words.json -o {o}", "words.json.*frame 1.*pose_keypoints_2d"),
    ("poses not a number", "{m}/character.png {m}/nan.json -o {o}", "nan.json.*frame 1.*pose_keypoints_2d"),
    ("poses of nobody", "{m}/character.png {m}/nobody.json -o {o}", "[Nn]o(body| person)"),
    ("archive of other things", "{m}/character.png {m}/other.npz -o {o}", "other.npz"),
    ("archive with pickles", "{m}/character.png {m}/pickled.npz -o {o}", "pickled.npz"),
    ("archive is text", "{m}/character.png {m}/text.npz -o {o}", "text.npz"),
    ("size is a word", "{m}/character.png {m}/motion.json -o {o} --size large", "512x768"),
    ("size zero", "{m}/character.png {m}/motion.json -o {o} --size 0x0", "0x0.*64"),
    ("size absurd", "{m}/character.png {m}/motion.json -o {o} --size 99999x16", "99999x16.*4096"),
    ("no frames", "{m}/character.png {m}/motion.json -o {o} --frames 0", "frames"),
    ("one frame", "{m}/character.png {m}/motion.json -o {o} --frames 1", "at least 2"),
    ("frames a word", "{m}/character.png {m}/motion.json -o {o} --frames many", "frames"),
    ("unknown alignment", "{m}/character.png {m}/motion.json -o {o} --align perfect", "perfect.*robust"),
    ("unknown system", "{m}/character.png {m}/motion.json -o {o} --system magic", "magic.*puppet"),
    ("unknown quality", "{m}/character.png {m}/motion.json -o {o} --quality best", "best.*good"),
    ("unknown group", "{m}/character.png {m}/motion.json -o {o} --adjust wings=2", "wings.*torso"),
    ("scale zero", "{m}/character.png {m}/motion.json -o {o} --adjust arms=0", "arms.*above 0"),
    ("person a name", "{m}/character.png {m}/video.mp4 -o {o} --person bob", "bob.*largest"),
    ("person not there", "{m}/character.png {m}/video.mp4 -o {o} --person 7", "7"),
    ("nobody at the point", "{m}/character.png {m}/video.mp4 -o {o} --person 2,2", "2, ?2|point"),
    ("puppet with a seed", "{m}/character.png {m}/motion.json -o {o} --system puppet --set seed=3", "puppet has no seed"),
    ("setting of nothing", "{m}/character.png {m}/motion.json -o {o} --system animate-anyone --set speed=9", "speed=9.*steps"),
    ("steps a word", "{m}/character.png {m}/motion.json -o {o} --system animate-anyone --set steps=few", "few.*whole number"),
    ("no steps", "{m}/character.png {m}/motion.json -o {o} --system animate-anyone --set steps=0", "steps 0.*1"),
    ("window a word", "{m}/character.png {m}/motion.json -o {o} --system animate-anyone --set window=long", "window=long.*24,4"),
    ("window all overlap", "{m}/character.png {m}/motion.json -o {o} --system animate-anyone --set window=8,8", "8 frames cannot share 8"),
    ("window beyond the positions", "{m}/character.png {m}/motion.json -o {o} --system muse-pose --set window=200,4,open", "200.*32 pos"),
    ("chain of a word", "{m}/character.png {m}/motion.json -o {o} --system uni-animate --set window=chain,long", "chain,long.*ANCHOR"),
    ("chain of one frame", "{m}/character.png {m}/motion.json -o {o} --system uni-animate --set window=chain,1", "1 frames never gets on"),
    ("anchor beyond", "{m}/character.png {m}/motion.json -o {o} --system uni-animate --set window=chain,32,1.5", "anchor of 1.5.*0 to 1"),
    ("unknown way of a long clip", "{m}/character.png {m}/motion.json -o {o} --system uni-animate --long loop", "loop.*windows or chain"),
    ("two ways", "{m}/character.png {m}/motion.json -o {o} --system uni-animate --long chain --set window=8,2", "long chain.*contradict"),
    ("chain by the puppet", "{m}/character.png {m}/motion.json -o {o} --system puppet --long chain", "puppet has no chain"),
    ("chain by another system", "{m}/character.png {m}/motion.json -o {o} --system muse-pose --long chain", "chain.*choose windows"),
    ("first frame by another system", "{m}/character.png {m}/motion.json -o {o} --system muse-pose --set reference=both", "both.*leave it"),
    ("unknown reference", "{m}/character.png {m}/motion.json -o {o} --system uni-animate --set reference=all", "all.*first-frame"),
    ("unknown temporal module", "{m}/character.png {m}/motion.json -o {o} --system uni-animate --temporal rnn", "rnn.*attention or mamba"),
    ("mamba where there is none", "{m}/character.png {m}/motion.json -o {o} --system magic-animate --temporal mamba", "Mamba.*published"),
    ("mamba for given weights", "{m}/character.png {m}/motion.json -o {o} --system uni-animate --temporal mamba --weights {m}", "say them"),
    ("weights missing", "{m}/character.png {m}/motion.json -o {o} --system uni-animate --weights {m}/no", "no folder.*fetch uni-animate"),
    (
        "weights of something else still",
        "{m}/character.png {m}/motion.json -o {o} --system uni-animate --weights {m}",
        "lacks unianimate_16f",
    ),
    ("canvas a word", "{m}/character.png {m}/motion.json -o {o} --system muse-pose --set canvas=large", "canvas=large.*768x768"),
    ("canvas too small", "{m}/character.png {m}/motion.json -o {o} --system muse-pose --set canvas=8x8", "8x8.*64"),
    ("skip below zero", "{m}/character.png {m}/motion.json -o {o} --skip -1", "skip"),
    ("skip too far", "{m}/character.png {m}/motion.json -o {o} --skip 500", "skip 500 leaves 0"),
    ("unknown memory", "{m}/character.png {m}/motion.json -o {o} --system animate-anyone --memory tiny", "tiny.*low"),
    ("weights that are not there", "{m}/character.png {m}/motion.json -o {o} --system animate-anyone --weights {m}/no", "no"),
    ("weights of something else", "{m}/character.png {m}/motion.json -o {o} --system animate-anyone --weights {m}", "."),
    ("weights for the puppet", "{m}/character.png {m}/motion.json -o {o} --system puppet --weights {m}", "puppet has no weights"),
    ("output of unknown kind", "{m}/character.png {m}/motion.json -o {o}.avi", "avi.*mp4"),
    ("output is a file's child", "{m}/character.png {m}/motion.json -o {o}/x.mp4", "result.mp4"),
    ("output folder with other things", "{m}/character.png {m}/motion.json -o {m}", "."),
    ("output is the input", "{m}/character.png {m}/video.mp4 -o {m}/video.mp4", "video.mp4.*input"),
    ("report of unknown kind", "{m}/character.png {m}/motion.json -o {o} --report {o}.txt", "txt.*json"),
    ("no such option", "{m}/character.png {m}/motion.json -o {o} --fast", "fast"),
    ("no output", "{m}/character.png {m}/motion.json", "--out"),
    ("no driving", "{m}/character.png -o {o}", "DRIVING"),
]
OTHERS = [
    ("pose of nothing", "pose {m}/nothing.mp4 -o {o}.json", "nothing.mp4"),
    ("pose into a video", "pose {m}/video.mp4 -o {o}", "json"),
    ("overlay of unknown kind", "pose {m}/video.mp4 -o {o}.json --overlay {o}.txt", "txt.*mp4"),
    ("pose written twice", "pose {m}/video.mp4 -o {o}.json --overlay {o}.json", "json"),
    ("unknown smoothing", "pose {m}/video.mp4 -o {o}.json --smoothing butter", "butter.*binomial"),
    ("unknown smoothing of a driving video", "animate {m}/character.png {m}/video.mp4 -o {o}.mp4 --smoothing butter", "butter.*steady"),
    ("unknown feet", "animate {m}/character.png {m}/motion.json -o {o}.mp4 --feet glued", "glued.*hold or free"),
    ("dwpose files missing", "pose {m}/video.mp4 -o {o}.json --dwpose {m}", "onnx"),
    ("pose of a pose file", "pose {m}/motion.json -o {o}.json", "motion.json"),
    ("preview of unknown kind", "align {m}/character.png {m}/motion.json -o {o}.npz --preview {o}.txt", "txt.*mp4"),
    ("align nobody", "align {m}/nobody.png {m}/motion.json -o {o}.npz", "[Nn]o person"),
    ("demo with unknown character", "demo --character nobody", "nobody"),
    ("demo with unknown motion", "demo --motion nothing", "nothing"),
    ("fetch of nothing known", "fetch stars", "stars.*pose"),
    ("base of a system without", "convert {m} -o {o}.d --system uni-animate --base", "base.*official weights"),
    ("conversion of nothing", "convert {m} -o {o}.d --system uni-animate", "lacks unianimate_16f"),
    ("unknown command", "dance", "dance"),
]
COMPARE = [
    ("compare by nothing", "--systems , -o {o}", "No system.*puppet"),
    ("compare by an unknown system", "--systems puppet,magic -o {o}", "magic.*puppet"),
    ("compare by one system twice", "--systems puppet,puppet -o {o}", "puppet is named twice"),
    ("compare into another kind", "--systems puppet -o {o}.avi", "avi.*mp4"),
    ("compare with a table of another kind", "--systems puppet -o {o} --json {o}.txt", "txt.*json"),
    ("compare with a truth that is not there", "--systems puppet -o {o} --truth {m}/no.mp4", "no.mp4"),
    ("compare with a truth of another size", "--systems puppet -o {o} --truth {m}/video.mp4", "192x288.*512x768"),
    ("compare with a truth of another length", "--systems puppet -o {o} --size 192x288 --truth {m}/video.mp4", "4 frames.*6"),
    ("compare over the truth", "--systems puppet -o {m}/video.mp4 --truth {m}/video.mp4", "video.mp4.*input"),
]
CASES = [
    *((name, "animate " + words, says) for name, words, says in ANIMATE),
    *((name, "compare {m}/character.png {m}/motion.json " + words, says) for name, words, says in COMPARE),
    *OTHERS,
]


@pytest.mark.parametrize(("words", "says"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_sentence_and_exit_2(
    words: str, says: str, material: Material, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(out.parent)
    before = sorted(material.folder.rglob("*"))
    code = main([word.strip("'").format(m=material.folder, o=out) for word in words.split()])
    printed = capsys.readouterr()
    message = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    if missing():  # a core install may have to say something else first
        says += "|needs packages that are not installed here"
    assert code == 2, printed.err
    assert len(message) == 1 and re.search(says, message[0]), printed.err
    assert len(message[0]) < 400 and "Traceback" not in printed.err
    assert out.read_bytes() == b"an older result" and [path.name for path in out.parent.iterdir()] == ["result.mp4"]
    assert sorted(material.folder.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a process's files")
def test_no_space_left(material: Material, out: Path) -> None:
    """A limit on the size of files stands in for a full disk: the system refuses the same write."""
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); from animato.apps.cli import main; sys.exit(main())"
    )
    words = [sys.executable, "-c", limited, "animate", str(material.character), str(material.motion), "-o", str(out)]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)
    assert done.returncode == 2, done.stderr
    assert re.search(r"error: .*result.mp4.*(space|larger)", done.stderr) and "Traceback" not in done.stderr
    assert out.read_bytes() == b"an older result" and [path.name for path in out.parent.iterdir()] == ["result.mp4"]


def test_debug_shows_the_traceback(material: Material, out: Path) -> None:
    from animato.core.errors import InputError

    with pytest.raises(InputError):
        main(["animate", str(material / "zero.png"), str(material.motion), "-o", str(out), "--debug"])
