"""PATN's generator: the published sizes, the transfer block by its equations, and what its streams see."""

import pytest
import torch
from torch import Tensor, nn

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.layers.dropout import Dropout
from posegan.models import count_parameters, create_model
from posegan.models.patn import PATN, PoseAttentionEncoder, TransferBlock
from posegan.pose import render_heatmap

from ..pairs import FRAME, pairs, people, photos


def tiny(**config: object) -> PATN:
    torch.manual_seed(0)
    model = create_model("patn", **{"width": 2, "blocks": 2, "norm": "instance", "features": "none", **config})
    assert isinstance(model, PATN)
    return model


def draw(model: PATN, batch: Batch) -> Tensor:
    with torch.no_grad():
        return model.generator(batch.source_image, batch.source_pose, batch.target_pose).image


@pytest.mark.parametrize(
    ("norm", "generator", "appearance", "shape"),
    [("batch", 41_365_763, 3_930_368, 3_977_408), ("instance", 41_358_019, 3_928_384, 3_975_424)],
)
@pytest.mark.parametrize("size", [(128, 64), (256, 176)])
def test_parameter_counts_are_those_of_the_released_code(norm, generator, appearance, shape, size):
    with torch.device("meta"):
        model = create_model("patn", norm=norm, size=size, pool=0)
    assert count_parameters(model.generator) == generator
    assert count_parameters(model.discriminators["appearance"]) == appearance
    assert count_parameters(model.discriminators["shape"]) == shape


class TestTransferBlock:
    @pytest.mark.parametrize("first", [True, False])
    def test_it_moves_the_photo_under_the_mask_of_the_pose(self, first):
        torch.manual_seed(0)
        block = TransferBlock(4, "instance", 0.5, first=first).eval()
        photo, pose = torch.randn(2, 4, 8, 6), torch.randn(2, 4 if first else 8, 8, 6)
        moved, going_on, mask = block(photo, pose)
        code = block.pose(pose)
        torch.testing.assert_close(mask, code.sigmoid())
        torch.testing.assert_close(moved, photo + block.photo(photo) * code.sigmoid())
        assert torch.equal(going_on, torch.cat([code, moved], 1))  # the code before the sigmoid, the photo after

    def test_only_the_photo_s_side_ends_in_a_norm(self):
        block = TransferBlock(4, "batch", 0.5, first=False)
        kinds = [type(layer) for layer in block.photo]
        assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, Dropout, nn.Conv2d, nn.BatchNorm2d]
        assert [type(layer) for layer in block.pose] == kinds[:-1]
        assert [(c.in_channels, c.out_channels) for c in (block.pose[0], block.pose[4])] == [(8, 8), (8, 4)]

    def test_the_first_has_no_photo_features_among_its_pose_features(self):
        encoder = PoseAttentionEncoder(2, 3, "batch", 0.5)
        assert [block.pose[0].in_channels for block in encoder.blocks] == [8, 16, 16]


def test_the_streams_see_the_photo_and_the_heatmaps_of_source_then_target():
    model, batch = tiny().eval(), pairs(2)
    seen: dict[str, Tensor] = {}
    for name in ("photo", "pose"):
        stem = getattr(model.generator.encoder, name)
        stem.register_forward_pre_hook(lambda _, args, name=name: seen.update({name: args[0]}))
    draw(model, batch)
    maps = [render_heatmap(pose, FRAME, 6.0) for pose in (batch.source_pose, batch.target_pose)]
    assert torch.equal(seen["photo"], batch.source_image)
    torch.testing.assert_close(seen["pose"], torch.cat(maps, 1))


def test_the_encoder_is_its_stem_and_its_transfer():
    torch.manual_seed(0)
    encoder = PoseAttentionEncoder(2, 3, "batch", 0.5).eval()
    photo, source, target = torch.randn(2, 3, 16, 12), torch.rand(2, 18, 16, 12), torch.rand(2, 18, 16, 12)
    features, masks = encoder(photo, source, target)
    again, _ = encoder.transfer(encoder.photo(photo), source, target)
    assert features.shape == (2, 8, 4, 3)
    assert torch.equal(again, features)
    assert [m.shape for m in masks] == [(2, 8, 4, 3)] * 3
    assert not torch.allclose(encoder(photo, target, source)[0], features)


def test_what_is_kept_of_a_photo_depends_on_no_pose():
    generator, batch = tiny().eval().generator, pairs(2)
    (features,) = generator.encode(batch.source_image, batch.source_pose)
    assert features.shape == (2, 8, 32, 16)
    assert torch.equal(generator.encode(batch.source_image, people(2, FRAME, 5))[0], features)


def test_attention_is_each_block_s_mask_averaged_over_channels():
    generator, batch = tiny(blocks=3).eval().generator, pairs(2)
    masks: list[Tensor] = []
    for block in generator.encoder.blocks:
        block.register_forward_hook(lambda *args: masks.append(args[2][2]))
    attention = generator(batch.source_image, batch.source_pose, batch.target_pose).aux["attention"]
    assert [a.shape for a in attention] == [(2, 1, 32, 16)] * 3
    for found, mask in zip(attention, masks, strict=True):
        torch.testing.assert_close(found[:, 0], mask.mean(1))
    assert 0 < min(a.min() for a in attention) < max(a.max() for a in attention) < 1


def test_the_decoder_doubles_twice_and_ends_in_a_tanh_after_a_reflecting_convolution_with_bias():
    layers = list(tiny(norm="batch").generator.decoder)
    kinds = [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU] * 2 + [nn.Conv2d, nn.Tanh]
    assert [type(layer) for layer in layers] == kinds
    ups, last = [layers[0], layers[3]], layers[6]
    assert [(u.in_channels, u.out_channels, u.output_padding, u.bias) for u in ups] == [
        (8, 4, (1, 1), None),
        (4, 2, (1, 1), None),
    ]
    assert (last.kernel_size, last.padding, last.padding_mode) == ((7, 7), (3, 3), "reflect")
    assert last.bias is not None


def test_every_part_of_the_input_changes_the_picture():
    model, batch = tiny().eval(), pairs(2)
    image = draw(model, batch)
    assert image.shape == (2, 3, *FRAME)
    assert image.abs().max() <= 1
    others = (
        Batch(photos(2, FRAME, 5), batch.target_image, batch.source_pose, batch.target_pose),
        Batch(batch.source_image, batch.target_image, people(2, FRAME, 7), batch.target_pose),
        Batch(batch.source_image, batch.target_image, batch.source_pose, people(2, FRAME, 7)),
    )
    for other in others:
        assert not torch.allclose(draw(model, other), image, atol=1e-4)
    assert not torch.allclose(draw(tiny(sigma=3.0).eval(), batch), image, atol=1e-4)


@pytest.mark.parametrize("size", [(100, 45), (61, 33)])
def test_other_sizes_are_padded_to_a_multiple_of_4(size):
    model = tiny().eval()
    assert [-side % 4 for side in model.generator.fit(photos(1, size, 0)).shape[-2:]] == [0, 0]
    assert draw(model, pairs(1, size)).shape == (1, 3, *size)


def test_dropout_acts_in_training_only_and_can_be_off():
    model, batch = tiny(), pairs(1)
    assert not torch.equal(draw(model, batch), draw(model, batch))
    model.eval()
    assert torch.equal(draw(model, batch), draw(model, batch))
    model = tiny(dropout=0.0)
    assert torch.equal(draw(model, batch), draw(model, batch))


def test_the_generator_starts_from_narrow_normals_and_the_discriminators_as_torch_makes_them():
    torch.manual_seed(0)
    model = create_model("patn", width=16, blocks=1, pool=0, features="none")
    kernels = torch.cat([m.weight.flatten() for m in model.generator.modules() if isinstance(m, nn.Conv2d)])
    assert abs(kernels.std() - 0.02) < 2e-4
    gains = torch.cat([m.weight for m in model.generator.modules() if isinstance(m, nn.BatchNorm2d)])
    assert abs(gains.std() - 0.02) < 3e-3
    first = model.discriminators["shape"].stem[0].weight
    assert abs(first.std() - (1 / (3 * 21 * 49)) ** 0.5) < 1e-3
    assert all((m.weight == 1).all() for m in model.discriminators.modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"blocks": 0}, r"model\.blocks is 0: it must be at least 1"), ({"dropout": 1.0}, r"model\.dropout is 1\.0")],
)
def test_values_that_cannot_work_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        create_model("patn", **options)
