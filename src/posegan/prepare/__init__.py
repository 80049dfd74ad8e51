"""Raw data sets to data sets that training reads fast."""

from posegan.prepare.prepare import prepare as prepare
