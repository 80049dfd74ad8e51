"""Scores that need a network, one file a network; what is missing is 'not measured' and says why, never made up."""

from posegan.evaluation.scorers.available import SCORERS as SCORERS
from posegan.evaluation.scorers.available import available_scorers as available_scorers
from posegan.evaluation.scorers.base import REAL as REAL
from posegan.evaluation.scorers.base import Scorer as Scorer
from posegan.evaluation.scorers.base import State as State
