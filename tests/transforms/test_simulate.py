"""Claims about the noise that is simulated on one image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from torch import Tensor

from monai_gan_denoise.transforms import NoiseDistribution, NormalizeModalityd, RandSimulateNoised
from monai_gan_denoise.transforms.noise import LAWS, Law

GAUSSIAN = {"all": {"gaussian": {"level": [0.02, 0.3]}}}
LOW_DOSE = Law("low-dose", LAWS["impulse"].draw, ("ct",), "the dose", (0.01, 1), (0.5, 0.25, 0.1))


def simulate(laws: dict[str, Any] | None = None, seed: int = 3, **shares: float) -> RandSimulateNoised:
    transform = RandSimulateNoised("label", NoiseDistribution(laws or GAUSSIAN, **shares))
    transform.set_random_state(seed)
    return transform


def item(label: Tensor, modality: str = "us", **more: Any) -> dict[str, Any]:
    return {"label": label, "modality": modality, **more}


@pytest.mark.parametrize("shape", [(1, 24, 32), (1, 24, 32, 5)])
def test_same_seed_gives_the_same_bits(shape: tuple[int, ...]) -> None:
    label = torch.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    first, again, other = (simulate(seed=seed)(item(label))["image"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_successive_calls_differ(phantom: Tensor) -> None:
    transform = simulate()
    assert not torch.equal(transform(item(phantom[0]))["image"], transform(item(phantom[0]))["image"])


@pytest.mark.parametrize("law", list(LAWS))
def test_the_clean_image_is_not_touched(law: str, phantom: Tensor) -> None:
    label = phantom[0].clone()
    modality = LAWS[law].modalities[0]
    result = simulate({modality: {law: {"level": LAWS[law].examples[1]}}}, second=1.0)(item(label, modality))
    assert result["label"] is label
    assert torch.equal(label, phantom[0])
    assert not torch.equal(result["image"], label)
    assert result["image"].dtype == torch.float32


def test_a_clean_draw_gives_the_clean_image_in_memory_of_its_own(phantom: Tensor) -> None:
    result = simulate(clean=1.0)(item(phantom[0]))
    assert torch.equal(result["image"], result["label"])
    assert result["image"].data_ptr() != result["label"].data_ptr()
    assert result["noise"] == []


def test_the_record_says_what_was_added() -> None:
    transform = simulate({"all": {"gaussian": {"level": [0.05, 0.3]}}}, second=0.5)
    for _ in range(20):
        result = transform(item(torch.full((1, 128, 128), 0.5)))
        expected = sum(drawn["level"] ** 2 for drawn in result["noise"])
        assert (result["image"] - 0.5).var().item() == pytest.approx(expected, rel=0.06)


def test_the_record_of_a_metatensor_is_in_its_metadata_beside_its_own(phantom: Tensor) -> None:
    label = MetaTensor(phantom[0], meta={"filename_or_obj": "a.png"})
    result = simulate({"all": {"poisson": {"level": 0.5}}})(item(label))
    assert result["image"].meta["noise"] == [{"law": "poisson", "level": 0.5, **LAWS["poisson"].parameters}]
    assert result["image"].meta["filename_or_obj"] == "a.png"
    assert "noise" not in result["label"].meta


def test_the_noisy_image_can_be_taken_back_to_its_own_units() -> None:
    label = MetaTensor(torch.full((1, 32, 32), 476.0))  # HU: the middle of CT's range
    normalize = NormalizeModalityd(["label", "image"], allow_missing_keys=True)
    normalized = normalize(item(label, "ct"))
    noisy = simulate({"all": {"impulse": {"level": 1.0}}})(normalized)
    back = normalize.inverse(noisy)["image"]
    assert set(back.unique().tolist()) == {-1024.0, 1976.0}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_is_cut_across_its_slice_axis(axis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def draw(images: Tensor, *_: Any) -> Tensor:
        seen.append(tuple(images.shape))
        return images + torch.arange(len(images))[:, None, None, None]

    monkeypatch.setitem(LAWS, "low-dose", Law("low-dose", draw, ("ct",), "the dose", (0, 1), (0, 0, 0)))
    label = MetaTensor(torch.zeros(1, 4, 5, 6), meta={"slice_axis": axis})
    noisy = simulate({"ct": {"low-dose": {"level": 0.5}}})(item(label, "ct"))["image"]
    sides = [side for number, side in enumerate((4, 5, 6)) if number != axis]
    assert seen == [((4, 5, 6)[axis], 1, *sides)]
    for index in range((4, 5, 6)[axis]):
        assert bool((noisy.select(axis + 1, index) == index).all())


@pytest.mark.parametrize("how", ["item", "metadata"])
def test_a_windowed_ct_gets_no_law_that_needs_hu(how: str) -> None:
    laws = {"all": {"gaussian": {"level": 0.1}}, "ct": {"speckle": {"level": 0.1, "share": 1e9}}}
    label = MetaTensor(torch.full((1, 16, 16), 0.5), meta={"bit_range": (0, 255)} if how == "metadata" else {})
    flag = {"windowed": True} if how == "item" else {}
    assert simulate(laws)(item(label, "ct", **flag))["image"].meta["noise"][0]["law"] == "gaussian"


def test_low_dose_noise_comes_from_the_bank_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAWS, "low-dose", LOW_DOSE)
    laws = {"ct": {"low-dose": {"level": 0.25}}}
    bank = 0.03 * torch.randn(4, 64, 64, generator=torch.Generator().manual_seed(1))
    label = torch.full((1, 64, 64), 0.4)
    result = simulate(laws)(item(label, "ct", low_dose_noise=bank))
    assert result["noise"] == [{"law": "low-dose", "level": 0.25}]  # and nothing of a scanner that was not the bank's
    from_bank = result["image"] - label
    # A quarter of the dose: twice the deviation; and nothing but a mixture of the fields.
    assert from_bank.std().item() == pytest.approx(2 * 0.03, rel=0.05)
    residual = np.linalg.lstsq(bank.flatten(1).T.numpy(), from_bank.flatten().numpy(), rcond=None)[1]
    assert residual.item() < 1e-6
    exact = simulate(laws)(item(label, "ct"))["image"]
    assert exact.unique().tolist() == [0.0, pytest.approx(0.4), 1.0]


def test_each_slice_of_a_volume_gets_noise_from_its_own_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAWS, "low-dose", LOW_DOSE)
    label = torch.rand(1, 16, 16, 5)
    bank = torch.stack([torch.full((2, 16, 16), float(index)) for index in range(5)])
    noise = simulate({"ct": {"low-dose": {"level": 1.0}}})(item(label, "ct", low_dose_noise=bank))["image"] - label
    torch.testing.assert_close(noise.abs(), torch.arange(5.0).expand(1, 16, 16, 5), rtol=0, atol=1e-6)


def test_an_image_of_five_axes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"label must be \(C, H, W\) or \(C, H, W, D\), got shape \(1, 2, 16, 16, 3\)"):
        simulate()(item(torch.zeros(1, 2, 16, 16, 3)))


def test_a_missing_modality_is_refused() -> None:
    with pytest.raises(ValueError, match="modality must be one of"):
        simulate()({"label": torch.zeros(1, 16, 16)})


@pytest.mark.parametrize("shape", [(1, 200, 200), (1, 200, 200, 2)])
@pytest.mark.parametrize("law", ["rician", "nc-chi", "kspace", "gaussian"])
def test_the_target_is_the_mean_of_the_noisy_image(law: str, shape: tuple[int, ...]) -> None:
    distribution = NoiseDistribution({"mr": {law: {"level": 0.2}}})
    transform = RandSimulateNoised("label", distribution, target_key="target")
    transform.set_random_state(4)
    label = MetaTensor(torch.full(shape, 0.1), meta={"modality": "mr"})
    result = transform(item(label, "mr"))
    assert float((result["image"] - result["target"]).mean()) == pytest.approx(0, abs=4e-3)
    assert result["target"].meta["modality"] == "mr"
    assert "noise" not in result["target"].meta


def test_no_target_is_written_where_none_is_asked_for(phantom: Tensor) -> None:
    assert set(simulate()(item(phantom[0]))) == {"label", "modality", "image", "noise"}
