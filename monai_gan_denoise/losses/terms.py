"""The loss of the denoiser: a weighted sum of named terms, each of which a configuration can weigh or leave out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor, nn

__all__ = ["DenoisingLoss", "NoiseLevelLoss"]

COARSE, LEVEL = "coarse", "level"
LEVEL_FLOOR = 0.005  # network units: below it an error of the map counts absolutely, above it relatively; 15 HU


class DenoisingLoss(nn.Module):
    """Weigh terms that compare an estimate with the clean image, for the refined and the coarse estimate, and the map.

    Args:
        terms: a loss for each name, called with ``(estimate, label)``: those of this package, of MONAI
            (``PerceptualLoss``) or of anyone. The names ``coarse`` and ``level`` are taken.
        weights: weight of each term by name; of ``coarse``, what the sum weighs that is taken of the coarse estimate
            again (deep supervision); of ``level``, of the noise-level map. A name without a weight, or with the weight
            0, is left out and costs nothing.
        coarse_terms: names of the terms that are taken of the coarse estimate; all if None.

    Raises:
        ValueError: if a weight is negative, a weight or coarse term has no term, or a term takes a name that is taken.
    """

    def __init__(
        self,
        terms: Mapping[str, nn.Module],
        weights: Mapping[str, float],
        coarse_terms: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        taken = sorted({COARSE, LEVEL} & set(terms))
        if taken:
            raise ValueError(f"terms must not be named {taken[0]!r}, which the loss itself adds. Rename it.")
        named = {"weights": set(weights) - {COARSE, LEVEL}, "coarse_terms": set(coarse_terms or ())}
        for name, used in named.items():
            unknown = sorted(used - set(terms))
            if unknown:
                raise ValueError(f"{name} must be of terms, got {unknown[0]!r} and {', '.join(terms)}. Remove it.")
        negative = [name for name, weight in weights.items() if not weight >= 0]
        if negative:
            raise ValueError(f"weights must be at least 0, got {weights[negative[0]]} for {negative[0]}. Raise it.")
        self.terms = nn.ModuleDict({name: term for name, term in terms.items() if weights.get(name)})
        self.level = NoiseLevelLoss()
        self.weights = dict(weights)
        self.coarse_terms = tuple(terms if coarse_terms is None else coarse_terms)

    def forward(self, stages: tuple[Tensor, Tensor, Tensor, Tensor], label: Tensor) -> dict[str, Tensor]:
        """Compare the stages with the clean image.

        Args:
            stages: refined image, coarse image, noise-level map and the true map, each ``(B, C, H, W)``.
            label: the clean image, same shape.

        Returns:
            The weighted terms by name, scalars whose sum is the loss.
        """
        refined, coarse, level, truth = stages
        weighed = self._weigh(refined, label, self.terms.keys())
        if self.weights.get(COARSE):
            weighed[COARSE] = self.weights[COARSE] * sum(
                self._weigh(coarse, label, self.coarse_terms).values(), label.new_zeros(())
            )
        if self.weights.get(LEVEL):
            weighed[LEVEL] = self.weights[LEVEL] * self.level(level, truth)
        return weighed

    def _weigh(self, estimate: Tensor, label: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        return {name: self.weights[name] * self.terms[name](estimate, label) for name in names if name in self.terms}


class NoiseLevelLoss(nn.Module):
    """Mean squared error of the map's logarithm against that of the noise level that there was.

    Texture that may or may not be noise gets a level between. A relative error, or an absolute one, is least where the
    map jumps from one answer to the other, and an error relative to the true level weighs images without noise so much
    that all doubt becomes "no noise".
    """

    def forward(self, level: Tensor, truth: Tensor) -> Tensor:
        """Compare the map with the true one, both ``(B, C, H, W)`` and not negative; a scalar."""
        return ((level + LEVEL_FLOOR).log() - (truth + LEVEL_FLOOR).log()).square().mean()
