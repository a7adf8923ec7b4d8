"""The command line: argument parsing only, no logic."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import click

from monai_gan_denoise import __version__
from monai_gan_denoise.law_options import draw_laws, list_laws
from monai_gan_denoise.options import benchmark_options
from monai_gan_denoise.terminal import INTERRUPTED, InterruptibleGroup, fail, log_to_terminal

__all__ = ["main"]

BACKENDS = ("torch", "onnx", "openvino")
MODALITIES = ("auto", "ct", "mr", "xr", "us", "oct", "mri", "xray")

modality_option = click.option(
    "--modality",
    type=click.Choice(MODALITIES),
    default="auto",
    show_default=True,
    help="Modality of images that neither their header nor a manifest.csv in INPUT names; auto refuses them.",
)


@click.group(cls=InterruptibleGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
@click.version_option(__version__, prog_name="monai-gan-denoise")
def commands() -> None:
    """Denoise CT, MR, X-ray, ultrasound and OCT images. Research use only; not a medical device."""


@commands.command(short_help="Denoise a file, a DICOM series or a tree of images.")
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path))
@modality_option
@click.option(
    "--strength", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Share of the denoising; 0 copies."
)
@click.option("--debias", type=click.Choice(["auto", "off"]), help="Remove the bias of noisy MR magnitudes, or not.")
@click.option(
    "--perception",
    type=click.FloatRange(0, 1),
    help="Which weights: 0 those trained for fidelity, the default where there are any; 1 the adversarial ones; "
    "between, an interpolation.",
)
@click.option(
    "--noise-level",
    default="auto",
    show_default=True,
    help="How noisy images are: auto to estimate it, a factor such as 1.5x, or a number in their units, such as 25 HU.",
)
@click.option("--noise-map", is_flag=True, help="Also write the noise level that was used, beside each result.")
@click.option("--residual", is_flag=True, help="Also write what was removed, beside each result.")
@click.option("--weights", type=click.Path(path_type=Path), help="Weights other than the bundle's: a plain state dict.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option("--backend", type=click.Choice(BACKENDS), default="torch", help="What computes the network on a CPU.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Slices that the network sees at once.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Scans denoised at a time.")
@click.option("--overwrite", is_flag=True, help="Replace results that exist.")
@click.option("--resume", is_flag=True, help="Go on with a run that ended early; do again what has changed since.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="What became of each scan, as JSON.")
@click.option("--new-uids", is_flag=True, help="Draw fresh DICOM UIDs instead of deriving them from the source's.")
@click.option("--verbose", is_flag=True, help="Show details of failures.")
def denoise(
    source: Path,
    target: Path,
    weights: Path | None,
    device: str,
    backend: str,
    perception: float | None,
    batch_size: int | None,
    noise_level: str,
    verbose: bool,
    **options: Any,
) -> int:
    """Denoise INPUT, a file, a DICOM series' folder or a tree, into OUTPUT.

    OUTPUT is a file if INPUT is one and OUTPUT has an image's suffix; otherwise a folder, in which each result has its
    input's relative path and name (a.jpg becomes a.jpg.png). Exit 0: all done; 1: some failed; 2: nothing was done.
    """
    from tqdm.contrib.logging import logging_redirect_tqdm

    from monai_gan_denoise.inference import Denoiser, NoiseLevel

    log_to_terminal(logging.DEBUG if verbose else logging.INFO)
    options["noise_level"] = NoiseLevel.of(noise_level)  # which refuses a wrong one before the network is loaded
    denoiser = Denoiser(weights, device, perception=perception, batch_size=batch_size, backend=backend, progress=True)
    # A scan may be done while the progress bar of another is on the screen.
    with logging_redirect_tqdm([logging.getLogger("monai_gan_denoise")]):
        return denoiser.run(source, target, **options).exit_code


@commands.command(short_help="Add simulated noise to a file, a DICOM series' folder or a tree.")
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path))
@modality_option
@click.option("--noise", metavar="LAW", required=True, help="The law of noise; see --list.")
@click.option("--level", type=float, required=True, help="How much of it; what that means, --list says.")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Set another parameter; repeatable.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same noise.")
@click.option("--force", is_flag=True, help="Also add noise that the modality does not have.")
@click.option("--overwrite", is_flag=True, help="Replace results that exist.")
@click.option("--verbose", is_flag=True, help="Show details of failures.")
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=list_laws, help="List the laws and exit."
)
@click.option(
    "--figure",
    metavar="FILE",
    type=click.Path(path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=draw_laws,
    help="Draw every law at three levels into a PNG and exit.",
)
def simulate(
    source: Path,
    target: Path,
    modality: str,
    noise: str,
    level: float,
    settings: tuple[str, ...],
    seed: int,
    force: bool,
    overwrite: bool,
    verbose: bool,
) -> int:
    """Add simulated noise to INPUT, a file, a DICOM series' folder or a tree, and write OUTPUT.

    Files are named, kept and refused as by denoise, with the same exit codes.
    """
    from monai_gan_denoise.simulation import Simulation
    from monai_gan_denoise.simulation import simulate as add_noise

    log_to_terminal(logging.DEBUG if verbose else logging.INFO)
    simulation = Simulation.parse(noise, level, seed, settings)
    return add_noise(source, target, simulation, modality=modality, force=force, overwrite=overwrite).exit_code


@commands.command(short_help="Write the sample inputs, noisy and clean, to a folder.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def samples(folder: Path) -> None:
    """Write the sample inputs to FOLDER: FOLDER/<modality>/noisy, FOLDER/<modality>/clean and FOLDER/manifest.csv."""
    from monai_gan_denoise.samples import write_samples

    log_to_terminal(logging.INFO)
    write_samples(folder)


@commands.command(short_help="Measure ours and the denoisers of other libraries on one protocol.")
@benchmark_options
def benchmark(
    data: Path | None,
    output: Path,
    jobs: int | None,
    **options: Any,
) -> int:
    """Add noise to clean images, denoise them by every method, and write how close each comes.

    Without --data it takes phantoms and images that installed packages ship. Writes report.html, a page to open in any
    browser, and results.csv, results.json, times.csv, report.md and figures; a run that was interrupted continues.
    Exit 0: all measured; 1: a method failed on a cell; 2: nothing was measured.
    """
    from monai_gan_denoise.benchmark import run_benchmark

    log_to_terminal(logging.INFO)
    given = {name: value for name, value in options.items() if value is not None}  # what is not has its default there
    return run_benchmark(data, output, jobs=jobs or 0, **given)


@commands.command(short_help="Compare images with clean ones: PSNR, SSIM, MSE, RMSE, bias of CT tissues.")
@click.option("--clean", metavar="FOLDER", type=click.Path(path_type=Path), required=True, help="Clean images.")
@click.option("--pred", metavar="FOLDER", type=click.Path(path_type=Path), required=True, help="Outputs to measure.")
@click.option("--noisy", metavar="FOLDER", type=click.Path(path_type=Path), help="Noisy images, to show the gain.")
@click.option(
    "--modality",
    type=click.Choice(MODALITIES),
    default="auto",
    show_default=True,
    help="Modality of images that neither their header nor a manifest.csv beside the clean ones names.",
)
@click.option("--data-range", metavar="R|LOW:HIGH", default="", help="Range; by default 3000 HU, 255, 4095, ...")
@click.option("--output", metavar="FILE.csv", type=click.Path(path_type=Path, dir_okay=False), help="Also write a CSV.")
def evaluate(clean: Path, pred: Path, noisy: Path | None, modality: str, data_range: str, output: Path | None) -> int:
    """Compare the images below one folder with the clean ones of the same relative paths below another.

    Prints a line an image and the means of each modality; MSE and RMSE are in units of the range. Exit 0: all measured;
    1: some could not be; 2: nothing was measured, an image without a partner included.
    """
    from monai_gan_denoise.evaluation import evaluate as compare

    log_to_terminal(logging.INFO)
    evaluation = compare(clean, pred, noisy, modality=modality, data_range=data_range, output=output)
    if evaluation.table:
        click.echo(evaluation.table)
    return evaluation.exit_code


@commands.command(short_help="Train on a folder of clean images and pairs.")
@click.argument("source", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder of this run; runs/train.")
@click.option("--preset", default="", help="Laid over the recipe: smoke, cpu, gpu, finetune, or a YAML file.")
@modality_option
@click.option("--init", type=click.Path(path_type=Path), help="Weights to start from: a plain state dict.")
@click.option("--resume", is_flag=True, help="Go on from the newest whole checkpoint in --output, as begun.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Limit, to an epoch's end; --resume goes on.")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Set an entry of train.json; repeatable.")
@click.option("--verbose", is_flag=True, help="Show details of failures.")
def train(source: Path, output: Path | None, verbose: bool, **options: Any) -> int:
    """Train on FOLDER: one with a manifest.csv (file, modality, split, kind, pair), or any folder of clean images.

    Writes checkpoints, model.pt and, from before the adversarial stage, model_fidelity.pt into --output. The splits
    test and real_test are never read; without a manifest a tenth of the images is held out. Exit 0: weights are
    written; 1: the run had to stop, its last checkpoint is good; 2: nothing was trained; 130, 143: Ctrl-C, SIGTERM.
    """
    from monai_gan_denoise.training import train as run_training

    log_to_terminal(logging.DEBUG if verbose else logging.INFO)
    return run_training(source, output, **options)


@commands.command(short_help="Measure what each part of the training recipe buys.")
@click.argument("source", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--iterations", type=click.IntRange(min=1), default=2000, show_default=True, help="Of each variant.")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/ablation"), show_default=True
)
@click.option("--only", metavar="NAME", multiple=True, help="A variant, and what it is compared with; repeatable.")
@modality_option
def ablate(source: Path, iterations: int, output: Path, only: tuple[str, ...], modality: str) -> int:
    """Train the recipe and variants of it on FOLDER, briefly and one after the other, and compare them.

    Each variant leaves one part out, a term of the loss, the adversary, the refinement, or replaces it. Writes
    ablation.csv and ablation.md; finished variants are kept, a run that was interrupted continues. Exit 0: all
    measured; 1: some failed; 2: nothing was measured.
    """
    from monai_gan_denoise.ablation import run_ablation

    log_to_terminal(logging.INFO)
    return run_ablation(source, output, iterations=iterations, only=only, modality=modality)


@commands.command("label-app", short_help="Write an app for MONAI Label, which 3D Slicer and others talk to.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--link", is_flag=True, help="Link to this installation instead of copying it.")
def label_app(folder: Path, link: bool) -> None:
    """Write an app for MONAI Label to FOLDER: code, bundle and weights, and a script that installs what it needs.

    FOLDER must be absent or empty. Start it: monailabel start_server --app FOLDER --studies STUDIES
    """
    from monai_gan_denoise.integrations.monai_label.folder import write_label_app

    log_to_terminal(logging.INFO)
    write_label_app(folder, link)


@commands.command(short_help="Write a stand-alone MONAI bundle, for the model zoo or Hugging Face.")
@click.argument("folder", type=click.Path(path_type=Path))
def bundle(folder: Path) -> None:
    """Write a MONAI bundle to FOLDER, absent or empty, that runs where this package is not installed."""
    from monai_gan_denoise.export import export_bundle

    log_to_terminal(logging.INFO)
    export_bundle(folder)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 all done, 1 some failed, 2 nothing could be done or bad arguments."""
    try:
        code = commands.main(arguments, prog_name="monai-gan-denoise", standalone_mode=False)
    except click.ClickException as error:
        fail(error.format_message())
    except click.Abort:
        fail("interrupted", INTERRUPTED)
    except (ValueError, OSError) as error:
        fail(str(error))
    sys.exit(code if isinstance(code, int) else 0)
