"""Scores of generated photos as pure functions, one value an image; docs/protocols.md defines each exactly.

Metrics take tensors, keypoints and masks as arguments: they load no model and read no file.
"""

from posegan.metrics.accumulate import Accumulator as Accumulator
from posegan.metrics.framing import FRAMINGS as FRAMINGS
from posegan.metrics.framing import frame_batch as frame_batch
from posegan.metrics.framing import frame_photos as frame_photos
from posegan.metrics.frechet import Moments as Moments
from posegan.metrics.frechet import frechet_distance as frechet_distance
from posegan.metrics.inception_score import SplitSums as SplitSums
from posegan.metrics.inception_score import inception_score as inception_score
from posegan.metrics.keypoints import keypoint_distance as keypoint_distance
from posegan.metrics.keypoints import pckh as pckh
from posegan.metrics.perceptual import identity_similarity as identity_similarity
from posegan.metrics.perceptual import perceptual_distance as perceptual_distance
from posegan.metrics.pixels import l1 as l1
from posegan.metrics.pixels import masked_l1 as masked_l1
from posegan.metrics.pixels import psnr as psnr
from posegan.metrics.similarity import PROTOCOLS as PROTOCOLS
from posegan.metrics.similarity import masked_ssim as masked_ssim
from posegan.metrics.similarity import ssim as ssim
