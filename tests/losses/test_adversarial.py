import pytest
import torch
import torch.nn.functional as F

from posegan.errors import UserError
from posegan.losses import discriminator_adversarial, gan_r1, generator_adversarial

REAL = torch.tensor([[2.0, -1.0], [0.5, 3.0]])
FAKE = torch.tensor([[-2.0, 1.5], [0.0, -0.5]])


def test_bce_equals_the_published_logarithms_up_to_their_epsilon() -> None:
    real, fake = REAL.sigmoid(), FAKE.sigmoid()
    d = -(real + 1e-7).log().mean() - (1 - fake + 1e-7).log().mean()
    assert torch.allclose(discriminator_adversarial(REAL, FAKE, "bce"), d, atol=1e-5)
    assert torch.allclose(generator_adversarial(FAKE, "bce"), -(fake + 1e-7).log().mean(), atol=1e-5)


def test_bce_has_gradients_where_a_sigmoid_would_have_none() -> None:
    logit = torch.tensor([-200.0], requires_grad=True)
    generator_adversarial(logit, "bce").backward()
    assert logit.grad is not None
    assert logit.grad.item() == pytest.approx(-1)


def test_lsgan_and_hinge_by_hand() -> None:
    assert generator_adversarial(FAKE, "lsgan").item() == pytest.approx(0.5 * (9 + 0.25 + 1 + 2.25) / 4)
    assert discriminator_adversarial(REAL, FAKE, "lsgan").item() == pytest.approx(
        0.5 * (1 + 4 + 0.25 + 4) / 4 + 0.5 * (4 + 2.25 + 0 + 0.25) / 4
    )
    assert generator_adversarial(FAKE, "hinge").item() == pytest.approx(0.25)
    assert discriminator_adversarial(REAL, FAKE, "hinge").item() == pytest.approx((2 + 0.5) / 4 + (2.5 + 1 + 0.5) / 4)


@pytest.mark.parametrize("kind", ["bce", "lsgan", "hinge"])
def test_each_side_improves_in_its_own_direction_and_in_float32(kind: str) -> None:
    assert generator_adversarial(FAKE + 0.1, kind) < generator_adversarial(FAKE, kind)
    assert discriminator_adversarial(REAL, FAKE - 0.1, kind) != discriminator_adversarial(REAL, FAKE, kind)
    assert generator_adversarial(FAKE.bfloat16(), kind).dtype == torch.float32


def test_unknown_kind_is_named() -> None:
    with pytest.raises(UserError, match="Unknown adversarial loss 'lsgam'; did you mean 'lsgan'"):
        generator_adversarial(FAKE, "lsgam")


def test_r1_of_a_linear_discriminator_is_half_its_squared_norm() -> None:
    images = torch.randn(3, 2, 4, 4, requires_grad=True)
    weight = torch.randn(2 * 4 * 4, requires_grad=True)
    penalty = gan_r1(F.linear(images.flatten(1), weight[None]), images)
    assert torch.allclose(penalty, 0.5 * weight.square().sum())
    penalty.backward()
    assert weight.grad is not None
    assert torch.allclose(weight.grad, weight.detach())
