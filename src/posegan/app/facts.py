"""What the page is told once: the skeleton, the bundled poses and sequences. The page retypes none of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from posegan.app.messages import pose_to_json
from posegan.app.photos import Photo
from posegan.app.placing import place_in
from posegan.inference.poses import bundled_poses
from posegan.inference.sequences import bundled_sequences
from posegan.pose import COCO18, Pose
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


def library() -> dict[str, Any]:
    """Return the bundled poses and sequences in pixels of the frame of `size`, to draw them."""
    poses, sequences = bundled_poses(), bundled_sequences()
    (size,) = {framed.size for framed in poses.values()} | {sequence.size for sequence in sequences.values()}
    drawn = {name: framed.pose for name, framed in poses.items()}
    return _library(drawn, {name: sequence.poses for name, sequence in sequences.items()}) | {"size": size}


def library_for(photo: Photo, box: list[int]) -> dict[str, Any]:
    """Return the bundled poses and sequences where the person of a photo stands, in its pixels; box: see `place_in`."""
    assert photo.source is not None
    source = photo.source.pose
    poses = {name: place_in(box, Pose.stack([framed.pose]), source)[0] for name, framed in bundled_poses().items()}
    sequences = {name: place_in(box, sequence.poses, source) for name, sequence in bundled_sequences().items()}
    return _library(poses, sequences)


def _library(poses: Mapping[str, Pose], sequences: Mapping[str, Pose]) -> dict[str, Any]:
    seconds = {name: sequence.seconds for name, sequence in bundled_sequences().items()}
    return {
        "poses": [{"name": name, "pose": pose_to_json(pose)} for name, pose in poses.items()],
        "sequences": [
            {"name": name, "seconds": seconds[name], "frames": [pose_to_json(part[i]) for i in range(len(part))]}
            for name, part in sequences.items()
        ],
    }
