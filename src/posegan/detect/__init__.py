"""People in photos: pose detectors behind one small protocol, each in a file of its own."""

from posegan.detect.base import Detector as Detector
from posegan.detect.base import People as People
from posegan.detect.builtin import Builtin as Builtin
from posegan.detect.choose import open_detector as open_detector
from posegan.detect.keypointrcnn import KeypointRCNN as KeypointRCNN
from posegan.detect.movenet import MoveNet as MoveNet
from posegan.detect.ultralytics import Ultralytics as Ultralytics
from posegan.detect.yolo import Yolo as Yolo
