"""Claims about an exported bundle's configurations: they do the same, in an order that works from any folder."""

from __future__ import annotations

from monai_gan_denoise.export import initialized_by_run

TRAIN = {"seed": 0, "initialize": ["$seed()"], "run": ["$train()"]}


def test_a_run_does_first_what_initialize_did() -> None:
    assert initialized_by_run(TRAIN, TRAIN) == {"seed": 0, "initialize": [], "run": ["$seed()", "$train()"]}


def test_an_overlay_with_another_initialize_runs_what_it_is_laid_over() -> None:
    overlay = {"rank": 1, "initialize": ["$group()", "$seed()"]}
    expected = {"rank": 1, "initialize": [], "run": ["$group()", "$seed()", "$train()"]}
    assert initialized_by_run(overlay, {**TRAIN, **overlay}) == expected


def test_an_overlay_with_another_run_keeps_it() -> None:
    overlay = {"initialize": ["$seed()"], "run": ["$evaluate()"]}
    assert initialized_by_run(overlay, {**TRAIN, **overlay})["run"] == ["$seed()", "$evaluate()"]


def test_a_configuration_that_initializes_nothing_stays_as_it_is() -> None:
    config = {"initialize": [], "run": ["$denoise()"]}
    assert initialized_by_run(config, {**TRAIN, **config}) == config
