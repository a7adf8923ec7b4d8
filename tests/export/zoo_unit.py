"""The exported bundle's test in the model zoo's form: there it is ci/unit_tests/test_medical_image_denoising.py.

It runs in a clone of the zoo, with the bundle in models/medical_image_denoising, and needs nothing of this repository.
"""

import csv
import os
import shutil
import sys
import tempfile
import unittest

import numpy as np
from monai.bundle import ConfigWorkflow
from parameterized import parameterized
from PIL import Image

BUNDLE = "models/medical_image_denoising"

TEST_CASE_TRAIN = [
    {
        "bundle_root": BUNDLE,
        "network_def#features": [8, 8],
        "network_def#refinement_features": 8,
        "d_network_def#features": 8,
        "iterations": 4,
        "adversarial_from": 2,
        "epoch_length": 2,
        "images_per_batch": 2,
        "patches_per_image": 2,
        "patch_size": 32,
        "val_interval": 1,
        "cache_rate": 0.0,
        "tensorboard": False,
    }
]

TEST_CASE_INFER = [{"bundle_root": BUNDLE, "modality": "us", "progress": False}]
TEST_CASE_INFER_FIDELITY = [{"bundle_root": BUNDLE, "modality": "us", "progress": False, "perception": 0.0}]


def workflow(kind: str, override: dict[str, object], *names: str) -> ConfigWorkflow:
    configs = os.path.join(str(override["bundle_root"]), "configs")
    return ConfigWorkflow(
        workflow_type=kind,
        config_file=[os.path.join(configs, f"{name}.json") for name in names],
        logging_file=os.path.join(configs, "logging.conf"),
        meta_file=os.path.join(configs, "metadata.json"),
        **override,
    )


def run(workflow: ConfigWorkflow, check_properties: bool) -> None:
    workflow.initialize()
    if check_properties and (missing := workflow.check_properties()):
        raise ValueError(f"check properties failed: {missing}")
    workflow.run()
    workflow.finalize()


class TestMedicalImageDenoising(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        sys.path = [BUNDLE, *sys.path]

    def setUp(self) -> None:
        self.dataset_dir = tempfile.mkdtemp()
        self.output_dir = tempfile.mkdtemp()
        random = np.random.default_rng(0)
        rows = [("file", "modality", "split", "kind")]
        for index in range(6):
            name = f"image_{index}.png"
            image = random.integers(0, 256, (48, 64)).astype(np.uint8)
            Image.fromarray(image).save(os.path.join(self.dataset_dir, name))
            rows.append((name, "us", "train" if index < 4 else "val", "clean"))
        with open(os.path.join(self.dataset_dir, "manifest.csv"), "w", newline="") as stream:
            csv.writer(stream).writerows(rows)

    def tearDown(self) -> None:
        shutil.rmtree(self.dataset_dir)
        shutil.rmtree(self.output_dir)

    @parameterized.expand([TEST_CASE_TRAIN])
    def test_train_eval_config(self, override: dict[str, object]) -> None:
        override = {**override, "dataset_dir": self.dataset_dir, "output_dir": self.output_dir}
        run(workflow("train", override, "train"), check_properties=True)
        weights = os.path.join(self.output_dir, "model.pt")
        assert os.path.isfile(weights)
        # No need to check properties again, since evaluate.json is laid over train.json.
        run(workflow("eval", {**override, "init": weights}, "train", "evaluate"), check_properties=False)
        assert os.path.isfile(os.path.join(self.output_dir, "metrics.csv"))

    @parameterized.expand([TEST_CASE_INFER, TEST_CASE_INFER_FIDELITY])
    def test_infer_config(self, override: dict[str, object]) -> None:
        override = {**override, "dataset_dir": self.dataset_dir, "output_dir": self.output_dir}
        run(workflow("infer", override, "inference"), check_properties=True)
        for index in range(6):
            noisy, result = (
                np.asarray(Image.open(os.path.join(folder, f"image_{index}.png")))
                for folder in (self.dataset_dir, self.output_dir)
            )
            assert noisy.shape == result.shape
            assert result.std() < noisy.std()


if __name__ == "__main__":
    unittest.main()
