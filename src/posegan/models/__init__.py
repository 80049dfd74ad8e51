"""One file per paper. Importing this package imports every file in it, so that each model registers itself."""

import importlib
import pkgutil

from posegan.models.base import MODELS as MODELS
from posegan.models.base import Generator as Generator
from posegan.models.base import Output as Output
from posegan.models.base import Phase as Phase
from posegan.models.base import ReposeModel as ReposeModel
from posegan.models.base import StepContext as StepContext
from posegan.models.base import Update as Update
from posegan.models.base import count_parameters as count_parameters
from posegan.models.base import create_model as create_model
from posegan.models.base import register_model as register_model

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def model_names() -> tuple[str, ...]:
    """Return the names of all registered models."""
    return MODELS.names()
