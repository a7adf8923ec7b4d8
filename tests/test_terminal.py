"""What a program says to a terminal, and the code it ends with."""

from __future__ import annotations

import click
import pytest

from monai_gan_denoise import cli
from monai_gan_denoise.engines import Interruption
from monai_gan_denoise.terminal import InterruptibleGroup


def ended(monkeypatch: pytest.MonkeyPatch, interruption: BaseException) -> int | str | None:
    """Run a command that ends so; the exit code."""

    @click.group(cls=InterruptibleGroup)
    def commands() -> None:
        pass

    @commands.command()
    def work() -> None:
        raise interruption

    monkeypatch.setattr(cli, "commands", commands)
    with pytest.raises(SystemExit) as end:
        cli.main(["work"])
    return end.value.code


def test_a_run_that_has_said_so_itself_ends_with_its_code_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, Interruption(15)) == 143
    assert capsys.readouterr().err == ""


def test_ctrl_c_elsewhere_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "monai-gan-denoise: interrupted\n"


def test_a_prompt_that_is_left_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(monkeypatch, click.Abort()) == 130
    assert capsys.readouterr().err == "monai-gan-denoise: interrupted\n"
