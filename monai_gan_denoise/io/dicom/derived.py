"""The header of a derived object: what it was made from, how, and under which identity.

Reference: DICOM PS3.3 C.7.6.1.1.2 (Image Type), C.12.4 (Derivation), C.7.6.16.2.6 (Derivation Image functional group).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import sha256

from pydicom import DataElement, Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    generate_uid,
)

from monai_gan_denoise.io.dicom.header import frame_count, transfer_syntax
from monai_gan_denoise.scans.scan import Derivation

__all__ = ["derive", "series_uid"]

LO_LENGTH, ST_LENGTH = 64, 1024  # characters that the value representations hold, PS3.5 table 6.2-1
PURPOSE_CODE = codes.cid7202.SourceImageForImageProcessingOperation
LOSSY_METHODS = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
}
# True of the source only: its thumbnail, who signed or authorized it, which device created the instance.
STALE = (
    "IconImageSequence",
    "MACParametersSequence",
    "DigitalSignaturesSequence",
    "InstanceCreatorUID",
    "SOPInstanceStatus",
    "SOPAuthorizationDateTime",
    "SOPAuthorizationComment",
    "AuthorizationEquipmentCertificationNumber",
)
SWAPPED_BYTES = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}


def series_uid(dataset: Dataset, derivation: Derivation) -> str:
    """Derive the SeriesInstanceUID of the output from the source's."""
    source = dataset.get("SeriesInstanceUID") or _identity(dataset)
    return _new_uid("series", str(source), derivation)


def derive(dataset: Dataset, derivation: Derivation, series: str, now: datetime) -> None:
    """Turn a source's data set, still with the source's pixels, into the header of the derived object.

    Args:
        dataset: changed in place.
        derivation: how the pixels are made.
        series: the new SeriesInstanceUID.
        now: when, with a time zone.
    """
    source, identity = str(dataset.get("SOPInstanceUID") or ""), _identity(dataset)
    _keep_lossy_history(dataset)
    if not transfer_syntax(dataset).is_little_endian:
        dataset.walk(_swap_bytes)
    for keyword in STALE:
        dataset.pop(keyword, None)
    enhanced = "SharedFunctionalGroupsSequence" in dataset or "PerFrameFunctionalGroupsSequence" in dataset
    _mark_derived(dataset, enhanced)
    if enhanced:
        _add_derivation_image(dataset, derivation, source)
    else:
        _add_derivation(dataset, derivation, source)
    dataset.SOPInstanceUID = UID(_new_uid("instance", identity, derivation))
    dataset.SeriesInstanceUID = UID(series)
    for keyword in ("ConcatenationUID", "SOPInstanceUIDOfConcatenationSource"):
        if dataset.get(keyword):
            setattr(dataset, keyword, UID(_new_uid("instance", str(dataset[keyword].value), derivation)))
    suffix = f" ({derivation.label})"
    named = str(dataset.get("SeriesDescription") or "")[: LO_LENGTH - len(suffix)]
    dataset.SeriesDescription = f"{named}{suffix}".strip()
    _set_dates(dataset, now)
    dataset.file_meta = _new_file_meta(dataset)
    dataset.preamble = b"\0" * 128


def _new_file_meta(dataset: Dataset) -> FileMetaDataset:
    """Give the meta information of a file written here, explicit VR little endian; pydicom names the implementation."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def _identity(dataset: Dataset) -> str:
    """Give the SOPInstanceUID, or in its absence a digest of what tells the instance from others of its series."""
    if uid := dataset.get("SOPInstanceUID"):
        return str(uid)
    place = [dataset.get(keyword) for keyword in ("InstanceNumber", "ImagePositionPatient")]
    return sha256(dataset.PixelData + str(place).encode()).hexdigest()


def _new_uid(kind: str, source: str, derivation: Derivation) -> str:
    """Derive a UID from the source's; all writes with one derivation agree on the UID of a series."""
    return str(generate_uid(entropy_srcs=[kind, source, derivation.fingerprint, derivation.salt]))


def _mark_derived(dataset: Dataset, enhanced: bool) -> None:
    """Set values 1 and 2 of ImageType and of each FrameType; later values stay."""
    kind = ["DERIVED", "PRIMARY" if enhanced else "SECONDARY"]
    dataset.ImageType = kind + _values(dataset, "ImageType")[2:]
    if "ContentQualification" in dataset:
        dataset.ContentQualification = "RESEARCH"
    for group in _functional_groups(dataset):
        for element in group:
            if element.VR == "SQ":
                for item in element.value:
                    if "FrameType" in item:
                        item.FrameType = kind + _values(item, "FrameType")[2:]


def _values(dataset: Dataset, keyword: str) -> list[str]:
    """Give the values of an element as a list, whether it has none, one or several."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) else list(value)


def _functional_groups(dataset: Dataset) -> Iterator[Dataset]:
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        yield from dataset.get(keyword) or []


def _add_derivation(dataset: Dataset, derivation: Derivation, source: str) -> None:
    """Describe the derivation; codes of earlier derivations stay before ours."""
    dataset.DerivationDescription = _text(derivation.description)
    dataset.DerivationCodeSequence = [
        *(dataset.get("DerivationCodeSequence") or []),
        _derivation_code(derivation),
    ]
    if source:
        dataset.SourceImageSequence = [_source_image(dataset, source)]


def _add_derivation_image(dataset: Dataset, derivation: Derivation, source: str) -> None:
    """Say of each frame which source frame it comes from; items of earlier derivations stay before ours."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    history = list(shared[0].pop("DerivationImageSequence").value) if "DerivationImageSequence" in shared[0] else []
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or [Dataset() for _ in range(frame_count(dataset))]
    for number, group in enumerate(frames, start=1):
        item = Dataset()
        item.DerivationDescription = _text(derivation.description)
        item.DerivationCodeSequence = [_derivation_code(derivation)]
        if source:
            image = _source_image(dataset, source)
            image.ReferencedFrameNumber = number
            item.SourceImageSequence = [image]
        group.DerivationImageSequence = [*history, *(group.get("DerivationImageSequence") or []), item]
    dataset.PerFrameFunctionalGroupsSequence = list(frames)
    if source:
        dataset.SourceImageEvidenceSequence = [*(dataset.get("SourceImageEvidenceSequence") or []), _evidence(dataset)]


def _source_image(dataset: Dataset, source: str) -> Dataset:
    image = Dataset()
    image.ReferencedSOPClassUID = dataset.SOPClassUID
    image.ReferencedSOPInstanceUID = UID(source)
    image.PurposeOfReferenceCodeSequence = [_code(PURPOSE_CODE)]
    return image


def _evidence(dataset: Dataset) -> Dataset:
    """Say in which study and series the source is, as Enhanced objects that name source images must."""
    instance, series, study = Dataset(), Dataset(), Dataset()
    instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    series.SeriesInstanceUID, series.ReferencedSOPSequence = dataset.get("SeriesInstanceUID"), [instance]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = dataset.get("StudyInstanceUID"), [series]
    return study


def _code(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def _derivation_code(derivation: Derivation) -> Dataset:
    return _code(getattr(codes.cid7203, derivation.code))


def _text(description: str) -> str:
    """Fit a description into an element of any character set."""
    return description.encode("ascii", "replace").decode("ascii")[:ST_LENGTH]


def _keep_lossy_history(dataset: Dataset) -> None:
    """Note that the source was compressed with loss, in case that its header does not and its transfer syntax did."""
    method = LOSSY_METHODS.get(transfer_syntax(dataset))
    if method is None or dataset.get("LossyImageCompression") == "01":
        return
    samples = dataset.Rows * dataset.Columns * dataset.get("SamplesPerPixel", 1) * frame_count(dataset)
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = method
    dataset.LossyImageCompressionRatio = round(samples * dataset.BitsAllocated / 8 / len(dataset.PixelData), 2)


def _set_dates(dataset: Dataset, now: datetime) -> None:
    """Date the instance, and the content where the source dates it: its pixels are made now, in the file's zone."""
    if offset := dataset.get("TimezoneOffsetFromUTC"):
        with suppress(ValueError):  # what is no offset names no zone; the date of this machine's is as good as any
            now = now.astimezone(datetime.strptime(str(offset), "%z").tzinfo)
    for kind in ("InstanceCreation", "Content"):
        for part, text in (("Date", now.strftime("%Y%m%d")), ("Time", now.strftime("%H%M%S.%f"))):
            if kind == "InstanceCreation" or f"{kind}{part}" in dataset:
                setattr(dataset, f"{kind}{part}", text)


def _swap_bytes(_: Dataset, element: DataElement) -> None:
    """Turn the words of a big endian element, which pydicom keeps as bytes, into little endian ones."""
    size = SWAPPED_BYTES.get(element.VR)
    if size and isinstance(element.value, bytes) and element.keyword != "PixelData":
        value = element.value
        element.value = b"".join(value[i : i + size][::-1] for i in range(0, len(value), size))
