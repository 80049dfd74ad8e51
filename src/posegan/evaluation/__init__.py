"""Models against data: scores, reports and sheets."""

from posegan.evaluation.report import Evaluation as Evaluation
from posegan.evaluation.scores import METRICS as METRICS
from posegan.evaluation.scores import evaluate as evaluate
