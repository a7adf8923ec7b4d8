"""Dead leaves: images of random shapes that lie one over the other, without any noise, one module a modality.

References: Lee, Mumford, Huang, "Occlusion models for natural images", International Journal of Computer Vision 41,
2001; Achddou, Gousseau, Ladjal, "Fully synthetic training for image restoration tasks", Computer Vision and Image
Understanding 233, 2023.
"""

from monai_gan_denoise.transforms.leaves.ct import draw_ct
from monai_gan_denoise.transforms.leaves.mr import draw_mr
from monai_gan_denoise.transforms.leaves.oct import draw_oct
from monai_gan_denoise.transforms.leaves.us import draw_us
from monai_gan_denoise.transforms.leaves.xr import draw_xr

__all__ = ["draw_ct", "draw_mr", "draw_oct", "draw_us", "draw_xr"]
