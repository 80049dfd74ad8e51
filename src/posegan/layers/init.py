"""Weight initialisation rules that differ from torch's own."""

from torch import nn

_WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def glorot_uniform(module: nn.Module) -> None:
    """Set every conv and linear layer of the module to Glorot-uniform kernels and zero biases, the Keras default."""
    for layer in module.modules():
        if isinstance(layer, _WEIGHTED):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
