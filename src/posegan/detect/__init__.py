"""People in photos: pose detectors behind one small protocol, each a file of its own, its network given by path."""

from posegan.detect.base import Detector as Detector
from posegan.detect.base import People as People
from posegan.detect.movenet import MoveNet as MoveNet
