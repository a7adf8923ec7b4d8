"""Learned denoisers that ours is compared with, trained by the presets of their names on the same data and budget."""

from __future__ import annotations

from pathlib import Path

from monai.bundle import ConfigParser
from torch import nn

from monai_gan_denoise.io import packaged_presets
from monai_gan_denoise.networks import load_weights

__all__ = ["LEARNED", "load_learned", "weights_file"]

LEARNED = ("dncnn", "dcgan")
WEIGHTS = Path(__file__).with_name("weights")


def weights_file(name: str) -> Path:
    """Name the file that holds a network's weights; a clone has it, what pip installs does not."""
    return WEIGHTS / f"{name}.pt"


def load_learned(name: str) -> nn.Module:
    """Build the network that a preset describes, and load its weights.

    Args:
        name: one of ``LEARNED``.

    Returns:
        The network, in evaluation mode.

    Raises:
        WeightsError: if the weights are missing or do not fit.
    """
    preset = ConfigParser(ConfigParser.load_config_file(packaged_presets() / f"{name}.yaml"))
    network: nn.Module = preset.get_parsed_content("network_def")
    return load_weights(network, weights_file(name))
