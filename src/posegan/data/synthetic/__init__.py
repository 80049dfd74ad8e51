"""Synthetic people: the embedded default data set, rendered on demand.

Exists to export the public names of the folder.
"""

from posegan.data.synthetic.people import SyntheticPeople, SyntheticSample

__all__ = ["SyntheticPeople", "SyntheticSample"]
