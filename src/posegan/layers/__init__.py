"""Shared bricks of the networks: blocks, norms, warps, frozen feature networks, initialisation."""
