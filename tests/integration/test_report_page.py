"""The benchmark's page in Chromium, as whoever opens it sees it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

pytestmark = pytest.mark.integration

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
)
CELLS = "us/gaussian,mr/impulse,mr/clean"
CHOICE = ("--quick", "--measures", "--structure", "--jobs", "1", "--methods", "ours,median,tv", "--cells", CELLS)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    program = [sys.executable, "-c", "from monai_gan_denoise.cli import main; main()", "benchmark"]
    done = subprocess.run([*program, *CHOICE, "--output", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    assert all(programs), "apt-get install chromium chromium-driver"
    options = ChromeOptions()
    options.binary_location, driver = (str(program) for program in programs)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options, Service(driver))
    yield browser
    browser.quit()


@pytest.fixture
def opened(browser: Chrome, page: Path) -> Chrome:
    for log in ("browser", "performance"):
        browser.get_log(log)  # what came before is another test's
    browser.get(page.as_uri())
    return browser


def position(stage: WebElement) -> float:
    """Where the noisy image ends, as a share of the stage."""
    noisy = stage.find_element(By.CSS_SELECTOR, ".before")
    inset = noisy.value_of_css_property("clip-path")  # inset(0px 50% 0px 0px)
    return 1 - float(inset.split()[1].removesuffix("%").removesuffix("px")) / 100


def test_the_page_asks_for_nothing_and_the_console_is_silent(opened: Chrome, page: Path) -> None:
    for figure in opened.find_elements(By.CSS_SELECTOR, "details"):
        opened.execute_script("arguments[0].open = true", figure)
    opened.find_element(By.CSS_SELECTOR, "thead button").click()
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    assert page.as_uri() in asked
    assert [url for url in asked if url != page.as_uri() and not url.startswith("data:")] == []
    assert opened.get_log("browser") == []


def test_what_psnr_hides_is_seen_with_the_noisy_image_on_top(opened: Chrome) -> None:
    opened.find_element(By.CSS_SELECTOR, "nav a[href='#hidden']").click()
    section = opened.find_element(By.ID, "hidden")
    opened.execute_script("for (const one of arguments[0].querySelectorAll('details')) one.open = true", section)
    assert [heading.text.partition(",")[0] for heading in section.find_elements(By.TAG_NAME, "h3")] == [
        "Regions shifted: means of 32 x 32 pixels",
        "Noise removed from images as they come",
        "Edges and texture",
        "Contrast kept of small discs",
        "False detections",
    ]
    tables = section.find_elements(By.TAG_NAME, "table")
    assert len(tables) == 5 * 2  # modalities
    for table in tables:
        rows = [row.text.split() for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")]
        assert [row[:2] for row in rows][:2] == [["noisy", "input"], ["ours", "blind"]]
    assert "Not measured in this run" not in section.text
    assert opened.get_log("browser") == []


def test_every_picture_is_drawn(opened: Chrome) -> None:
    drawn = opened.execute_script("return [...document.images].map((image) => [image.complete, image.naturalWidth])")
    assert len(drawn) == 2 * 8 + 1  # of each modality 4 to slide, 2 maps, bars, a montage; quality against time
    assert all(complete and width for complete, width in drawn)


def test_the_slider_follows_the_pointer(opened: Chrome) -> None:
    stage = opened.find_element(By.CSS_SELECTOR, ".stage")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", stage)
    assert position(stage) == pytest.approx(0.5)
    width = stage.size["width"]
    ActionChains(opened).move_to_element(stage).click_and_hold().move_by_offset(int(0.3 * width), 0).release().perform()
    assert position(stage) == pytest.approx(0.8, abs=0.03)


def test_the_slider_follows_the_keyboard(opened: Chrome) -> None:
    stage = opened.find_element(By.CSS_SELECTOR, ".stage")
    slider = stage.find_element(By.CSS_SELECTOR, "input")
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert position(stage) == pytest.approx(0.52)
    slider.send_keys(Keys.HOME)
    assert position(stage) == 0
    assert slider.get_attribute("aria-valuetext") == "0 % noisy"
    assert slider.get_attribute("aria-label")


def test_the_right_side_shows_what_is_chosen(opened: Chrome) -> None:
    stage = opened.find_element(By.CSS_SELECTOR, ".stage")
    for choice in opened.find_elements(By.CSS_SELECTOR, ".before-after")[0].find_elements(By.NAME, "right-mr"):
        name = choice.get_attribute("value")
        opened.execute_script("arguments[0].click()", choice)
        after = stage.find_elements(By.CSS_SELECTOR, ".after")
        assert [image.get_attribute("data-name") for image in after if image.is_displayed()] == [name]
        assert stage.find_element(By.CSS_SELECTOR, ".tag.right").text == name


def test_a_table_sorts_by_a_column_and_keeps_noisy_on_top(opened: Chrome) -> None:
    table = opened.find_element(By.CSS_SELECTOR, "#methods table")

    def psnr() -> list[float]:
        return [
            float(row.find_elements(By.TAG_NAME, "td")[1].text) for row in table.find_elements(By.CSS_SELECTOR, rows)
        ]

    rows = "tbody:not(.pinned) tr"
    button = table.find_elements(By.CSS_SELECTOR, "thead button")[2]
    for order in ("descending", "ascending"):
        opened.execute_script("arguments[0].click()", button)
        assert psnr() == sorted(psnr(), reverse=order == "descending")
        assert table.find_element(By.CSS_SELECTOR, f"th[aria-sort={order}]").text.startswith("PSNR")
    assert table.find_element(By.CSS_SELECTOR, "tbody tr th").text == "noisy"


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_as_wide_as_the_window(opened: Chrome, width: int) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_page_follows_a_dark_screen(opened: Chrome) -> None:
    colors = []
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        colors.append(opened.find_element(By.TAG_NAME, "body").value_of_css_property("background-color"))
    light, dark = ([int(value) for value in color.strip("rgba()").split(",")[:3]] for color in colors)
    assert min(light) > 200
    assert max(dark) < 60
