"""The denoiser as users call it: it runs the bundle's configuration, so that the pipeline exists once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged, SaveImaged
from monai.utils import convert_to_dst_type

from monai_gan_denoise.engines import NoiseLevel, ScanEvaluator, check_noise_level, predict, unwrapped
from monai_gan_denoise.io import find_scans, packaged_bundle, read_scan, scan_meta
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation, Scan, refuse_unusable, subtract

__all__ = ["Denoiser", "NoiseLevel"]

LOADED = {"weights", "perception", "device", "backend"}  # what the network was loaded with

Image = TypeVar("Image", np.ndarray, torch.Tensor)


class Denoiser:
    """Blind denoiser for CT, MR, X-ray, ultrasound and OCT images.

    Args:
        weights: a plain state dict; the bundle's own weights if None.
        device: "cpu", "cuda" or any other name torch knows; "auto" for a GPU where there is one.
        perception: 1 for the weights, whose training ended adversarially; 0 for the fidelity weights beside them
            (``model_fidelity.pt`` beside ``model.pt``); between, the two are interpolated. If None, 0 where there are
            fidelity weights, else 1.
        batch_size: slices that the network sees at once; the bundle's default if None.
        backend: what computes the network: "torch", or on a CPU "onnx" or "openvino", with the extra of that name.
        progress: show a progress bar for volumes.
        bundle_root: folder of the bundle; the packaged one if None.

    Raises:
        WeightsError: if the weights cannot be used, or ``perception`` asks for fidelity weights that are missing.
        ValueError: if ``device`` or ``backend`` cannot be used or ``perception`` is outside ``[0, 1]``.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        device: str = "auto",
        *,
        perception: float | None = None,
        batch_size: int | None = None,
        backend: str = "torch",
        progress: bool = False,
        bundle_root: str | Path | None = None,
    ) -> None:
        root = Path(bundle_root).absolute() if bundle_root else packaged_bundle()
        self._config = ConfigParser.load_config_files(str(root / "configs" / "inference.json"))
        # Paths stay Path: in a text MONAI finds expressions, references and macros, and takes every # for a separator.
        self._config.update(bundle_root=root, progress=progress, backend=backend)
        if perception is not None:
            self._config["perception"] = perception
        if weights:
            self._config["weights"] = Path(weights)
        if device != "auto":
            _check_device(device)
            self._config["device"] = f"$torch.device({device!r})"
        if batch_size:
            self._config["batch_size"] = batch_size
        parser = self._parser()
        self.network: torch.nn.Module = _resolve(parser, "network")
        self._config["network"] = self.network

    def denoise(
        self,
        x: str | Path | Scan | Image,
        modality: str | None = None,
        strength: float = 1.0,
        noise_level: NoiseLevel | str | float | Image = "auto",
        *,
        debias: str | None = None,
    ) -> Any:
        """Denoise one image or volume and write nothing.

        Args:
            x: a path, or an array ``(H, W)`` or ``(H, W, D)`` in the modality's units (CT: HU; 8-bit: as stored). A
                volume is denoised slice by slice, an array's slices being ``x[..., i]``. A scan brings what an array
                cannot: the range of an 8-bit source, the axis of its slices.
            modality: ct, mr, xr, us or oct; for a path it may be left to the header.
            strength: share of the denoising, in ``[0, 1]``; 0 returns the input.
            debias: "auto" to remove the bias of MR magnitudes, or "off"; the bundle's default if None.
            noise_level: what the network is told of the noise: "auto" for its own estimate, a factor of it such as
                "1.5x", or the standard deviation in the image's units, one number or an array of the image's shape.

        Returns:
            An array of the type, shape and dtype of ``x``; for a path or a scan float32, in the modality's units.

        Raises:
            InputError: if ``x`` cannot be denoised, or ``noise_level`` is an array of another shape.
            ValueError: if ``modality``, ``strength``, ``debias`` or ``noise_level`` is not one of those named.
        """
        level = NoiseLevel.of(noise_level)
        scan, known = _scan(x, modality)
        removed = self.removed(scan, known, strength, level, debias=debias)
        if isinstance(x, (str, Path, Scan)):
            return subtract(scan.values, removed)
        return convert_to_dst_type(subtract(_numbers(x), removed), x)[0]

    def noise_map(self, x: str | Path | Scan | Image, modality: str | None = None) -> npt.NDArray[np.float32]:
        """Estimate how noisy one image or volume is where, as the network does before it denoises.

        Args:
            x: as for ``denoise``.
            modality: likewise.

        Returns:
            The local standard deviation of the noise, float32, in the modality's units and with the shape of ``x``; 0
            where a slice is constant.

        Raises:
            InputError: if ``x`` cannot be denoised.
            ValueError: if ``modality`` is none, or the network knows no noise level.
        """
        scan, known = _scan(x, modality)
        parser = self._parser()
        item = _loaded(parser, scan, known)
        with torch.inference_mode():
            levels = _resolve(parser, "inferer").estimate(item["image"][None], self.network)
        noise: npt.NDArray[np.float32] = np.asarray(levels.cpu())[0, 0]
        return noise

    def run(self, dataset_dir: str | Path, output_dir: str | Path, **settings: Any) -> ScanEvaluator:
        """Denoise a file, a series or a tree into files.

        Args:
            dataset_dir: what to denoise.
            output_dir: where to put the results; see ``monai_gan_denoise.io.find_scans``.
            **settings: entries of the bundle's inference.json: modality, strength, debias, noise_level, noise_map,
                residual, overwrite, resume, report, new_uids, jobs; the bundle's default for what is None.

        Returns:
            The evaluator, with its ``outcomes`` and its ``exit_code``.

        Raises:
            KeyboardInterrupt: if SIGINT or SIGTERM ends the run; ``resume`` goes on.
            ValueError: if a setting is not the run's but the denoiser's, whose network is loaded already; or if
                ``noise_level`` is none, is an array, or is one that this network cannot be told.
        """
        if fixed := sorted(LOADED & settings.keys()):
            raise ValueError(f"settings must be those of a run, got {fixed[0]}. Pass it to Denoiser.")
        level = NoiseLevel.of(settings.get("noise_level", "auto"))
        if isinstance(level.told, torch.Tensor):
            raise ValueError("noise_level must be auto, a number or a factor for a run, got a map. Use denoise.")
        check_noise_level(self.network, level, bool(settings.get("noise_map")))
        paths = {"dataset_dir": Path(dataset_dir), "output_dir": Path(output_dir)}
        parser = self._parser(**{"overwrite": False, **_given(**settings), **paths})
        evaluator: ScanEvaluator = _resolve(parser, "evaluator")
        evaluator.run()
        return evaluator

    def removed(
        self,
        scan: Scan,
        modality: str | None = None,
        strength: float = 1.0,
        noise_level: NoiseLevel | str | float = "auto",
        *,
        debias: str | None = None,
    ) -> npt.NDArray[np.float32]:
        """Find what denoising takes away from a scan, for hosts that read and write by themselves.

        Args:
            scan: what ``monai_gan_denoise.io.read_scan`` has read.
            modality: ct, mr, xr, us or oct; the scan's own if None.
            strength: share of the denoising, in ``[0, 1]``.
            debias: as for ``denoise``.
            noise_level: as for ``denoise``.

        Returns:
            Shape and units of ``scan.values``; what ``ScanWriter`` and ``write_scan`` take from the source's files.

        Raises:
            ValueError: if ``modality``, ``strength``, ``debias`` or ``noise_level`` is not one of those named.
        """
        parser = self._parser(strength=strength, noise_level=NoiseLevel.of(noise_level), **_given(debias=debias))
        item = _loaded(parser, scan, modality)
        with torch.inference_mode(), unwrapped():
            item.update(predict(_resolve(parser, "inferer"), item["image"], self.network))
            item = _without(_resolve(parser, "postprocessing"), SaveImaged)(item)
        removed: npt.NDArray[np.float32] = np.asarray(item["removed"].cpu())[0]
        return removed

    def derivation(
        self,
        strength: float = 1.0,
        new_uids: bool = False,
        noise_level: NoiseLevel | str | float = "auto",
        *,
        debias: str | None = None,
    ) -> Derivation:
        """Describe what these weights do at a strength, for the writers of ``monai_gan_denoise.io``.

        Args:
            strength: share of the denoising, in ``[0, 1]``.
            new_uids: draw fresh UIDs for DICOM outputs.
            noise_level: as for ``denoise``.
            debias: likewise.
        """
        settings = {"strength": strength, "new_uids": new_uids, "noise_level": NoiseLevel.of(noise_level)}
        derivation: Derivation = _resolve(self._parser(**settings, **_given(debias=debias)), "derivation")
        return derivation

    def _parser(self, **settings: Any) -> ConfigParser:
        return ConfigParser({**self._config, **settings})


def _given(**settings: Any) -> dict[str, Any]:
    """Leave out settings that are None, for which the bundle has a default."""
    return {name: value for name, value in settings.items() if value is not None}


def _resolve(parser: ConfigParser, key: str) -> Any:
    """Instantiate one entry."""
    with unwrapped():
        return parser.get_parsed_content(key)


def _check_device(name: str) -> None:
    try:
        torch.empty(0, device=name).cpu()
    except (RuntimeError, AssertionError) as error:  # an unknown name, meta; a CPU build of torch asserts
        raise ValueError(f"device must be one that torch can use here, got {name!r}. Pass auto or cpu.") from error


def _without(chain: Compose, kind: type) -> Compose:
    return Compose([transform for transform in chain.transforms if not isinstance(transform, kind)])


def _loaded(parser: ConfigParser, scan: Scan, modality: str | None) -> dict[str, Any]:
    """Give a scan that is in memory to the preprocessing."""
    image = MetaTensor(torch.as_tensor(scan.values)[None], meta=scan_meta(scan))
    with unwrapped():
        return dict(_without(_resolve(parser, "preprocessing"), LoadImaged)({"image": image, "modality": modality}))


def _scan(x: str | Path | Scan | Image, modality: str | None) -> tuple[Scan, str | None]:
    """Give what is to be denoised as a scan, with its modality."""
    if isinstance(x, (str, Path)):
        return _read(Path(x), modality)
    if isinstance(x, Scan):
        return x, modality or x.modality
    return _scan_of(_numbers(x)), modality


def _read(path: Path, modality: str | None) -> tuple[Scan, str]:
    unwritten = path.resolve().parent / f"unwritten-{uuid4().hex}"
    found = find_scans(path, unwritten, modality or "auto")
    (item, *others) = [item for item in found if "left_out" not in item]
    if "refusal" in item:
        raise InputError(item["refusal"])
    if others:
        raise InputError(f"x must be one image or series, got {1 + len(others)} in {path}. Use run for a folder.")
    files: Sequence[str] = item["image"]
    return read_scan([Path(file) for file in files]), item["modality"]


def _numbers(x: np.ndarray | torch.Tensor) -> np.ndarray:
    if isinstance(x, torch.Tensor):
        widened = x.float() if x.dtype == torch.bfloat16 else x  # which NumPy lacks
        return np.asarray(widened.detach().cpu())
    if isinstance(x, np.ndarray):
        return np.asarray(x)
    raise InputError(f"x must be a path, a NumPy array or a torch tensor, got {type(x).__name__}. Convert it.")


def _scan_of(values: np.ndarray) -> Scan:
    if values.ndim not in (2, 3):
        raise InputError(f"x must be (H, W) or (H, W, D), got shape {values.shape}. Pass one image or volume.")
    if values.dtype.kind not in "iuf":
        raise InputError(f"x must hold integers or floating numbers, got {values.dtype}. Convert it.")
    slice_axis = 2 if values.ndim == 3 else None
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
        narrowed = values.astype(np.float32)
    refuse_unusable(narrowed, slice_axis, "the array")
    bits = np.iinfo(values.dtype) if values.dtype in (np.uint8, np.int8) else None
    return Scan(
        narrowed,
        np.eye(4),
        slice_axis=slice_axis,
        bit_range=(float(bits.min), float(bits.max)) if bits else None,
    )
