"""Initialisation rules: what they set, and what they leave."""

import torch
from torch import nn

from posegan.layers.init import normal_002


def test_normal_002_sets_kernels_and_batch_norm_and_leaves_the_biases_of_convolutions():
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(64, 64, 3), nn.BatchNorm2d(4096)
    up = nn.ConvTranspose2d(64, 64, 3)
    nn.init.constant_(norm.bias, 7.0)
    bias = conv.bias.clone()
    normal_002(nn.Sequential(conv, norm, up, nn.InstanceNorm2d(4)))
    for weight, mean in ((conv.weight, 0), (up.weight, 0), (norm.weight, 1)):
        assert abs(weight.mean() - mean) < 1e-3
        assert abs(weight.std() - 0.02) < 1e-3
        assert (weight - mean).abs().max() > 0.05  # not uniform
    assert torch.equal(conv.bias, bias)
    assert not norm.bias.any()
