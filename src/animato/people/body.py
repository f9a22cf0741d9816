"""The body of a procedural person in clothes, put together from its tubes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.people.extremities import hand, shoe
from animato.people.hair import hair_meshes
from animato.people.head import head_meshes
from animato.people.limbs import arm, leg
from animato.people.looks import Look
from animato.people.mesh import Mesh, join
from animato.people.skeleton import SIDES, J, Joints, Posture, pose
from animato.people.torso import skirt, torso

_BUILT_IN_RAISE = 50.0  # degrees of the arms from the body while the mesh is built: half way of what they do


@dataclass(frozen=True, eq=False)
class Body:
    """The whole person.

    mesh    in the pose it was built in
    joints  the joints in that pose, one frame
    loose   indices of the vertices of cloth that hangs over the legs
    """

    mesh: Mesh
    joints: Joints
    loose: np.ndarray


def body_mesh(look: Look) -> Body:
    """A look as a mesh."""
    joints = pose(look.build, _build_posture())
    trunk = torso(look, joints)
    meshes = [trunk]
    loose = np.flatnonzero((trunk.surface[:, 3] >= look.top_hem) & (trunk.surface[:, 3] < 0.15))
    if look.skirt:
        meshes.append(skirt(look, joints))
        loose = len(trunk.vertices) + np.arange(len(meshes[1].vertices))
    for s in SIDES:
        meshes += [arm(look, joints, s), leg(look, joints, s), shoe(look, joints, s), *hand(look, joints, s)]
    head = joints.position[0, J["head"]]
    meshes += head_meshes(look, head) + hair_meshes(look, head)
    return Body(join(meshes), joints, loose)


def _build_posture() -> Posture:
    posture = Posture(1)
    posture.set("shoulder", _BUILT_IN_RAISE, 90.0)
    posture.curl[:] = 0.0
    posture.feet[:, :, 0] = 0.06
    return posture
