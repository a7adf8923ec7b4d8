"""Four DICOM sources with known geometry, from phantoms and pydicom's headers, and what the denoiser makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ComputedRadiographyImageStorage, EnhancedMRImageStorage, ExplicitVRLittleEndian

from monai_gan_denoise import Denoiser, phantoms

ROWS, COLUMNS, SLICES = 56, 44, 4  # unlike, so that an exchange of two axes shows
ROW_SPACING, COLUMN_SPACING, STEP = 0.7, 0.9, 2.5  # mm
ALONG_ROW, ALONG_COLUMN = np.array([0.96, 0.0, -0.28]), np.array([0.168, 0.8, 0.576])  # orthonormal, oblique
NORMAL = np.cross(ALONG_ROW, ALONG_COLUMN)
POSITIONS = [np.array([-20.0, 35.0, -60.0]) + index * STEP * NORMAL for index in range(SLICES)]
UID_ROOT = "1.2.826.0.1.3680043.8.498."  # pydicom's own, for generated UIDs
LPS_TO_RAS = np.diag([-1, -1, 1, 1])
FRAME_TYPE = {
    "PixelPresentation": "MONOCHROME",
    "VolumetricProperties": "VOLUME",
    "VolumeBasedCalculationTechnique": "NONE",
    "ComplexImageComponent": "MAGNITUDE",
    "AcquisitionContrast": "T1",
}
REQUIRED_OF_ENHANCED = FRAME_TYPE | {  # what dciodvfy asks of a derived Enhanced MR image
    "ImageType": ["DERIVED", "PRIMARY", "VOLUME", "NONE"],
    "ContentDate": "20260101",
    "ContentTime": "120000",
    "DeviceSerialNumber": "1",
    "SoftwareVersions": "1",
    "PresentationLUTShape": "IDENTITY",
    "ApplicableSafetyStandardAgency": "IEC",
    "BurnedInAnnotation": "NO",
    "ContentQualification": "RESEARCH",
    "LossyImageCompression": "00",
    "AcquisitionContextSequence": [],
    "PositionReferenceIndicator": None,
    "PatientPosition": "HFS",
}


@dataclass(frozen=True)
class Exchange:
    """A source and its result, files in slice order.

    ``affine`` takes (column, row, slice) to RAS millimeters; None of a radiograph, which has no place in the patient.
    """

    sources: list[Path]
    results: list[Path]
    affine: np.ndarray | None

    def values(self) -> np.ndarray:
        """The results' values (column, row, slice) as pydicom decodes them, with DICOM's rescale."""
        datasets = [pydicom.dcmread(path) for path in self.results]
        frames = [_rescaled(dataset, frame) for dataset in datasets for frame in _frames(dataset)]
        return np.stack(frames).transpose(2, 1, 0)


@pytest.fixture(scope="session")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exchange]:
    """Each source with what the bundle's network makes of it."""
    folder = tmp_path_factory.mktemp("exchange")
    sources, results = folder / "sources", folder / "results"
    for kind, write in WRITERS.items():
        (sources / kind).mkdir(parents=True)
        write(sources / kind)
    run = Denoiser(device="cpu").run(sources, results)
    assert [outcome.failure for outcome in run.outcomes] == [None] * len(WRITERS)
    affine = np.eye(4)
    affine[:3] = np.column_stack([COLUMN_SPACING * ALONG_ROW, ROW_SPACING * ALONG_COLUMN, STEP * NORMAL, POSITIONS[0]])
    pairs = {kind: [sorted((top / kind).iterdir()) for top in (sources, results)] for kind in WRITERS}
    return {
        kind: Exchange(before, after, None if kind == "radiograph" else LPS_TO_RAS @ affine)
        for kind, (before, after) in pairs.items()
    }


def _write_series(name: str, draw: Callable[[int], np.ndarray], low: float, high: float, folder: Path) -> None:
    for index, position in enumerate(POSITIONS):
        dataset = pydicom.dcmread(str(get_testdata_file(f"{name}.dcm", download=False)))
        dataset.ImageOrientationPatient, dataset.ImagePositionPatient = [*ALONG_ROW, *ALONG_COLUMN], list(position)
        dataset.PixelSpacing, dataset.SliceThickness = [ROW_SPACING, COLUMN_SPACING], STEP
        dataset.SliceLocation, dataset.InstanceNumber = float(position @ NORMAL), index + 1
        if "SpacingBetweenSlices" in dataset:
            dataset.SpacingBetweenSlices = STEP
        _set_pixels(dataset, _noisy(draw, low, high, index).astype(np.int16))
        dataset.SOPInstanceUID = UID(f"{UID_ROOT}{len(name)}.{index + 1}.{dataset.Modality == 'CT':d}")
        _save(dataset, folder / f"slice{index}.dcm")


def _write_enhanced(folder: Path) -> None:
    dataset = _study("MR", EnhancedMRImageStorage, 7)
    for keyword, value in REQUIRED_OF_ENHANCED.items():
        setattr(dataset, keyword, value)
    orientation, measures, rescale, frame_type, anatomy = (Dataset() for _ in range(5))
    orientation.ImageOrientationPatient = [*ALONG_ROW, *ALONG_COLUMN]
    measures.PixelSpacing, measures.SliceThickness = [ROW_SPACING, COLUMN_SPACING], STEP
    measures.SpacingBetweenSlices = STEP
    rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = 2.0, -10.0, "US"
    frame_type.FrameType = dataset.ImageType
    for keyword in FRAME_TYPE:
        setattr(frame_type, keyword, REQUIRED_OF_ENHANCED[keyword])
    anatomy.FrameLaterality, anatomy.AnatomicRegionSequence = "U", [Dataset()]
    for part, text in (("Value", "69536005"), ("Meaning", "Head")):
        setattr(anatomy.AnatomicRegionSequence[0], f"Code{part}", text)
    anatomy.AnatomicRegionSequence[0].CodingSchemeDesignator = "SCT"
    shared = Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    shared.PixelValueTransformationSequence, shared.MRImageFrameTypeSequence = [rescale], [frame_type]
    shared.FrameAnatomySequence = [anatomy]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [_frame(index) for index in range(SLICES)]
    dataset.DimensionOrganizationSequence, dataset.DimensionIndexSequence = [Dataset()], [Dataset()]
    dataset.DimensionOrganizationSequence[0].DimensionOrganizationUID = UID(f"{UID_ROOT}7.9")
    dataset.DimensionIndexSequence[0].DimensionOrganizationUID = UID(f"{UID_ROOT}7.9")
    dataset.DimensionIndexSequence[0].DimensionIndexPointer = 0x00209057  # In-Stack Position Number
    dataset.DimensionIndexSequence[0].FunctionalGroupPointer = 0x00209111  # Frame Content Sequence
    dataset.NumberOfFrames = SLICES
    frames = [_noisy(phantoms.head, 20, 2000, index) for index in range(SLICES)]
    _set_pixels(dataset, np.stack(frames).astype(np.uint16))
    _save(dataset, folder / "head.dcm")


def _frame(index: int) -> Dataset:
    content, position, group = Dataset(), Dataset(), Dataset()
    content.StackID, content.InStackPositionNumber, content.DimensionIndexValues = "1", index + 1, [index + 1]
    position.ImagePositionPatient = list(POSITIONS[index])
    group.FrameContentSequence, group.PlanePositionSequence = [content], [position]
    return group


def _write_radiograph(folder: Path) -> None:
    dataset = _study("CR", ComputedRadiographyImageStorage, 8)
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.PixelSpacing = dataset.ImagerPixelSpacing = [ROW_SPACING, COLUMN_SPACING]
    dataset.BodyPartExamined, dataset.ViewPosition = "CHEST", "PA"
    dataset.PatientOrientation = ["L", "F"]
    _set_pixels(dataset, _noisy(phantoms.chest_radiograph, 100, 4000, 0).astype(np.uint16))
    _save(dataset, folder / "chest.dcm")


def _study(modality: str, sop_class: UID, number: int) -> Dataset:
    """The patient and the study of pydicom's MR image, without the image."""
    dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm", download=False)), stop_before_pixels=True)
    keep = {0x0008, 0x0010}
    for tag in [element.tag for element in dataset if element.tag.group not in keep]:
        del dataset[tag]
    dataset.Modality, dataset.SOPClassUID = modality, sop_class
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID, dataset.FrameOfReferenceUID = (
        UID(f"{UID_ROOT}{number}.{part}") for part in range(1, 5)
    )
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.StudyID = number, 1, "4MR1"
    return dataset


def _noisy(draw: Callable[[int], np.ndarray], low: float, high: float, seed: int) -> np.ndarray:
    clean = low + (high - low) * draw(64)[4 : 4 + ROWS, 8 : 8 + COLUMNS]
    noise = np.random.default_rng(seed).normal(0, 0.03 * (high - low), clean.shape)
    return np.clip(np.rint(clean + noise), 0, 4095)


def _set_pixels(dataset: Dataset, pixels: np.ndarray) -> None:
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, int(pixels.dtype.kind == "i")
    for keyword in ("SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue", "DataSetTrailingPadding"):
        dataset.pop(keyword, None)  # the last of which has no meaning and is not sent
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"


def _save(dataset: Dataset, path: Path) -> None:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)


def _frames(dataset: Dataset) -> np.ndarray:
    pixels = dataset.pixel_array
    return pixels if pixels.ndim == 3 else pixels[np.newaxis]


def _rescaled(dataset: Dataset, frame: np.ndarray) -> np.ndarray:
    shared = dataset.get("SharedFunctionalGroupsSequence")
    source = shared[0].PixelValueTransformationSequence[0] if shared else dataset
    return frame * float(source.get("RescaleSlope", 1)) + float(source.get("RescaleIntercept", 0))


WRITERS: dict[str, Callable[[Path], None]] = {
    "oblique CT": partial(_write_series, "CT_small", phantoms.abdomen, 0, 3000),
    "MR series": partial(_write_series, "MR_small", phantoms.head, 20, 2000),
    "Enhanced MR": _write_enhanced,
    "radiograph": _write_radiograph,
}
