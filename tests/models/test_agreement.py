"""The losses that systems can borrow from `posegan`: what each compares, and that they are off unless asked for."""

import pytest
import torch

from posegan.errors import UserError
from posegan.losses import colour_distribution_loss, structural_loss
from posegan.models import StepContext, create_model

from ..pairs import pairs

SYSTEMS = ("posegan", "deformable", "sdgan", "pg2", "patn", "aps", "vunet")
WEIGHTS = {"structural_weight": 2.0, "colour_weight": 3.0}


def generator_terms(name, **config):
    """Return the terms of the last update of the generator, the picture they are of, not bounded, and the target."""
    torch.manual_seed(0)
    plain = {"features": "none"} if name not in ("sdgan", "pg2") else {}
    model = create_model(name, width=4, **plain, **config)
    model.train(name == "pg2")  # others draw dropout and latents in training; pg2 then does not bound its pictures
    batch = pairs(2)
    context = StepContext(model, (batch,), 0)
    updates = [update.loss(context) for update in model.phases()[-1].updates]
    (terms,) = (terms for terms in updates if any(name.startswith("g_") for name in terms))
    made = context.generate()
    square = made.aux.get("square")  # of vunet
    image = made.image if square is None else model.generator.restore(square[0], batch.size)
    return terms, image, batch.target_image


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_system_can_borrow_them(name):
    terms, image, target = generator_terms(name, **WEIGHTS)
    torch.testing.assert_close(terms["g_structural"], 2 * structural_loss(image, target))
    torch.testing.assert_close(terms["g_colour"], 3 * colour_distribution_loss(image, target))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_papers_have_none(name):
    terms, _, _ = generator_terms(name)
    assert not terms.keys() & {"g_structural", "g_colour"}


@pytest.mark.parametrize("key", WEIGHTS)
def test_a_negative_weight_is_refused(key):
    with pytest.raises(UserError, match=f"model.{key} is -1"):
        create_model("deformable", **{key: -1.0})
