"""torchvision beside a torch that is built for CPUs only, where PyPI's torchvision, a CUDA build, fails at import.

It describes operators that its library, which cannot be loaded then, would have defined: "operator torchvision::nms
does not exist". MONAI Label needs only its functions that draw. The operators are declared as soon as torchvision is
asked for, and no earlier, since every start of Python runs this file.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.metadata import version
from typing import Any

__all__ = ["DeclaringFinder"]

OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


class DeclaringFinder(MetaPathFinder):
    """Finds nothing; declares torchvision's operators before others find it."""

    library: Any = None  # a declaration lasts as long as its library object

    def find_spec(self, name: str, *_: Any) -> None:
        """Declare, if this is torchvision and its own library does not fit torch."""
        if name == "torchvision" and self.library is None and not version("torchvision").endswith("+cpu"):
            import torch

            if torch.version.cuda is None:
                self.library = torch.library.Library("torchvision", "DEF")
                for operator in OPERATORS:
                    self.library.define(operator)


if sys.platform == "linux":  # elsewhere PyPI's torchvision is a CPU build
    sys.meta_path.insert(0, DeclaringFinder())
