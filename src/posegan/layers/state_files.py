"""Other people's weight files to tensors by name, without running code. It knows no network.

posegan's own weights, which carry a description, are in posegan.weights.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from posegan.errors import UserError


def read_state(path: Path) -> Mapping[str, Tensor]:
    """Return the tensors of a .safetensors file or of a .pth state dict (or of the one under its key 'model').

    Raises UserError naming the file if it is unreadable or would need code to load.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        cause = str(error).partition("\n")[0].partition(". ")[0]  # torch goes on with advice to switch the safety off
        raise UserError(f"{path} is not a readable weight file ({cause}): get it again.") from error
    state = state.get("model", state) if isinstance(state, dict) else {}
    return {key: value for key, value in state.items() if isinstance(value, Tensor)}
