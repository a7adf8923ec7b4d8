"""NRRD, MHA and MHD: ``(X, Y, Z, ...)`` with an affine, or ``(H, W)``; of 8-bit colors the luminance is denoised.

Colors are three or four channels, RGB or RGBA. Two, or five and more, are numbers of their own, of whatever meaning.

SimpleITK decodes. It does not encode: its writer drops comments, the modality and the measurement frame. The header is
copied as it is, followed by the data in the same encoding and byte order. A detached NRRD header (.nhdr) is not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import SimpleITK

from monai_gan_denoise.io.atomic import whole_file
from monai_gan_denoise.io.color import luminance, subtract_from_color
from monai_gan_denoise.io.itk import ItkImage, bit_range, decode, encode, image_like, raster_affine
from monai_gan_denoise.io.limits import check_shape
from monai_gan_denoise.io.nrrd_mha.file import VolumeFile, read_volume_file, write_volume_file
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation, Scan, subtract
from monai_gan_denoise.scans.slices import thickest_axis

__all__ = ["SUFFIXES", "read", "write", "write_map", "write_residual"]

SUFFIXES = (".nrrd", ".mha", ".mhd")
RESIDUALS = (".nrrd", ".mha")  # of formats that are one file; ITK writes no others, nor these in capitals
COLORS = (3, 4)  # channels: RGB, RGBA
# Header fields of NRRD and MetaImage that place voxels in space; without one ITK makes up an identity.
PLACE = re.compile(
    rb"^(space directions|TransformMatrix|Rotation|Orientation|Offset|Origin|Position)\s*[:=]", re.M | re.I
)
ITK_TO_RAS = np.diag([-1.0, -1.0, 1.0])  # ITK's axes point left and posterior

sitk: Any = SimpleITK  # it carries no types
Array: TypeAlias = npt.NDArray[np.generic]


@dataclass(frozen=True)
class _Volume:
    file: VolumeFile
    image: ItkImage
    stored: Array  # ([T], [Z], H, W, [channels]), as NumPy sees a SimpleITK image
    dtype: np.dtype[np.generic]  # that of the file, with its byte order
    planar: bool  # whether channels come first in the file

    @property
    def vector(self) -> bool:
        return bool(self.image.GetNumberOfComponentsPerPixel() > 1)

    @property
    def color(self) -> bool:
        return _is_color(self.image, self.stored)

    def transposed(self, numbers: Array) -> Array:
        """Turn the layout of ``stored``, less the color axis, into that of ``Scan.values``, and the other way round."""
        dimension = self.image.GetDimension()
        if dimension == 2:
            return numbers
        return numbers.transpose(*reversed(range(dimension)), *range(dimension, numbers.ndim))

    def arrange(self, removed: npt.NDArray[np.floating]) -> npt.NDArray[Any]:
        """Bring an array with the layout of ``Scan.values`` to that of ``stored``, without the color axis."""
        check_shape(removed, self.transposed(self.stored[..., 0] if self.color else self.stored).shape, self.file.path)
        return self.transposed(removed)


def read(files: Sequence[Path]) -> Scan:
    """Read a volume or an image.

    Args:
        files: one file, the header of an MHD.

    Returns:
        Values as the module's docstring says, in stored units; channels that are no color are the last axis.

    Raises:
        InputError: if the file is truncated, is not what its suffix says or could not be written back as it is.
    """
    volume = _load(files[0])
    numbers = volume.transposed(luminance(volume.stored) if volume.color else volume.stored)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
        values = np.ascontiguousarray(numbers, dtype=np.float32)
    if volume.image.GetDimension() == 2:
        return Scan(values, raster_affine(volume.image), None, bit_range(volume.stored))
    slice_axis = thickest_axis(volume.image.GetSpacing()[:3], values.shape)
    placed = PLACE.search(volume.file.head) is not None
    return Scan(values, _affine(volume.image), slice_axis, bit_range(volume.stored), placed=placed)


def write(
    files: Sequence[Path], removed: npt.NDArray[np.floating], outputs: Sequence[Path], derivation: Derivation
) -> None:
    """Write the source less what was removed; the same amount leaves red, green and blue, and alpha stays.

    Args:
        files: the source.
        removed: in the units of ``Scan.values``, same shape.
        outputs: the file to write, with the source's suffix.
        derivation: how the output was made; these formats have no field for it.

    Raises:
        InputError: if the source cannot be read any more.
        ValueError: if ``removed`` has another shape than the source.
    """
    volume = _load(files[0])
    less = volume.arrange(removed)
    changed = subtract_from_color(volume.stored, less) if volume.color else subtract(volume.stored, less)
    numbers = np.moveaxis(changed, -1, 0) if volume.planar else changed
    write_volume_file(volume.file, numbers.astype(volume.dtype), outputs[0])


def write_residual(files: Sequence[Path], removed: npt.NDArray[np.floating], output: Path) -> None:
    """Write what was removed as float32 with the source's geometry.

    Args:
        files: the source.
        removed: in the units of ``Scan.values``, same shape.
        output: the file to write, ``.nrrd`` or ``.mha``.

    Raises:
        InputError: if the source cannot be read any more.
        ValueError: if ``removed`` has another shape than the source, or ``output`` another suffix.
    """
    write_map(files, removed, output)


def write_map(files: Sequence[Path], values: npt.NDArray[np.floating], output: Path) -> None:
    """Write numbers that belong to the pixels as float32 with the source's geometry.

    Args:
        files: the source.
        values: same shape as ``Scan.values``.
        output: the file to write, ``.nrrd`` or ``.mha``.

    Raises:
        InputError: if the source cannot be read any more.
        ValueError: if ``values`` have another shape than the source, or ``output`` another suffix.
    """
    if output.suffix not in RESIDUALS:
        raise ValueError(f"output must end in .nrrd or .mha, got {output}. Rename it.")
    volume = _load(files[0])
    numbers = volume.arrange(values).astype(np.float32)
    with whole_file(output) as partial:
        encode(image_like(volume.image, numbers, vector=volume.vector and not volume.color), partial)


def _load(path: Path) -> _Volume:
    file = read_volume_file(path)
    image = decode(path, "NrrdImageIO" if path.suffix.lower() == ".nrrd" else "MetaImageIO", file.held)
    stored, vector = sitk.GetArrayFromImage(image), image.GetNumberOfComponentsPerPixel() > 1
    channels = vector and not _is_color(image, stored) and image.GetDimension() == 2
    if channels or stored.dtype.kind not in "iuf":
        what = image.GetPixelIDTypeAsString()
        raise InputError(f"pixels must be numbers or colors, got {what} in {path}. Convert it.")
    dtype, planar = file.layout(stored, vector)
    return _Volume(file, image, stored, dtype, planar)


def _is_color(image: ItkImage, stored: Array) -> bool:
    return stored.dtype == np.uint8 and image.GetNumberOfComponentsPerPixel() in COLORS


def _affine(image: ItkImage) -> npt.NDArray[np.float64]:
    dimension = image.GetDimension()
    direction = np.reshape(image.GetDirection(), (dimension, dimension))[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = ITK_TO_RAS @ direction * np.asarray(image.GetSpacing()[:3])
    affine[:3, 3] = ITK_TO_RAS @ np.asarray(image.GetOrigin()[:3])
    return affine
