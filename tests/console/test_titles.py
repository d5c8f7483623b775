"""Every page is called something people can read: a heading, and no id in the title."""

import re
from html import unescape

from django.contrib import admin

from tests.console.clients import address
from tests.console.inhabited import inhabit

AN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-")


def called(console, page):
    """Return the title and the heading of a page."""
    text = console.text(page)
    title = re.findall(r"<title>(.*?)</title>", text, re.S)[0]  # drawings have titles too
    headings = re.findall(r"<h1.*?</h1>", text, re.S)
    return title, unescape(re.sub(r"<[^>]+>", " ", " ".join(headings))).strip()


def test_every_page_has_a_heading_and_no_id_in_its_title(console, founded):
    rows = inhabit(founded)
    ways = [(model, verb, None) for model in admin.site._registry for verb in ("changelist", "add")]
    ways += [(model, "change", row) for model, row in rows.items()]

    wrong, seen = [], 0
    for model, verb, row in ways:
        page = console.client.get(address(model, verb, row))
        if page.status_code != 200:  # rows that nobody adds; a list of one row leads to it
            continue
        seen += 1
        title, heading = called(console, page)
        if not heading or AN_ID.search(title) or AN_ID.search(heading):
            wrong.append((model.__name__, verb, title, heading))

    assert wrong == []
    assert seen > 2 * len(rows)
