"""What the page is told once: the skeleton, the bundled poses and sequences. The page retypes none of it."""

from __future__ import annotations

from typing import Any

from posegan.app.messages import pose_to_json
from posegan.inference.framing import fit_pose
from posegan.inference.poses import bundled_poses
from posegan.inference.sequences import bundled_sequences, fit_sequence
from posegan.pose import COCO18, Size
from posegan.pose.draw import EDGE_COLOURS
from posegan.pose.pose import TORSO


def skeleton() -> dict[str, Any]:
    """Return joints, edges with their colours (r, g, b), parents, mirror images, and the corners of the torso."""
    return {
        "name": COCO18.name,
        "joints": list(COCO18.joints),
        "edges": [list(edge) for edge in COCO18.edges],
        "colours": [list(colour) for colour in EDGE_COLOURS],
        "parents": list(COCO18.parents),
        "flip": list(COCO18.flip),
        "torso": list(TORSO),
    }


def library(size: Size) -> dict[str, Any]:
    """Return the bundled poses and sequences in pixels of a model's (H, W) frame."""
    poses = [
        {"name": name, "pose": pose_to_json(fit_pose(framed.pose, framed.size, size))}
        for name, framed in bundled_poses().items()
    ]
    sequences = []
    for name, sequence in bundled_sequences().items():
        fitted = fit_sequence(sequence, size)
        frames = [pose_to_json(fitted[i]) for i in range(len(fitted))]
        sequences.append({"name": name, "seconds": sequence.seconds, "frames": frames})
    return {"size": list(size), "poses": poses, "sequences": sequences}
