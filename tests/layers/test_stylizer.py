"""The pose stylizer: what enters which layer, in which order, and what its ablations leave out."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.stylizer import PlainDecoder, PoseStylizer, StylizerLevel

CHANNELS = (8, 6, 4)
STYLE, SIZE = 5, (32, 24)  # style maps of 4x3


def stylizer(**options) -> PoseStylizer:
    torch.manual_seed(0)
    return PoseStylizer(CHANNELS, STYLE, options.pop("norm", "instance"), **options)


def inputs(size=SIZE) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(1)
    return torch.randn(2, STYLE, size[0] // 8, -(-size[1] // 8), generator=g), torch.rand(2, 18, *size, generator=g)


def seen(module: nn.Module) -> list[Tensor]:
    found: list[Tensor] = []
    module.register_forward_pre_hook(lambda _, args: found.append(args[0]))
    return found


def shrink(x: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def test_a_level_adds_the_attended_modulation_to_what_it_modulates():
    torch.manual_seed(0)
    level = StylizerLevel(7, 4, STYLE, 2, "adapn", pose=18, attention=True)
    f, (style, maps) = torch.randn(2, 7, 4, 3), inputs()
    h = shrink(maps, (4, 3))
    out, attention, moments = level(f, style, h, (8, 6))
    r = level.up(f, (8, 6))
    y = level.after(level.conv(level.before(r, style)[0]), style)[0]
    wanted = torch.sigmoid(level.look(torch.cat([y, shrink(h, (8, 6))], 1)))
    torch.testing.assert_close(attention, wanted)
    torch.testing.assert_close(out, y * wanted + r)
    assert [m.shape for m in moments] == [(2, 4, 4, 3)] * 2


def test_the_foreground_grows_from_the_pose_and_meets_it_again_at_each_later_level():
    model, (style, maps) = stylizer().eval(), inputs()
    ups = [seen(level.up) for level in model.levels]
    model(style, maps)
    torch.testing.assert_close(ups[0][0], shrink(maps, (4, 3)))
    torch.testing.assert_close(ups[1][0][:, 8:], shrink(maps, (8, 6)))
    torch.testing.assert_close(ups[2][0][:, 6:], shrink(maps, (16, 12)))
    assert ups[2][0].shape[1] == 6 + 18


def test_the_full_image_is_one_doubling_ahead_and_sees_itself_then_the_foreground():
    model, (style, maps) = stylizer().eval(), inputs()
    found = [seen(layer.up) for layer in model.image] + [seen(model.image_last[0]), seen(model.to_photo[0])]
    foregrounds: list[Tensor] = []
    for level in model.levels:
        level.register_forward_hook(lambda _, args, out: foregrounds.append(out[0]))
    image, _ = model(style, maps)
    assert [tuple(x[0].shape[1:]) for x in found] == [(8, 8, 6), (8 + 6, 16, 12), (6 + 4, 32, 24), (4 + 4, 32, 24)]
    assert torch.equal(found[0][0], foregrounds[0])
    for x, f in zip(found[1:3], foregrounds[1:], strict=True):
        assert torch.equal(x[0][:, -f.shape[1] :], f)
    assert torch.equal(found[3][0][:, 4:], foregrounds[2])
    assert image.shape == (2, 3, *SIZE)


def test_dropout_acts_on_the_foreground_in_training_only():
    model, (style, maps) = stylizer(dropout=0.9), inputs()
    found = seen(model.image[0].up)
    model(style, maps)
    assert 0.8 < (found[0] == 0).float().mean() < 1
    model.eval()(style, maps)
    assert (found[1] == 0).float().mean() < 0.01


def test_what_can_be_looked_at():
    image, aux = stylizer().eval()(*inputs())
    assert image.abs().max() <= 1
    assert [tuple(a.shape) for a in aux["attention"]] == [(2, 1, 8, 6), (2, 1, 16, 12), (2, 1, 32, 24)]
    assert all(a.min() > 0 and a.max() < 1 for a in aux["attention"])
    assert [tuple(a.shape) for a in aux["adapn"]] == [(2, 4, 4, 3)] * 6


def test_without_attention_nothing_is_weighed():
    model, (style, maps) = stylizer(attention=False), inputs()
    assert all(level.look is None for level in model.levels)
    assert model(style, maps)[1].keys() == {"adapn"}
    level, f = model.levels[0], shrink(maps, (4, 3))
    r = level.up(f, (8, 6))
    y = level.after(level.conv(level.before(r, style)[0]), style)[0]
    torch.testing.assert_close(level(f, style, f, (8, 6))[0], y + r)


def test_without_the_foreground_the_last_layer_sees_the_full_image_only():
    model = stylizer(foreground=False)
    found = seen(model.to_photo[0])
    model(*inputs())
    assert found[0].shape[1] == 4


def test_a_constant_start_gets_the_pose_through_the_style_only():
    model, (style, maps) = stylizer(start=(4, 3)), inputs()
    assert model.constant is not None
    ups, looks = [seen(level.up) for level in model.levels], [seen(level.look) for level in model.levels]
    styles: list[Tensor] = []
    model.levels[1].before.register_forward_pre_hook(lambda _, args: styles.append(args[1]))
    model(style, maps)
    assert torch.equal(ups[0][0], model.constant.expand(2, -1, -1, -1))
    assert [x[0].shape[1] for x in ups] == [STYLE, 8, 6]
    assert [x[0].shape[1] for x in looks] == [8, 6, 4]
    torch.testing.assert_close(styles[0], torch.cat([style, shrink(maps, (4, 3))], 1))


def test_a_constant_start_is_resized_for_other_photos():
    model = stylizer(start=(4, 3)).eval()
    assert model(*inputs((64, 40)))[0].shape == (2, 3, 64, 40)


@pytest.mark.parametrize("size", [(32, 24), (32, 22), (30, 18)])
@pytest.mark.parametrize("decoder", ["stylizer", "plain"])
def test_sizes_that_do_not_halve_evenly(decoder, size):
    model = stylizer() if decoder == "stylizer" else PlainDecoder(CHANNELS, STYLE, "instance")
    style, maps = torch.randn(1, STYLE, -(-size[0] // 8), -(-size[1] // 8)), torch.rand(1, 18, *size)
    assert model(style, maps)[0].shape == (1, 3, *size)


def test_the_plain_decoder_starts_from_style_and_small_heatmaps():
    model, (style, maps) = PlainDecoder(CHANNELS, STYLE, "batch"), inputs()
    found = seen(model.levels[0].up)
    image, aux = model(style, maps)
    torch.testing.assert_close(found[0], torch.cat([style, shrink(maps, (4, 3))], 1))
    assert aux == {}
    assert image.abs().max() <= 1
