"""Small video files for tests, made with PyAV alone, whose frames carry their number in a way that survives compression and turning."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 9
COLUMNS = 3
BLOCK = 16
SIZE = (COLUMNS * BLOCK, BITS // COLUMNS * BLOCK + BLOCK)  # the last row of blocks stays dark, so that the frame is not square


def frame(number: int) -> np.ndarray:
    """H W 3 uint8: one block per bit of the number, light or dark."""
    bits = [(number >> bit) & 1 for bit in range(BITS)] + [0] * COLUMNS
    blocks = np.array(bits, np.uint8).reshape(-1, COLUMNS) * 160 + 40
    return np.repeat(np.kron(blocks, np.ones((BLOCK, BLOCK), np.uint8))[..., None], 3, axis=2)


def number(pixels: np.ndarray) -> int:
    """The number in an H W 3 frame of the size of `frame`'s or a multiple of it."""
    height, width = pixels.shape[:2]
    middles = pixels[height // 8 :: height // 4, width // 6 :: width // 3, 1]
    return sum(int(middle > 120) << bit for bit, middle in enumerate(middles.ravel()[:BITS]))


def tone(seconds: float, rate: int = 44100, channels: int = 2) -> np.ndarray:
    """channels x n float32: a tone that rises from 200 Hz by 300 Hz a second, so that every moment of it differs."""
    time = np.arange(round(seconds * rate)) / rate
    return np.tile((0.5 * np.sin(2 * np.pi * (200 + 150 * time) * time)).astype(np.float32), (channels, 1))


def write_video(
    path: Path,
    frames: Sequence[np.ndarray],
    fps: Fraction | int = 25,
    codec: str = "libx264",
    times_ms: Sequence[int] | None = None,
    sound: tuple[str, np.ndarray] | None = None,
    rotation: tuple[int, bool] = (0, False),
    options: dict[str, str] | None = None,
) -> Path:
    """A file of frames at a constant rate, or shown from the given times on; `sound` is a codec's name and samples at 44.1 kHz."""
    container = av.open(str(path), "w", options=options or {})
    stream = container.add_stream(codec, rate=fps, options={"crf": "10"} if codec == "libx264" else {})
    stream.height, stream.width = frames[0].shape[:2]
    stream.pix_fmt = {"ffv1": "bgra", "apng": "rgba", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
    stream.bit_rate = 4_000_000
    if times_ms is not None:
        stream.codec_context.time_base = Fraction(1, 1000)
    if rotation != (0, False):
        stream.set_display_rotation(rotation[0], hflip=rotation[1])
    audio = container.add_stream(sound[0], rate=48000 if sound[0] == "libopus" else 44100, layout="stereo") if sound else None
    for index, pixels in enumerate(frames):
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgba" if pixels.shape[2] == 4 else "rgb24")
        picture = picture.reformat(format=stream.pix_fmt)
        picture.pts, picture.time_base = (index, 1 / Fraction(fps)) if times_ms is None else (times_ms[index], Fraction(1, 1000))
        container.mux(stream.encode(picture))
    container.mux(stream.encode(None))
    if sound and audio is not None:
        resampler = av.AudioResampler(format=audio.codec_context.format, layout="stereo", rate=audio.rate, frame_size=960)
        samples = av.AudioFrame.from_ndarray(sound[1], format="fltp", layout="stereo")
        samples.sample_rate = 44100
        for piece in (*resampler.resample(samples), *resampler.resample(None)):
            container.mux(audio.encode(piece))
        container.mux(audio.encode(None))
    container.close()
    return path


def write_stamped(path: Path, frames: Sequence[np.ndarray], times: Sequence[float], b_frames: int = 0, held: float = 0) -> Path:
    """A file of H.264 frames shown from the given times on, in seconds; `b_frames` between others are stored after those they come before.

    The header says that the last one is shown for `held` seconds, if that is not 0.
    """
    clock = 1000 if path.suffix in (".mkv", ".wmv") else 90_000
    if path.suffix == ".avi":  # which counts frames
        clock = round(1 / (times[1] - times[0]))
    with av.open(str(path), "w") as container:
        options = {"crf": "10", "x264-params": f"bframes={b_frames}:b-adapt=0:scenecut=0"}
        stream = container.add_stream("libx264", rate=clock if path.suffix == ".avi" else 30, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, clock)
        packets = []
        for time, pixels in zip(times, frames, strict=True):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            picture.pts = round(time * clock)
            picture.time_base = Fraction(1, clock)
            packets += stream.encode(picture)
        packets += stream.encode(None)
        if held:
            last = max(packets, key=lambda packet: packet.pts)
            last.duration = round(held * clock)
        container.mux(packets)
    return path


def read_sound(path: Path) -> tuple[str, float, np.ndarray]:
    """Codec, duration in seconds (of an MP4), and the samples (channels x n) of a file's sound."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        samples = [piece.to_ndarray() for piece in container.decode(stream)]
        duration = float((stream.duration or 0) * stream.time_base)
        return stream.codec_context.codec.canonical_name, duration, np.concatenate(samples, axis=1)


def heard(path: Path) -> np.ndarray:
    """What is heard at every 48000th of a second from the first frame of the video on, in one channel."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=48000)
        pieces = [(frame.time, resampler.resample(frame)) for frame in container.decode(audio)]
        samples = np.concatenate([piece.to_ndarray()[0] for _, group in pieces for piece in group])
        first = round((pieces[0][0] - float(video.start_time * video.time_base)) * 48000)
    return samples[-first:] if first < 0 else np.concatenate([np.zeros(first, np.float32), samples])
