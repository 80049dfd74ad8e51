"""Models whose learning rate may fall at the end: a line from one step to another, for all their optimisers."""

from dataclasses import fields

import pytest

from posegan.errors import UserError
from posegan.models import create_model
from posegan.models.base import MODELS, FallingRateConfig, ReposeModel


def small(name: str, **config: object) -> ReposeModel:
    known = {f.name for f in fields(MODELS.get(name).Config)}
    return create_model(name, width=2, **({"features": "none"} if "features" in known else {}), **config)


NAMES = [name for name in MODELS.names() if issubclass(MODELS.get(name).Config, FallingRateConfig)]


def test_these_models_have_such_a_rate():
    assert NAMES == ["deformable", "posegan", "sdgan"]


@pytest.mark.parametrize("name", NAMES)
def test_the_learning_rate_falls_along_a_line_if_asked(name: str):
    assert {u.optimiser.schedule for u in small(name).phases()[0].updates} == {None}
    for update in small(name, lr=0.01, lr_decay_start=100, lr_decay_end=300).phases()[0].updates:
        assert update.optimiser.lr == 0.01
        assert update.optimiser.schedule is not None
        assert [update.optimiser.schedule(step) for step in (0, 100, 150, 200, 300, 400)] == [1, 1, 0.75, 0.5, 0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_a_line_that_ends_before_it_begins_is_refused(name: str):
    with pytest.raises(UserError, match=r"model\.lr_decay_end is 100: it must be above model\.lr_decay_start"):
        small(name, lr_decay_start=100, lr_decay_end=100)
