"""From photos and poses to photos: the predictor, and what is built straight on it."""

from posegan.inference.poses import FramedPose as FramedPose
from posegan.inference.predictor import EncodedPhotos as EncodedPhotos
from posegan.inference.predictor import Predictor as Predictor
