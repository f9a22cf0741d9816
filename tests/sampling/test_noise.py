"""Noise is a function of (seed, frame) alone."""

import pytest
import torch

from animato.sampling.noise import draw, frame_generators
from animato.sampling.run import sample
from animato.sampling.schedule import NoiseSchedule, make_scheduler


def test_a_longer_clip_begins_with_the_same_noise():
    short, long = (draw(frame_generators(42, frames), (4, 6, 8)) for frames in (3, 10))
    assert torch.equal(short, long[:3])


def test_noise_is_standard_normal_and_differs_by_frame_and_by_seed():
    noise = draw(frame_generators(0, 40), (4, 16, 16))
    other = draw(frame_generators(1, 40), (4, 16, 16))
    flat = torch.cat([noise, other]).flatten(1)
    assert abs(flat.mean()) < 0.02 and abs(flat.std() - 1) < 0.02
    alike = flat @ flat.T / flat.shape[1] - torch.eye(80)
    assert alike.abs().max() < 0.2  # 1 for a noise that comes twice


def test_all_of_a_long_seed_counts():
    assert not torch.equal(*(draw(frame_generators(seed, 1), (1, 4, 4)) for seed in (5, 5 + 2**32)))


def test_no_two_frames_of_a_clip_start_alike():
    states = {generator.initial_seed() for generator in frame_generators(7, 20000)}
    assert len(states) == 20000


def test_generators_move_on():
    """What a scheduler adds later must not be the noise that the clip began with."""
    generators = frame_generators(3, 2)
    first, second = (draw(generators, (1, 4, 4)) for _ in range(2))
    assert not torch.isclose(first, second).any()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # diffusers has numpy work on torch tensors
def test_a_scheduler_that_adds_noise_gives_every_frame_its_own():
    """The same frame of a shorter clip is sampled to the same picture, and another seed to another."""

    def clip(seed, frames):
        generators = frame_generators(seed, frames)
        scheduler = make_scheduler(NoiseSchedule(), "EulerAncestralDiscrete", 5)
        return sample(draw(generators, (4, 3, 3)), lambda x, t: 0.1 * x, scheduler, generators)

    torch.testing.assert_close(clip(5, 2), clip(5, 6)[:2])
    assert not torch.isclose(clip(5, 2), clip(6, 2)).any()


def test_noise_can_begin_again():
    """Also what a scheduler adds later; a clip shorter than the period has the noise of a clip without one."""
    generators = frame_generators(3, 7, 3)
    for noise in (draw(generators, (2, 4)), draw(generators, (2, 4))):
        assert torch.equal(noise[3:6], noise[:3]) and torch.equal(noise[6], noise[0])
        assert not torch.isclose(noise[0], noise[1]).any()
    assert torch.equal(draw(frame_generators(3, 3, 16), (2, 4)), draw(frame_generators(3, 3), (2, 4)))
