"""The training configuration, run on phantoms."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom.data
import pytest
import SimpleITK as sitk
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.transforms import Compose
from skimage.filters import gaussian
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_gan_denoise import phantoms
from monai_gan_denoise.engines import has_tensorboard
from monai_gan_denoise.io import find_scans, load_datalist, load_training_datalist
from monai_gan_denoise.networks import GanDenoiser, load_weights
from monai_gan_denoise.transforms import collate_patches

TINY = Path(__file__).parent / "tiny.yaml"
ITERATIONS = 30  # of it


def train(bundle_root: Path, dataset_dir: Path, output_dir: Path, **settings: object) -> ConfigWorkflow:
    workflow = ConfigWorkflow(
        config_file=[str(bundle_root / "configs" / "train.json"), str(TINY)],
        logging_file=False,
        workflow_type="train",
        dataset_dir=str(dataset_dir),
        output_dir=str(output_dir),
        **settings,
    )
    workflow.initialize()
    workflow.run()
    return workflow


def test_training_changes_the_weights_and_keeps_them(bundle_root: Path, dataset_dir: Path, tmp_path: Path) -> None:
    workflow = train(bundle_root, dataset_dir, tmp_path / "run")
    saved = torch.load(tmp_path / "run" / "checkpoint_epoch=2.pt", weights_only=True)
    trained = workflow.parser.get_parsed_content("network").state_dict()
    assert all(torch.equal(saved["model"][name], value) for name, value in trained.items())
    # The refinement's last convolution starts at zero: that it moved shows that its loss reached it.
    assert trained["refinement.head.weight"].abs().max() > 0
    torch.save(saved["ema"], tmp_path / "ema.pt")
    network = GanDenoiser(features=(8, 8), refinement_features=8, level_features=(4, 4))
    assert load_weights(network, tmp_path / "ema.pt") is network


def test_training_is_repeatable(bundle_root: Path, dataset_dir: Path, tmp_path: Path) -> None:
    first, second = (train(bundle_root, dataset_dir, tmp_path / name) for name in ("first", "second"))
    states = [run.parser.get_parsed_content("network").state_dict() for run in (first, second)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_training_goes_on_from_a_checkpoint_as_if_it_had_not_stopped(
    bundle_root: Path, dataset_dir: Path, tmp_path: Path
) -> None:
    whole = train(bundle_root, dataset_dir, tmp_path / "run")
    checkpoint = str(tmp_path / "run" / "checkpoint_epoch=1.pt")
    resumed = train(bundle_root, dataset_dir, tmp_path / "more", checkpoint=checkpoint)
    assert [path.name for path in (tmp_path / "more").glob("check*")] == ["checkpoint_epoch=2.pt"]
    for name in ("network", "d_network"):
        states = [run.parser.get_parsed_content(name).state_dict() for run in (whole, resumed)]
        assert all(torch.equal(value, states[1][entry]) for entry, value in states[0].items())
    assert resumed.trainer.state.iteration == ITERATIONS


def test_loss_is_logged_every_50_iterations_and_its_mean_every_epoch(
    bundle_root: Path,
    dataset_dir: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stats = logging.getLogger("monai.handlers.StatsHandler")
    monkeypatch.setattr(stats, "handlers", [caplog.handler])  # MONAI lets it not propagate to where pytest listens
    monkeypatch.setattr(stats, "propagate", False)
    with caplog.at_level(logging.INFO):
        train(bundle_root, dataset_dir, tmp_path / "run", iterations=120, adversarial_from=120, epoch_length=60)
    logged = [line.split(" -- ")[0] for line in caplog.messages if line.startswith("Epoch") and " -- loss:" in line]
    assert logged == ["Epoch: 1/2, Iter: 50/60", "Epoch[1] Metrics", "Epoch: 2/2, Iter: 40/60", "Epoch[2] Metrics"]


class Features(torch.nn.Module):
    """A loss with weights of its own, as PerceptualLoss is: a distance after a fixed convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(1, 4, 3).requires_grad_(False)
        self.moved: list[str] = []

    def forward(self, estimate: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return (self.convolution(estimate) - self.convolution(label)).abs().mean()

    def _apply(self, *arguments: Any, **more: Any) -> Features:
        self.moved.append("moved")
        return super()._apply(*arguments, **more)


def test_a_loss_with_weights_of_its_own_is_moved_to_the_device_and_steers_the_training(
    bundle_root: Path, dataset_dir: Path, tmp_path: Path
) -> None:
    features = Features()
    before = features.convolution.weight.clone()
    settings = {"train#loss#terms#features": features, "train#loss#weights#features": 5.0}
    run = train(bundle_root, dataset_dir, tmp_path / "with", **settings)
    assert features.moved
    assert run.trainer.state.output["terms"]["features"] > 0
    assert torch.equal(features.convolution.weight, before)
    without = train(bundle_root, dataset_dir, tmp_path / "without")
    states = [each.parser.get_parsed_content("network").state_dict() for each in (run, without)]
    assert any(not torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_tensorboard_gets_curves_and_example_images(bundle_root: Path, dataset_dir: Path, tmp_path: Path) -> None:
    schedule = {"iterations": 100, "adversarial_from": 80, "epoch_length": 50, "val_interval": 1}
    run = train(bundle_root, dataset_dir, tmp_path / "run", tensorboard=True, **schedule)
    curves: dict[str, dict[int, float]] = {}
    images: dict[str, list[int]] = {}
    for file in (tmp_path / "run").glob("events.*"):
        events = EventAccumulator(str(file))
        events.Reload()
        for tag in events.Tags()["scalars"]:
            curves.setdefault(tag, {}).update({event.step: event.value for event in events.Scalars(tag)})
        for tag in events.Tags()["images"]:
            images.setdefault(tag, []).extend(event.step for event in events.Images(tag))
    terms = run.trainer.state.output["terms"]
    assert terms.keys() >= {"log_error", "ms_ssim", "coarse", "level"}
    for name, value in terms.items():
        assert curves[name][100] == pytest.approx(value)
    assert curves["psnr"].keys() == curves["ssim"].keys() == {1, 2}
    assert curves["psnr"][2] == pytest.approx(run.parser.get_parsed_content("validate#evaluator").state.metrics["psnr"])
    assert images == {"noisy, denoised, clean": [1, 2]}


def test_training_stops_once_validation_no_longer_improves(
    bundle_root: Path, dataset_dir: Path, tmp_path: Path
) -> None:
    # The weights stand still, and so does validation: the first is the best, and two more are waited for.
    settings = {"iterations": 90, "adversarial_from": 80, "epoch_length": 10, "learning_rate": 0.0}
    run = train(bundle_root, dataset_dir, tmp_path / "run", val_interval=1, patience=2, **settings)
    assert run.trainer.state.epoch == 3
    assert run.trainer.should_terminate


def test_without_tensorboard_a_line_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert has_tensorboard()
    assert not caplog.messages
    monkeypatch.setattr("monai_gan_denoise.engines.examples.find_spec", lambda name: None)
    assert not has_tensorboard()
    assert "pip install 'monai-gan-denoise[train]'" in caplog.text


def test_a_folder_of_volumes_trains_without_a_manifest(bundle_root: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "mr").mkdir(parents=True)
    for number in range(3):
        volume = np.stack([phantoms.sonogram(64)] * 3).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(volume, np.diag([5, 1, 1, 1])), tmp_path / "data" / "mr" / f"{number}.nii")
    train(bundle_root, tmp_path / "data", tmp_path / "run")
    assert (tmp_path / "run" / "checkpoint_epoch=2.pt").is_file()


TARGETS_AS_THEY_ARE = {"area_means": {}, "smoothed": {}}  # what makes targets better than their files is left out
KINDS = ("DICOM CT", "NIfTI MR", "ct 16-bit", "ct 8-bit", "mr 16-bit", "mr 8-bit", "xr 8-bit", "us 8-bit", "oct 8-bit")


def write_scan(kind: str, folder: Path, rng: np.random.Generator) -> str:
    """Write a scan of 48 x 48 or more; give its modality."""
    folder.mkdir()
    if kind == "DICOM CT":
        shutil.copy(pydicom.data.get_testdata_file("CT_small.dcm"), folder / "scan.dcm")
        return "ct"
    if kind == "NIfTI MR":
        volume = rng.gamma(2.0, 300.0, (5, 48, 56)).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(volume, np.diag([6, 1, 1, 1])), folder / "scan.nii.gz")
        return "mr"
    modality, bits = kind.split()
    high, dtype = (256, np.uint8) if bits == "8-bit" else (4096, np.uint16)
    sitk.WriteImage(sitk.GetImageFromArray(rng.integers(high, size=(48, 56)).astype(dtype)), str(folder / "scan.png"))
    return modality


@pytest.mark.parametrize("kind", KINDS)
def test_training_and_inference_see_identical_network_units(bundle_root: Path, kind: str, tmp_path: Path) -> None:
    modality = write_scan(kind, tmp_path / "data", np.random.default_rng(6))
    training, inference = ConfigParser(), ConfigParser()
    training.read_config(bundle_root / "configs" / "train.json")
    training.update({"patch_size": 48, **TARGETS_AS_THEY_ARE})
    inference.read_config(bundle_root / "configs" / "inference.json")
    (scan,) = find_scans(tmp_path / "data", tmp_path / "out", modality=modality)
    shown = inference.get_parsed_content("preprocessing")(scan)["image"]
    (item,) = load_datalist(tmp_path / "data", "train", modality)
    trained = Compose(training.get_parsed_content("train#deterministic_transforms"))(item)["label"]
    axis = shown.meta.get("slice_axis")
    slices = shown.numpy()[0] if axis is None else np.moveaxis(shown.numpy()[0], axis, 0)
    np.testing.assert_array_equal(trained.numpy(), slices.reshape(trained.shape))


@pytest.fixture
def paired_dir(dataset_dir: Path) -> Path:
    """The same with a pair of OCT whose sides differ in gain; single OCT images there are none."""
    draws = np.random.default_rng(8)
    clean = phantoms.bscan(64, 80)
    noisy = 0.8 * clean + 0.1 + 0.05 * draws.standard_normal(clean.shape)
    for name, image in {"clean": clean, "noisy": noisy}.items():
        pixels = np.rint(255 * image.clip(0, 1)).astype(np.uint8)
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(dataset_dir / f"oct_{name}.png"))
    table = (dataset_dir / "manifest.csv").read_text().splitlines()
    rows = ["oct_clean.png,oct,real_train,real_clean,eye", "oct_noisy.png,oct,real_train,real_noisy,eye"]
    padded = [table[0] + ",pair", *(row + "," for row in table[1:]), *rows]
    (dataset_dir / "manifest.csv").write_text("\n".join(padded) + "\n")
    return dataset_dir


def places(patches: torch.Tensor, image: np.ndarray) -> list[tuple[int, int, int]]:
    """Find every patch in an image, however it is turned: turn, row and column."""
    side = patches.shape[-1]
    found = []
    for patch in patches[:, 0].numpy():
        views = [np.rot90(flipped, turn) for flipped in (patch, patch.T) for turn in range(4)]
        windows = np.lib.stride_tricks.sliding_window_view(image, (side, side))
        hits = [
            (turn, int(row), int(column))
            for turn, view in enumerate(views)
            for row, column in np.argwhere(np.abs(windows - view).max((-2, -1)) < 1e-6)
        ]
        assert len(hits) == 1
        found += hits
    return found


def test_a_pair_reaches_the_network_unsimulated_and_matched_in_gain(
    bundle_root: Path, paired_dir: Path, tmp_path: Path
) -> None:
    parser = ConfigParser()
    parser.read_config(bundle_root / "configs" / "train.json")
    parser.update({"dataset_dir": str(paired_dir), "device": "cpu", "patch_size": 32, "patches_per_image": 6})
    parser.update({"dead_leaves": {}, "content_dir": ""})
    parser["train#noise"].update(contrast=[1.0, 1.0], offset=[0.0, 0.0], neighbors=None)
    shown = [parser.get_parsed_content("train#dataset")[row] for row in range(4)]
    noise = parser.get_parsed_content("train#noise")
    noisy, clean = noise(collate_patches(shown))
    measured = [drawn == [] for drawn in noise.drawn[-6:]]
    assert measured == [True] * 6
    assert any(drawn for drawn in noise.drawn[:-6])
    files = (sitk.GetArrayFromImage(sitk.ReadImage(str(paired_dir / f"oct_{name}.png"))) for name in ("noisy", "clean"))
    noisy_file, clean_file = (pixels.astype(np.float64) / 255 for pixels in files)
    gain, offset = np.polyfit(gaussian(clean_file, 3).ravel(), gaussian(noisy_file, 3).ravel(), 1)
    assert gain == pytest.approx(0.8, abs=0.03)
    where = places(noisy[-6:], noisy_file)
    assert len(set(where)) > 1
    assert places(clean[-6:], gain * clean_file + offset) == where


def test_both_sides_of_a_ct_volume_are_seen_through_one_window(bundle_root: Path, tmp_path: Path) -> None:
    hounsfield = np.stack([3000 * phantoms.abdomen(64) - 1024] * 3, axis=2)
    noise = 20 * np.random.default_rng(2).standard_normal(hounsfield.shape)
    for name, values in {"clean": hounsfield, "noisy": hounsfield + noise}.items():
        nibabel.save(nibabel.Nifti1Image(values.astype(np.float32), np.diag([3, 3, 3, 1])), tmp_path / f"{name}.nii")
    parser = ConfigParser()
    parser.read_config(bundle_root / "configs" / "train.json")
    parser.update({"device": "cpu", "patch_size": 64, "patches_per_image": 4})
    parser["train#random_transforms"][1].update(prob=1.0, level=[40.0, 40.0], width=[400.0, 400.0])
    parser["train#noise"].update(contrast=[1.0, 1.0], offset=[0.0, 0.0], neighbors=None)
    pair = {"label": str(tmp_path / "clean.nii"), "image": str(tmp_path / "noisy.nii"), "modality": "ct"}
    noisy, clean = parser.get_parsed_content("train#noise")(
        collate_patches([parser.get_parsed_content("train#preprocessing")(pair)])
    )
    tissue = (clean > 0.3) & (clean < 0.7)
    assert tissue.float().mean() > 0.1
    assert (noisy - clean)[tissue].std().item() == pytest.approx(20 / 400, rel=0.05)
    assert 0 <= noisy.min() < noisy.max() <= 1


def test_training_runs_on_images_and_pairs(bundle_root: Path, paired_dir: Path, tmp_path: Path) -> None:
    workflow = train(bundle_root, paired_dir, tmp_path / "run")
    items = load_training_datalist(paired_dir)
    at_their_own_size_too = [item for item in items if "image" not in item]
    assert len(items) == 4
    assert len(workflow.parser.get_parsed_content("train#dataset")) == 4 + len(at_their_own_size_too)
    assert (tmp_path / "run" / "checkpoint_epoch=2.pt").is_file()


def test_clean_mr_and_ct_keep_their_zero_in_training(bundle_root: Path) -> None:
    parser = ConfigParser()
    parser.read_config(bundle_root / "configs" / "train.json")
    parser["train#noise_distribution"]["clean"] = 1.0
    black = {"label": torch.zeros(40, 1, 8, 8), "modality": ["ct", "mr", "us", "oct"] * 10}
    _, clean = parser.get_parsed_content("train#noise")(black)
    kept = (clean == 0).flatten(1).all(1).reshape(10, 4)
    assert kept.all(0).tolist() == [True, True, False, False]


def test_air_far_below_a_window_stays_black_at_a_low_dose(bundle_root: Path, tmp_path: Path) -> None:
    phantom = (3000 * phantoms.abdomen(96) - 1024).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(phantom[..., None], np.diag([3.8, 3.8, 3, 1])), tmp_path / "a.nii")
    training = ConfigParser()
    training.read_config(bundle_root / "configs" / "train.json")
    training.update({"patch_size": 96, "patches_per_image": 1, **TARGETS_AS_THEY_ARE})
    training["train#random_transforms"][1].update(prob=1.0, level=[40.0, 40.0], width=[400.0, 400.0])
    training["train#noise_distribution"].update(clean=0.0, laws={"ct": {"low-dose": {"level": 0.02}}})
    training["train#noise"].update(contrast=[1.0, 1.0], offset=[0.0, 0.0], neighbors=None)
    (patch,) = training.get_parsed_content("train#preprocessing")({"label": str(tmp_path / "a.nii"), "modality": "ct"})
    batch = {key: value[None] if isinstance(value, torch.Tensor) else [value] for key, value in patch.items()}
    noisy, clean = training.get_parsed_content("train#noise")(batch)
    black, tissue = clean == 0, (clean > 0.3) & (clean < 0.7)
    assert black.float().mean() > 0.2
    assert (noisy[black] == 0).float().mean() > 0.99  # a window set before the noise would show half of it there
    assert (noisy - clean)[tissue].std() > 0.02
    assert 0 <= noisy.min() < noisy.max() <= 1


def test_evaluation_gives_the_figures_of_scikit_image(bundle_root: Path, tmp_path: Path) -> None:
    rows, columns = np.mgrid[-15.5:16, -15.5:16]  # discs look the same however a patch is turned
    discs = [np.rint(200.0 * (np.hypot(rows, columns) < radius) + 20).astype(np.uint8) for radius in (6, 11)]
    (tmp_path / "data").mkdir()
    table = ["file,modality,split"]
    for number, disc in enumerate(discs):
        sitk.WriteImage(sitk.GetImageFromArray(disc), str(tmp_path / "data" / f"{number}.png"))
        table.append(f"{number}.png,us,val")
    (tmp_path / "data" / "manifest.csv").write_text("\n".join(table) + "\n")
    torch.manual_seed(0)
    network = GanDenoiser(features=(8, 8), refinement_features=8, level_features=(4, 4)).eval()
    torch.save(network.state_dict(), tmp_path / "model.pt")
    workflow = ConfigWorkflow(
        config_file=[str(bundle_root / "configs" / name) for name in ("train.json", "evaluate.json")] + [str(TINY)],
        logging_file=False,
        dataset_dir=str(tmp_path / "data"),
        output_dir=str(tmp_path / "figures"),
        init=str(tmp_path / "model.pt"),
        **{"train#noise_distribution#clean": 1.0},
    )
    workflow.initialize()
    workflow.run()
    psnr, ssim = [], []
    for disc in discs:
        image = disc / np.float32(255)
        with torch.no_grad():
            pred = network(torch.from_numpy(image)[None, None])[0, 0].numpy()
        psnr.append(-10 * np.log10(10 ** (-peak_signal_noise_ratio(image, pred, data_range=1) / 10) + 1e-6))
        gaussian_window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        ssim.append(structural_similarity(image, pred, data_range=1, **gaussian_window))
    assert max(psnr) < 40
    figures = workflow.evaluator.state.metrics
    assert figures["psnr"] == pytest.approx(np.mean(psnr), abs=1e-3)
    assert figures["ssim"] == pytest.approx(np.mean(ssim), abs=1e-3)
    assert "psnr" in (tmp_path / "figures" / "metrics.csv").read_text()


def test_evaluation_without_a_held_out_image_is_refused(bundle_root: Path, dataset_dir: Path) -> None:
    table = (dataset_dir / "manifest.csv").read_text().replace(",val,", ",train,")
    (dataset_dir / "manifest.csv").write_text(table)
    parser = ConfigParser()
    parser.read_config([str(bundle_root / "configs" / name) for name in ("train.json", "evaluate.json")])
    parser.update({"dataset_dir": str(dataset_dir)})
    with pytest.raises(RuntimeError) as refusal:
        parser.get_parsed_content("validate#dataset#data")
    assert "split must name images, got 'val'" in str(refusal.value.__cause__)
