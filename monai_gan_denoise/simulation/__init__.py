"""Simulated noise on scans and their files, and what users read of the laws: their table, their figure, their page."""

from monai_gan_denoise.simulation.figure import draw_laws
from monai_gan_denoise.simulation.settings import Simulation
from monai_gan_denoise.simulation.simulate import simulate, write_noisy
from monai_gan_denoise.simulation.table import law_table

__all__ = ["Simulation", "draw_laws", "law_table", "simulate", "write_noisy"]
