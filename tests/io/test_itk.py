"""Decoding through SimpleITK leaves no trace but the image. Pillow and SimpleITK, used directly, are the oracles."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import SimpleITK
from PIL import Image

from monai_gan_denoise.io import itk
from monai_gan_denoise.scans.errors import InputError


@pytest.fixture
def png(tmp_path):
    numbers = np.random.default_rng(3).integers(0, 65536, (20, 24), dtype=np.uint16)
    Image.fromarray(numbers).save(tmp_path / "a.png")
    return tmp_path / "a.png", numbers


@pytest.mark.parametrize("display", [False, True])
def test_decoding_leaves_the_warnings_of_itk_as_they_were(png, display):
    before = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(display)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            itk.decode(png[0], "PNGImageIO", lambda claimed: claimed)
        assert SimpleITK.ProcessObject.GetGlobalWarningDisplay() == display
    finally:
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(before)


def test_an_image_is_decoded_if_the_file_can_hold_the_bytes_its_header_claims(png):
    path, numbers = png
    image = itk.decode(path, "PNGImageIO", lambda _: numbers.nbytes)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), numbers)
    with pytest.raises(
        InputError, match=r"files must hold the 960 bytes their header claims, got at most 959 in .*a\.png"
    ):
        itk.decode(path, "PNGImageIO", lambda _: numbers.nbytes - 1)


def test_a_file_of_another_format_is_refused_in_silence(png, capfd):
    with pytest.raises(InputError, match=r"files must be whole and readable, got .* in .*a\.png"):
        itk.decode(png[0], "NrrdImageIO", lambda claimed: claimed)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such names cannot be made")
@pytest.mark.parametrize("call", ["decode(path, 'PNGImageIO', lambda claimed: claimed)", "encode(image, path)"])
def test_a_name_that_is_not_utf_8_is_refused_and_does_not_end_the_process(png, call):
    path = png[0].rename(png[0].with_name(os.fsdecode(b"caf\xe9.png")))
    program = (
        "import os, SimpleITK\nfrom pathlib import Path\nfrom monai_gan_denoise.io.itk import decode, encode\n"
        f"path, image = Path(os.fsdecode({os.fsencode(path)!r})), SimpleITK.Image(20, 24, SimpleITK.sitkUInt16)\n"
        f"try:\n    {call}\nexcept ValueError as error:\n    print(ascii(str(error)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == r"'names must be UTF-8, got caf\udce9.png. Rename it.'"


def test_an_image_like_another_has_its_geometry_and_other_numbers():
    source = SimpleITK.GetImageFromArray(np.zeros((3, 20, 24), np.int16))
    source.SetSpacing([0.5, 0.6, 3.0])
    source.SetOrigin([1.0, 2.0, 3.0])
    numbers = np.random.default_rng(3).normal(size=(3, 20, 24)).astype(np.float32)
    image = itk.image_like(source, numbers, vector=False)
    assert (image.GetSpacing(), image.GetOrigin()) == ((0.5, 0.6, 3.0), (1.0, 2.0, 3.0))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), numbers)


@pytest.mark.parametrize(("shape", "spacing"), [((20, 24), (0.5, 0.6)), ((3, 20, 24), (0.5, 0.6, 3.0))])
def test_the_affine_of_a_raster_scales_rows_columns_and_pages(shape, spacing):
    image = SimpleITK.GetImageFromArray(np.zeros(shape, np.uint8))
    image.SetSpacing(spacing)
    pages = spacing[2] if len(spacing) > 2 else 1
    np.testing.assert_allclose(itk.raster_affine(image), np.diag([0.6, 0.5, pages, 1]))
