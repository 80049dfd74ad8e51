"""Facts about bodies: skeleton, pose, heatmaps, parts, affines, masks, files and drawings. Only torch and Pillow."""

from posegan.pose.affine import NO_POINT as NO_POINT
from posegan.pose.affine import full_affine as full_affine
from posegan.pose.affine import part_affines as part_affines
from posegan.pose.draw import draw_pose as draw_pose
from posegan.pose.draw import draw_poses as draw_poses
from posegan.pose.heatmap import read_heatmap as read_heatmap
from posegan.pose.heatmap import render_discs as render_discs
from posegan.pose.heatmap import render_heatmap as render_heatmap
from posegan.pose.io import from_coco17 as from_coco17
from posegan.pose.io import load_annotations as load_annotations
from posegan.pose.io import read_openpose as read_openpose
from posegan.pose.io import save_annotations as save_annotations
from posegan.pose.io import write_openpose as write_openpose
from posegan.pose.mask import body_mask as body_mask
from posegan.pose.mask import pose_mask as pose_mask
from posegan.pose.parts import PARTS as PARTS
from posegan.pose.parts import part_masks as part_masks
from posegan.pose.parts import torso_length as torso_length
from posegan.pose.parts import torso_scale as torso_scale
from posegan.pose.pose import Pose as Pose
from posegan.pose.pose import Size as Size
from posegan.pose.skeleton import COCO18 as COCO18
from posegan.pose.skeleton import Skeleton as Skeleton
