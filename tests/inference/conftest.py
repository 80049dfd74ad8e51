"""Fixtures shared with the neighbouring folders."""

from tests.small_world import blind as blind
from tests.small_world import market as market
from tests.small_world import people as people
from tests.small_world import weights as weights
