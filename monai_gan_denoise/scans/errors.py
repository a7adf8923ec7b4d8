"""Errors that speak to users, and one line of any other."""

from __future__ import annotations

__all__ = ["InputError", "one_line", "root_cause"]


class InputError(ValueError):
    """An input that cannot be denoised; the message names the file, the reason and the cure."""


def one_line(error: Exception) -> str:
    """Say what went wrong in one line, for a note."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def root_cause(error: BaseException) -> str:
    """Say in one line what an error began with."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(".")
