"""Where joints land, by the meshes' own vertices."""

import numpy as np
import pytest

from animato.pose.skeleton import J
from animato.puppet.landed import carried, landed, on_target
from animato.puppet.mesh import grid_mesh
from animato.puppet.plan import plan
from animato.puppet.rig import as_complex
from animato.puppet.stage import Stage
from puppet_parts import clip, drawn_parts

PARTS = drawn_parts()


def raised(frames: int = 3):
    lift = np.linspace(0, 1, frames)[:, None] * [20, -80, 0]
    return clip(frames, wrist_l=lift, palm_l=1.3 * lift, tips_l=1.5 * lift)


def test_a_point_goes_along_with_its_triangle():
    mesh = grid_mesh(np.full((40, 40), 255, np.uint8), 8)
    assert carried(mesh, 1j * mesh.points + 3, 11.2 + 17.9j) == pytest.approx(1j * (11.2 + 17.9j) + 3)


def test_a_drawn_figure_arrives_where_its_motion_says():
    motion = raised()
    stage = Stage(PARTS)
    plans = plan(PARTS, motion)
    assert on_target(stage, plans, motion) > 0.9
    place = landed(stage, plans[-1], as_complex(PARTS.skeleton.xyz[0]))[J["wrist_l"]]
    assert abs(place - as_complex(motion.xyz[-1])[J["wrist_l"]]) < 0.1 * PARTS.torso


def test_joints_that_stay_behind_are_counted():
    """The target is elsewhere than what was planned: nothing arrives."""
    motion = raised()
    away = clip(3, **{name: np.tile([60.0, 0, 0], (3, 1)) for name in J})
    assert on_target(Stage(PARTS), plan(PARTS, motion), away) < 0.1
