"""Laws of noise that training never uses: other libraries, other physics, so that a network is not judged by its own.

Nothing here is built on ``transforms.noise`` but the record ``Law`` and its check of Hounsfield units: fields come from
SciPy and NumPy, projections from scikit-image, JPEG from Pillow. A test proves that nothing which trains imports it.
Images are ``(H, W)`` in network units; randomness comes from a ``numpy.random.Generator``. Unless a law says otherwise
the clean image is the mean of the noisy ones.
"""

from monai_gan_denoise.benchmark.foreign.laws import FOREIGN

__all__ = ["FOREIGN"]
