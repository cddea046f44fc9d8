"""A clerk at the console: what they click and type, counted, so that a story stays as short as it is."""

from __future__ import annotations

from attrs import define
from playwright.sync_api import Locator, Page


@define
class Clerk:
    """Somebody at a page. `clicks`: links and buttons, and lists in which they choose; `fields`: where they type."""

    page: Page
    clicks: int = 0
    fields: int = 0

    def begin(self) -> None:
        """At the season, with nothing counted."""
        self.page.goto("/resultsday/?series=2024-06")
        self.clicks = self.fields = 0

    def click(self, name: str, role: str = "link", within: Locator | None = None) -> None:
        """Clicks the first link or button of that name."""
        self.clicks += 1
        (within or self.page.locator("body")).get_by_role(role, name=name).first.click()  # type: ignore[arg-type]

    def fill(self, label: str, words: str) -> None:
        """Types into the field of that label."""
        self.fields += 1
        self.page.get_by_label(label, exact=True).first.fill(words)

    def choose(self, label: str, words: str) -> None:
        """Chooses from the list of that label."""
        self.clicks += 1
        self.page.get_by_label(label, exact=True).first.select_option(words)

    def search(self, words: str) -> None:
        """Types into the box, and presses return."""
        self.fields += 1
        self.page.locator("#words").first.fill(words)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def reads(self) -> str:
        """What the page says."""
        return self.page.locator("main").inner_text()
