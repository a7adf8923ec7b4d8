"""Damaged DICOM files are refused in one line that names them, whichever parser or decoder they would break."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import RLELossless

from monai_gan_denoise.io.dicom import find_series, read, write
from monai_gan_denoise.io.dicom.stream import SMALL, BoundedFile
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

CT_CLASS = b"1.2.840.10008.5.1.4.1.1.2\0"


def packaged(name: str) -> Path:
    return Path(str(get_testdata_file(f"{name}.dcm", download=False)))


def replaced(path: Path, name: str, old: bytes, new: bytes) -> Path:
    """A packaged file with some of its bytes replaced by as many others."""
    blob = packaged(name).read_bytes()
    assert old in blob
    path.write_bytes(blob.replace(old, new))
    return path


@pytest.mark.parametrize("damaged", [b"1.2.840\\10008.5.1.4.1.1.2\0", b"1.2.840.1\n008.5.1.4.1.1.2\0"])
def test_a_class_that_is_no_uid_is_refused_in_one_line_by_all_who_read(tmp_path: Path, damaged: bytes) -> None:
    path = replaced(tmp_path / "a.dcm", "CT_small", CT_CLASS, damaged)
    series, ((refused, reason),) = find_series([path])
    assert (series, refused, reason.count("\n")) == ([], path, 0)
    with pytest.raises(InputError, match=r"file must be readable DICOM, got .* for a SOP class in .*a\.dcm"):
        read([path])


def test_an_element_that_cannot_be_written_names_the_file_and_leaves_no_output(tmp_path: Path) -> None:
    path = replaced(tmp_path / "a.dcm", "CT_small", b"\x08\x00\x12\x00DA", b"\x08\x00\x12\x00QQ")
    removed = np.zeros(read([path]).values.shape)
    with pytest.raises(InputError, match=r"header must be writable, got Unknown Value Representation .* in .*a\.dcm"):
        write([path], removed, [tmp_path / "out" / "b.dcm"], Derivation("denoised", "", "fingerprint"))
    assert not (tmp_path / "out").exists()


def test_a_decoder_that_panics_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(packaged("CT_small"))
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.Rows -= 1  # each row is packed by itself, so that the segments hold one row too many
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputError, match=r"pixel data must be decodable, got .* in .*a\.dcm"):
        read([tmp_path / "a.dcm"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_decoding_can_be_interrupted(monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.as_array", interrupted)
    with pytest.raises(error):
        read([packaged("CT_small")])


def test_a_bounded_file_takes_no_memory_for_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(range(100)))
    with BoundedFile(path) as stream:
        assert stream.read(3) == b"\0\1\2"
        assert stream.read(1 << 62) == bytes(range(3, 100))  # which no machine has
        assert stream.read(SMALL + 1) == b""
        stream.seek(98)
        assert stream.read() == b"bc"
