"""Where work runs."""

from __future__ import annotations

import os
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch

from monai_gan_denoise.benchmark.processes import VARIABLES, alone, spread


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_results_come_in_the_order_of_the_items(jobs: int) -> None:
    assert list(spread(abs, [-3, 2, -1], jobs)) == [3, 2, 1]


def test_work_alone_has_another_process_with_one_thread() -> None:
    program = "(__import__('os').getpid(), __import__('torch').get_num_threads())"
    process, threads = alone(eval, program)  # a function of a module, as processes need it
    assert process != os.getpid()
    assert threads == 1


def test_a_process_that_dies_is_an_error_and_the_next_one_works() -> None:
    with pytest.raises(BrokenProcessPool):
        alone(os._exit, 3)
    assert alone(abs, -1) == 1


def test_the_environment_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    present, absent = VARIABLES
    monkeypatch.setenv(present, "7")
    monkeypatch.delenv(absent, raising=False)
    threads = torch.get_num_threads()
    assert list(spread(os.getenv, VARIABLES, 1)) == ["1", "1"]
    assert (os.environ[present], absent in os.environ, torch.get_num_threads()) == ("7", False, threads)
