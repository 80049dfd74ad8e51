"""Scores of generated photos as pure functions, one value an image; docs/protocols.md defines each exactly.

Metrics take tensors, keypoints and masks as arguments: they load no model and read no file.
"""

from posegan.metrics.accumulate import Accumulator as Accumulator
from posegan.metrics.keypoints import pckh as pckh
from posegan.metrics.pixels import l1 as l1
from posegan.metrics.pixels import masked_l1 as masked_l1
from posegan.metrics.pixels import psnr as psnr
from posegan.metrics.similarity import PROTOCOLS as PROTOCOLS
from posegan.metrics.similarity import masked_ssim as masked_ssim
from posegan.metrics.similarity import ssim as ssim
