"""Pages in headless Chromium, by file:// and without a network: `SEASA_DA_BROWSER=1 pytest tests/browser`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ASKED_FOR = bool(os.environ.get("SEASA_DA_BROWSER"))
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--force-color-profile=srgb", "--host-resolver-rules=MAP * ~NOTFOUND"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They want Chromium, its driver and selenium, which the other tests do not."""
    if not ASKED_FOR:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="SEASA_DA_BROWSER=1 runs the tests in a browser"))


@pytest.fixture(scope="session")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `seasa-da compare` left of the smoke preset: two rows and the oracle, both directions."""
    from seasa_da import compare

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("browser")
        if "SEASA_DA_CACHE" not in os.environ:
            patch.setenv("SEASA_DA_CACHE", str(folder / "cache"))
        out = folder / "comparison"
        methods = ["supervised", "source-only", "ours"]
        result = compare(methods, preset="smoke", both=True, out=out, tracking_uri="none")
        assert not result.failed
        yield out


@pytest.fixture(scope="session")
def page(comparison: Path) -> Path:
    """The page on it."""
    from seasa_da.inspection.page import report_page

    return report_page(comparison)


@pytest.fixture
def browse() -> Iterator[Callable[..., Any]]:
    """Opens a page in a window of its own: `browse(path, width=…, dark=…, script=…)`."""
    from selenium import webdriver

    opened = []

    def open_page(path: Path, *, width: int = 1200, height: int = 900, dark: bool = False, script: bool = True) -> Any:
        profile = tempfile.TemporaryDirectory()
        options = webdriver.ChromeOptions()
        for flag in (*FLAGS, f"--user-data-dir={profile.name}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver"))
        driver = webdriver.Chrome(options=options, service=service)
        opened.append((driver, profile))
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        if not script:
            driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        driver.get(path.resolve().as_uri())
        return driver

    yield open_page
    for driver, profile in opened:
        driver.quit()
        profile.cleanup()
