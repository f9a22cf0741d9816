"""Peak memory and time of writing and re-reading clips, at two lengths; each figure comes from a process of its own.

python benchmarks/media.py [--size 512x768] [--frames 288 2880] [--kinds mp4 gif folder webp]
Fails if the longer clip needs more than 10 % more memory than the shorter. That of webp, not measured unless asked for, grows when it is
read: the compressed file is kept in memory as a whole.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from animato.core.media import Clip, open_clip, write_clip

FPS = Fraction(24)
MOST_GROWTH = 0.10
ENDINGS = {"mp4": ".mp4", "gif": ".gif", "webp": ".webp", "folder": ""}


def moving_clip(size: tuple[int, int], length: int, sound: Path | None) -> Clip:
    """A picture of noise and shapes that moves on by three pixels a frame."""
    texture = np.random.default_rng(0).integers(0, 80, (size[1], size[0], 3), np.uint8)
    texture[size[1] // 4 : size[1] // 2, size[0] // 4 : size[0] // 2] = (200, 120, 60)

    def frames() -> Iterator[np.ndarray]:
        return (np.roll(texture, 3 * index, axis=1) for index in range(length))

    return Clip(frames, size, FPS, length, sound)


def write_wave(path: Path, seconds: float) -> Path:
    """A 441 Hz tone, written in pieces of 1/9 s so that its length takes no memory."""
    piece = (8000 * np.sin(2 * np.pi * 441 * np.arange(4900) / 44100)).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 44100, 0, "NONE", "not compressed"))
        for _ in range(round(seconds * 9)):
            file.writeframes(piece)
    return path


def measure(kind: str, size: tuple[int, int], length: int) -> None:
    """Writes a clip with sound, reads it back and writes it again; prints the peak in KiB and the process time in ms a frame."""
    with tempfile.TemporaryDirectory() as folder:
        sound = write_wave(Path(folder) / "tone.wav", length / float(FPS))
        start = time.process_time()
        first = write_clip(moving_clip(size, length, sound), Path(folder) / f"first{ENDINGS[kind]}")
        write_clip(open_clip(first, fps=FPS), Path(folder) / f"second{ENDINGS[kind]}")
        each = (time.process_time() - start) / length * 1000
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, each)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="512x768", help="WxH in pixels")
    parser.add_argument("--frames", type=int, nargs=2, default=[288, 2880])
    parser.add_argument("--kinds", nargs="+", choices=list(ENDINGS), default=["mp4", "gif", "folder"])
    parser.add_argument("--measure", action="store_true", help="measure the first kind at the first length in this process")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    if options.measure:
        measure(options.kinds[0], (width, height), options.frames[0])
        return 0
    worst = 0.0
    for kind in options.kinds:
        peaks = []
        for length in options.frames:
            command = [sys.executable, __file__, "--measure", "--size", options.size, "--kinds", kind, "--frames", str(length), "0"]
            peak, each = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
            peaks.append(peak)
            print(f"{kind:6} {options.size} {length:5} frames  peak {peak / 1024:6.1f} MiB  {each:6.2f} ms of CPU a frame", flush=True)
        growth = peaks[1] / peaks[0] - 1
        worst = max(worst, growth)
        print(f"{kind:6} growth {growth:+.1%}")
    return int(worst > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
