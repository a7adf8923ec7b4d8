"""What the shipped weights do, blind, on images that they were not trained on.

The figures of the README are what ``python -m pytest -m slow tests/test_quality.py --log-cli-level=INFO`` logs.
"""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pydicom.data
import pytest
import SimpleITK as sitk
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch.utils.flop_counter import FlopCounterMode

from monai_gan_denoise import phantoms
from monai_gan_denoise.inference import Denoiser
from monai_gan_denoise.metrics import noise_removal, quiet_blocks
from monai_gan_denoise.networks import GanDenoiser

pytestmark = pytest.mark.slow
logger = logging.getLogger(__name__)

SHARED = Path(__file__).parents[2] / "shared" / "data"
MODALITIES = {"ct": "ct", "mri": "mr", "xray": "xr", "us": "us", "oct": "oct"}
CT_RANGE, MRI_RANGE = 3000.0, 4095.0  # HU and stored values; 8-bit images have 255
LEAST_GAIN = 7.0  # dB, over the noisy input
LEAST_GAIN_OF_SCANS = {"oct": 6.5}  # whose references are single scans: their speckle goes with the noise
LEAST_CLEAN = 50.0  # dB, of an image without any noise
LEAST_SIGNAL, LEAST_DEVIATION = 0.05, 8e-4  # of the range: where blocks of a native image have signal, and noise
SECONDS_A_SLICE = 0.5  # of 512 x 512, on two cores

Image = npt.NDArray[np.float32]
Draw = Callable[[], npt.NDArray[np.float64]]


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser(device="cpu")


def images_of(modality: str) -> list[tuple[Image, float]]:
    """The test images of a modality and the range that figures of merit refer to."""
    if not SHARED.is_dir():
        pytest.skip("the test images are not beside this clone")
    with (SHARED / "manifest.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if (row["modality"], row["split"]) == (modality, "test")]
    found = []
    for row in rows:
        stored = sitk.GetArrayFromImage(sitk.ReadImage(str(SHARED / row["file"])))
        values = stored.astype(np.float32)
        if stored.dtype == np.uint8:
            found.append((values, 255.0))
        else:
            found.append((values - 1024 if modality == "ct" else values, CT_RANGE if modality == "ct" else MRI_RANGE))
    return found


def score(image: Image, clean: Image, width: float) -> tuple[float, float]:
    """PSNR in dB and SSIM, both scikit-image's, of an image as it is; outputs are limited to the range before."""
    pair = clean.astype(np.float64), image.astype(np.float64)
    return peak_signal_noise_ratio(*pair, data_range=width), structural_similarity(*pair, data_range=width)


def limit(image: Image, width: float) -> Image:
    lowest = -1024.0 if width == CT_RANGE else 0.0
    return np.clip(image, lowest, lowest + width)


@pytest.mark.parametrize("modality", MODALITIES)
def test_gaussian_noise_of_25_loses_7_decibels(denoiser: Denoiser, modality: str) -> None:
    before, after = [], []
    for number, (clean, width) in enumerate(images_of(modality)):
        rng = np.random.default_rng(number)
        noisy = (clean + rng.normal(0, 25 / 255 * width, clean.shape)).astype(np.float32)
        before.append(score(noisy, clean, width))
        after.append(score(limit(denoiser.denoise(noisy, MODALITIES[modality]), width), clean, width))
    (noisy_psnr, noisy_ssim), (psnr, ssim) = np.mean(before, 0), np.mean(after, 0)
    logger.info(
        "%s, Gaussian 25/255, %d images: noisy %.2f dB / %.3f, denoised %.2f dB / %.3f",
        *(modality, len(before), noisy_psnr, noisy_ssim, psnr, ssim),
    )
    assert psnr >= noisy_psnr + LEAST_GAIN_OF_SCANS.get(modality, LEAST_GAIN)


@pytest.mark.parametrize("modality", MODALITIES)
def test_untouched_images_get_no_noisier(denoiser: Denoiser, modality: str) -> None:
    left, spread, moved = [], [], []
    for values, width in images_of(modality):
        lowest = -1024.0 if width == CT_RANGE else 0.0
        image = (values - lowest) / width
        blocks = quiet_blocks(image, (LEAST_SIGNAL, np.inf), LEAST_DEVIATION)
        result = (limit(denoiser.denoise(values, MODALITIES[modality]), width) - lowest) / width
        removal = noise_removal(image, result, blocks)
        if removal.blocks:
            left.append(1 - removal.removed)
            spread.append(removal.unevenness)
        moved.append(score(result, image, 1.0)[0])
    logger.info(
        "%s, untouched, %d images: %.2f of the deviation of quiet blocks left, unevenness %.2f, to the input %.2f dB",
        *(modality, len(moved), np.mean(left), np.mean(spread), np.mean(moved)),
    )
    assert max(left) <= 1.02  # one percent is what rounding to 8 bits may do


@pytest.mark.parametrize(
    ("modality", "draw"),
    [
        ("ct", phantoms.abdomen),
        ("mr", phantoms.head),
        ("xr", phantoms.chest_radiograph),
        ("us", phantoms.sonogram),
        ("oct", phantoms.bscan),
    ],
    ids=["ct", "mr", "xr", "us", "oct"],
)
def test_a_noisy_phantom_gains_7_decibels_and_a_clean_one_comes_back(
    denoiser: Denoiser, modality: str, draw: Draw
) -> None:
    lowest, width = (-1024.0, CT_RANGE) if modality == "ct" else (0.0, 255.0)
    clean = draw().astype(np.float32)
    clean = lowest + width * (clean - clean.min()) / np.ptp(clean)
    noisy = (clean + np.random.default_rng(0).normal(0, 25 / 255 * width, clean.shape)).astype(np.float32)
    denoised, kept_image = (limit(denoiser.denoise(image, modality), width) for image in (noisy, clean))
    before, after, kept = (score(image, clean, width)[0] for image in (noisy, denoised, kept_image))
    logger.info("%s phantom: noisy %.2f dB, denoised %.2f dB, clean in %.2f dB", modality, before, after, kept)
    assert after >= before + LEAST_GAIN
    assert kept >= LEAST_CLEAN


def test_noise_in_a_packaged_ct_slice_loses_7_decibels(denoiser: Denoiser) -> None:
    source = pydicom.dcmread(str(pydicom.data.get_testdata_file("CT_small.dcm", download=False)))
    clean = (source.pixel_array * float(source.RescaleSlope) + float(source.RescaleIntercept)).astype(np.float32)
    noisy = (clean + np.random.default_rng(0).normal(0, 25 / 255 * CT_RANGE, clean.shape)).astype(np.float32)
    denoised = limit(denoiser.denoise(noisy, "ct"), CT_RANGE)
    before, after = (score(image, clean, CT_RANGE)[0] for image in (noisy, denoised))
    logger.info("CT_small: noisy %.2f dB, denoised %.2f dB", before, after)
    assert after >= before + LEAST_GAIN


def test_a_slice_of_512_takes_half_a_second_or_what_its_multiplications_take(denoiser: Denoiser) -> None:
    volume = torch.rand(4, 1, 512, 512).to(memory_format=torch.channels_last)
    convolution = torch.nn.Conv2d(32, 32, 3, padding=1, bias=False).to(memory_format=torch.channels_last)
    features = torch.rand(4, 32, 256, 256).to(memory_format=torch.channels_last)
    seconds, plain = [], []
    with torch.inference_mode():
        with FlopCounterMode(display=False) as network_count:
            denoiser.network(volume[:1])
        with FlopCounterMode(display=False) as convolution_count:
            convolution(features[:1])
        repeats = network_count.get_total_flops() / convolution_count.get_total_flops()
        for _ in range(5):
            seconds.append(_time(lambda: denoiser.network(volume)) / len(volume))
            plain.append(_time(lambda: [convolution(features) for _ in range(8)]) / 8 / len(volume) * repeats)
    logger.info(
        "512 x 512 on %d threads: %.2f s a slice, fastest of 5; as many multiplications in plain convolutions: %.2f s",
        *(torch.get_num_threads(), min(seconds), min(plain)),
    )
    assert min(seconds) <= max(SECONDS_A_SLICE, 1.3 * min(plain))  # machines differ, and are shared


def _time(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def test_the_shipped_weights_are_the_default_architecture(bundle_root: Path) -> None:
    state = torch.load(bundle_root / "models" / "model.pt", weights_only=True)
    GanDenoiser().load_state_dict(state, strict=True)
