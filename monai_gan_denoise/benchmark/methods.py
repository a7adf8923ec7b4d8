"""Everything that is measured, behind one face: the noisy image, ours, learned ones, the peers, a network's file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from monai_gan_denoise.backends import onnx_runtime
from monai_gan_denoise.benchmark.learned import LEARNED, load_learned, weights_file
from monai_gan_denoise.benchmark.noisy_image import Exposure
from monai_gan_denoise.benchmark.peers import PEERS, Peer
from monai_gan_denoise.inference import Denoiser
from monai_gan_denoise.io import packaged_bundle
from monai_gan_denoise.networks import fidelity_file
from monai_gan_denoise.scans.scan import Scan

__all__ = [
    "BLIND",
    "INPUT",
    "NOISY",
    "ORACLE",
    "OURS",
    "OURS_ADVERSARIAL",
    "Method",
    "find_method",
    "known_method",
    "resolve_names",
]

NOISY, OURS = "noisy", "ours"
OURS_ADVERSARIAL = "ours-adversarial"  # the weights from after the adversarial training: perception 1
BLIND, ORACLE, INPUT = "blind", "oracle", "input"  # modes
KNOWN = (NOISY, OURS, OURS_ADVERSARIAL, *LEARNED, *PEERS)
TORCHSCRIPT, ONNX = (".ts", ".pt", ".pth"), ".onnx"
SHIPPED = packaged_bundle() / "models" / "model.pt"
CONFIG = packaged_bundle() / "configs" / "inference.json"
PACKAGE = Path(__file__).resolve().parents[1]
STRIDE = 16  # pixels that sizes are padded to a multiple of, for networks that halve an image four times

Image = npt.NDArray[Any]


@dataclass(frozen=True)
class Method:
    """A way from a noisy image to an output.

    Attributes:
        name: in tables.
        fingerprint: what the outputs depend on besides the image.
        outputs: from an exposure to pairs of a mode and an image in network units; it may look at the clean image in
            the mode ``ORACLE`` only.
        modes: those it has.
        modalities: those it is meant for; None for all.
        absent: why it cannot run, or nothing.
    """

    name: str
    fingerprint: str
    outputs: Callable[[Exposure], Iterator[tuple[str, Image]]]
    modes: tuple[str, ...] = (BLIND,)
    modalities: Sequence[str] | None = None
    absent: str = ""


def resolve_names(names: Sequence[str]) -> list[str]:
    """Check the names of methods, and put the noisy image before them.

    Args:
        names: of peers, learned ones, ``ours``, ``ours-adversarial``, or paths of TorchScript and ONNX files; none for
            ours, all learned ones and all peers that do not have to be asked for.

    Raises:
        ValueError: if a name is none of these.
    """
    for name in names:
        if not known_method(name):
            raise ValueError(
                f"methods must be among {', '.join(KNOWN)}, or a file in {ONNX} or {', '.join(TORCHSCRIPT)}, "
                f"got {name!r}. Check the name."
            )
    usual = [OURS, *LEARNED, *(peer.name for peer in PEERS.values() if not peer.asked)]
    return list(dict.fromkeys([NOISY, *(names or usual)]))


def known_method(name: str) -> bool:
    """Tell whether a name is that of a method, or the path of a network's file."""
    return name in KNOWN or (_is_network(name) and Path(name).is_file())


@cache
def find_method(name: str, weights: Path | None = None) -> Method:
    """Make a method ready, once a process.

    Args:
        name: as ``resolve_names`` gives it.
        weights: of ours, which has the fidelity weights beside them where there are any; the bundle's if None.

    Raises:
        ValueError: if the weights or the file cannot be used.
    """
    if name == NOISY:
        return Method(NOISY, NOISY, lambda exposure: iter([(INPUT, exposure.noisy)]), (INPUT,))
    if name in (OURS, OURS_ADVERSARIAL):
        return _ours(name, weights or SHIPPED)
    if name in LEARNED:
        return _learned(name)
    if name in PEERS:
        return _peer(PEERS[name])
    return _network(name)


def _ours(name: str, weights: Path) -> Method:
    fidelity = fidelity_file(weights)
    if fidelity.is_file():
        return _pipeline(name, fidelity if name == OURS else weights)
    return _pipeline(name, weights) if name == OURS else _absent(name, f"{fidelity.name} is missing")


def _learned(name: str) -> Method:
    weights = weights_file(name)
    if not weights.is_file():
        return _absent(name, f"{weights.name} is missing: train it, see bundle/docs/ablation.md")
    return _pipeline(name, weights, load_learned(name))


def _pipeline(name: str, weights: Path, network: torch.nn.Module | None = None) -> Method:
    """Run the pipeline that denoises a user's images, with the bundle's network and these weights or with another."""
    denoiser = Denoiser(weights if network is None else None, device="cpu", perception=1)
    if network is not None:
        denoiser.network = network

    def outputs(exposure: Exposure) -> Iterator[tuple[str, Image]]:
        lower, width = exposure.lower, exposure.width
        values = (exposure.noisy * np.float64(width) + lower).astype(np.float32)
        scan = Scan(values, np.eye(4), bit_range=(lower, lower + width) if exposure.bits == 8 else None)
        yield BLIND, (denoiser.denoise(scan, exposure.modality) - lower) / width

    return Method(name, f"{_digest(weights)} {_pipelines_code()}", outputs)


@cache
def _pipelines_code() -> str:
    """Digest what the pipeline is made of, so that a change of it is measured afresh."""
    parts = [PACKAGE / name for name in ("engines", "inference.py", "io", "networks", "scans", "transforms")]
    sources = [path for part in parts for path in (part.rglob("*.py") if part.is_dir() else [part])]
    digests = (_digest(path) for path in (CONFIG, *sorted(sources)))
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _peer(peer: Peer) -> Method:
    def outputs(exposure: Exposure) -> Iterator[tuple[str, Image]]:
        setting, grid = peer.settings(exposure.noisy, exposure.level)
        best = blind = peer.denoise(exposure.noisy, setting)
        yield BLIND, blind
        for other in grid:
            if other != setting:
                candidate = peer.denoise(exposure.noisy, other)
                best = min(best, candidate, key=lambda image: _error(exposure.clean, image))
        yield ORACLE, best

    fingerprint = peer.absent or peer.fingerprint
    return Method(peer.name, fingerprint, outputs, (BLIND, ORACLE), peer.modalities, peer.absent)


def _error(clean: Image, image: Image) -> float:
    return float(np.mean((np.clip(np.asarray(image, float), 0, 1) - clean) ** 2))


def _network(name: str) -> Method:
    path = Path(name)
    load = _onnx if path.suffix.lower() == ONNX else _torchscript
    try:
        run = load(path)
    except ImportError:
        return _absent(name, "onnxruntime is not installed: pip install 'monai-gan-denoise[onnx]'")
    except Exception as error:  # each library has errors of its own for a file that it cannot read
        raise ValueError(f"methods must be networks in ONNX or TorchScript, got {name}. Export it again.") from error
    return Method(name, _digest(path), lambda exposure: iter([(BLIND, _padded(run, exposure.noisy))]))


def _absent(name: str, reason: str) -> Method:
    return Method(name, reason, lambda _: iter(()), absent=reason)


def _torchscript(path: Path) -> Callable[[Image], Image]:
    network = torch.jit.load(str(path), map_location="cpu").eval()

    def run(image: Image) -> Image:
        with torch.inference_mode():
            output = network(torch.from_numpy(image)[None, None])
        first = output if isinstance(output, torch.Tensor) else output[0]
        return np.asarray(first[0, 0])

    return run


def _onnx(path: Path) -> Callable[[Image], Image]:
    run = onnx_runtime(path, torch.get_num_threads())
    return lambda image: np.asarray(run(image[None, None])[0, 0])


def _padded(run: Callable[[Image], Image], image: Image) -> Image:
    height, width = image.shape
    margins = (0, -width % STRIDE, 0, -height % STRIDE)
    padded = F.pad(torch.from_numpy(image)[None, None], margins, mode="reflect")[0, 0].numpy()
    return np.asarray(run(padded)[:height, :width])


def _is_network(name: str) -> bool:
    return Path(name).suffix.lower() in (ONNX, *TORCHSCRIPT)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
