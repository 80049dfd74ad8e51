"""Training losses as pure functions of tensors: no networks, no weights, no state."""

from posegan.losses.adversarial import discriminator_adversarial as discriminator_adversarial
from posegan.losses.adversarial import gan_r1 as gan_r1
from posegan.losses.adversarial import generator_adversarial as generator_adversarial
from posegan.losses.nearest_neighbour import nearest_neighbour_loss as nearest_neighbour_loss
from posegan.losses.nearest_neighbour import require_window as require_window
from posegan.losses.perceptual import perceptual_loss as perceptual_loss
from posegan.losses.smoothness import offset_smoothness_loss as offset_smoothness_loss
