"""APS: the published sizes and counts, the encoder by its equations, and what each ablation changes."""

import dataclasses
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from posegan.batch import Batch
from posegan.errors import UserError
from posegan.layers.adapn import AdaptiveInstanceNorm, AdaptivePatchNorm
from posegan.layers.fitted_up import FittedUpConv
from posegan.layers.stylizer import PlainDecoder, PoseStylizer
from posegan.models import count_parameters, create_model
from posegan.models.aps import APS, APSConfig, AttentionLevel, TransferEncoder
from posegan.models.two_discriminators import learning_rate_factor
from posegan.pose import render_heatmap
from posegan.training import load_recipe

from ..pairs import FRAME, pairs, people, photos

FASHION = {"size": (256, 176), "norm": "instance", "dropout": 0.0}
ABLATIONS = {  # the rows of the paper's table 2, and their parameters at 128x64 and 256x176
    "conv-deconv": ({"encoder": "conv", "decoder": "deconv"}, 16_485_187, 25_394_819),
    "conv": ({"encoder": "conv"}, 29_553_091, 52_852_483),
    "patn-deconv": ({"encoder": "patn", "decoder": "deconv"}, 51_634_883, 58_179_011),
    "stylegan": ({"content": "constant"}, 42_823_747, 70_657_347),
    "adain": ({"modulation": "adain"}, 38_975_939, 66_994_883),
    "no-attention": ({"attention": False}, 26_263_171, 47_119_811),
    "no-foreground": ({"foreground": False}, 38_966_531, 66_985_475),
}
every_row = pytest.mark.parametrize("row", ABLATIONS)


def tiny(**config: object) -> APS:
    torch.manual_seed(0)
    model = create_model("aps", **{"width": 2, "norm": "instance", "features": "none", "pool": 0, **config})
    assert isinstance(model, APS)
    return model


def draw(model: APS, batch: Batch) -> Tensor:
    with torch.no_grad():
        return model.generator(batch.source_image, batch.source_pose, batch.target_pose).image


def test_parameter_counts_are_those_of_the_released_code():
    with torch.device("meta"):
        market, fashion = create_model("aps"), create_model("aps", **FASHION)
    assert count_parameters(market.generator) == 38_975_939
    assert count_parameters(fashion.generator) == 66_994_883
    assert [count_parameters(d) for d in market.discriminators.values()] == [3_930_368, 3_977_408]
    assert [count_parameters(d) for d in fashion.discriminators.values()] == [3_928_384, 3_975_424]


@every_row
def test_parameter_counts_of_the_ablations(row):
    options, *counts = ABLATIONS[row]
    with torch.device("meta"):
        models = [create_model("aps", **options), create_model("aps", **options, **FASHION)]
    assert [count_parameters(model.generator) for model in models] == counts


def test_the_card_lists_the_ablations_as_options_of_the_recipes():
    root = Path(__file__).resolve().parents[2]
    card = (root / "docs" / "models" / "aps.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| `(--model\.[^`]+)` \|.*\| ([\d,]+) / ([\d,]+) \|", card)
    listed = []
    for options, *counts in rows:
        for name, count in zip(("market", "deepfashion"), counts, strict=True):
            with torch.device("meta"):
                model = load_recipe(root / "recipes" / name / "aps.yaml", options.split()).new_model()
            assert f"{count_parameters(model.generator):,}" == count, (options, name)
        listed.append({k: v for k, v in dataclasses.asdict(model.config).items() if f"--model.{k}" in options.split()})
    assert listed == [options for options, *_ in ABLATIONS.values()]


@pytest.mark.parametrize(("height", "levels"), [(64, 3), (128, 4), (256, 5), (512, 6)])
def test_the_levels_follow_from_the_height(height, levels):
    assert APSConfig(size=(height, height // 2)).halvings == levels
    assert APSConfig(size=(height, height // 2), levels=2).halvings == 2


def test_maps_of_the_published_deepfashion_size():
    """8x6 maps come back to 256x176 through 16x12, and one transposed convolution leaves out two columns."""
    generator, batch = tiny(**FASHION).eval().generator, pairs(1, (256, 176))
    sizes: dict[str, list[tuple[int, ...]]] = {"foreground": [], "image": []}
    for name, layers in (("foreground", generator.decoder.levels), ("image", generator.decoder.image)):
        for layer in layers:
            assert isinstance(layer.up, FittedUpConv)
            layer.up.register_forward_hook(lambda _, args, out, name=name: sizes[name].append(tuple(out.shape[-2:])))
    output = generator(batch.source_image, batch.source_pose, batch.target_pose)
    assert sizes["foreground"] == [(16, 12), (32, 22), (64, 44), (128, 88), (256, 176)]
    assert sizes["image"] == [(32, 22), (64, 44), (128, 88), (256, 176)]
    assert [m.shape[-2:] for m in output.aux["encoder_attention"]] == [(128, 88), (64, 44), (32, 22), (16, 11), (8, 6)]
    assert {m.shape for m in output.aux["adapn"]} == {(1, 4, 8, 6)}
    assert output.image.shape == (1, 3, 256, 176)


@pytest.mark.parametrize("size", [(256, 256), (512, 352), (64, 32)])
def test_further_sizes_run(size):
    assert draw(tiny(size=size, width=1).eval(), pairs(1, size)).shape == (1, 3, *size)


@pytest.mark.parametrize("size", [(100, 46), (101, 45)])
def test_only_odd_sides_are_padded(size):
    model = tiny().eval()
    assert model.generator.fit(photos(1, size, 0)).shape[-2:] == (size[0] + size[0] % 2, 46)
    assert draw(model, pairs(1, size)).shape == (1, 3, *size)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_encoder_has_biases_with_instance_norm_only_and_the_decoder_always(norm):
    generator = tiny(norm=norm).generator
    biased = {m.bias is not None for m in generator.encoder.modules() if isinstance(m, nn.Conv2d)}
    assert biased == {norm == "instance"}
    convs = [m for m in generator.decoder.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert all(m.bias is not None for m in convs)


class TestEncoder:
    def test_a_level_gates_the_photo_by_the_raw_pose_features(self):
        torch.manual_seed(0)
        level = AttentionLevel(3, 4, "instance", gated=True)
        photo, pose = torch.randn(2, 3, 16, 12), torch.randn(2, 3, 16, 12)
        out, v = level(photo, pose)
        i, p = level.photo_down(photo), level.pose_down(pose)
        torch.testing.assert_close(v, level.pose(p))
        torch.testing.assert_close(out, level.photo(i) * v.sigmoid() + i)
        assert isinstance(level.pose, nn.Conv2d)  # no norm or activation after it
        assert v.min() < 0
        assert i.shape == (2, 4, 8, 6)

    def test_a_level_without_pose_adds_only(self):
        level, photo = AttentionLevel(3, 4, "instance", gated=False), torch.randn(2, 3, 16, 12)
        out, pose = level(photo, None)
        i = level.photo_down(photo)
        torch.testing.assert_close(out, level.photo(i) + i)
        assert pose is None

    def test_padding_reflects_at_stride_1_and_is_zero_at_stride_2(self):
        encoder = tiny().generator.encoder
        convs = [m for m in encoder.modules() if isinstance(m, nn.Conv2d)]
        assert {(m.stride[0], m.kernel_size[0], m.padding_mode) for m in convs} == {
            (1, 7, "reflect"),
            (2, 3, "zeros"),
            (1, 3, "reflect"),
        }

    def test_it_sees_the_photo_and_the_source_heatmaps_in_streams_of_their_own(self):
        model, batch = tiny().eval(), pairs(2)
        seen: dict[str, Tensor] = {}
        for name in ("photo", "pose"):
            node = getattr(model.generator.encoder, name)
            node.register_forward_pre_hook(lambda _, args, name=name: seen.update({name: args[0]}))
        draw(model, batch)
        assert torch.equal(seen["photo"], batch.source_image)
        torch.testing.assert_close(seen["pose"], render_heatmap(batch.source_pose, FRAME, 6.0))

    def test_its_masks_are_those_that_gate(self):
        generator, batch = tiny().eval().generator, pairs(2)
        poses: list[Tensor] = []
        for level in generator.encoder.levels:
            level.register_forward_hook(lambda _, args, out: poses.append(out[1]))
        masks = generator(batch.source_image, batch.source_pose, batch.target_pose).aux["encoder_attention"]
        assert [m.shape for m in masks] == [(2, 1, 64 >> i, 32 >> i) for i in range(4)]
        for mask, pose in zip(masks, poses, strict=True):
            torch.testing.assert_close(mask[:, 0], pose.sigmoid().mean(1))

    def test_patn_s_blocks_end_at_the_style_s_size_and_channels(self):
        model = tiny(encoder="patn").eval()
        encoder, batch = model.generator.encoder, pairs(2)
        assert isinstance(encoder, TransferEncoder)
        assert len(encoder.encoder.blocks) == 9
        maps = [render_heatmap(pose, FRAME, 6.0) for pose in (batch.source_pose, batch.target_pose)]
        style, masks = encoder.style(encoder.look(batch.source_image, maps[0]), *maps)
        assert style.shape == (2, 16, 8, 4)
        assert len(masks) == 9
        other = encoder.style(encoder.look(batch.source_image, maps[0]), maps[0], maps[0])[0]
        assert not torch.allclose(style, other, atol=1e-4)  # it sees the target too


class TestAblations:
    def parts(self, row: str) -> tuple[nn.Module, nn.Module]:
        generator = tiny(**ABLATIONS[row][0]).generator
        return generator.encoder, generator.decoder

    @every_row
    def test_every_part_of_the_input_that_a_row_uses_changes_the_picture(self, row):
        model, batch = tiny(**ABLATIONS[row][0]).eval(), pairs(2)
        image = draw(model, batch)
        assert image.shape == (2, 3, *FRAME)
        others = {
            "photo": Batch(photos(2, FRAME, 5), batch.target_image, batch.source_pose, batch.target_pose),
            "source": Batch(batch.source_image, batch.target_image, people(2, FRAME, 7), batch.target_pose),
            "target": Batch(batch.source_image, batch.target_image, batch.source_pose, people(2, FRAME, 7)),
        }
        changed = {name for name, other in others.items() if not torch.allclose(draw(model, other), image, atol=1e-4)}
        blind = {"source"} if row in ("conv-deconv", "conv", "no-attention") else set()  # their encoders see no pose
        assert changed == set(others) - blind

    @pytest.mark.parametrize("row", ["conv-deconv", "conv", "no-attention"])
    def test_rows_whose_encoder_sees_no_pose(self, row):
        encoder, _ = self.parts(row)
        assert encoder.pose is None
        assert all(level.pose is None and level.pose_down is None for level in encoder.levels)

    def test_only_two_rows_have_the_plain_decoder(self):
        assert {row for row in ABLATIONS if isinstance(self.parts(row)[1], PlainDecoder)} == {
            "conv-deconv",
            "patn-deconv",
        }

    def test_the_attention_of_the_stylizer(self):
        looks = {
            row: [level.look is not None for level in decoder.levels]
            for row in ABLATIONS
            if isinstance(decoder := self.parts(row)[1], PoseStylizer)
        }
        assert looks.pop("no-attention") == [False] * 4
        assert all(all(look) for look in looks.values())

    def test_the_modulation(self):
        for row, kind in (("adain", AdaptiveInstanceNorm), ("conv", AdaptivePatchNorm)):
            levels = self.parts(row)[1].levels
            assert all(isinstance(norm, kind) for level in levels for norm in (level.before, level.after))
        factors = [level.before.factor for level in self.parts("conv")[1].levels]
        assert factors == [2, 4, 8, 16]

    def test_the_constant_start_has_the_size_of_the_style(self):
        assert self.parts("stylegan")[1].constant.shape == (1, 16, 8, 4)
        fashion = tiny(content="constant", **FASHION).generator.decoder.constant
        assert fashion.shape == (1, 16, 8, 6)

    def test_a_photo_is_encoded_without_its_target(self):
        for row in ABLATIONS:
            generator, batch = tiny(**ABLATIONS[row][0]).eval().generator, pairs(1)
            features = generator.encode(batch.source_image, batch.source_pose)
            image = generator.render(features, batch.source_pose, batch.target_pose).image
            assert torch.equal(image, generator(batch.source_image, batch.source_pose, batch.target_pose).image)


def test_dropout_acts_on_the_foreground_in_training_only_and_can_be_off():
    model, batch = tiny(), pairs(1)
    assert not torch.equal(draw(model, batch), draw(model, batch))
    model.eval()
    assert torch.equal(draw(model, batch), draw(model, batch))
    model = tiny(dropout=0.0)
    assert torch.equal(draw(model, batch), draw(model, batch))


def test_sigma_changes_the_picture():
    assert not torch.allclose(draw(tiny(sigma=12.0).eval(), pairs(1)), draw(tiny().eval(), pairs(1)), atol=1e-4)


def test_the_generator_starts_from_narrow_normals():
    torch.manual_seed(0)
    generator = create_model("aps", width=8, pool=0, features="none").generator
    layers = [m for m in generator.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert abs(torch.cat([m.weight.flatten() for m in layers]).std() - 0.02) < 2e-4


def test_the_defaults_are_those_of_market_1501():
    config = APSConfig()
    assert (config.gan_weight, config.pixel_weight, config.perceptual_weight) == (5, 10, 10)
    assert (config.gan_loss, config.norm, config.pool, config.sigma, config.dropout) == ("bce", "batch", 50, 6, 0.5)
    assert config.epoch_steps == round(4000 / 192)
    assert config.constant_steps == config.decay_steps == 400 * config.epoch_steps


def test_the_learning_rate_falls_in_the_second_half():
    config = APSConfig()
    assert learning_rate_factor(0, config) == learning_rate_factor(398 * 21, config) == 1
    assert learning_rate_factor(599 * 21, config) == pytest.approx(1 - 201 / 401)
    assert learning_rate_factor(799 * 21, config) == 0
    (phase,) = tiny().phases()
    assert [update.name for update in phase.updates] == ["generator", "appearance", "shape"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": 0}, r"model\.levels is 0: it must be at least 1"),
        ({"levels": 1, "encoder": "patn"}, r"model\.levels is 1: it must be at least 2"),
        ({"levels": 6}, r"model\.levels is 6 .*\[128, 64\].* set it to 5 at most"),
        ({"size": (128, 16)}, r"model\.levels is 4 .*\[128, 16\].* set it to 3 at most"),
        ({"dropout": 1.0}, r"model\.dropout is 1\.0: it must be below 1"),
        ({"decoder": "deconv", "modulation": "adain"}, r"model\.modulation is an option of the decoder aps"),
        ({"decoder": "deconv", "foreground": False}, r"model\.foreground is an option of the decoder aps"),
    ],
)
def test_settings_that_cannot_work_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        create_model("aps", **options)


def test_the_most_levels_that_are_named_do_run():
    config = dataclasses.replace(tiny().config, size=(128, 16), levels=3)
    assert draw(tiny(**dataclasses.asdict(config)).eval(), pairs(1, (128, 16))).shape == (1, 3, 128, 16)
    assert draw(tiny(levels=5, width=1).eval(), pairs(1)).shape == (1, 3, *FRAME)
