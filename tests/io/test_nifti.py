"""NIfTI keeps its bytes. nibabel, gzip and struct are the oracles; no expectation comes from the code under test."""

import gzip
import struct
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel.testing import data_path

from monai_gan_denoise.io import read_scan
from monai_gan_denoise.io.nifti import codec as nifti
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

DERIVATION = Derivation("denoised", "monai-gan-denoise 0.1: strength 1, research use only " + "é" * 40, "fingerprint")
DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
OBLIQUE = np.array([[-1.9, 0.1, 0.3, 90], [0.1, 2.1, -0.2, -126], [0.2, 0.2, 3.0, -72], [0, 0, 0, 1]])


def stored_numbers(dtype: str, shape: tuple[int, ...] = (17, 19, 3)) -> np.ndarray:
    rng = np.random.default_rng(7)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 100, shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=np.dtype(dtype).newbyteorder("="), endpoint=True).astype(dtype)


def make(
    path: Path,
    numbers: np.ndarray,
    slope: float = 1.0,
    inter: float = 0.0,
    order: str = "<",
    kind: type = nibabel.Nifti1Header,
    extension: bytes = b"",
    codes: tuple[int, int] = (1, 2),
    units: tuple[str, str] = ("mm", "sec"),
) -> Path:
    """Write a NIfTI file from its parts, the header by nibabel, the rest by hand."""
    header = kind(endianness=order)
    header.set_data_shape(numbers.shape)
    header.set_data_dtype(numbers.dtype.newbyteorder(order))
    header.set_qform(OBLIQUE, code=codes[0], strip_shears=True)
    header.set_sform(OBLIQUE @ np.diag([1.5, 1, 1, 1]), code=codes[1])  # another than the qform, so that it shows
    header.set_xyzt_units(*units)
    header["scl_slope"], header["scl_inter"] = slope, inter
    header["descrip"], header["aux_file"], header["toffset"] = b"scanner", b"aux", 1.5
    extra = b""
    if extension:
        size = (8 + len(extension) + 15) // 16 * 16
        extra = struct.pack(f"{order}ii", size, 6) + extension.ljust(size - 8, b"\0")
    header["vox_offset"] = header.single_vox_offset + len(extra)
    flag = bytes([bool(extension), 0, 0, 0])
    blob = header.binaryblock + flag + extra + numbers.astype(numbers.dtype.newbyteorder(order)).tobytes(order="F")
    path.write_bytes(gzip.compress(blob, mtime=0) if path.suffix.lower() == ".gz" else blob)
    return path


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix.lower() == ".gz" else path.read_bytes()


def patched(path: Path, offset: int, layout: str, *values: object) -> Path:
    blob = bytearray(path.read_bytes())
    struct.pack_into(layout, blob, offset, *values)
    path.write_bytes(blob)
    return path


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scaling", [(1.0, 0.0), (0.37, -12.5), (0.0, 3.0), (-2.0, 1.0)])
def test_removing_nothing_returns_every_byte(tmp_path, dtype, scaling):
    source = make(tmp_path / "a.nii", stored_numbers(dtype), *scaling, extension=b"kept")
    scan = nifti.read([source])
    nifti.write([source], np.zeros_like(scan.values), [tmp_path / "out" / "b.nii"], DERIVATION)
    assert (tmp_path / "out" / "b.nii").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Header, nibabel.Nifti2Header])
@pytest.mark.parametrize("shape", [(17, 19), (17, 19, 1), (17, 19, 3), (17, 19, 3, 2), (17, 19, 3, 2, 2)])
def test_removing_nothing_returns_every_byte_in_every_layout(tmp_path, name, order, kind, shape):
    source = make(tmp_path / name, stored_numbers("i2", shape), 0.5, 3.0, order, kind)
    output = tmp_path / f"out.{name[2:]}"
    nifti.write([source], np.zeros(shape, np.float32), [output], DERIVATION)
    assert content(output) == content(source)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("slope", "inter"), [(1.0, 0.0), (0.37, -12.5), (-2.0, 1.0)])
def test_values_are_those_of_nibabel(tmp_path, dtype, slope, inter):
    source = make(tmp_path / "a.nii.gz", stored_numbers(dtype), slope, inter)
    scan = nifti.read([source])
    image = nibabel.load(source)
    np.testing.assert_allclose(scan.values, image.get_fdata(), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(scan.affine, image.affine)
    assert scan.values.dtype == np.float32
    assert scan.modality is None
    assert scan.hu_offset == 0


@pytest.mark.parametrize("codes", [(0, 0), (1, 0), (0, 1), (1, 2), (4, 3), (5, 4)])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Header, nibabel.Nifti2Header])
def test_the_affine_is_the_one_that_the_codes_choose(tmp_path, kind, codes):
    source = make(tmp_path / "a.nii", stored_numbers("i2"), kind=kind, codes=codes)
    image = nibabel.load(source)
    assert (int(image.header["qform_code"]), int(image.header["sform_code"])) == codes
    np.testing.assert_allclose(nifti.read([source]).affine, image.affine)


@given(
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(1, 4), min_size=0, max_size=3).map(lambda rest: (16, 17, *rest)),
    slope=st.sampled_from([-2.0, -0.01, 0.0, 0.37, 1.0, 300.0]),
    inter=st.floats(-1000, 1000, width=32),
    order=st.sampled_from("<>"),
    kind=st.sampled_from([nibabel.Nifti1Header, nibabel.Nifti2Header]),
    extension=st.binary(max_size=40),
    codes=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    units=st.tuples(
        st.sampled_from(["unknown", "meter", "mm", "micron"]), st.sampled_from(["sec", "msec", "usec", "hz"])
    ),
    name=st.sampled_from(["a.nii", "a.nii.gz"]),
    seed=st.integers(0, 99),
)
def test_whatever_the_header_all_but_descrip_stays_and_the_numbers_lose_what_is_removed(
    tmp_path_factory, dtype, shape, slope, inter, order, kind, extension, codes, units, name, seed
):
    folder = Path(tmp_path_factory.getbasetemp())
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 128, shape).astype(dtype)
    source = make(folder / name, numbers, slope, inter, order, kind, extension, codes, units)
    scan = nifti.read([source])
    np.testing.assert_allclose(scan.values, nibabel.load(source).get_fdata(), rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(scan.affine, nibabel.load(source).affine)
    steps = rng.integers(-9, 9, shape)
    nifti.write([source], (steps * np.float32(slope or 1)).astype(np.float32), [folder / f"out-{name}"], DERIVATION)
    before, after = content(source), content(folder / f"out-{name}")
    start, end = kind.template_dtype.fields["descrip"][1], int(nibabel.load(source).dataobj.offset)
    assert before[:start] + before[start + 80 : end] == after[:start] + after[start + 80 : end]
    info = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
    found = np.asarray(nibabel.load(folder / f"out-{name}").dataobj.get_unscaled())
    expected = np.clip(numbers.astype(float) - steps, float(info.min), float(info.max))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("file", ["example4d.nii.gz", "example_nifti2.nii.gz", "functional.nii"])
def test_a_file_of_nibabel_comes_back_with_its_values_and_bytes(tmp_path, file):
    source = Path(data_path, file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scan = nifti.read([source])
    np.testing.assert_allclose(scan.values, nibabel.load(source).get_fdata(), rtol=1e-6)
    output = tmp_path / file
    nifti.write([source], np.zeros_like(scan.values), [output], DERIVATION)
    assert content(output) == content(source)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u2", "i2", "u4", "i4", "f4", "f8"])
def test_what_is_removed_leaves_the_stored_numbers_in_their_own_scale(tmp_path, dtype, order):
    numbers = np.full((17, 19, 3), 1000, dtype)
    source = make(tmp_path / "a.nii", numbers, 0.5, -20.0, order)
    removed = np.zeros(numbers.shape, np.float32)
    removed[0, 0, 0], removed[1, 2, 1] = 3.0, -7.1
    nifti.write([source], removed, [tmp_path / "b.nii"], DERIVATION)
    expected = numbers.copy()
    expected[0, 0, 0] = 1000 - 6
    expected[1, 2, 1] = 1014 if np.dtype(dtype).kind in "iu" else 1000 + np.float64(np.float32(7.1)) / 0.5
    data = np.frombuffer((tmp_path / "b.nii").read_bytes()[352:], np.dtype(dtype).newbyteorder(order))
    np.testing.assert_array_equal(data.reshape(numbers.shape, order="F"), expected)


def test_integers_are_limited_to_their_type_only_where_something_is_removed(tmp_path):
    source = make(tmp_path / "a.nii", np.full((17, 19), 250, "u1"))
    removed = np.zeros((17, 19), np.float32)
    removed[0, 0], removed[0, 1] = 300, -300
    nifti.write([source], removed, [tmp_path / "b.nii"], DERIVATION)
    data = np.asarray(nibabel.load(tmp_path / "b.nii").dataobj)
    assert (data[0, 0], data[0, 1], data[5, 5]) == (0, 255, 250)


@pytest.mark.parametrize(("kind", "start"), [(nibabel.Nifti1Header, 148), (nibabel.Nifti2Header, 240)])
def test_only_descrip_differs_in_the_header_when_something_was_removed(tmp_path, kind, start):
    source = make(tmp_path / "a.nii", stored_numbers("i2"), 2.0, 1.0, kind=kind, extension=b"an extension")
    nifti.write([source], np.full((17, 19, 3), 8, np.float32), [tmp_path / "b.nii"], DERIVATION)
    before, after = source.read_bytes(), (tmp_path / "b.nii").read_bytes()
    end = int(nibabel.load(source).dataobj.offset)
    assert before[:start] + before[start + 80 : end] == after[:start] + after[start + 80 : end]
    descrip = after[start : start + 80].rstrip(b"\0").decode()
    assert len(descrip.encode()) <= 79
    assert DERIVATION.description.startswith(descrip)
    assert len(descrip) > 60


def test_nibabel_reads_back_the_extension_and_both_affines(tmp_path):
    source = make(tmp_path / "a.nii.gz", stored_numbers("i2"), 2.0, 1.0, extension=b"an extension")
    nifti.write([source], np.ones((17, 19, 3), np.float32), [tmp_path / "b.nii.gz"], DERIVATION)
    before, after = nibabel.load(source), nibabel.load(tmp_path / "b.nii.gz")
    assert after.header.extensions[0].get_content() == before.header.extensions[0].get_content()
    for form in ("get_qform", "get_sform"):
        expected, code = getattr(before, form)(coded=True)
        found, found_code = getattr(after, form)(coded=True)
        np.testing.assert_array_equal(found, expected)
        assert found_code == code


def test_the_same_input_gives_the_same_compressed_bytes(tmp_path):
    source = make(tmp_path / "a.nii.gz", stored_numbers("i2"))
    for name in ("b.nii.gz", "c.nii.gz"):
        nifti.write([source], np.ones((17, 19, 3), np.float32), [tmp_path / name], DERIVATION)
    assert (tmp_path / "b.nii.gz").read_bytes() == (tmp_path / "c.nii.gz").read_bytes()


@pytest.mark.parametrize("name", ["r.nii", "r.nii.gz"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_residual_is_float32_with_the_geometry_of_the_source(tmp_path, name, order):
    source = make(tmp_path / "a.nii", stored_numbers("u1"), 0.5, 3.0, order)
    removed = np.random.default_rng(1).normal(0, 20, size=(17, 19, 3)).astype(np.float32)
    nifti.write_residual([source], removed, tmp_path / name)
    nifti.write([source], removed, [tmp_path / "b.nii"], DERIVATION)
    image = nibabel.load(tmp_path / name)
    assert image.get_data_dtype().newbyteorder("=") == np.float32
    difference = nibabel.load(source).get_fdata() - nibabel.load(tmp_path / "b.nii").get_fdata()
    np.testing.assert_array_equal(image.get_fdata(), difference)
    assert not np.array_equal(difference, removed)
    original = nibabel.load(source)
    np.testing.assert_array_equal(image.affine, original.affine)
    np.testing.assert_array_equal(image.get_qform(), original.get_qform())
    assert image.header.get_zooms() == original.header.get_zooms()


@pytest.mark.parametrize(
    ("dtype", "slope", "inter", "expected"),
    [
        ("u1", 1, 0, (0, 255)),
        ("i1", 1, 0, (-128, 127)),
        ("u1", -2, 10, (-500, 10)),
        ("i2", 1, 0, None),
        ("f4", 1, 0, None),
    ],
)
def test_eight_bit_files_say_their_bit_range_in_scaled_units(tmp_path, dtype, slope, inter, expected):
    source = make(tmp_path / "a.nii", stored_numbers(dtype), slope, inter)
    assert nifti.read([source]).bit_range == expected


@pytest.mark.parametrize(
    ("spacing", "marked", "expected"),
    [
        ((1, 1, 1), None, 2),
        ((3, 1, 1), None, 0),
        ((1, 3, 1), None, 1),
        ((3, 3, 1), None, 2),
        ((1.0000001, 1, 1), None, 2),
        ((3, 1, 1), 1, 1),
        ((1, 1, 3), 0, 0),
    ],
)
def test_the_slice_axis_is_the_marked_one_else_that_of_largest_spacing_else_the_third(
    tmp_path, spacing, marked, expected
):
    image = nibabel.Nifti1Image(np.zeros((17, 18, 19), np.int16), np.diag([*spacing, 1]))
    image.header.set_dim_info(slice=marked)
    nibabel.save(image, tmp_path / "a.nii")
    assert nifti.read([tmp_path / "a.nii"]).slice_axis == expected


@pytest.mark.parametrize(
    ("shape", "spacing", "expected"),
    [
        ((20, 24, 1), (1, 3, 1), 2),
        ((20, 1, 24), (1, 1, 3), 1),
        ((1, 20, 24), (1, 1, 1), 0),
        ((20, 24, 1, 2), (3, 1, 1), 2),
    ],
)
def test_a_single_slice_is_whole_whatever_its_spacing(tmp_path, shape, spacing, expected):
    nibabel.save(nibabel.Nifti1Image(np.zeros(shape, np.int16), np.diag([*spacing, 1])), tmp_path / "a.nii")
    assert read_scan([tmp_path / "a.nii"]).slice_axis == expected


@pytest.mark.parametrize(("shape", "expected"), [((17, 19), None), ((17, 19, 1), 2), ((17, 19, 3, 2), 2)])
def test_two_dimensions_have_no_slice_axis_and_more_have(tmp_path, shape, expected):
    source = make(tmp_path / "a.nii", stored_numbers("i2", shape))
    scan = nifti.read([source])
    assert scan.slice_axis == expected
    assert scan.values.shape == shape


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path, name, share):
    source = make(tmp_path / name, stored_numbers("i2", (40, 40, 3)))
    blob = source.read_bytes()
    source.write_bytes(blob[: int(len(blob) * share)])
    with pytest.raises(InputError, match=rf"files must .*{name}"):
        nifti.read([source])


def test_a_compressed_file_that_lost_its_checksum_is_refused(tmp_path):
    source = make(tmp_path / "a.nii.gz", stored_numbers("i2"))
    source.write_bytes(source.read_bytes()[:-4])
    with pytest.raises(InputError, match=r"files must be whole, got .* in .*a\.nii\.gz"):
        nifti.read([source])


def test_a_corrupt_compressed_stream_is_refused(tmp_path):
    source = make(tmp_path / "a.nii.gz", stored_numbers("i2"))
    blob = bytearray(source.read_bytes())
    blob[len(blob) // 2 : len(blob) // 2 + 20] = b"\xff" * 20
    source.write_bytes(blob)
    with pytest.raises(InputError, match=r"files must be whole, got .* in .*a\.nii\.gz"):
        nifti.read([source])


@pytest.mark.parametrize(
    ("name", "blob"), [("a.nii", b"not an image" * 50), ("a.nii", b""), ("a.nii.gz", b"plain" * 99)]
)
def test_what_is_no_nifti_is_refused(tmp_path, name, blob):
    (tmp_path / name).write_bytes(blob)
    with pytest.raises(InputError, match=r"files must be .* in .*a\.nii|at the start of .*a\.nii"):
        nifti.read([tmp_path / name])


def test_a_missing_file_stays_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        nifti.read([tmp_path / "none.nii"])


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_header_that_claims_more_than_the_file_can_hold_takes_no_memory(tmp_path, name):
    plain = patched(make(tmp_path / "plain.nii", stored_numbers("f8")), 40, "<8h", 4, *[32767] * 4, 1, 1, 1)
    blob = plain.read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(blob) if name.endswith("gz") else blob)
    with pytest.raises(InputError, match=r"files must hold the \d{19} bytes their header claims"):
        nifti.read([tmp_path / name])


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (float("nan"), "vox_offset must lie behind the header, got nan"),
        (-400.0, "header must be valid, got vox offset -400 too low"),
        (1e30, r"files must hold the \d{31} bytes their header claims"),
    ],
)
def test_a_data_offset_outside_the_file_is_refused(tmp_path, offset, message):
    source = patched(make(tmp_path / "a.nii", stored_numbers("i2")), 108, "<f", offset)
    with pytest.raises(InputError, match=rf"{message}.* in .*a\.nii"):
        nifti.read([source])


def test_a_data_offset_of_zero_means_the_first_possible_byte(tmp_path):
    numbers = stored_numbers("i2")
    source = patched(make(tmp_path / "a.nii", numbers), 108, "<f", 0.0)
    np.testing.assert_array_equal(nifti.read([source]).values, numbers)


@pytest.mark.parametrize(("value", "count"), [(np.nan, 1), (np.inf, 3), (-np.inf, 2)])
def test_voxels_that_are_not_finite_are_counted(tmp_path, value, count):
    numbers = stored_numbers("f4")
    numbers[0, :count, 0] = value
    source = make(tmp_path / "a.nii", numbers)
    with pytest.raises(InputError, match=rf"values must be finite, got {count} NaN or infinite in .*a\.nii"):
        read_scan([source])


def test_values_beyond_float32_are_refused(tmp_path):
    numbers = stored_numbers("f8")
    numbers[0, 0, 0] = 1e300
    with pytest.raises(InputError, match=r"values must be finite, got 1 NaN or infinite in .*a\.nii"):
        read_scan([make(tmp_path / "a.nii", numbers)])


@pytest.mark.parametrize("shape", [(15, 40), (40, 15, 3), (15, 40, 30, 2)])
def test_slices_below_sixteen_pixels_are_refused(tmp_path, shape):
    with pytest.raises(InputError, match=r"slices must be at least 16 pixels wide and high, got .*15.* in .*a\.nii"):
        read_scan([make(tmp_path / "a.nii", stored_numbers("i2", shape))])


@pytest.mark.parametrize("dtype", [np.complex64, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])])
def test_complex_and_color_are_refused(tmp_path, dtype):
    nibabel.save(nibabel.Nifti1Image(np.zeros((17, 18, 3), dtype), np.eye(4), dtype=dtype), tmp_path / "a.nii")
    with pytest.raises(InputError, match=r"datatype must be integer or floating, got (complex64|RGB) in .*a\.nii"):
        nifti.read([tmp_path / "a.nii"])


@pytest.mark.parametrize("code", [1, 777])
def test_a_datatype_that_nifti_lacks_is_refused(tmp_path, code):
    with pytest.raises(InputError, match=r"header must be valid, got data code .* in .*a\.nii"):
        nifti.read([patched(make(tmp_path / "a.nii", stored_numbers("i2")), 70, "<h", code)])


@pytest.mark.parametrize("dim", [(1, 300), (6, 17, 19, 1, 1, 1, 2), (2, 17, 0), (2, 17, -19)])
def test_other_than_two_to_five_positive_sizes_are_refused(tmp_path, dim):
    source = make(tmp_path / "a.nii", stored_numbers("i2"))
    patched(source, 40, "<8h", *dim, *[1] * (8 - len(dim)))
    with pytest.raises(InputError, match=r"dim must be 2 to 5 positive sizes, got .* in .*a\.nii"):
        nifti.read([source])


def test_a_header_whose_data_are_elsewhere_is_refused(tmp_path):
    source = patched(make(tmp_path / "a.nii", stored_numbers("i2")), 344, "4s", b"ni1\0")
    with pytest.raises(InputError, match=r"header and data must be in one file, got .* in .*a\.nii"):
        nifti.read([source])


def test_an_intercept_that_is_not_finite_is_refused(tmp_path):
    source = make(tmp_path / "a.nii", stored_numbers("i2"), 1.0, float("nan"))
    with pytest.raises(InputError, match=r"scl_inter must be finite, got nan in .*a\.nii"):
        nifti.read([source])


def test_a_qform_that_is_no_rotation_is_refused(tmp_path):
    source = patched(make(tmp_path / "a.nii", stored_numbers("i2")), 252, "<hh3f", 1, 0, 5, 5, 5)
    with pytest.raises(InputError, match=r"qform must be a rotation, got .* in .*a\.nii"):
        nifti.read([source])


def test_an_affine_that_is_not_finite_is_refused(tmp_path):
    source = patched(make(tmp_path / "a.nii", stored_numbers("i2")), 280, "<f", float("nan"))
    with pytest.raises(InputError, match=r"affine must be finite, got .* in .*a\.nii"):
        nifti.read([source])


def test_what_nibabel_mends_is_no_line_for_the_user_and_stays_in_the_file(tmp_path, caplog):
    source = make(tmp_path / "a.nii", stored_numbers("i2"))
    blob = bytearray(source.read_bytes())
    blob[80:92] = bytes(12)  # pixdim[1:4]
    source.write_bytes(blob)
    caplog.set_level("INFO")
    nifti.write([source], np.zeros(nifti.read([source]).values.shape), [tmp_path / "b.nii"], DERIVATION)
    assert not caplog.records
    assert (tmp_path / "b.nii").read_bytes() == blob


def test_a_removed_part_of_another_shape_is_refused_and_nothing_is_written(tmp_path):
    source = make(tmp_path / "a.nii", stored_numbers("i2"))
    removed, output = np.zeros((1, 1, 1), np.float32), tmp_path / "b.nii"
    with pytest.raises(ValueError, match=r"removed must have the source's shape \(17, 19, 3\), got \(1, 1, 1\)"):
        nifti.write([source], removed, [output], DERIVATION)
    with pytest.raises(ValueError, match=r"removed must have the source's shape \(17, 19, 3\), got \(1, 1, 1\)"):
        nifti.write_residual([source], removed, output)
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii"]
