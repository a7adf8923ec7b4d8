"""Damage valid files at random and read, write and read them again: ``read_mutants.py FOLDER SEED CASES REPORT``.

A process of its own, whose memory is limited: a crash or a hang ends it, and the report's last line names the case.
What is neither a result nor an InputError is a line of the report.
"""

from __future__ import annotations

import faulthandler
import gzip
import random
import re
import resource
import shutil
import sys
import zlib
from pathlib import Path

import numpy as np

from monai_gan_denoise.io import find_scans, read_scan, write_scan
from monai_gan_denoise.scans.errors import InputError
from monai_gan_denoise.scans.scan import Derivation

MEMORY = 1 << 29  # bytes above what the process holds at its start; the files are of 30 kB at most
SECONDS = 60  # for a case, on a busy machine; one takes 0.01
HEADER = 600  # bytes; where most of the damage goes
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(blob: bytes, rng: random.Random) -> bytes:
    """Damage a file in one to four places."""
    damaged = bytearray(blob)
    for _ in range(rng.randint(1, 4)):
        if not damaged:
            break
        start = rng.randrange(min(HEADER, len(damaged)) if rng.random() < 0.7 else len(damaged))
        length = rng.choice((1, 1, 2, 4, 8, 64))
        end = min(start + length, len(damaged))
        kind = rng.choice(("bit", "bytes", "number", "number", "digit", "cut", "drop", "repeat", "end"))
        if kind == "bit":
            damaged[start] ^= 1 << rng.randrange(8)
        elif kind == "bytes":
            damaged[start:end] = rng.randbytes(end - start)
        elif kind == "number":
            size = rng.choice((1, 2, 4))
            number = (rng.choice(EDGES) % (1 << 8 * size)).to_bytes(size, rng.choice(("little", "big")))
            damaged[start : start + size] = number[: len(damaged) - start]
        elif kind == "digit":
            digits = [match.start() for match in re.finditer(rb"\d", damaged[:HEADER])] or [start]
            damaged[rng.choice(digits)] = rng.choice(b"0123456789-.eE ")
        elif kind == "cut":
            del damaged[start:end]
        elif kind == "drop":
            del damaged[start : start + rng.randrange(1, len(damaged))]
        elif kind == "repeat":
            damaged[start:start] = damaged[start:end] * rng.randint(1, 9)
        else:
            del damaged[rng.randrange(len(damaged)) :]
    return bytes(damaged)


def with_checksums(png: bytes) -> bytes:
    """Correct the checksum of each chunk, so that damage reaches what lies behind it."""
    fixed, start = bytearray(png[:8]), 8
    while start + 12 <= len(png):
        length = int.from_bytes(png[start : start + 4], "big")
        body = png[start + 4 : start + 8 + length]
        fixed += png[start : start + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        start += 12 + length
    return bytes(fixed + png[start:])


def damage(path: Path, rng: random.Random) -> bytes:
    """Damage a file's bytes; of a compressed or guarded one, in every other case what lies inside."""
    blob = path.read_bytes()
    inside = rng.random() < 0.5
    if path.suffix == ".gz" and inside:
        return gzip.compress(mutate(gzip.decompress(blob), rng), mtime=0)
    damaged = mutate(blob, rng)
    return with_checksums(damaged) if path.suffix == ".png" and inside else damaged


def process(path: Path, folder: Path) -> None:
    """Read, write and read again, as a run does.

    Raises:
        InputError: if the file is refused.
    """
    for item in find_scans(path, folder, "mr"):
        if "refusal" in item:
            raise InputError(item["refusal"])
        files, outputs = ([Path(name) for name in item[key]] for key in ("image", "outputs"))
        scan = read_scan(files)
        removed = np.ones_like(scan.values)
        write_scan(files, removed, outputs, Derivation("denoised", "Denoised by a test.", "fingerprint"))
        read_scan(outputs)


def outcome(path: Path, folder: Path) -> str:
    """Say what is wrong with how a file ends; nothing if it is a result or a refusal that names the file."""
    try:
        process(path, folder)
    except InputError as error:
        message = str(error)
        if re.search("bad_alloc|memory", message, re.IGNORECASE):
            return f"memory was asked for: {message}"
        return "" if "\n" not in message and path.name in message else f"a refusal must be one line: {message!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main(sources: Path, seed: int, cases: int, report: Path) -> None:
    paths = sorted(sources.iterdir())
    scratch = report.with_name("scratch")
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
    with report.open("w", buffering=1) as lines:
        for case in range(cases):
            source = paths[case % len(paths)]
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            mutant = scratch / source.name
            mutant.write_bytes(damage(source, random.Random(f"{seed}/{case}")))
            lines.write(f"case {case} of {source.name}: ")
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            wrong = outcome(mutant, scratch / "out")
            faulthandler.cancel_dump_traceback_later()
            lines.write(f"{wrong!r}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
