"""Volumes keep their numbers and headers. SimpleITK, NumPy and files written by hand are the oracles."""

import gzip
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import torch

from monai_gan_denoise.io import ScanWriter, read_scan
from monai_gan_denoise.io.nrrd_mha import codec as volume
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

DERIVATION = Derivation("denoised", "monai-gan-denoise 0.1", "fingerprint")
VOLUME_DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
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
    shape = volume.read([source]).values.shape
    volume.write([source], np.full(shape, amount, np.float32), [output], DERIVATION)
    return output


def nrrd(path: Path, numbers: np.ndarray, encoding: str = "raw", order: str = "little", extra: str = "") -> Path:
    """Write an NRRD by hand from ``numbers``, whose last axis is the fastest."""
    types = {"i": "int", "u": "uint"}
    kind = numbers.dtype.kind
    name = {4: "float", 8: "double"}[numbers.itemsize] if kind == "f" else f"{types[kind]}{8 * numbers.itemsize}"
    sizes = " ".join(map(str, numbers.shape[::-1]))
    head = (
        f"NRRD0005\n# a comment\ntype: {name}\ndimension: {numbers.ndim}\nsizes: {sizes}\n"
        f"{extra}endian: {order}\nencoding: {encoding}\nsomebody:=me\n\n"
    )
    data = numbers.astype(numbers.dtype.newbyteorder("<" if order == "little" else ">")).tobytes()
    path.write_bytes(head.encode() + (gzip.compress(data) if encoding == "gzip" else data))
    return path


GEOMETRY = (
    "space: right-anterior-superior\nspace directions: (0.5,0,0) (0,0.6,0) (0,0,3)\nspace origin: (1,2,3)\n"
    "kinds: domain domain domain\nmeasurement frame: (1,0,0) (0,1,0) (0,0,1)\n"
)


def meta_image(
    path: Path,
    numbers: np.ndarray,
    packed: bool = False,
    big: bool = False,
    spacing: str = "0.5 0.6 3",
    where: str = "LOCAL",
) -> Path:
    """Write an MHA or MHD by hand from ``numbers``, whose last axis is the fastest."""
    names = {"i1": "CHAR", "u1": "UCHAR", "i2": "SHORT", "u2": "USHORT", "i4": "INT", "u4": "UINT", "i8": "LONG_LONG"}
    name = {**names, "u8": "ULONG_LONG", "f4": "FLOAT", "f8": "DOUBLE"}[numbers.dtype.str[1:]]
    data = numbers.astype(numbers.dtype.newbyteorder(">" if big else "<")).tobytes()
    data = zlib.compress(data) if packed else data
    size = f"CompressedDataSize = {len(data)}\n" if packed else ""
    matrix = " ".join(map(str, np.eye(numbers.ndim, dtype=int).ravel()))
    head = (
        f"ObjectType = Image\nNDims = {numbers.ndim}\nComment = kept\nBinaryData = True\n"
        f"BinaryDataByteOrderMSB = {big}\n"
        f"CompressedData = {packed}\n{size}TransformMatrix = {matrix}\n"
        f"Offset = {' '.join(['1'] * numbers.ndim)}\nElementSpacing = {spacing}\nModality = MET_MOD_CT\n"
        f"DimSize = {' '.join(map(str, numbers.shape[::-1]))}\nElementType = MET_{name}\nElementDataFile = {where}\n"
    ).encode()
    if where == "LOCAL":
        path.write_bytes(head + data)
    else:
        path.write_bytes(head)
        (path.parent / where).write_bytes(data)
    return path


# NRRD and MHA


@pytest.mark.parametrize("dtype", VOLUME_DTYPES)
@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_removing_nothing_from_an_nrrd_returns_its_header_and_numbers(tmp_path, dtype, encoding, order):
    numbers = numbers_of(dtype, (3, 20, 24))
    source = nrrd(tmp_path / "a.nrrd", numbers, encoding, order, GEOMETRY)
    output = rewritten(source, tmp_path / "b.nrrd")
    before, after = (path.read_bytes().partition(b"\n\n") for path in (source, output))
    assert after[0] == before[0]
    unpack = gzip.decompress if encoding == "gzip" else bytes
    assert unpack(after[2]) == unpack(before[2])


@pytest.mark.parametrize("dtype", VOLUME_DTYPES)
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("big", [False, True])
def test_removing_nothing_from_an_mha_returns_its_header_and_numbers(tmp_path, dtype, packed, big):
    source = meta_image(tmp_path / "a.mha", numbers_of(dtype, (3, 20, 24)), packed, big)
    output = rewritten(source, tmp_path / "b.mha")
    assert output.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("packed", [False, True])
def test_a_compressed_size_follows_the_data(tmp_path, packed):
    numbers = numbers_of("i2", (3, 20, 24)) // 2
    source = meta_image(tmp_path / "a.mha", numbers, packed)
    output = rewritten(source, tmp_path / "b.mha", 100)
    np.testing.assert_array_equal(read_again(output), numbers - 100)
    assert b"Comment = kept" in output.read_bytes()


@pytest.mark.parametrize("shape", [(20, 24), (3, 20, 24), (2, 3, 20, 24)])
@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_a_volume_has_its_axes_in_the_order_of_nifti(tmp_path, shape, suffix):
    numbers = numbers_of("i2", shape)
    spacing = " ".join(["1"] * len(shape))
    path = tmp_path / f"a{suffix}"
    source = nrrd(path, numbers) if suffix == ".nrrd" else meta_image(path, numbers, spacing=spacing)
    scan = volume.read([source])
    np.testing.assert_array_equal(scan.values, numbers if len(shape) == 2 else numbers.T)
    output = rewritten(source, tmp_path / f"b{suffix}")
    assert output.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("last", [False, True])
def test_channels_that_are_not_color_become_the_last_axis(tmp_path, last):
    numbers = numbers_of("i2", (6, 3, 20, 24) if last else (3, 20, 24, 6))
    kinds = ["domain"] * 3 + ["list"] if last else ["list"] + ["domain"] * 3
    directions = ["(1,0,0)", "(0,1,0)", "(0,0,3)"]
    directions = [*directions, "none"] if last else ["none", *directions]
    extra = (
        f"space: left-posterior-superior\nspace directions: {' '.join(directions)}\n"
        f"space origin: (0,0,0)\nkinds: {' '.join(kinds)}\n"
    )
    source = nrrd(tmp_path / "a.nrrd", numbers, extra=extra)
    scan = volume.read([source])
    expected = numbers.transpose(3, 2, 1, 0) if last else numbers.transpose(2, 1, 0, 3)
    np.testing.assert_array_equal(scan.values, expected)
    assert scan.slice_axis == 2
    output = rewritten(source, tmp_path / "b.nrrd")
    assert output.read_bytes() == source.read_bytes()


def test_a_color_volume_is_read_as_luminance(tmp_path):
    numbers = numbers_of("u1", (4, 20, 24, 3))
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers, isVector=True), str(tmp_path / "a.mha"))
    scan = volume.read([tmp_path / "a.mha"])
    np.testing.assert_allclose(scan.values, (numbers.astype(float) @ REC601).T, rtol=1e-6)
    output = rewritten(tmp_path / "a.mha", tmp_path / "b.mha")
    np.testing.assert_array_equal(read_again(output), numbers)


def test_what_leaves_the_luminance_leaves_each_color_of_a_volume(tmp_path):
    numbers = numbers_of("u1", (4, 20, 24, 3)) // 2 + 60
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers, isVector=True), str(tmp_path / "a.mha"))
    removed = np.zeros((24, 20, 4), np.float32)
    removed[5, 3, 1] = 11
    volume.write([tmp_path / "a.mha"], removed, [tmp_path / "b.mha"], DERIVATION)
    numbers[1, 3, 5] -= 11
    np.testing.assert_array_equal(read_again(tmp_path / "b.mha"), numbers)


@pytest.mark.parametrize("channels", [2, 5])
def test_bytes_of_other_channels_than_colors_are_numbers_each_of_its_own(tmp_path, channels):
    numbers = numbers_of("u1", (4, 20, 24, channels)) // 2 + 60
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers, isVector=True), str(tmp_path / "a.mha"))
    scan = volume.read([tmp_path / "a.mha"])
    np.testing.assert_array_equal(scan.values, numbers.transpose(2, 1, 0, 3))
    removed = np.zeros(scan.values.shape, np.float32)
    removed[5, 3, 1, channels - 1] = 11
    volume.write([tmp_path / "a.mha"], removed, [tmp_path / "b.mha"], DERIVATION)
    numbers[1, 3, 5, channels - 1] -= 11
    np.testing.assert_array_equal(read_again(tmp_path / "b.mha"), numbers)


def test_the_affine_of_a_volume_is_that_of_simpleitk_in_ras(tmp_path):
    image = SimpleITK.GetImageFromArray(numbers_of("i2", (20, 22, 24)))
    image.SetDirection([0.0, -1.0, 0.0, 0.6, 0.0, 0.8, -0.8, 0.0, 0.6])
    image.SetSpacing([0.5, 0.75, 3.0])
    image.SetOrigin([10.0, -20.0, 30.0])
    for suffix in (".nrrd", ".mha"):
        SimpleITK.WriteImage(image, str(tmp_path / f"a{suffix}"))
        scan = volume.read([tmp_path / f"a{suffix}"])
        for index in [(0, 0, 0), (1, 0, 0), (3, 5, 7)]:
            left, posterior, superior = image.TransformIndexToPhysicalPoint(index)
            np.testing.assert_allclose((scan.affine @ [*index, 1])[:3], [-left, -posterior, superior], atol=1e-9)


@pytest.mark.parametrize(("spacing", "expected"), [("1 1 1", 2), ("3 1 1", 0), ("1 3 1", 1), ("3 3 1", 2)])
def test_a_volume_is_cut_across_its_largest_spacing_else_the_third_axis(tmp_path, spacing, expected):
    source = meta_image(tmp_path / "a.mha", numbers_of("i2", (20, 20, 24)), spacing=spacing)
    assert volume.read([source]).slice_axis == expected


@pytest.mark.parametrize(("shape", "spacing", "expected"), [((1, 20, 24), "1 3 1", 2), ((20, 24, 1), "1 1 1", 0)])
def test_a_single_slice_is_whole_whatever_its_spacing(tmp_path, shape, spacing, expected):
    source = meta_image(tmp_path / "a.mha", numbers_of("i2", shape), spacing=spacing)
    assert read_scan([source]).slice_axis == expected


@pytest.mark.parametrize("packed", [False, True])
def test_an_mhd_names_its_own_data_file(tmp_path, packed):
    numbers = numbers_of("i2", (3, 20, 24)) // 2
    (tmp_path / "out").mkdir()
    source = meta_image(tmp_path / "a.mhd", numbers, packed, where="a_data.zraw" if packed else "a_data.raw")
    output = rewritten(source, tmp_path / "out" / "b.mhd", 7)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.mhd", "b.zraw" if packed else "b.raw"]
    np.testing.assert_array_equal(read_again(output), numbers - 7)
    before, after = (path.read_bytes().split(b"CompressedDataSize") for path in (source, output))
    assert before[0].split(b"ElementDataFile")[0] == after[0].split(b"ElementDataFile")[0]


def test_an_mhd_never_replaces_the_data_of_its_source(tmp_path):
    source = meta_image(tmp_path / "a.mhd", numbers_of("i2", (3, 20, 24)) // 2, where="b.raw")
    data = (tmp_path / "b.raw").read_bytes()
    with pytest.raises(InputError, match=r"OUTPUT must leave INPUT as it is, got data in .*b\.raw for both"):
        rewritten(source, tmp_path / "b.mhd", 7)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mhd", "b.raw"]
    assert (tmp_path / "b.raw").read_bytes() == data


# What a scan says of itself


@pytest.mark.parametrize(
    ("name", "dtype", "bit_range"),
    [
        ("a.nrrd", "u2", None),
        ("a.mha", "u2", None),
        ("a.mha", "u1", (0, 255)),
        ("a.nrrd", "i1", (-128, 127)),
    ],
)
def test_bit_range_follows_the_type_and_no_volume_has_an_hu_offset(tmp_path, name, dtype, bit_range):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers_of(dtype, (20, 24))), str(tmp_path / name))
    scan = volume.read([tmp_path / name])
    assert (scan.bit_range, scan.hu_offset, scan.slice_axis, scan.modality) == (bit_range, 0, None, None)
    assert scan.values.dtype == np.float32


# Residuals


@pytest.mark.parametrize(("name", "output"), [("a.mha", "r.mha"), ("a.nrrd", "r.nrrd"), ("a.mhd", "r.mha")])
def test_the_residual_is_float32(tmp_path, name, output):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers_of("u2", (20, 24))), str(tmp_path / name))
    removed = np.random.default_rng(0).normal(size=(20, 24)).astype(np.float32)
    volume.write_residual([tmp_path / name], removed, tmp_path / output)
    found = read_again(tmp_path / output)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, removed)


@pytest.mark.parametrize("output", ["r.mha", "r.nrrd"])
def test_the_residual_of_a_volume_has_its_geometry(tmp_path, output):
    source = meta_image(tmp_path / "a.mha", numbers_of("i2", (3, 20, 24)))
    removed = np.random.default_rng(0).normal(size=(24, 20, 3)).astype(np.float32)
    volume.write_residual([source], removed, tmp_path / output)
    before, after = SimpleITK.ReadImage(str(source)), SimpleITK.ReadImage(str(tmp_path / output))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(after), removed.T)
    assert after.GetSpacing() == before.GetSpacing()
    assert after.GetOrigin() == before.GetOrigin()
    assert after.GetDirection() == before.GetDirection()


@pytest.mark.parametrize("shape", [(3, 20, 24), (2, 3, 20, 24)])
def test_the_residual_of_an_mhd_is_an_mha_with_its_geometry(tmp_path, shape):
    spacing = " ".join(["0.5", "0.6", "3", "2"][: len(shape)])
    source = meta_image(tmp_path / "a.mhd", numbers_of("i2", shape), spacing=spacing, where="a.raw")
    removed = np.random.default_rng(0).normal(0, 9, size=shape[::-1]).astype(np.float32)
    outputs = [str(tmp_path / "out" / "b.mhd")]
    for residual in (False, True):
        writer = ScanWriter(DERIVATION, residual)
        writer.set_data_array(torch.from_numpy(removed)[None])
        writer.set_metadata({"files": [str(source)], "outputs": outputs, "affine": np.eye(4)})
        writer.write(outputs[0])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.mhd", "b.mhd.residual.mha", "b.raw"]
    before, after = (SimpleITK.ReadImage(str(path)) for path in (source, tmp_path / "out" / "b.mhd.residual.mha"))
    difference = read_again(source).astype(float) - read_again(tmp_path / "out" / "b.mhd")
    assert np.abs(difference).max() > 20
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(after), difference)
    assert after.GetSpacing() == before.GetSpacing()
    assert after.GetOrigin() == before.GetOrigin()


@pytest.mark.parametrize("output", ["r.mhd", "r.tif", "r.MHA"])
def test_a_residual_of_another_suffix_is_refused(tmp_path, output):
    source = nrrd(tmp_path / "a.nrrd", numbers_of("i2", (20, 24)))
    with pytest.raises(ValueError, match=rf"output must end in .nrrd or .mha, got .*{output}"):
        volume.write_residual([source], np.zeros((20, 24), np.float32), tmp_path / output)


# What is refused


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("name", ["a.nrrd", "z.nrrd", "a.mha", "z.mha"])
def test_a_truncated_file_is_refused_by_name_and_in_silence(tmp_path, capfd, name, share):
    path = tmp_path / name
    numbers = numbers_of("u1", (40, 48))
    if name.endswith("nrrd"):
        nrrd(path, numbers, "gzip" if name[0] == "z" else "raw")
    else:
        meta_image(path, numbers, name[0] == "z", spacing="1 1")
    blob = path.read_bytes()
    path.write_bytes(blob[: int(len(blob) * share)])
    with pytest.raises(InputError, match=rf"(files|header) must .*{name}"):
        volume.read([path])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("size", [b"-1", b"99999999999", b"9e18", b"nan", b"many"])
def test_a_compressed_size_beyond_the_file_takes_no_memory(tmp_path, size):
    source = meta_image(tmp_path / "a.mha", numbers_of("i2", (3, 20, 24)), packed=True)
    source.write_bytes(re.sub(rb"(CompressedDataSize = )\d+", rb"\g<1>" + size, source.read_bytes()))
    with pytest.raises(InputError, match=r"files must hold the CompressedDataSize of their header, got .*a\.mha"):
        volume.read([source])


def test_a_compressed_size_in_six_digits_is_read_and_written_as_the_one_it_is(tmp_path):
    numbers = numbers_of("i2", (3, 20, 24))
    source = meta_image(tmp_path / "a.mha", numbers, packed=True)
    exact = source.read_bytes()
    rough = re.sub(rb"(CompressedDataSize = )(\d+)", lambda found: b"%s%.5e" % (found[1], int(found[2])), exact)
    source.write_bytes(rough)
    output = rewritten(source, tmp_path / "b.mha")
    assert rough != output.read_bytes() == exact


def test_a_name_of_data_that_is_no_text_is_refused(tmp_path):
    source = meta_image(tmp_path / "a.mhd", numbers_of("i2", (20, 24)), spacing="1 1", where="a.raw")
    source.write_bytes(source.read_bytes().replace(b"a.raw", b"\xbc.raw"))
    with pytest.raises(InputError, match=r"ElementDataFile must be LOCAL or a file beside the header, got .*a\.mhd"):
        volume.read([source])


@pytest.mark.parametrize("suffix", volume.SUFFIXES)
@pytest.mark.parametrize("blob", [b"", b"not an image " * 100, bytes(2000)])
def test_what_is_not_the_image_that_its_suffix_says_is_refused(tmp_path, capfd, suffix, blob):
    (tmp_path / f"a{suffix}").write_bytes(blob)
    with pytest.raises(InputError, match=rf"(files|header) must .* in .*a\{suffix}|at the start of .*a\{suffix}"):
        volume.read([tmp_path / f"a{suffix}"])
    assert capfd.readouterr() == ("", "")


def test_a_missing_file_stays_a_missing_file(tmp_path):
    for suffix in volume.SUFFIXES:
        with pytest.raises(FileNotFoundError):
            volume.read([tmp_path / f"none{suffix}"])


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
@pytest.mark.parametrize(("value", "count"), [(np.nan, 2), (-np.inf, 3)])
def test_values_that_are_not_finite_are_counted(tmp_path, name, value, count):
    numbers = numbers_of("f4", (20, 24))
    numbers[0, :count] = value
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers), str(tmp_path / name))
    with pytest.raises(InputError, match=rf"values must be finite, got {count} NaN or infinite in .*{name}"):
        read_scan([tmp_path / name])


def test_values_beyond_float32_are_refused(tmp_path):
    numbers = numbers_of("f8", (3, 20, 24))
    numbers[0, 0, 0] = 1e300
    with pytest.raises(InputError, match=r"values must be finite, got 1 NaN or infinite in .*a\.nrrd"):
        read_scan([nrrd(tmp_path / "a.nrrd", numbers)])


@pytest.mark.parametrize(("name", "shape"), [("a.mha", (3, 40, 15)), ("a.nrrd", (15, 40))])
def test_slices_below_sixteen_pixels_are_refused(tmp_path, name, shape):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers_of("u1", shape)), str(tmp_path / name))
    with pytest.raises(InputError, match=rf"slices must be at least 16 pixels wide and high, got .*15.* in .*{name}"):
        read_scan([tmp_path / name])


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_an_nrrd_that_claims_more_than_it_holds_takes_no_memory(tmp_path, encoding):
    source = nrrd(tmp_path / "a.nrrd", numbers_of("i2", (3, 20, 24)), encoding)
    source.write_bytes(source.read_bytes().replace(b"sizes: 24 20 3", b"sizes: 10000 10000 1"))
    with pytest.raises(InputError, match=r"files must hold the 200000000 bytes their header claims, .*a\.nrrd"):
        volume.read([source])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((b"encoding: raw", b"encoding: hex"), r"encoding must be raw or gzip, got hex in .*a\.nrrd"),
        ((b"encoding: raw", b"data file: b.raw\nencoding: raw"), r"got a detached header in .*a\.nrrd"),
        (
            (b"encoding: raw", b"byte skip: 4\nencoding: raw"),
            r"(data must follow the header|files must be whole).*a\.nrrd",
        ),
    ],
)
def test_an_nrrd_that_could_not_be_written_back_is_refused(tmp_path, change, message):
    source = nrrd(tmp_path / "a.nrrd", numbers_of("i2", (3, 20, 24)))
    source.write_bytes(source.read_bytes().replace(*change) + b"more")
    with pytest.raises(InputError, match=message):
        volume.read([source])


@pytest.mark.parametrize("where", ["LIST", "../a.raw", "none.raw", "/dev/null"])
def test_an_mhd_whose_data_are_not_one_file_beside_it_is_refused(tmp_path, where):
    source = meta_image(tmp_path / "a.mhd", numbers_of("i2", (3, 20, 24)), where="a.raw")
    source.write_bytes(source.read_bytes().replace(b"= a.raw", f"= {where}".encode()))
    with pytest.raises(InputError, match=rf"ElementDataFile must be LOCAL or a file beside the header, got {where}"):
        volume.read([source])


def test_an_mhd_whose_data_have_the_name_of_another_header_is_refused(tmp_path):
    source = meta_image(tmp_path / "a.mhd", numbers_of("i2", (3, 20, 24)), where="b.MHD")
    with pytest.raises(InputError, match=r"ElementDataFile must be LOCAL or a file beside the header, got b\.MHD"):
        volume.read([source])


@pytest.mark.parametrize(
    ("dtype", "channels", "named"),
    [("f4", 5, "32-bit float"), ("u1", 2, "8-bit unsigned"), ("u1", 5, "8-bit unsigned")],
)
def test_planar_vectors_that_are_no_color_are_refused(tmp_path, dtype, channels, named):
    image = SimpleITK.GetImageFromArray(numbers_of(dtype, (20, 24, channels)), isVector=True)
    SimpleITK.WriteImage(image, str(tmp_path / "a.mha"))
    with pytest.raises(InputError, match=rf"pixels must be numbers or colors, got vector of {named}.* in .*a\.mha"):
        volume.read([tmp_path / "a.mha"])


def test_complex_numbers_are_refused(tmp_path):
    numbers = numbers_of("f4", (3, 20, 24, 2)).view("c8")[..., 0]
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers), str(tmp_path / "a.nrrd"))
    with pytest.raises(InputError, match=r"pixels must be numbers or colors, got complex of 32-bit float in .*a\.nrrd"):
        volume.read([tmp_path / "a.nrrd"])


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_a_removed_part_of_another_shape_is_refused_and_nothing_is_written(tmp_path, name):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(numbers_of("u1", (20, 24))), str(tmp_path / name))
    removed = np.zeros((24, 20), np.float32)
    with pytest.raises(ValueError, match=r"removed must have the source's shape \(20, 24\), got \(24, 20\)"):
        volume.write([tmp_path / name], removed, [tmp_path / f"out{name}"], DERIVATION)
    with pytest.raises(ValueError, match=r"removed must have the source's shape \(20, 24\), got \(24, 20\)"):
        volume.write_residual([tmp_path / name], removed, tmp_path / "r.mha")
    assert [path.name for path in tmp_path.iterdir()] == [name]
