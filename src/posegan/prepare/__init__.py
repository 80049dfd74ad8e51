"""Raw data sets and photos to data sets that training reads fast."""

from posegan.prepare.anything import prepare_anything as prepare_anything
from posegan.prepare.prepare import prepare as prepare
from posegan.prepare.prepare import prepare_photos as prepare_photos
