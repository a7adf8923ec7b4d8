"""GanDenoised in front of other pipelines."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, Orientationd, ScaleIntensityd
from torch import Tensor

from monai_gan_denoise import Denoiser, GanDenoised
from monai_gan_denoise.io import ScanReader
from monai_gan_denoise.networks import GanDenoiser, WeightsError
from monai_gan_denoise.scans.errors import InputError


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser(device="cpu")


def volume(shape: tuple[int, ...] = (1, 32, 24, 3), dtype: torch.dtype = torch.float32) -> MetaTensor:
    values = torch.as_tensor(np.random.default_rng(1).uniform(20, 230, shape)).to(dtype)
    affine = torch.diag(torch.tensor([2.0, 2.0, 5.0, 1.0], dtype=torch.float64))
    return MetaTensor(values, affine=affine, meta={"subject": "one"})


def shapes_seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Sizes of the slices that the network sees; it gives them back unchanged."""
    seen: list[tuple[int, ...]] = []

    def forward(_: GanDenoiser, noisy: Tensor) -> Tensor:
        seen.extend(tuple(image.shape[1:]) for image in noisy)
        return noisy.clone()

    monkeypatch.setattr(GanDenoiser, "forward", forward)
    return seen


@pytest.mark.parametrize("modality", ["ct", "mr", "us"])
@pytest.mark.parametrize("shape", [(1, 32, 24), (1, 32, 24, 3)])
def test_the_result_is_the_denoisers(denoiser: Denoiser, modality: str, shape: tuple[int, ...]) -> None:
    image = volume(shape)
    result = GanDenoised("image", modality, device="cpu")({"image": image})["image"]
    expected = denoiser.denoise(image[0].numpy(), modality)
    np.testing.assert_array_equal(result[0].numpy(), expected)
    assert np.abs(expected - image[0].numpy()).max() > 1


def test_affine_metadata_and_history_stay_and_the_input_is_not_changed() -> None:
    image = ScaleIntensityd("image")({"image": volume()})["image"] * 255
    before = image.clone()
    result = GanDenoised("image", "mr", device="cpu")({"image": image})["image"]
    assert isinstance(result, MetaTensor)
    assert torch.equal(result.affine, image.affine)
    assert result.meta["subject"] == "one"
    assert [step["class"] for step in result.applied_operations] == [step["class"] for step in image.applied_operations]
    assert torch.equal(image.as_tensor(), before.as_tensor())


@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.float64, np.ndarray])
def test_type_and_dtype_stay(denoiser: Denoiser, kind: Any) -> None:
    image = volume().numpy() if kind is np.ndarray else volume(dtype=kind).as_tensor()
    result = GanDenoised("image", "us", device="cpu")({"image": image})["image"]
    assert type(result) is type(image)
    assert result.dtype == image.dtype
    np.testing.assert_array_equal(np.asarray(result[0]), denoiser.denoise(np.asarray(image[0]), "us"))


def test_every_channel_is_denoised_as_an_image_of_its_own() -> None:
    image = volume((2, 32, 24))
    transform = GanDenoised("image", "mr", device="cpu")
    both = transform({"image": image})["image"]
    for channel in range(2):
        alone = transform({"image": image[channel : channel + 1]})["image"]
        assert torch.equal(both[channel].as_tensor(), alone[0].as_tensor())


def test_the_argument_names_the_modality_before_the_item_and_the_item_before_the_metadata() -> None:
    image = volume((1, 32, 24))
    image.meta["modality"] = "us"
    given = {"image": image, "modality": "ct"}
    ct, us, mr = (GanDenoised("image", name, device="cpu")(given)["image"] for name in ("ct", "us", "mr"))
    assert torch.equal(GanDenoised("image", device="cpu")(given)["image"], ct)
    assert torch.equal(GanDenoised("image", device="cpu")({"image": image})["image"], us)
    assert not torch.equal(mr, ct)
    assert not torch.equal(ct, us)


def test_strength_is_the_share_of_the_denoising() -> None:
    image = volume((1, 32, 24))
    none, half, whole = (
        GanDenoised("image", "mr", strength=strength, device="cpu")({"image": image})["image"]
        for strength in (0, 0.5, 1)
    )
    assert torch.equal(none, image)
    torch.testing.assert_close(image - half, (image - whole) / 2, atol=1e-4, rtol=0)


def test_perception_takes_the_weights_between(two_weights: Path) -> None:
    image = volume((1, 32, 24))
    settings: dict[str, Any] = {"weights": two_weights, "device": "cpu"}
    result = GanDenoised("image", "mr", perception=0.5, **settings)({"image": image})["image"]
    expected = Denoiser(perception=0.5, **settings).denoise(image[0].numpy(), "mr")
    np.testing.assert_array_equal(result[0].numpy(), expected)


@pytest.mark.parametrize(
    ("code", "axis", "given", "slices"),
    [
        ("RAS", None, None, (20, 24)),  # the axis of largest spacing, which is the third
        ("SAR", None, None, (24, 20)),  # and now the first
        ("RAS", 0, None, (20, 24)),  # another axis was stated, of a file that was turned since
        ("RAS", 0, "file", (24, 16)),
        ("RAS", None, 1, (20, 16)),
    ],
)
def test_slices_are_cut_across_the_axis_that_is_stated_or_thickest(
    code: str, axis: int | None, given: Any, slices: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = shapes_seen(monkeypatch)
    image = volume((1, 20, 24, 16))
    image.meta["slice_axis"] = axis
    image.meta["original_affine"] = image.affine if given == "file" else torch.eye(4)
    items = Orientationd("image", code, labels=None)({"image": image})
    GanDenoised("image", "mr", device="cpu", slice_axis=given if given != "file" else None)(items)
    assert set(seen) == {slices}


def test_a_scan_read_by_our_reader_brings_modality_range_and_axis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr(GanDenoiser, "forward", lambda _, noisy: seen.append(noisy.clone()) or noisy.clone())
    values = np.random.default_rng(2).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii")
    load = LoadImaged("image", reader=ScanReader, ensure_channel_first=True)
    Compose([load, GanDenoised("image", "us", device="cpu")])({"image": str(tmp_path / "a.nii")})
    expected = np.moveaxis(values, 2, 0) / 255  # the range of 8 bits
    np.testing.assert_allclose(torch.cat(seen)[:, 0].numpy(), expected, atol=1e-6)


def test_the_network_is_loaded_once_and_only_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[int] = []
    original = Denoiser.__init__

    def counted(self: Denoiser, *args: Any, **settings: Any) -> None:
        loads.append(1)
        original(self, *args, **settings)

    monkeypatch.setattr(Denoiser, "__init__", counted)
    transform = GanDenoised(("image", "other"), "mr", device="cpu")
    assert not loads
    for _ in range(2):
        transform({"image": volume((1, 32, 24)), "other": volume((1, 32, 24))})
    assert len(loads) == 1


def test_a_used_transform_pickles_without_its_network() -> None:
    transform = GanDenoised("image", "mr", device="cpu")
    item = {"image": volume((1, 32, 24))}
    before = transform(item)["image"]
    packed = pickle.dumps(transform)
    assert len(packed) < 10_000
    assert torch.equal(pickle.loads(packed)(item)["image"], before)


@pytest.mark.slow
def test_it_works_in_the_process_of_a_data_loader() -> None:
    items = [{"image": volume((1, 32, 24)) + shift} for shift in range(2)]
    transform = GanDenoised("image", "mr", device="cpu")
    loader = DataLoader(Dataset(items, transform), num_workers=1, multiprocessing_context="spawn")
    for batch, item in zip(loader, items, strict=True):
        torch.testing.assert_close(batch["image"][0], transform(item)["image"])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"strength": 1.5}, r"strength must be in \[0, 1\], got 1.5"),
        ({"perception": float("nan")}, r"perception must be in \[0, 1\], got nan"),
        ({"slice_axis": 3}, "slice_axis must be 0, 1 or 2, got 3"),
    ],
)
def test_settings_out_of_range_are_refused_before_any_image(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        GanDenoised("image", "mr", **settings)


@pytest.mark.parametrize(
    ("modality", "image", "kind", "reason"),
    [
        (None, volume((1, 32, 24)), ValueError, "modality must be one of .*got none for 'image'. Pass modality"),
        ("pet", volume((1, 32, 24)), ValueError, "modality must be one of .*got 'pet'"),
        ("mr", volume((32, 24)), ValueError, r"image must be \(C, H, W\).*got shape \(32, 24\) in 'image'"),
        ("mr", volume((1, 8, 24)), InputError, "at least 16 pixels wide and high, got 8 x 24 in 'image'"),
        ("mr", volume((1, 32, 24)) * float("nan"), InputError, "values must be finite, got 768 NaN"),
    ],
)
def test_images_that_cannot_be_denoised_are_refused(
    modality: str | None, image: MetaTensor, kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        GanDenoised("image", modality, device="cpu")({"image": image})


def test_missing_keys_and_weights_are_named() -> None:
    with pytest.raises(KeyError, match="image"):
        GanDenoised("image", "mr")({"label": 1})
    assert GanDenoised("image", "mr", allow_missing_keys=True)({"label": 1}) == {"label": 1}
    with pytest.raises(WeightsError, match=r"weights must be a file, got nowhere\.pt"):
        GanDenoised("image", "mr", weights="nowhere.pt")({"image": volume((1, 32, 24))})


def test_it_stands_in_a_compose_after_loading(tmp_path: Path, denoiser: Denoiser) -> None:
    values = volume((20, 24, 3)).numpy()
    nibabel.save(nibabel.Nifti1Image(values, np.diag([2, 2, 5, 1])), tmp_path / "a.nii.gz")
    chain = Compose([LoadImaged("image"), EnsureChannelFirstd("image"), GanDenoised("image", "mr", device="cpu")])
    result = chain({"image": str(tmp_path / "a.nii.gz")})["image"]
    np.testing.assert_array_equal(result[0].numpy(), denoiser.denoise(values, "mr"))
