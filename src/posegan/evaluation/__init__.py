"""Models against data: scores, reports and sheets."""

from posegan.evaluation.evaluate import METRICS as METRICS
from posegan.evaluation.evaluate import evaluate as evaluate
from posegan.evaluation.report import Evaluation as Evaluation
