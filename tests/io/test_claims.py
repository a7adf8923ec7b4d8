"""Files that claim more than they hold are refused in one line, before memory is taken for the claim."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian

from monai_gan_denoise.io import find_scans, read_scan
from monai_gan_denoise.io import limits as checks
from monai_gan_denoise.io.limits import check_memory, check_slice
from monai_gan_denoise.io.memory import available_memory
from monai_gan_denoise.scans.errors import InputError

MEGABYTE = 1 << 20
ALLOWED = 96 * MEGABYTE  # a decoder that is loaded, a chunk and its copies; the claims are of 160 MB to 3.4 GB
SIDES = [60_000, 13_000]  # of which the second is no more than a slice may have


@pytest.fixture
def frugal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave 8 MiB, so that an archive of 24 MiB stands for one of 24 GiB."""
    monkeypatch.setattr(checks, "available_memory", lambda: 8 * MEGABYTE)


def status(field: str) -> int:
    (size,) = re.findall(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(size) * 1024


def refusal_of(path: Path) -> str:
    """What reading a file is refused with, if that took no memory to speak of."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = status("VmRSS")
    with pytest.raises(InputError) as caught:
        read_scan([path])
    assert status("VmHWM") - before < ALLOWED
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def packaged(name: str) -> pydicom.Dataset:
    return pydicom.dcmread(str(get_testdata_file(name, download=False)))


def dicom(folder: Path, name: str, **elements: object) -> Path:
    dataset = packaged(name)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.save_as(folder / "a.dcm")
    return folder / "a.dcm"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(folder: Path, side: int, depth: int, color: int) -> Path:
    header = struct.pack(">IIBBBBB", side, side, depth, color, 0, 0, 0)
    chunks = (
        chunk(b"IHDR", header) + chunk(b"PLTE", bytes(768)) * (color == 3) + chunk(b"IDAT", zlib.compress(bytes(9)))
    )
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IEND", b""))
    return folder / "a.png"


def jpeg(folder: Path, side: int) -> Path:
    Image.new("L", (16, 16)).save(folder / "a.jpg")
    size = struct.pack(">HH", side, side)
    blob = (folder / "a.jpg").read_bytes().replace(struct.pack(">HH", 16, 16), size, 1)
    (folder / "a.jpg").write_bytes(blob)
    return folder / "a.jpg"


def tiff(folder: Path, side: int, mode: str) -> Path:
    Image.new(mode, (16, 16)).save(folder / "a.tif")
    blob = (folder / "a.tif").read_bytes()
    for tag in (256, 257):
        found = re.search(struct.pack("<HH", tag, 4) + b"....", blob, re.DOTALL) or re.search(
            struct.pack("<HH", tag, 3) + b"....", blob, re.DOTALL
        )
        assert found
        end = found.end()
        blob = blob[: end - 6] + struct.pack("<HII", 4, 1, side) + blob[end + 4 :]
    (folder / "a.tif").write_bytes(blob)
    return folder / "a.tif"


def nifti(folder: Path, name: str, shape: tuple[int, ...], behind: bytes = bytes(600)) -> Path:
    header = nibabel.Nifti2Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(shape)
    header["vox_offset"] = header.single_vox_offset
    blob = header.binaryblock.ljust(header.single_vox_offset, b"\0") + behind
    (folder / name).write_bytes(gzip.compress(blob, 1) if name.endswith(".gz") else blob)
    return folder / name


def nrrd(folder: Path, side: int, encoding: str) -> Path:
    header = f"NRRD0004\ntype: short\ndimension: 2\nsizes: {side} {side}\nencoding: {encoding}\nendian: little\n\n"
    body = gzip.compress(bytes(600)) if encoding == "gzip" else bytes(600)
    (folder / "a.nrrd").write_bytes(header.encode() + body)
    return folder / "a.nrrd"


def meta(folder: Path, side: int, suffix: str, packed: bool = False) -> Path:
    body = zlib.compress(bytes(600)) if packed else bytes(600)
    (folder / "a.raw").write_bytes(body)
    data = "LOCAL" if suffix == ".mha" else "a.raw"
    size = f"CompressedData = True\nCompressedDataSize = {len(body)}\n" if packed else ""
    header = f"ObjectType = Image\nNDims = 2\nBinaryData = True\nBinaryDataByteOrderMSB = False\n{size}"
    header += f"DimSize = {side} {side}\nElementType = MET_SHORT\nElementDataFile = {data}\n"
    (folder / f"a{suffix}").write_bytes(header.encode() + (body if suffix == ".mha" else b""))
    return folder / f"a{suffix}"


FORMATS: dict[str, Callable[[Path, int], Path]] = {
    "dicom": lambda folder, side: dicom(folder, "CT_small.dcm", Rows=side, Columns=side),
    "dicom, jpeg": lambda folder, side: dicom(folder, "SC_rgb_small_odd_jpeg.dcm", Rows=side, Columns=side),
    "dicom, jpeg-ls": lambda folder, side: dicom(folder, "MR_small_jpeg_ls_lossless.dcm", Rows=side, Columns=side),
    "dicom, jpeg 2000": lambda folder, side: dicom(folder, "MR_small_jp2klossless.dcm", Rows=side, Columns=side),
    "dicom, rle": lambda folder, side: dicom(folder, "MR_small_RLE.dcm", Rows=side, Columns=side),
    "nifti": lambda folder, side: nifti(folder, "a.nii", (side, side)),
    "nifti, gzip": lambda folder, side: nifti(folder, "a.nii.gz", (side, side)),
    "png": lambda folder, side: png(folder, side, 8, 0),
    "png, 16 bits": lambda folder, side: png(folder, side, 16, 0),
    "png, 1 bit and a palette": lambda folder, side: png(folder, side, 1, 3),
    "jpeg": jpeg,
    "tiff": lambda folder, side: tiff(folder, side, "L"),
    "tiff, palette": lambda folder, side: tiff(folder, side, "P"),
    "nrrd": lambda folder, side: nrrd(folder, side, "raw"),
    "nrrd, gzip": lambda folder, side: nrrd(folder, side, "gzip"),
    "mha": lambda folder, side: meta(folder, side, ".mha"),
    "mha, zlib": lambda folder, side: meta(folder, side, ".mha", packed=True),
    "mhd": lambda folder, side: meta(folder, side, ".mhd"),
}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", FORMATS)
def test_a_small_file_that_claims_an_absurd_image_is_refused(name: str, side: int, tmp_path: Path) -> None:
    refusal = refusal_of(FORMATS[name](tmp_path, side))
    reasons = ("slices must have at most", "files must hold the", "compressed pixels must be", "files must be whole")
    assert refusal.startswith(reasons)


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"]
)
def test_more_frames_than_the_file_can_hold_are_refused_while_sorting(name: str, tmp_path: Path) -> None:
    path = dicom(tmp_path, name, NumberOfFrames=2_000_000_000)
    assert refusal_of(path).startswith("files must hold the")
    (item,) = find_scans(path, tmp_path / "out")
    assert item["refusal"].startswith("files must hold the")


SIZE_FIELDS = {  # where a frame says its own size: what stands before, and the size's form
    "SC_rgb_dcmtk_+eb+cr.dcm": (rb"\xff\xc0..\x08", ">HH"),
    "MR_small_jpeg_ls_lossless.dcm": (rb"\xff\xf7..\x10", ">HH"),
    "MR_small_jp2klossless.dcm": (rb"\xff\x4f\xff\x51....", ">II"),
}


@pytest.mark.parametrize("name", SIZE_FIELDS)
def test_a_compressed_frame_larger_than_its_header_says_is_refused(name: str, tmp_path: Path) -> None:
    before, form = SIZE_FIELDS[name]
    (frame,) = generate_frames(packaged(name).PixelData, number_of_frames=1)
    found = re.search(before, frame, re.DOTALL)
    assert found
    size = struct.pack(form, 60_000, 60_000)
    larger = frame[: found.end()] + size + frame[found.end() + len(size) :]
    refusal = refusal_of(dicom(tmp_path, name, PixelData=encapsulate([larger])))
    assert re.match(r"compressed pixels must be (\d+) x \d+ x (\d) as the header says, got 60000 x 60000 x \2", refusal)


GRAY = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2"}
COLORS = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        ("SC_rgb_dcmtk_+eb+cr.dcm", {"Rows": 2000}),
        ("SC_rgb_dcmtk_+eb+cr.dcm", {"Columns": 20}),
        ("SC_rgb_dcmtk_+eb+cr.dcm", GRAY),
        ("MR_small_jpeg_ls_lossless.dcm", {"Rows": 2000}),
        ("MR_small_jpeg_ls_lossless.dcm", COLORS),
        ("MR_small_jp2klossless.dcm", {"Rows": 2000}),
        ("MR_small_jp2klossless.dcm", COLORS),
    ],
)
def test_a_compressed_frame_of_another_shape_than_its_header_says_does_not_end_the_process(
    name: str, elements: dict[str, object], tmp_path: Path
) -> None:
    assert refusal_of(dicom(tmp_path, name, **elements)).startswith("compressed pixels must be ")


def test_run_lengths_of_more_pixels_than_the_header_says_are_refused(tmp_path: Path) -> None:
    assert refusal_of(dicom(tmp_path, "MR_small_RLE.dcm", Rows=40)).startswith("pixel data must be decodable, got ")


def test_jpeg_in_words_that_it_cannot_fill_is_refused(tmp_path: Path) -> None:
    path = dicom(tmp_path, "SC_rgb_small_odd_jpeg.dcm", Rows=16, Columns=16, BitsAllocated=32)
    assert refusal_of(path).startswith("BitsAllocated of JPEG must be at most 16, got 32 in ")


def test_a_frame_inside_a_jpeg_2000_file_says_its_size_too(tmp_path: Path) -> None:
    name = "MR_small_jp2klossless.dcm"
    (frame,) = generate_frames(packaged(name).PixelData, number_of_frames=1)
    start = frame.index(b"\xff\x51") + 6
    larger = b"\0\0\0\x0cjP  \r\n\x87\n" + frame[:start] + struct.pack(">II", 60_000, 60_000) + frame[start + 8 :]
    assert "got 60000 x 60000 x 1 in" in refusal_of(dicom(tmp_path, name, PixelData=encapsulate([larger])))


def test_a_frame_that_is_cut_before_its_size_is_left_to_the_decoder(tmp_path: Path) -> None:
    path = dicom(tmp_path, "SC_rgb_dcmtk_+eb+cr.dcm", PixelData=encapsulate([b"\xff\xd8\xff\xfe\0\x04ab"]))
    assert refusal_of(path).startswith("pixel data must be decodable")


def deflated(folder: Path, **elements: object) -> Path:
    dataset = packaged("image_dfl.dcm")
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(folder / "a.dcm")
    return folder / "a.dcm"


@pytest.mark.parametrize("preamble", [True, False])
def test_a_deflated_bomb_is_refused(preamble: bool, tmp_path: Path, frugal: None) -> None:
    path = deflated(tmp_path, PixelData=bytes(24 * MEGABYTE))
    path.write_bytes(path.read_bytes()[0 if preamble else 132 :])
    assert path.stat().st_size < MEGABYTE
    assert refusal_of(path).startswith("images must fit into memory, got ")
    assert find_scans(path, tmp_path / "out")[0]["refusal"].startswith("images must fit into memory")


def test_a_deflated_header_that_claims_more_than_its_file_can_hold_is_refused(tmp_path: Path) -> None:
    assert refusal_of(deflated(tmp_path, NumberOfFrames=2_000_000_000)).startswith("files must hold the")


def test_a_gzip_bomb_whose_header_claims_little_is_refused(tmp_path: Path) -> None:
    path = nifti(tmp_path, "a.nii.gz", (16, 16), bytes(120 * MEGABYTE))
    assert path.stat().st_size < MEGABYTE
    assert refusal_of(path).startswith("files must end with their data, got more than 16777216 bytes behind it")


def test_a_gzip_bomb_whose_header_claims_much_is_refused(tmp_path: Path, frugal: None) -> None:
    path = nifti(tmp_path, "a.nii.gz", (1024, 1024, 12), bytes(24 * MEGABYTE))
    assert refusal_of(path).startswith("images must fit into memory, got 48 MiB of 8 MiB available for ")


def test_a_volume_that_cannot_be_in_memory_is_refused(tmp_path: Path, frugal: None) -> None:
    path = meta(tmp_path, 10_000, ".mha", packed=True)
    assert refusal_of(path).startswith("images must fit into memory")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_image_of_which_pillow_would_warn_is_read_in_silence(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (20, 20)).save(tmp_path / f"a{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    assert read_scan([tmp_path / f"a{suffix}"]).values.shape == (20, 20)


def test_what_fits_is_not_refused() -> None:
    check_slice((13_377, 13_377, 3), Path("a"))
    check_slice((5000, 4000), Path("a"))
    check_memory(1, Path("a"))


@pytest.mark.parametrize("shape", [(60_000, 60_000), (2, 60_000, 60_000, 1), (60_000, 2, 60_000)])
def test_whichever_axes_span_the_slices_they_are_counted(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=rf"at most 178956970 pixels, got {' x '.join(map(str, shape))} in a\."):
        check_slice(shape, Path("a"))


@pytest.mark.parametrize(
    ("free", "limit", "expected"),
    [
        ("MemTotal: 9 kB\nMemAvailable:   2000 kB\n", "max\n", 2_048_000),
        ("MemAvailable: 2000 kB\n", "1000000\n", 1_000_000),
        (None, "1000000\n", 1_000_000),
    ],
)
def test_what_is_left_is_free_within_the_containers_limit(
    free: str | None, limit: str, expected: int, tmp_path: Path
) -> None:
    if free:
        (tmp_path / "meminfo").write_text(free)
    (tmp_path / "memory.max").write_text(limit)
    assert available_memory(tmp_path / "meminfo", tmp_path / "memory.max") == expected


def test_memory_that_a_system_does_not_tell_is_not_limited(tmp_path: Path) -> None:
    assert available_memory(tmp_path / "none", tmp_path / "none") > 1 << 60
