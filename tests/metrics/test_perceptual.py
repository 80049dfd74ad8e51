import pytest
import torch

from posegan.metrics import identity_similarity, perceptual_distance


@pytest.mark.filterwarnings("ignore::UserWarning:torchvision")  # lpips calls it the old way
def test_equals_the_lpips_package() -> None:
    lpips = pytest.importorskip("lpips", reason="the extra posegan[metrics] is not installed")
    torch.manual_seed(0)
    network = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False)  # a random trunk is enough for the formula
    a, b = 2 * torch.rand(2, 2, 3, 64, 48) - 1
    with torch.no_grad():
        maps = [list(network.net(network.scaling_layer(x))) for x in (a, b)]
        heads = [layer.model[-1].weight.flatten() for layer in network.lins]
        expected = network(a, b).flatten()
        assert torch.allclose(perceptual_distance(*maps, heads), expected, rtol=1e-5)
    assert len(heads) == 7
    assert (expected > 0).all()


def test_equal_maps_have_distance_zero_and_scale_does_not_matter() -> None:
    maps = [torch.rand(2, 4, 3, 3), torch.zeros(2, 5, 2, 2)]
    heads = [torch.rand(4), torch.rand(5)]
    assert perceptual_distance(maps, [7 * m for m in maps], heads).tolist() == pytest.approx([0, 0], abs=1e-9)


def test_identity_similarity_is_the_cosine() -> None:
    a = torch.tensor([[1.0, 0.0], [3.0, 4.0], [1.0, 1.0]])
    b = torch.tensor([[0.0, 2.0], [6.0, 8.0], [-1.0, -1.0]])
    assert identity_similarity(a, b).tolist() == pytest.approx([0, 1, -1])
