"""The residual networks of PATN and APS: order of layers, biases, statistics, and the map of scores."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from posegan.layers.dropout import Dropout
from posegan.layers.patch_resnet import ResidualConvs, ResnetDiscriminator, stem, two_convs
from posegan.models import count_parameters


@pytest.mark.parametrize(
    ("channels", "norm", "count"),
    [(6, "batch", 3_930_368), (6, "instance", 3_928_384), (21, "batch", 3_977_408), (21, "instance", 3_975_424)],
)
def test_the_discriminator_has_as_many_parameters_as_the_released_one(channels, norm, count):
    with torch.device("meta"):
        assert count_parameters(ResnetDiscriminator(channels, norm=norm)) == count


@pytest.mark.parametrize("size", [(128, 64), (256, 176)])
def test_its_scores_are_the_whole_feature_map_at_a_quarter(size):
    with torch.device("meta"):
        logits = ResnetDiscriminator(6)(torch.zeros(1, 6, *size))
    assert logits.shape == (1, 256, size[0] // 4, size[1] // 4)


def test_its_scores_are_logits_below_and_above_0():
    torch.manual_seed(0)
    logits = ResnetDiscriminator(6, width=4)(torch.randn(2, 6, 32, 16))
    assert logits.min() < -0.5
    assert logits.max() > 1.5


def test_its_weights_start_as_torch_makes_them():
    torch.manual_seed(0)
    found = ResnetDiscriminator(6, width=4, norm="instance").stem[0]
    torch.manual_seed(0)
    conv = nn.Conv2d(6, 4, 7)
    assert torch.equal(found.weight, conv.weight)
    assert torch.equal(found.bias, conv.bias)


def normalise(x: torch.Tensor) -> torch.Tensor:
    return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()


def test_a_stem_pads_by_reflection_once_and_then_with_zeros():
    torch.manual_seed(0)
    layers, x = stem(3, 4, "instance"), torch.randn(2, 3, 16, 12)
    convs = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    first = F.conv2d(F.pad(x, (3, 3, 3, 3), mode="reflect"), convs[0].weight, convs[0].bias)
    out = normalise(first).relu()
    for conv in convs[1:]:
        out = normalise(F.conv2d(out, conv.weight, conv.bias, stride=2, padding=1)).relu()
    torch.testing.assert_close(layers(x), out)


@pytest.mark.parametrize("last_norm", [True, False])
def test_two_convs_normalise_before_the_relu_and_pad_by_reflection(last_norm):
    torch.manual_seed(0)
    layers, x = two_convs(4, 6, "instance", 0.5, last_norm=last_norm).eval(), torch.randn(2, 4, 8, 6)
    first, second = (layer for layer in layers if isinstance(layer, nn.Conv2d))

    def conv(layer: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), layer.weight, layer.bias)

    out = conv(second, normalise(conv(first, x)).relu())
    torch.testing.assert_close(layers(x), normalise(out) if last_norm else out)


def test_a_residual_block_adds_and_has_no_activation_after_the_sum():
    torch.manual_seed(0)
    block, x = ResidualConvs(4, "batch", 0.5).eval(), torch.randn(2, 4, 8, 6)
    torch.testing.assert_close(block(x), x + block.layers(x))
    assert block(x).min() < 0


def test_dropout_lies_between_the_convolutions_and_can_be_off():
    kinds = [type(layer) for layer in two_convs(4, 4, "batch", 0.5)]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, Dropout, nn.Conv2d, nn.BatchNorm2d]
    x = torch.randn(2, 6, 16, 8)
    for dropout, equal in ((0.5, False), (0.0, True)):
        network = ResnetDiscriminator(6, width=4, norm="instance", dropout=dropout)
        assert torch.equal(network(x), network(x)) == equal


@pytest.mark.parametrize(("norm", "bias"), [("batch", False), ("instance", True)])
def test_only_instance_norm_goes_with_biases(norm, bias):
    convs = [m for m in ResnetDiscriminator(6, width=4, norm=norm).modules() if isinstance(m, nn.Conv2d)]
    assert len(convs) == 9
    assert all((conv.bias is not None) == bias for conv in convs)


def test_instance_norm_has_no_affine_and_uses_the_picture_s_own_statistics_in_evaluation_too():
    network = ResnetDiscriminator(6, width=4, norm="instance", dropout=0.0)
    x = torch.randn(2, 6, 16, 8)
    before = network(x)
    torch.testing.assert_close(network.eval()(x), before)
    torch.testing.assert_close(network(x[:1]), before[:1])
    assert not [name for name in network.state_dict() if "running" in name]
