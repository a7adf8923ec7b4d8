"""Input discovery: from a file, a series folder or a tree to a datalist of scans with their modality and outputs.

Nothing here raises for a bad input. What cannot be denoised becomes an item with a ``refusal``, so that one bad file
never stops the others and every one of them is reported in the same place.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from monai_gan_denoise.io import dicom
from monai_gan_denoise.io.claim import OutputClaim
from monai_gan_denoise.io.formats import SUFFIXES, no_image, suffix_of
from monai_gan_denoise.io.manifest import MANIFEST, is_clean, read_manifest
from monai_gan_denoise.io.media import find_media, leave_out_others, missing_files
from monai_gan_denoise.io.nrrd_mha.file import DETACHED, detached_files, written_data
from monai_gan_denoise.io.report import is_tree
from monai_gan_denoise.io.writer import with_companions
from monai_gan_denoise.scans.errors import InputError

__all__ = ["find_images", "find_scans"]

logger = logging.getLogger(__name__)

Naming: TypeAlias = Callable[[dict[str, Any]], list[Path]]  # the files that an item becomes

# What stands beside images without being one: BIDS side files, our manifest, DICOM's index, detached pixel data.
SIDE_FILES = (".json", ".tsv", ".bval", ".bvec", *DETACHED)
SIDE_NAMES = (MANIFEST, dicom.DIRECTORY)
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
JPEG_SUFFIXES = (".jpg", ".jpeg")


def find_scans(
    dataset_dir: str | Path,
    output_dir: str | Path,
    modality: str = "auto",
    overwrite: bool = False,
    residual: bool = False,
    skip_references: bool = False,
    claim: OutputClaim | None = None,
    noise_map: bool = False,
) -> list[dict[str, Any]]:
    """List what is to be denoised.

    Args:
        dataset_dir: a file, a DICOM series' folder, a folder of any depth that holds images; a DICOMDIR stands for the
            files that it lists.
        output_dir: a file, if ``dataset_dir`` is one and this has an image's suffix; otherwise a folder.
        modality: what images are whose header does not say; "auto" to refuse those.
        overwrite: replace outputs that exist.
        residual: what is removed is written too, beside each output.
        skip_references: leave out what a manifest.csv calls the clean side of a pair.
        claim: takes OUTPUT for this run, and knows what an earlier one finished.
        noise_map: the noise-level map is written too, beside each output.

    Returns:
        A dictionary a scan, with ``image`` (list of files in slice order) and either ``outputs`` (a path a file) and
        ``modality``, or ``refusal``, a sentence. What holds no image, such as a report among the slices of a series, is
        ``left_out`` besides, if there is anything else; ``finished`` is set where an earlier run made the same. Never
        empty.
    """
    source, target = Path(dataset_dir), Path(output_dir)
    root = source if source.is_dir() else source.parent
    single = not is_tree(source)
    refusal = _refuse_whole(source if single else root, target) or (claim.take() if claim else None)
    if refusal:
        return [{"image": [str(source)], "refusal": refusal}]
    try:
        manifest = {} if single else _manifest_rows(root)
    except InputError as error:
        return [{"image": [str(root / MANIFEST)], "refusal": str(error)}]
    try:
        paths, missing = _listed(source, target)
    except InputError as error:
        return [{"image": [str(source)], "refusal": str(error)}]
    media = find_media(paths, root) if source.is_dir() else []
    if skip_references:
        paths = [path for path in paths if not _is_reference(manifest.get(path, {}))]
    items = [
        item if "refusal" in item else _complete(item, root, target, single, manifest, modality)
        for item in [*_group(paths), *missing, *missing_files(media)]
    ]
    named = partial(_named, residual=residual, noise_map=noise_map)
    if claim and (refusal := _refuse_report(items, named, claim)):
        return [{"image": [str(source)], "refusal": refusal}]
    return _refuse_clashes(leave_out_others(items, media), overwrite, named, claim) or [
        {"image": [str(source)], "refusal": f"INPUT must hold an image, got none in {source}. Pass another."}
    ]


def find_images(source: Path) -> list[dict[str, Any]]:
    """List the images, volumes and series below a folder, or a file as the only one.

    Returns:
        A dictionary an image, with ``image`` (files in slice order); ``modality``, if its header says; and ``refusal``,
        a sentence, if it is none that can be read.
    """
    return _group(sorted(_files_below(source, ())) if source.is_dir() else [source])


def _refuse_whole(source: Path, target: Path) -> str | None:
    if not source.exists():
        return f"INPUT must exist, got {source}. Check the path."
    if source.is_file():
        if target.resolve() == source.resolve():
            return f"OUTPUT must not be INPUT, got {target}. Inputs are never modified; name another file."
        return None
    if target.resolve().is_relative_to(source.resolve()):
        return f"OUTPUT must lie outside INPUT, got {target} in {source}. Name a folder beside it."
    if target.is_file():
        return f"OUTPUT must be a folder when INPUT is one, got the file {target}. Name a folder."
    return None


def _files_below(folder: Path, above: Sequence[Path]) -> list[Path]:
    """List what may be an image, also behind links; a folder that is resolved to one of ``above`` is left out."""
    here = folder.resolve()
    if here in above:
        return []
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return [folder]  # which is refused, as no file that can be read
    found: list[Path] = []
    for path in entries:
        if path.is_dir():
            found += _files_below(path, (*above, here))
        elif path.name not in SIDE_NAMES and not path.name.lower().endswith(SIDE_FILES):
            found.append(path)
    return found


def _listed(source: Path, target: Path) -> tuple[list[Path], list[dict[str, Any]]]:
    """Give the files below a folder, those that a DICOMDIR lists, or the file itself; and items for missing ones."""
    if source.is_dir():
        return sorted(_files_below(source, (target.resolve(),))), []
    if not dicom.is_directory(source):
        return [source], []
    paths, missing = dicom.listed_files(source)
    return paths, [{"image": [str(path)], "refusal": reason} for path, reason in missing]


def _manifest_rows(source: Path) -> dict[Path, dict[str, str]]:
    if not (source / MANIFEST).is_file():
        return {}
    return {source / row["file"]: row for row in read_manifest(source)}


def _is_reference(row: dict[str, str]) -> bool:
    return bool(row.get("pair") and row.get("kind")) and is_clean(row)


def _group(paths: Sequence[Path]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    candidates: list[Path] = []
    detached = {data for path in paths for data in detached_files(path)}
    for path in paths:
        try:
            if not path.is_file():  # a link to nothing, a pipe that would never end
                reason = f"INPUT must be a file that can be read, got {path}. Leave it out."
            elif suffix_of(path, SUFFIXES):
                if (other := no_image(path)) is None:
                    items.append({"image": [path]})
                    continue
                reason = other
            elif dicom.is_dicom(path):
                candidates.append(path)
                continue
            elif path in detached:  # read with its header
                continue
            else:
                reason = f"INPUT must be an image, got {path}. Pass DICOM, NIfTI, NRRD, MHA, PNG, JPEG or TIFF."
        except OSError as error:
            reason = f"INPUT must be a file that can be read, got {error.strerror} in {path}. Leave it out."
        items.append({"image": [str(path)], "refusal": reason})
    series, refused = dicom.find_series(candidates)
    for one in series:
        items.append({"image": list(one.files), "modality": one.modality, "keyword": one.keyword})
        if one.unevenness:
            name = f"{one.files[0]} and {len(one.files) - 1} more" if len(one.files) > 1 else str(one.files[0])
            logger.warning("%s: %s; all are kept as they are.", name, one.unevenness)
    items += [{"image": [str(path)], "refusal": reason} for path, reason in refused]
    return sorted(items, key=lambda item: str(item["image"][0]))


def _complete(
    item: dict[str, Any],
    root: Path,
    target: Path,
    single: bool,
    manifest: dict[Path, dict[str, str]],
    modality: str,
) -> dict[str, Any]:
    files: list[Path] = item["image"]
    named = {"image": [str(path) for path in files]}
    first = files[0]
    listed = manifest.get(first, {}).get("modality", "")
    known = item.get("modality") or listed or (modality if modality != "auto" else None)
    if not known:
        got = item.get("keyword") or "none"
        rule = f"modality must be one of ct, mr, xr, us, oct, got {got} in {first}"
        return {**named, "refusal": f"{rule}. Pass --modality or a manifest.csv."}
    try:
        outputs = [_output(path, root, target, single) for path in files]
    except InputError as error:
        return {**named, "refusal": str(error)}
    if not single and (outside := _behind_link(outputs, target)):
        rule = f"outputs must lie in OUTPUT, got {outside} behind a link that leads out of {target}"
        return {**named, "refusal": f"{rule}. Remove the link."}
    return {**named, "outputs": [str(path) for path in outputs], "modality": known}


def _refuse_report(items: list[dict[str, Any]], named: Naming, claim: OutputClaim) -> str | None:
    """Refuse a report in place of a result; the run is over then, and reports nothing."""
    if claim.report is None:
        return None
    results = {path.resolve() for item in items for path in _written(item, named(item))}
    if claim.report.resolve() not in results:
        return None
    claim.release()
    return f"report must be another file than the results, got {claim.report}. Pass another name with --report."


def _refuse_clashes(
    items: list[dict[str, Any]], overwrite: bool, named: Naming, claim: OutputClaim | None
) -> list[dict[str, Any]]:
    """Refuse what would overwrite an input, the result of another input (a.jpg beside a.jpg.png) or an old result."""
    files = [Path(path) for item in items for path in item["image"]]
    inputs = {path.resolve() for file in files for path in (file, *detached_files(file))}
    taken: set[Path] = set()
    for index, item in enumerate(items):
        results = named(item)
        written = {path.resolve(): path for path in _written(item, results)}
        if own := inputs.intersection(written):
            rule = f"OUTPUT must not be INPUT, got {written[own.pop()]}. Inputs are never modified; name another."
        elif twice := taken.intersection(written):
            rule = f"OUTPUT must be one file an input, got {written[twice.pop()]} twice. Rename {item['image'][0]}."
        elif not overwrite and (present := _unknown(written.values(), claim)):
            rule = f"OUTPUT must not exist, got {present[0]}. Pass --overwrite to replace it."
        else:
            taken.update(written)
            if claim and results and claim.is_finished(item["image"], results, item["modality"]):
                items[index] = {**item, "finished": True}
            continue
        items[index] = {"image": item["image"], "refusal": rule}
    return items


def _named(item: dict[str, Any], residual: bool, noise_map: bool) -> list[Path]:
    return with_companions([Path(path) for path in item.get("outputs", ())], residual, noise_map)


def _written(item: dict[str, Any], named: Sequence[Path]) -> list[Path]:
    """List the files that an item becomes: those that are named, and of volumes the data beside them."""
    sources = map(Path, item["image"])
    return [*named, *(path for pair in zip(sources, named, strict=False) for path in written_data(*pair))]


def _unknown(paths: Iterable[Path], claim: OutputClaim | None) -> list[Path]:
    """List the outputs that exist and are not those of the run that is resumed."""
    return [path for path in paths if path.exists() and not (claim and claim.may_replace(path))]


def _output(path: Path, root: Path, target: Path, single: bool) -> Path:
    lossy = suffix_of(path, JPEG_SUFFIXES) is not None  # a result is never compressed with loss a second time
    suffixes = (*SUFFIXES, *DICOM_SUFFIXES)
    wanted = suffix_of(target, suffixes)
    if not single or wanted is None or target.is_dir():
        relative = path.relative_to(root)
        return target / (relative.with_name(f"{relative.name}.png") if lossy else relative)
    own = ".png" if lossy else suffix_of(path, suffixes) or ".dcm"
    if wanted not in _same_format(own):
        raise InputError(f"OUTPUT must end in {own} as the result of {path.name} does, got {target}. Rename it.")
    return target


def _behind_link(outputs: Sequence[Path], target: Path) -> Path | None:
    root = target.resolve()
    folders = {path.parent: path for path in outputs}
    return next((path for folder, path in folders.items() if not folder.resolve().is_relative_to(root)), None)


def _same_format(suffix: str) -> Sequence[str]:
    families = (DICOM_SUFFIXES, (".tif", ".tiff"))
    return next((family for family in families if suffix in family), (suffix,))
