"""Training: settings, the step, the loop, its state on disk and its log."""

from posegan.training.loop import train as train
from posegan.training.settings import Recipe as Recipe
from posegan.training.settings import load_recipe as load_recipe
