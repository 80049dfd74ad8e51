"""Training losses as pure functions of tensors: no networks, no weights, no state."""

from posegan.losses.adversarial import discriminator_adversarial as discriminator_adversarial
from posegan.losses.adversarial import gan_r1 as gan_r1
from posegan.losses.adversarial import generator_adversarial as generator_adversarial
from posegan.losses.colour import colour_distribution_loss as colour_distribution_loss
from posegan.losses.gram import gram_loss as gram_loss
from posegan.losses.kl import unit_gaussian_kl as unit_gaussian_kl
from posegan.losses.nearest_neighbour import nearest_neighbour_loss as nearest_neighbour_loss
from posegan.losses.nearest_neighbour import require_window as require_window
from posegan.losses.perceptual import perceptual_loss as perceptual_loss
from posegan.losses.smoothness import offset_smoothness_loss as offset_smoothness_loss
from posegan.losses.structural import structural_loss as structural_loss
from posegan.losses.wasserstein import critic_wasserstein as critic_wasserstein
from posegan.losses.wasserstein import generator_wasserstein as generator_wasserstein
from posegan.losses.wasserstein import gradient_penalty as gradient_penalty
