"""What a user reads after a typo, and the table of names behind it."""

import pytest

from posegan.errors import UserError, unknown_name
from posegan.registry import Registry


@pytest.fixture
def registry() -> Registry[object]:
    table: Registry[object] = Registry("model")
    for name in ("posegan", "deformable", "patn"):
        table.register(name)(type(name, (), {}))
    return table


def test_a_typo_is_answered_with_the_nearest_names_only():
    message = str(unknown_name("model", "deformabel", ["posegan", "deformable"]))
    assert message == "Unknown model 'deformabel'; did you mean 'deformable'?"


def test_several_near_names_are_offered_best_first():
    assert "did you mean 'width' or 'window'?" in str(unknown_name("key", "witdh", ["window", "lr", "width"]))


def test_a_name_like_none_is_answered_with_all_in_order():
    assert str(unknown_name("model", "xyz", ["b", "a"])) == "Unknown model 'xyz'; choose one of: a, b."


def test_registered_classes_are_found_and_listed_in_order(registry):
    assert registry.names() == ("deformable", "patn", "posegan")
    assert registry.get("patn").__name__ == "patn"


def test_an_unknown_name_is_a_user_error_that_says_the_kind(registry):
    with pytest.raises(UserError, match="Unknown model 'posgan'; did you mean 'posegan'"):
        registry.get("posgan")


def test_a_name_is_registered_once_unless_it_is_the_same_class(registry):
    cls = registry.get("patn")
    assert registry.register("patn")(cls) is cls
    with pytest.raises(ValueError, match="'patn' is registered twice"):
        registry.register("patn")(type("other", (), {}))
    assert registry.get("patn") is cls


def test_two_registries_do_not_share_names(registry):
    assert Registry("model").names() == ()
