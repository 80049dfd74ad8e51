"""A step without kinks, for shares that fade and shapes that blend."""

from torch import Tensor


def smoothstep(value: Tensor, low: float, high: float) -> Tensor:
    """Return 0 below `low`, 1 above `high` and the cubic 3t^2 - 2t^3 between them, level at both ends."""
    t = ((value - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)
