"""Photos, poses and pairs to batches: data sets, sampling, loading and the packed cache. No model is known here."""

from posegan.data.cache import PackedPhotos as PackedPhotos
from posegan.data.cache import pack_photos as pack_photos
from posegan.data.dataset import NoPairsError as NoPairsError
from posegan.data.dataset import PosePairDataset as PosePairDataset
from posegan.data.deepfashion import DeepFashionPoseDataset as DeepFashionPoseDataset
from posegan.data.folder import PhotoFolderDataset as PhotoFolderDataset
from posegan.data.loader import BatchLoader as BatchLoader
from posegan.data.market import MarketPoseDataset as MarketPoseDataset
from posegan.data.mixed import mixed as mixed
from posegan.data.pairs import make_pairs as make_pairs
from posegan.data.pairs import read_pairs as read_pairs
from posegan.data.pairs import split_pairs as split_pairs
from posegan.data.pairs import write_pairs as write_pairs
from posegan.data.photos import DecodedPhotos as DecodedPhotos
from posegan.data.photos import PhotoFiles as PhotoFiles
from posegan.data.photos import PhotoSource as PhotoSource
from posegan.data.report import DataReport as DataReport
from posegan.data.sampler import PairSampler as PairSampler
from posegan.data.shards import ShardedPhotos as ShardedPhotos
from posegan.data.shards import write_shards as write_shards
from posegan.data.synthetic import SyntheticPeople as SyntheticPeople
from posegan.data.synthetic_pairs import SyntheticPoseDataset as SyntheticPoseDataset
