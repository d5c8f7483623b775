"""A headless Chromium for tests of the console; without one they are skipped, saying so."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000  # a loaded machine is slow, and nothing waits longer than it has to


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser: the system's Chromium, or the one Playwright brought.

    While Playwright's loop runs, Django takes the tests' own queries for asynchronous ones.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield from _launched()


def _launched() -> Iterator[Browser]:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        except Error as error:
            pytest.skip(f"No Chromium to drive: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


class Visit:
    """A page, what its scripts complained about, and every address it asked for."""

    def __init__(self, browser: Browser, base: str, **options: object) -> None:
        self.base = base
        self.context = browser.new_context(accept_downloads=True, **options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: message.type == "error" and self.complaints.append(message.text),
        )
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, path: str) -> Page:
        """Go to an address of the console."""
        self.page.goto(self.base + path)
        return self.page

    def log_in(self, email: str, password: str) -> Page:
        """Log in through the form."""
        page = self.open("/admin/login/")
        page.fill("[name=username]", email)
        page.fill("[name=password]", password)
        page.click("text=Log in")
        page.wait_for_url(self.base + "/admin/")
        return page

    def overflows(self) -> bool:
        """Say whether the page is wider than the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

    def outside(self) -> list[str]:
        """Return addresses asked for that are not ours."""
        ours = (self.base, "data:", "blob:")
        return [url for url in self.asked if not url.startswith(ours)]
