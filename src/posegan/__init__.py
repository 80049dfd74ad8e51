"""posegan re-poses people: one photo of a person and a target pose in, a photo of the same person in that pose out.

Public names are imported when they are first used, so that `import posegan` and `posegan --help` do not load torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posegan.data import DeepFashionPoseDataset as DeepFashionPoseDataset
    from posegan.data import MarketPoseDataset as MarketPoseDataset
    from posegan.data import PhotoFolderDataset as PhotoFolderDataset
    from posegan.data import SyntheticPeople as SyntheticPeople
    from posegan.data import make_pairs as make_pairs
    from posegan.evaluation import evaluate as evaluate
    from posegan.inference import Predictor as Predictor
    from posegan.losses import nearest_neighbour_loss as nearest_neighbour_loss
    from posegan.losses import offset_smoothness_loss as offset_smoothness_loss
    from posegan.losses import perceptual_loss as perceptual_loss
    from posegan.metrics import masked_ssim as masked_ssim
    from posegan.metrics import pckh as pckh
    from posegan.metrics import ssim as ssim
    from posegan.models import create_model as create_model
    from posegan.models import model_names as model_names
    from posegan.pose import COCO18 as COCO18
    from posegan.pose import Pose as Pose
    from posegan.pose import body_mask as body_mask
    from posegan.pose import load_annotations as load_annotations
    from posegan.pose import part_affines as part_affines
    from posegan.pose import part_masks as part_masks
    from posegan.pose import render_heatmap as render_heatmap
    from posegan.training import train as train

__version__ = "0.1.0"

_HOMES = {
    "posegan.data": (
        "DeepFashionPoseDataset",
        "MarketPoseDataset",
        "PhotoFolderDataset",
        "SyntheticPeople",
        "make_pairs",
    ),
    "posegan.evaluation": ("evaluate",),
    "posegan.inference": ("Predictor",),
    "posegan.losses": ("nearest_neighbour_loss", "offset_smoothness_loss", "perceptual_loss"),
    "posegan.metrics": ("masked_ssim", "pckh", "ssim"),
    "posegan.models": ("create_model", "model_names"),
    "posegan.pose": ("COCO18", "Pose", "body_mask", "load_annotations", "part_affines", "part_masks", "render_heatmap"),
    "posegan.training": ("train",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Import a public name from its home (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
