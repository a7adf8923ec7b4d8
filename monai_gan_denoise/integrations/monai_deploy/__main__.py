"""``python -m monai_gan_denoise.integrations.monai_deploy -i IN -o OUT -m bundle/``."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import warnings
from pathlib import Path

import click

PACKAGE = "monai_gan_denoise.integrations.monai_deploy"
CONFIG = Path("configs") / "inference.json"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-i", "--input", "source", envvar="HOLOSCAN_INPUT_PATH", type=click.Path(path_type=Path), default="input")
@click.option(
    "-o", "--output", "target", envvar="HOLOSCAN_OUTPUT_PATH", type=click.Path(path_type=Path), default="output"
)
@click.option("-m", "--model", envvar="HOLOSCAN_MODEL_PATH", type=click.Path(path_type=Path), default="models")
@click.option("--strength", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Share of the denoising.")
@click.option("--debias", type=click.Choice(["auto", "off"]), help="Remove the bias of MR magnitudes.")
@click.option(
    "--noise-level", default="auto", show_default=True, help="auto, a factor such as 1.5x, or a number in HU."
)
@click.option("--perception", type=click.FloatRange(0, 1), help="Which weights; 0 by default.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, ... or auto.")
@click.option("-l", "--log-level", type=click.Choice(["DEBUG", "INFO", "WARN", "ERROR"], False), default="INFO")
def run(
    source: Path,
    target: Path,
    model: Path,
    strength: float,
    debias: str | None,
    noise_level: str,
    perception: float | None,
    device: str,
    log_level: str,
) -> int:
    """Denoise every CT, MR, X-ray, ultrasound and OCT series of the DICOM studies in a folder.

    The derived series go to the output folder, in the input's tree. Options that are not given come from the variables
    that a container of the SDK sets. Exit 0: all done; 1: some failed; 2: nothing was done. Research use only.
    """
    _log_to_terminal(log_level)
    if importlib.util.find_spec("monai.deploy") is None:
        raise click.ClickException(
            f"monai.deploy must be installed, got none. Run: pip install -r {Path(__file__).parent}/requirements.txt"
        )
    if not source.is_dir():
        raise click.ClickException(f"input must be a folder of DICOM files, got {source}. Check the path.")
    from monai_gan_denoise.inference import Denoiser, NoiseLevel
    from monai_gan_denoise.integrations.monai_deploy.application import DenoiseApplication
    from monai_gan_denoise.integrations.monai_deploy.job import Job

    level = NoiseLevel.of(noise_level)
    denoiser = Denoiser(device=device, perception=perception, bundle_root=_bundle(model))
    job = Job(denoiser, source, target, strength, debias=debias, noise_level=level)
    DenoiseApplication(job).run()
    if not job.outcomes.written and not job.outcomes.failed:
        raise click.ClickException(f"input must hold a series to denoise, got none in {source}. Pass another folder.")
    return job.outcomes.exit_code


def main(arguments: list[str] | None = None) -> None:
    """Run the application and exit."""
    try:
        code = run.main(arguments, prog_name=f"python -m {PACKAGE}", standalone_mode=False)
    except click.ClickException as error:
        _fail(error.format_message())
    except click.Abort:
        _fail("interrupted")
    except (ValueError, OSError, RuntimeError) as error:
        _fail(str(error))
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> None:
    click.echo(f"monai_deploy: {' '.join(message.split())}", err=True)
    sys.exit(2)


def _bundle(model: Path) -> Path:
    """Find the bundle: the folder itself, or the only one in it, as the SDK's packager puts it."""
    found = [path.parents[1] for path in (model / CONFIG, *sorted(model.glob(f"*/{CONFIG}"))) if path.is_file()]
    if not found:
        raise click.ClickException(f"model must be a bundle's folder, with {CONFIG}, got {model}. Check the path.")
    return found[0]


def _log_to_terminal(level: str) -> None:
    """Show our lines; the SDK's own, several for every series and rule, only where details are asked for.

    To be called before monai is imported, which imports the SDK, which warns.
    """
    details = level.upper() == "DEBUG"
    os.environ.setdefault("HOLOSCAN_LOG_LEVEL", "DEBUG" if details else "OFF")  # read when holoscan is imported
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    ours = logging.getLogger("monai_gan_denoise")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(level.upper())
    # What else is logged, by the SDK, MONAI and pydicom, of a damaged file above all: a failure has its line already.
    logging.basicConfig(
        level=logging.DEBUG if details else logging.ERROR, handlers=[handler if details else logging.NullHandler()]
    )
    logging.captureWarnings(True)
    if not details:
        warnings.simplefilter("ignore")


if __name__ == "__main__":
    main()
