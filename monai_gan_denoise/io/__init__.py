"""What MONAI's LoadImaged and SaveImaged cannot do: formats kept as they were, derived DICOM, input discovery."""

from monai_gan_denoise.io.atomic import whole_file
from monai_gan_denoise.io.bundle import packaged_bundle, packaged_presets, running_bundle
from monai_gan_denoise.io.claim import OutputClaim
from monai_gan_denoise.io.datalist import balance, load_datalist, load_training_datalist
from monai_gan_denoise.io.derivation import derive
from monai_gan_denoise.io.discovery import find_scans
from monai_gan_denoise.io.flag import flag
from monai_gan_denoise.io.manifest import read_manifest
from monai_gan_denoise.io.reader import ScanReader, read_scan, scan_meta
from monai_gan_denoise.io.report import (
    PROGRAM,
    REPORT_VERSION,
    RunReport,
    RunState,
    ScanRecord,
    ScanStatus,
    earlier_salt,
    report_file,
    source_digest,
    stored_bytes,
    write_report,
)
from monai_gan_denoise.io.sharpness import mark_sharp
from monai_gan_denoise.io.volume_series import VolumeSeries, large_series
from monai_gan_denoise.io.writer import (
    DiscoveredLayout,
    ScanWriter,
    discovered_outputs,
    noise_path,
    residual_path,
    with_companions,
    write_scan,
)

__all__ = [
    "PROGRAM",
    "REPORT_VERSION",
    "DiscoveredLayout",
    "OutputClaim",
    "RunReport",
    "RunState",
    "ScanReader",
    "ScanRecord",
    "ScanStatus",
    "ScanWriter",
    "VolumeSeries",
    "balance",
    "derive",
    "discovered_outputs",
    "earlier_salt",
    "find_scans",
    "flag",
    "large_series",
    "load_datalist",
    "load_training_datalist",
    "mark_sharp",
    "noise_path",
    "packaged_bundle",
    "packaged_presets",
    "read_manifest",
    "read_scan",
    "report_file",
    "residual_path",
    "running_bundle",
    "scan_meta",
    "source_digest",
    "stored_bytes",
    "whole_file",
    "with_companions",
    "write_report",
    "write_scan",
]
