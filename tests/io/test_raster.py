"""Rasters keep their numbers and what is said beside them. Pillow, tifffile, SimpleITK and NumPy are the oracles."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import tifffile
from PIL import Image, PngImagePlugin

from monai_gan_denoise.io import read_scan
from monai_gan_denoise.io.raster import codec as raster
from monai_gan_denoise.io.raster.tiff import TiffLayout
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

DERIVATION = Derivation("denoised", "monai-gan-denoise 0.1", "fingerprint")
TIFF_DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "f4"]
REC601 = (0.299, 0.587, 0.114)


def numbers_of(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(3)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 100, shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def read_again(path: Path) -> np.ndarray:
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def rewritten(source: Path, output: Path, amount: float = 0.0) -> Path:
    shape = raster.read([source]).values.shape
    raster.write([source], np.full(shape, amount, np.float32), [output], DERIVATION)
    return output


# PNG and JPEG


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
def test_removing_nothing_from_an_eight_bit_png_returns_its_pixels(tmp_path, mode):
    image = Image.fromarray(numbers_of("u1", (20, 24, 4)), "RGBA").convert("RGB" if mode == "P" else mode)
    image = image.quantize(32) if mode == "P" else image
    image.save(tmp_path / "a.png")
    output = rewritten(tmp_path / "a.png", tmp_path / "b.png")
    expected = image.convert("RGB") if mode == "P" else image
    with Image.open(output) as found:
        assert found.mode == expected.mode
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


@pytest.mark.parametrize(
    ("mode", "transparency", "expected"), [("L", 7, "LA"), ("P", 3, "RGBA"), ("RGB", (1, 2, 3), "RGBA")]
)
def test_transparency_by_color_becomes_an_alpha_channel_that_is_kept(tmp_path, mode, transparency, expected):
    image = Image.fromarray(np.arange(20 * 24, dtype=np.uint32).reshape(20, 24).astype("u1")).convert("RGB")
    image = image.quantize(32) if mode == "P" else image.convert(mode)
    image.save(tmp_path / "a.png", transparency=transparency)
    output = rewritten(tmp_path / "a.png", tmp_path / "b.png")
    with Image.open(tmp_path / "a.png") as before, Image.open(output) as after:
        np.testing.assert_array_equal(np.asarray(after), np.asarray(before.convert(expected)))


@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_removing_nothing_from_a_sixteen_bit_png_returns_its_pixels(tmp_path, channels):
    numbers = numbers_of("u2", (20, 24, *channels))
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers, isVector=bool(channels)), str(tmp_path / "a.png"))
    output = rewritten(tmp_path / "a.png", tmp_path / "b.png")
    np.testing.assert_array_equal(read_again(output), numbers)
    assert output.read_bytes()[24] == 16  # the bit depth in IHDR


@pytest.mark.parametrize(("name", "output"), [("A.PNG", "B.PNG"), ("A.TIF", "B.TIF"), ("A.TIFF", "B.TIFF")])
def test_a_suffix_may_be_in_capitals(tmp_path, name, output):
    numbers = numbers_of("u2", (20, 24))
    Image.fromarray(numbers).save(tmp_path / name)
    with Image.open(rewritten(tmp_path / name, tmp_path / output)) as found:
        np.testing.assert_array_equal(np.asarray(found), numbers)


def test_a_gray_sixteen_bit_png_is_read_as_pillow_reads_it(tmp_path):
    numbers = numbers_of("u2", (20, 24))
    Image.fromarray(numbers).save(tmp_path / "a.png")
    np.testing.assert_array_equal(raster.read([tmp_path / "a.png"]).values, numbers)


def test_a_png_keeps_its_resolution_and_text(tmp_path):
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "a phantom")
    Image.fromarray(numbers_of("u1", (20, 24))).save(tmp_path / "a.png", dpi=(50, 100), pnginfo=text)
    output = rewritten(tmp_path / "a.png", tmp_path / "b.png", 5)
    with Image.open(tmp_path / "a.png") as before, Image.open(output) as after:
        assert after.info == before.info
        assert after.text == {"Title": "a phantom"}


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_is_written_as_the_png_of_its_pixels_and_resolution(tmp_path, mode):
    Image.fromarray(numbers_of("u1", (40, 48, 3))).convert(mode).save(tmp_path / "a.jpg", dpi=(50, 100))
    output = rewritten(tmp_path / "a.jpg", tmp_path / "a.jpg.png")
    with Image.open(tmp_path / "a.jpg") as before, Image.open(output) as after:
        assert after.format == "PNG"
        np.testing.assert_array_equal(np.asarray(after), np.asarray(before))
        assert after.info["dpi"] == pytest.approx(before.info["dpi"], abs=0.02)


def test_a_photograph_stays_upright(tmp_path):
    image = Image.fromarray(numbers_of("u1", (20, 24)))
    exif = image.getexif()
    exif[0x0112] = 6  # Orientation: to be shown turned by 90 degrees
    image.save(tmp_path / "a.jpg", exif=exif)
    with Image.open(rewritten(tmp_path / "a.jpg", tmp_path / "a.jpg.png")) as found:
        assert found.getexif()[0x0112] == 6
        assert found.size == (24, 20)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_color_is_read_as_luminance_and_loses_the_same_from_each_channel(tmp_path, mode):
    numbers = numbers_of("u1", (20, 24, len(mode)))
    numbers[..., :3] = numbers[..., :3] // 2 + 60
    Image.fromarray(numbers, mode).save(tmp_path / "a.png")
    scan = raster.read([tmp_path / "a.png"])
    np.testing.assert_allclose(scan.values, numbers[..., :3].astype(float) @ REC601, rtol=1e-6)
    removed = np.zeros((20, 24), np.float32)
    removed[3, 5] = 11
    raster.write([tmp_path / "a.png"], removed, [tmp_path / "b.png"], DERIVATION)
    expected = numbers.copy()
    expected[3, 5, :3] -= 11
    with Image.open(tmp_path / "b.png") as found:
        np.testing.assert_array_equal(np.asarray(found), expected)


# TIFF


@pytest.mark.parametrize("dtype", TIFF_DTYPES)
@pytest.mark.parametrize("shape", [(20, 24), (20, 24, 3), (20, 24, 4), (5, 20, 24), (5, 20, 24, 3)])
def test_removing_nothing_from_a_tiff_returns_its_pixels(tmp_path, dtype, shape):
    numbers = numbers_of(dtype, shape)
    color = shape[-1] < 5
    tifffile.imwrite(tmp_path / "a.tif", numbers, photometric="rgb" if color else "minisblack", metadata=None)
    output = rewritten(tmp_path / "a.tif", tmp_path / "b.tif")
    found = tifffile.imread(output)
    assert found.dtype == numbers.dtype
    np.testing.assert_array_equal(found, numbers)


def test_pages_become_the_third_axis(tmp_path):
    numbers = numbers_of("u2", (5, 20, 24))
    tifffile.imwrite(tmp_path / "a.tif", numbers, photometric="minisblack", metadata=None)
    scan = raster.read([tmp_path / "a.tif"])
    np.testing.assert_array_equal(scan.values, np.moveaxis(numbers, 0, -1))
    assert scan.slice_axis == 2
    removed = np.zeros((20, 24, 5), np.float32)
    removed[1, 2, 3] = -1 if numbers[3, 1, 2] < 9 else 1
    raster.write([tmp_path / "a.tif"], removed, [tmp_path / "b.tif"], DERIVATION)
    changed = np.argwhere(tifffile.imread(tmp_path / "b.tif") != numbers)
    np.testing.assert_array_equal(changed, [[3, 1, 2]])


@pytest.mark.parametrize(
    "layout", [{"bigtiff": True}, {"byteorder": ">"}, {"rowsperstrip": 3}, {"compression": "zlib"}]
)
def test_tiff_of_other_layouts_is_read_without_loss(tmp_path, layout):
    numbers = numbers_of("u2", (20, 24))
    tifffile.imwrite(tmp_path / "a.tif", numbers, **layout)
    np.testing.assert_array_equal(raster.read([tmp_path / "a.tif"]).values, numbers)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_a_tiff_keeps_its_compression_and_resolution(tmp_path, compression):
    Image.fromarray(numbers_of("u1", (20, 24))).save(tmp_path / "a.tif", compression=compression, dpi=(50, 100))
    output = rewritten(tmp_path / "a.tif", tmp_path / "b.tif")
    with Image.open(tmp_path / "a.tif") as before, Image.open(output) as after:
        deflate = ("tiff_adobe_deflate", "tiff_deflate")
        assert (before.info["compression"] in deflate) == (after.info["compression"] in deflate)
        assert before.info["compression"] in deflate or before.info["compression"] == after.info["compression"]
        assert [float(value) for value in after.info["dpi"]] == pytest.approx([50, 100], rel=1e-4)


TEXTS = {
    "ImageDescription": "ImageJ=1.54\nunit=µm\nspacing=2.5\n",
    "Software": "scanner 3",
    "DateTime": "2026:01:02 03:04:05",
}


@pytest.mark.parametrize("layout", [{}, {"byteorder": ">"}, {"bigtiff": True}, {"compression": "zlib"}])
@pytest.mark.parametrize("shape", [(20, 24), (3, 20, 24), (20, 24, 4)])
def test_a_tiff_says_what_its_source_said(tmp_path, layout, shape):
    numbers = numbers_of("u1", shape)
    photometric = "rgb" if shape[-1] == 4 else "minisblack"
    given = {"resolution": (200, 100), "resolutionunit": 3, "metadata": None, "photometric": photometric, **layout}
    extra = [(305, 2, 0, TEXTS["Software"], True), (306, 2, 0, TEXTS["DateTime"], True), (285, 2, 0, "page", True)]
    description = TEXTS["ImageDescription"].encode()
    tifffile.imwrite(tmp_path / "a.tif", numbers, description=description, extratags=extra, **given)
    output = rewritten(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(output) as after:
        assert len(before.pages) == len(after.pages)
        for old, new in zip(before.pages, after.pages, strict=True):
            np.testing.assert_array_equal(new.asarray(), old.asarray())
            for tag in (270, 282, 283, 285, 296, 305, 306, 338):
                assert new.tags.valueof(tag) == old.tags.valueof(tag), tag
    with Image.open(output) as found:
        assert found.n_frames == (3 if shape[0] == 3 else 1)


def test_a_tiff_without_resolution_gets_none(tmp_path):
    Image.fromarray(numbers_of("u1", (20, 24))).save(tmp_path / "a.tif")
    with tifffile.TiffFile(rewritten(tmp_path / "a.tif", tmp_path / "b.tif")) as found:
        names = {tag.name for tag in found.pages[0].tags}
    assert not names & {"XResolution", "YResolution", "ResolutionUnit", "Software", "PageNumber"}


def test_many_strips_of_a_tiff_are_copied_in_order(tmp_path):
    numbers = numbers_of("u2", (700, 300))
    tifffile.imwrite(tmp_path / "a.tif", numbers, rowsperstrip=7, description="many strips")
    np.testing.assert_array_equal(tifffile.imread(rewritten(tmp_path / "a.tif", tmp_path / "b.tif")), numbers)


def test_an_undefined_resolution_stays_undefined(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers_of("u1", (20, 24)), resolution=(12345, 1), byteorder="<")
    blob = (tmp_path / "a.tif").read_bytes()
    assert blob.count(struct.pack("<2I", 12345, 1)) == 1
    (tmp_path / "a.tif").write_bytes(blob.replace(struct.pack("<2I", 12345, 1), bytes(8)))
    with tifffile.TiffFile(rewritten(tmp_path / "a.tif", tmp_path / "b.tif")) as found:
        assert found.pages[0].tags.valueof("XResolution") == (0, 0)


@pytest.mark.parametrize("compression", ["lzma", "zstd"])
def test_a_compression_that_simpleitk_lacks_is_refused_by_name_and_in_silence(tmp_path, capfd, compression):
    Image.fromarray(numbers_of("u1", (20, 24))).save(tmp_path / "a.tif", compression=compression)
    with pytest.raises(InputError, match=r"compression must be none, LZW, .*, got \w+ in .*a\.tif"):
        raster.read([tmp_path / "a.tif"])
    assert capfd.readouterr() == ("", "")


def test_a_palette_tiff_is_written_as_the_rgb_that_it_shows(tmp_path):
    image = Image.fromarray(numbers_of("u1", (20, 24, 3))).quantize(32)
    image.save(tmp_path / "a.tif")
    output = rewritten(tmp_path / "a.tif", tmp_path / "b.tif")
    np.testing.assert_array_equal(tifffile.imread(output), np.asarray(image.convert("RGB")))


# What a scan says of itself


@pytest.mark.parametrize(
    ("name", "dtype", "bit_range", "hu_offset"),
    [
        ("a.png", "u1", (0, 255), 0),
        ("a.png", "u2", None, 1024),
        ("a.tif", "u1", (0, 255), 0),
        ("a.tif", "i1", (-128, 127), 0),
        ("a.tif", "u2", None, 1024),
        ("a.tif", "i2", None, 0),
        ("a.tif", "f4", None, 0),
    ],
)
def test_bit_range_and_hu_offset_follow_the_type_and_the_format(tmp_path, name, dtype, bit_range, hu_offset):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers_of(dtype, (20, 24))), str(tmp_path / name))
    scan = raster.read([tmp_path / name])
    assert (scan.bit_range, scan.hu_offset, scan.slice_axis, scan.modality) == (bit_range, hu_offset, None, None)
    assert scan.values.dtype == np.float32


# Residuals


@pytest.mark.parametrize(("name", "output"), [("a.png", "r.tiff"), ("a.tif", "r.tif"), ("a.jpg", "r.TIF")])
def test_the_residual_is_float32(tmp_path, name, output):
    SimpleITK.WriteImage(
        SimpleITK.GetImageFromArray(numbers_of("u1" if name == "a.jpg" else "u2", (20, 24))), str(tmp_path / name)
    )
    removed = np.random.default_rng(0).normal(size=(20, 24)).astype(np.float32)
    raster.write_residual([tmp_path / name], removed, tmp_path / output)
    found = tifffile.imread(tmp_path / output)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, removed)


def test_the_residual_of_pages_is_pages(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers_of("u2", (5, 20, 24)), photometric="minisblack", metadata=None)
    removed = np.random.default_rng(0).normal(size=(20, 24, 5)).astype(np.float32)
    raster.write_residual([tmp_path / "a.tif"], removed, tmp_path / "r.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "r.tif"), np.moveaxis(removed, -1, 0))


def test_the_residual_of_a_color_image_is_one_channel(tmp_path):
    Image.fromarray(numbers_of("u1", (20, 24, 3))).save(tmp_path / "a.png")
    removed = np.random.default_rng(0).normal(size=(20, 24)).astype(np.float32)
    raster.write_residual([tmp_path / "a.png"], removed, tmp_path / "r.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "r.tif"), removed)


def test_a_residual_of_another_suffix_is_refused(tmp_path):
    Image.fromarray(numbers_of("u1", (20, 24))).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"output must end in .tif or .tiff, got .*r\.png"):
        raster.write_residual([tmp_path / "a.png"], np.zeros((20, 24), np.float32), tmp_path / "r.png")


# What is refused


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("name", ["a.png", "a16.png", "a.jpg", "a.tif", "pages.tif", "deflate.tif"])
def test_a_truncated_file_is_refused_by_name_and_in_silence(tmp_path, capfd, name, share):
    path = tmp_path / name
    numbers = numbers_of("u2" if name == "a16.png" else "u1", (3, 40, 48) if name == "pages.tif" else (40, 48))
    if name.endswith("tif"):
        tifffile.imwrite(path, numbers, photometric="minisblack", compression="zlib" if name[0] == "d" else None)
    else:
        Image.fromarray(numbers).save(path)
    blob = path.read_bytes()
    path.write_bytes(blob[: int(len(blob) * share)])
    with pytest.raises(InputError, match=rf"(files|header) must .*{name}"):
        raster.read([path])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", raster.SUFFIXES)
@pytest.mark.parametrize("blob", [b"", b"not an image " * 100, bytes(2000)])
def test_what_is_not_the_image_that_its_suffix_says_is_refused(tmp_path, capfd, suffix, blob):
    (tmp_path / f"a{suffix}").write_bytes(blob)
    with pytest.raises(InputError, match=rf"(files|header) must .* in .*a\{suffix}|at the start of .*a\{suffix}"):
        raster.read([tmp_path / f"a{suffix}"])
    assert capfd.readouterr() == ("", "")


def test_a_jpeg_named_png_is_refused(tmp_path):
    Image.fromarray(numbers_of("u1", (20, 24))).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").rename(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"files must be what their suffix says, got .* at the start of .*a\.png"):
        raster.read([tmp_path / "a.png"])


def test_a_missing_file_stays_a_missing_file(tmp_path):
    for suffix in raster.SUFFIXES:
        with pytest.raises(FileNotFoundError):
            raster.read([tmp_path / f"none{suffix}"])


def test_values_that_are_not_finite_are_counted(tmp_path):
    numbers = numbers_of("f4", (3, 20, 24))
    numbers[0, 0, :2], numbers[2, 0, 0] = np.nan, -np.inf
    tifffile.imwrite(tmp_path / "a.tif", numbers, photometric="minisblack", metadata=None)
    with pytest.raises(InputError, match=r"values must be finite, got 3 NaN or infinite in .*a\.tif"):
        read_scan([tmp_path / "a.tif"])


@pytest.mark.parametrize(("name", "shape"), [("a.png", (15, 40)), ("a.tif", (4, 40, 15))])
def test_slices_below_sixteen_pixels_are_refused(tmp_path, name, shape):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers_of("u1", shape)), str(tmp_path / name))
    with pytest.raises(InputError, match=rf"slices must be at least 16 pixels wide and high, got .*15.* in .*{name}"):
        read_scan([tmp_path / name])


@pytest.mark.parametrize(("name", "mode"), [("a.png", "1"), ("a.jpg", "CMYK")])
def test_bilevel_and_cmyk_are_refused(tmp_path, name, mode):
    Image.new(mode, (24, 20)).save(tmp_path / name)
    with pytest.raises(
        InputError, match=rf"pixels must be gray or RGB in one frame, got 1 frame.* mode {mode} in .*{name}"
    ):
        raster.read([tmp_path / name])


@pytest.mark.parametrize(("color", "extra"), [(4, b""), (0, b"tRNS")])
def test_sixteen_bits_with_opacity_are_refused(tmp_path, color, extra):
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = numbers_of("u2", (20, 24 * (2 if color else 1))).astype(">u2")
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", 24, 20, 16, color, 0, 0, 0)), chunk(b"IDAT", data)]
    if extra:
        parts.insert(1, chunk(extra, b"\0\7"))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b""))
    with Image.open(tmp_path / "a.png") as whole:
        whole.load()
    with pytest.raises(
        InputError, match=r"pixels of 16 bits must be gray, RGB or RGBA, got gray and opacity in .*a\.png"
    ):
        raster.read([tmp_path / "a.png"])


def test_an_animated_png_is_refused(tmp_path):
    frames = [Image.fromarray(numbers_of("u1", (20, 24)) // divisor) for divisor in (1, 2, 3)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match=r"pixels must be gray or RGB in one frame, got 3 frame.* in .*a\.png"):
        raster.read([tmp_path / "a.png"])


@pytest.mark.parametrize(
    ("dtype", "shape", "layout", "what"),
    [
        ("u2", (64, 64), {"tile": (32, 32)}, "tiles of 1 x uint16"),
        ("u1", (3, 20, 24), {"photometric": "rgb", "planarconfig": "separate"}, "planes of 3 x uint8"),
        ("u1", (20, 24), {"photometric": "miniswhite"}, "strips of 1 x uint8, photometric 0"),
        ("u1", (20, 24, 2), {"photometric": "minisblack", "extrasamples": ["unassalpha"]}, "strips of 2 x uint8"),
        ("f8", (20, 24), {}, "strips of 1 x float64"),
        ("f2", (20, 24), {}, "strips of 1 x float16"),
        ("u1", (20, 24), {"extratags": [(274, 3, 1, 6, True)]}, "strips of 1 x uint8, photometric 1, orientation 6"),
    ],
)
def test_tiff_that_simpleitk_would_decode_wrongly_is_refused(tmp_path, dtype, shape, layout, what):
    tifffile.imwrite(tmp_path / "a.tif", numbers_of(dtype, shape), **layout)
    with pytest.raises(InputError, match=rf"pages must be plain strips of gray or RGB, .*, got {what}.* in .*a\.tif"):
        raster.read([tmp_path / "a.tif"])


def test_pages_of_unlike_sizes_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(numbers_of("u1", (40, 48)))
        writer.write(numbers_of("u1", (20, 24)))
    with pytest.raises(InputError, match=r"pages must be alike and not of palettes, got 2 in .*a\.tif"):
        raster.read([tmp_path / "a.tif"])


def test_a_tiff_whose_pages_run_in_a_circle_ends(tmp_path):
    numbers = numbers_of("u1", (20, 24))
    tifffile.imwrite(tmp_path / "a.tif", numbers, metadata=None, byteorder="<")
    blob = bytearray((tmp_path / "a.tif").read_bytes())
    (first,) = struct.unpack_from("<I", blob, 4)
    (entries,) = struct.unpack_from("<H", blob, first)
    struct.pack_into("<I", blob, first + 2 + 12 * entries, first)
    (tmp_path / "a.tif").write_bytes(blob)
    with pytest.raises(InputError, match=r"files must be whole and readable, got .*circle.* in .*a\.tif"):
        raster.read([tmp_path / "a.tif"])


def test_a_tiff_that_does_not_say_its_width_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers_of("u1", (20, 24)), metadata=None, byteorder="<")
    blob = bytearray((tmp_path / "a.tif").read_bytes())
    (first,) = struct.unpack_from("<I", blob, 4)
    (entries,) = struct.unpack_from("<H", blob, first)
    (width,) = (at for at in range(first + 2, first + 2 + 12 * entries, 12) if blob[at : at + 2] == b"\x00\x01")
    struct.pack_into("<H", blob, width, 255)  # SubfileType, which no reader needs
    (tmp_path / "a.tif").write_bytes(blob)
    with pytest.raises(InputError, match=r"files must be whole and readable, got .* in .*a\.tif"):
        raster.read([tmp_path / "a.tif"])


def test_a_tiff_that_simpleitk_decodes_to_another_type_is_refused(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", numbers_of("u2", (20, 24)))
    monkeypatch.setattr(raster.tiff, "tiff_layout", lambda _: TiffLayout(24, 20, 1, "int16", palette=False))
    with pytest.raises(InputError, match=r"pixels must be decoded as \('int16', 1\), got \('uint16', 1\) in .*a\.tif"):
        raster.read([tmp_path / "a.tif"])


def test_a_tiff_that_claims_more_than_it_can_hold_takes_no_memory(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", numbers_of("u1", (20, 24)), metadata=None, byteorder="<")
    blob = bytearray((tmp_path / "a.tif").read_bytes())
    (first,) = struct.unpack_from("<I", blob, 4)
    (entries,) = struct.unpack_from("<H", blob, first)
    for at in range(first + 2, first + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", blob, at)[0] in (256, 257):  # ImageWidth and ImageLength
            struct.pack_into("<HII", blob, at + 2, 4, 1, 10_000)
    (tmp_path / "a.tif").write_bytes(blob)
    with pytest.raises(InputError, match=r"files must hold the 100000000 bytes their header claims, .* in .*a\.tif"):
        raster.read([tmp_path / "a.tif"])


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_removed_part_of_another_shape_is_refused_and_nothing_is_written(tmp_path, name):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers_of("u1", (20, 24))), str(tmp_path / name))
    removed = np.zeros((24, 20), np.float32)
    with pytest.raises(ValueError, match=r"removed must have the source's shape \(20, 24\), got \(24, 20\)"):
        raster.write([tmp_path / name], removed, [tmp_path / f"out{name}"], DERIVATION)
    with pytest.raises(ValueError, match=r"removed must have the source's shape \(20, 24\), got \(24, 20\)"):
        raster.write_residual([tmp_path / name], removed, tmp_path / "r.tif")
    assert [path.name for path in tmp_path.iterdir()] == [name]
