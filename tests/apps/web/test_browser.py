"""The web page in a real browser: files are dropped, buttons pressed, and what comes out is played. Needs Chromium and its driver."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from animato.core.picture import read_picture
from animato.people.shipped import character_path
from material import Material
from videos import read_sound, tone, write_video
from waiting import HANGS

pytest.importorskip("gradio", reason='the web page needs Gradio: pip install "animato[web]"')
webdriver = pytest.importorskip("selenium.webdriver", reason="the browser is driven with Selenium: pip install selenium")
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
waiting = pytest.importorskip("selenium.webdriver.support.ui")

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IN_VIEW = """
  const one = document.getElementById(arguments[0]), box = one.getBoundingClientRect();
  const seen = (x, y) => one.contains(document.elementFromPoint(x, y));
  const middle = box.left + box.width / 2;
  return box.top >= 0 && box.bottom <= innerHeight && [0.1, 0.5, 0.9].every(part => seen(middle, box.top + part * box.height));
"""

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no Chromium with chromedriver here; on Debian: apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page, served as a user does."""
    words = [sys.executable, "-m", "animato", "web", "--no-open", "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("server"))}
    server = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[3]
    finally:
        server.terminate()
        server.wait(HANGS)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for word in (*QUIET, f"--user-data-dir={tmp_path_factory.mktemp('profile')}", "--window-size=1280,900"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield browser
    browser.quit()


class Page:
    """What a user does on the page and sees there."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser = browser
        browser.get(address)
        self.until(lambda: self.all("#characters img") and self.all("#video input[type=file]"))

    def all(self, selector: str) -> list[Any]:
        return self.browser.find_elements("css selector", selector)

    def until(self, condition: Callable[[], Any]) -> Any:
        return waiting.WebDriverWait(self.browser, HANGS, 0.1).until(lambda _: condition())

    def hand_in(self, field: str, file: Path) -> None:
        self.all(f"#{field} input[type=file]")[0].send_keys(str(file))

    def press(self, button: str) -> None:
        self.browser.execute_script("arguments[0].click()", self.until(lambda: self.all(f"#{button}-button:not([disabled])"))[0])

    def clear(self, field: str) -> None:
        cross = f"#{field} :is(button[aria-label=Clear], button[aria-label^=Remove])"
        self.browser.execute_script("arguments[0].click()", self.until(lambda: self.all(cross))[0])

    @contextmanager
    def screen(self, width: int, height: int) -> Iterator[None]:
        """The page loaded anew on a screen of that size, below 800 pixels a phone's."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 800}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        try:
            self.browser.refresh()
            self.until(lambda: self.all("#characters img") and self.all("#video input[type=file]"))
            yield
        finally:
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def in_view(self, name: str) -> bool:
        """Whether the whole of something can be seen without scrolling, and nothing lies on it."""
        return bool(self.all(f"#{name}")) and self.browser.execute_script(IN_VIEW, name)

    def choose(self, field: str, value: str) -> None:
        """A value typed into a field or into a list that takes any."""
        box = self.all(f"#{field} input, #{field} textarea")[0]
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", box)
        box.click()
        box.send_keys(Keys.CONTROL, "a", Keys.NULL, value, Keys.ENTER)

    def message(self) -> str:
        return self.until(lambda: self.all(".message[role=alert]"))[0].text

    def video(self, name: str) -> dict[str, Any]:
        """What the browser knows of a video once it can be played."""
        script = "const v = document.querySelector(arguments[0]); return v && [v.readyState, v.videoWidth, v.videoHeight, v.duration]"
        known = self.until(lambda: [one.text for one in self.all(".message[role=alert]")] or self._playable(script, f"#{name} video"))
        assert len(known) == 4, known
        return dict(zip(("width", "height", "seconds"), known[1:], strict=True))

    def _playable(self, script: str, selector: str) -> list[float] | None:
        known = self.browser.execute_script(script, selector)
        return known if known and known[0] >= 2 else None  # 2: the current frame is there


@pytest.fixture
def page(browser: Any, address: str) -> Page:
    return Page(browser, address)


@pytest.fixture(scope="module")
def driving(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short video of a person, with sound."""
    frames = [read_picture(material.character)] * 8
    return write_video(tmp_path_factory.mktemp("driving") / "driving.mp4", frames, 8, sound=("aac", tone(1.0)))


@pytest.fixture(scope="module")
def character() -> Path:
    path = character_path("mara")
    assert path is not None
    return path


def requested_hosts(browser: Any) -> set[str]:
    """All hosts that pages of the web asked for anything since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    return {urlsplit(url).netloc for url in urls if urlsplit(url).scheme not in ("data", "blob", "chrome")}


def test_a_picture_and_a_video_become_a_video_with_sound(page: Page, character: Path, driving: Path, tmp_path: Path) -> None:
    page.hand_in("picture", character)
    page.hand_in("video", driving)
    page.until(lambda: len(page.all("#picture img, #video video")) == 2)
    page.choose("size", "128x192")
    page.choose("frames", "4")
    page.press("animate")
    result, beside = page.video("result"), page.video("driving")
    assert (result["width"], result["height"]) == (128, 192) and (beside["width"], beside["height"]) == (512, 768)
    assert result["seconds"] == pytest.approx(0.5, abs=0.1) == beside["seconds"]
    report = page.all("#report")[0].text
    assert "PCK@.1T" in report and "4 frames of 128x192" in report
    assert page.browser.execute_script("return document.querySelector('#system input').value") == "auto" and "made by Puppet in" in report
    file = tmp_path / "result.mp4"
    address = page.all("#result video")[0].get_attribute("src")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address)
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in page.browser.get_cookies())
    with urllib.request.urlopen(urllib.request.Request(address, headers={"Cookie": cookies})) as answer:
        file.write_bytes(answer.read())
    assert read_sound(file)[0] == "aac"
    page.browser.execute_script("document.querySelector('#play-both').click()")
    page.until(
        lambda: page.browser.execute_script("return [...document.querySelectorAll('.pair video')].every(one => one.currentTime > 0)")
    )
    assert requested_hosts(page.browser) == {urlsplit(page.browser.current_url).netloc}


def test_a_picture_without_a_person_is_said_in_one_sentence(page: Page, material: Material) -> None:
    page.hand_in("picture", material / "nobody.png")
    page.all("#motions button")[0].click()
    page.until(lambda: page.all("#video video"))
    page.press("animate")
    assert page.message().startswith("No person was found in the picture. Use a picture that shows one person whole, ")
    page.until(lambda: page.all("#animate-button:not([disabled])") and not page.all("#cancel-button"))


def test_a_file_that_is_no_picture_is_refused_when_it_is_dropped(page: Page, material: Material) -> None:
    page.hand_in("picture", material / "cut.png")
    assert page.message().startswith("cut.png ")
    assert not page.all("#picture img")


def test_the_alignment_is_shown_before_anything_is_made(page: Page) -> None:
    page.all("#characters button")[1].click()
    page.all("#motions button")[2].click()
    page.until(lambda: len(page.all("#picture img, #video video")) == 2)
    page.choose("frames", "3")
    page.press("preview")
    shown = page.video("alignment")
    assert shown["width"] > 3 * shown["height"] and page.all("#alignment")[0].is_displayed()
    assert "torso" in page.all("#alignment-report")[0].text


def test_the_person_who_was_chosen_is_followed(page: Page, character: Path, company: Path) -> None:
    page.hand_in("picture", character)
    page.hand_in("video", company)
    page.until(lambda: len(page.all("#people button")) == 2)
    page.all("#people button")[0].click()
    page.press("preview")
    page.video("alignment")
    assert "took number 0" in page.all("#alignment-report")[0].text


def test_work_can_be_cancelled_and_asked_for_again(page: Page) -> None:
    page.all("#characters button")[0].click()
    page.all("#motions button")[0].click()
    page.until(lambda: len(page.all("#picture img, #video video")) == 2)
    page.press("animate")
    page.until(lambda: page.all(".stage"))
    page.press("cancel")
    page.until(lambda: "Stopped" in page.all("#status")[0].text)
    assert page.until(lambda: page.all("#animate-button:not([disabled])")) and not page.all("#result video[src]")


def test_what_is_cleared_loses_its_frame(page: Page) -> None:
    page.all("#characters button")[1].click()
    page.all("#motions button")[1].click()
    page.until(lambda: len(page.all("#picture img, #video video")) == 2)
    page.until(lambda: len(page.all("#characters .selected, #motions .selected")) == 2)
    page.clear("video")
    page.until(lambda: not page.all("#motions .selected") and not page.all("#video video, #video img"))
    assert page.all("#characters .selected")
    page.clear("picture")
    page.until(lambda: not page.all(".choices .selected") and not page.all("#picture img"))
    page.all("#characters button")[2].click()
    page.until(lambda: page.all("#picture img"))
    page.press("animate")
    assert "no motion yet" in page.message()


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
def test_what_is_to_be_pressed_is_in_view(page: Page, width: int, height: int) -> None:
    with page.screen(width, height):
        assert page.in_view("animate-button") and page.in_view("preview-button")
        page.browser.execute_script("document.querySelector('#more button').click()")
        page.until(lambda: page.all("#how")[0].is_displayed())
        assert page.in_view("animate-button")
        page.browser.execute_script("for (const name of ['characters', 'motions']) document.querySelector(`#${name} button`).click()")
        page.until(lambda: len(page.all("#picture img, #video video")) == 2)
        assert page.in_view("animate-button")
        page.all("#animate-button")[0].click()
        page.until(lambda: page.all(".stage") and page.in_view("cancel-button") and page.in_view("status"))
        page.all("#cancel-button")[0].click()
        page.until(lambda: "Stopped" in page.all("#status")[0].text and page.in_view("animate-button"))


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_readable_at_any_width_in_light_and_dark(page: Page, width: int, scheme: str) -> None:
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    with page.screen(width, 844):
        assert page.browser.execute_script("return document.scrollingElement.scrollWidth") <= width
        for one in page.all("#picture, #video, #animate-button, #preview-button, .choices button, #result, #driving"):
            assert one.rect["x"] >= 0 and one.rect["x"] + one.rect["width"] <= width and one.rect["width"] >= 44
        script = (
            "return ['color', 'backgroundColor'].map(key => getComputedStyle(document.body)[key].match(/\\d+/g).slice(0, 3).map(Number))"
        )
        ink, paper = (np.mean(colour) for colour in page.browser.execute_script(script))
        assert (paper > 200 > ink + 60) if scheme == "light" else (paper < 60 < ink - 100)
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
