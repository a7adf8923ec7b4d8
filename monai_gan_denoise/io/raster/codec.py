"""PNG, JPEG and TIFF: ``(H, W)``, or ``(H, W, pages)``; of color images the luminance is denoised, the color kept.

SimpleITK decodes. Pillow decodes what SimpleITK cannot, or would decode with a loss and no error: 8-bit PNG, JPEG and
palettes. A JPEG becomes a PNG, since its result must not be compressed with a loss a second time.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import SimpleITK
from PIL import Image

from monai_gan_denoise.io.atomic import whole_file
from monai_gan_denoise.io.color import luminance, subtract_from_color
from monai_gan_denoise.io.itk import ItkImage, bit_range, decode, encode, image_like, raster_affine, unreadable
from monai_gan_denoise.io.limits import check_claim, check_shape, check_slice, check_start
from monai_gan_denoise.io.raster import png, tiff
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation, Scan, subtract

__all__ = ["SUFFIXES", "read", "write", "write_map", "write_residual"]

TIFFS = (".tif", ".tiff")
SUFFIXES = (".png", ".jpg", ".jpeg", *TIFFS)
JPEG_SIGNATURE = b"\xff\xd8\xff"
HU_OFFSET = 1024.0  # what CT in unsigned 16-bit PNG and TIFF adds to HU
MM_PER_INCH = 25.4
MAX_RATIO = 4096  # of a raster to its file; LZW's 12-bit codes stand for at most 4096 bytes each
MAX_BITS_RATIO = 8 * MAX_RATIO  # of what Pillow unpacks further, from 8 pixels a byte to one

sitk: Any = SimpleITK  # it carries no types
Array: TypeAlias = npt.NDArray[np.generic]


@dataclass(frozen=True)
class _Raster:
    image: ItkImage
    stored: Array  # ([pages], H, W, [channels])

    @property
    def color(self) -> bool:
        return bool(self.image.GetNumberOfComponentsPerPixel() > 1)

    def arrange(self, removed: npt.NDArray[np.floating], path: Path) -> npt.NDArray[np.floating]:
        """Bring an array with the layout of ``Scan.values`` to that of ``stored``, without the color axis."""
        check_shape(removed, _pages_last(self.stored[..., 0] if self.color else self.stored).shape, path)
        return np.moveaxis(removed, -1, 0) if removed.ndim == 3 else removed


def read(files: Sequence[Path]) -> Scan:
    """Read an image or a stack of pages.

    Args:
        files: one file.

    Returns:
        Values as the module's docstring says, in stored units; ``hu_offset`` is 1024 for unsigned 16 bits.

    Raises:
        InputError: if the file is truncated, is not what its suffix says or cannot be read without a loss.
    """
    raster = _load(files[0])
    numbers = _pages_last(luminance(raster.stored) if raster.color else raster.stored)
    values = np.ascontiguousarray(numbers, dtype=np.float32)
    offset = HU_OFFSET if raster.stored.dtype == np.uint16 else 0.0
    slice_axis = 2 if values.ndim == 3 else None
    return Scan(values, raster_affine(raster.image), slice_axis, bit_range(raster.stored), offset)


def write(
    files: Sequence[Path], removed: npt.NDArray[np.floating], outputs: Sequence[Path], derivation: Derivation
) -> None:
    """Write the source less what was removed; the same amount leaves red, green and blue, and alpha stays.

    Args:
        files: the source.
        removed: in the units of ``Scan.values``, same shape.
        outputs: the file to write. Its suffix is the source's, or ``.png`` for a JPEG.
        derivation: how the output was made; these formats have no field for it.

    Raises:
        InputError: if the source cannot be read any more.
        ValueError: if ``removed`` has another shape than the source.
    """
    source, output = files[0], outputs[0]
    raster = _load(source)
    less = raster.arrange(removed, source)
    changed = subtract_from_color(raster.stored, less) if raster.color else subtract(raster.stored, less)
    with whole_file(output) as partial:
        if _suffix(output) in TIFFS:
            encode(image_like(raster.image, changed, raster.color), partial, tiff.tiff_compressor(source))
            tiff.copy_tags(source, partial)
            return
        if raster.color and changed.shape[-1] == 2:  # gray and alpha, which SimpleITK does not write
            Image.fromarray(changed).save(partial)
        else:
            encode(image_like(raster.image, changed, raster.color), partial)
        partial.write_bytes(png.with_chunks(partial.read_bytes(), _kept_chunks(source, raster.image)))


def write_residual(files: Sequence[Path], removed: npt.NDArray[np.floating], output: Path) -> None:
    """Write what was removed as a TIFF of float32, of one channel.

    Args:
        files: the source.
        removed: in the units of ``Scan.values``, same shape.
        output: the file to write, ``.tif`` or ``.tiff``.

    Raises:
        InputError: if the source cannot be read any more.
        ValueError: if ``removed`` has another shape than the source, or ``output`` another suffix.
    """
    write_map(files, removed, output)


def write_map(files: Sequence[Path], values: npt.NDArray[np.floating], output: Path) -> None:
    """Write numbers that belong to the pixels as a TIFF of float32, of one channel.

    Args:
        files: the source.
        values: same shape as ``Scan.values``.
        output: the file to write, ``.tif`` or ``.tiff``.

    Raises:
        InputError: if the source cannot be read any more.
        ValueError: if ``values`` have another shape than the source, or ``output`` another suffix.
    """
    if _suffix(output) not in TIFFS:
        raise ValueError(f"output must end in .tif or .tiff, got {output}. Rename it.")
    raster = _load(files[0])
    numbers = raster.arrange(values, files[0]).astype(np.float32)
    with whole_file(output) as partial:
        encode(image_like(raster.image, numbers, vector=False), partial, "Deflate")


def _load(path: Path) -> _Raster:
    if _suffix(path) in TIFFS:
        check_start(path, tiff.SIGNATURES)
        image = _decode_tiff(path)
    elif _suffix(path) == ".png":
        start = check_start(path, (png.SIGNATURE,))
        depth, color = start[24:25], start[25:26]  # in the first chunk
        deep = depth == b"\x10"
        if deep and (color == png.GRAY_ALPHA or (color == png.GRAY and png.has_transparency(path.read_bytes()))):
            raise InputError(
                f"pixels of 16 bits must be gray, RGB or RGBA, got gray and opacity in {path}. Convert it."
            )
        image = _decode_with_itk(path, "PNGImageIO") if deep else _decode_with_pillow(path, "PNG")
    else:
        check_start(path, (JPEG_SIGNATURE,))
        image = _decode_with_pillow(path, "JPEG")
    return _Raster(image, sitk.GetArrayFromImage(image))


def _decode_tiff(path: Path) -> ItkImage:
    layout = tiff.tiff_layout(path)
    if layout.palette:
        return _decode_with_pillow(path, "TIFF")
    image = _decode_with_itk(path, "TIFFImageIO")
    expected = (layout.dtype, layout.samples)
    found = (sitk.GetArrayViewFromImage(image).dtype.name, image.GetNumberOfComponentsPerPixel())
    if found != expected:
        raise InputError(f"pixels must be decoded as {expected}, got {found} in {path}. Save it as a plain TIFF.")
    return image


def _decode_with_itk(path: Path, image_io: str) -> ItkImage:
    return decode(path, image_io, lambda _: path.stat().st_size * MAX_RATIO)


def _decode_with_pillow(path: Path, name: str) -> ItkImage:
    try:
        with _open_with_pillow(path, name) as image:
            check_slice(image.size, path)
            check_claim(math.prod(image.size) * len(image.getbands()), path.stat().st_size * MAX_BITS_RATIO, path)
            image.load()
            frames, dpi = getattr(image, "n_frames", 1), image.info.get("dpi", (0, 0))
            if image.mode not in ("L", "LA", "P", "RGB", "RGBA") or (frames > 1 and name != "JPEG"):
                what = f"{frames} frame(s) of mode {image.mode}"
                raise InputError(f"pixels must be gray or RGB in one frame, got {what} in {path}. Convert it.")
            if "transparency" in image.info:
                numbers = np.asarray(image.convert("LA" if image.mode == "L" else "RGBA"))
            else:
                numbers = np.asarray(image.convert("RGB") if image.mode == "P" else image)
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, struct.error, zlib.error, Image.DecompressionBombError) as error:
        raise unreadable(path, error) from error
    result = sitk.GetImageFromArray(numbers, isVector=numbers.ndim == 3)
    if name != "PNG" and min(dpi) > 1:  # a PNG's resolution is copied as it is; 1 stands for none in JPEG
        result.SetSpacing([MM_PER_INCH / float(density) for density in dpi])
    return result


def _open_with_pillow(path: Path, name: str) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # of half of what check_slice allows
        return Image.open(path, formats=[name])


def _kept_chunks(source: Path, image: ItkImage) -> list[bytes]:
    if _suffix(source) == ".png":
        return png.kept_chunks(source.read_bytes())
    with _open_with_pillow(source, "JPEG") as jpeg:
        return png.resolution_chunks(image.GetSpacing()) + png.exif_chunks(jpeg.info.get("exif", b""))


def _pages_last(numbers: Array) -> Array:
    return np.moveaxis(numbers, 0, -1) if numbers.ndim == 3 else numbers


def _suffix(path: Path) -> str:
    return path.suffix.lower()
