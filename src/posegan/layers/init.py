"""Weight initialisation rules that differ from torch's own."""

import math

from torch import nn

_WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def glorot_uniform(module: nn.Module) -> None:
    """Set every conv and linear layer of the module to Glorot-uniform kernels and zero biases, the Keras default."""
    for layer in module.modules():
        if isinstance(layer, _WEIGHTED):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def uniform_of_std(module: nn.Module, std: float) -> None:
    """Set every conv and linear layer of the module to kernels uniform in +-sqrt(3) * std and zero biases.

    Source: the discriminator of Gulrajani et al. 2017, which PG2's code took over (std 0.02).
    """
    for layer in module.modules():
        if isinstance(layer, _WEIGHTED):
            nn.init.uniform_(layer.weight, -math.sqrt(3) * std, math.sqrt(3) * std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def normal_002(module: nn.Module) -> None:
    """Set conv and linear kernels to N(0, 0.02), batch norm gains to N(1, 0.02) and offsets to 0; other biases stay.

    Source: Radford et al. 2016 (DCGAN), as in the released code of PATN and APS.
    """
    for layer in module.modules():
        if isinstance(layer, _WEIGHTED):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
