"""Names come from outside: whatever they hold is shown as text and breaks nothing."""

from urllib.parse import quote, urlsplit

import pytest
from playwright.async_api import expect

from tests.wall.conftest import Visit
from tests.wall.fake_service import fake_service
from tests.wall.messages import Json, channel, contact, playing, queue, waiting
from tests.wall.scenes import CHAT
from tests.wall.test_layout import expect_whole
from tests.wall.viewer import PATIENCE_MS, PHONE

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINK = "https://crm.example/contacts/{contact_id}"
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "</script><script>alert(3)</script>",
    '"><svg onload=alert(4)>',
    "javascript:alert(5)",
    "${alert(6)} {contact_id} $& %s &lt;b&gt;",
    "__proto__",
    "toString",
    "W" * 5_000,
    "word " * 1_000,
    "\u202egnp.exe\u202c evil",  # turns the line around
    "\u2067\u05e2\u05d1\u05e8\u05d9\u05ea",  # Hebrew, isolated and never closed
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 12:34",
    "z\u0335\u0321\u0353\u0318a\u0300\u0301\u0302\u0303\u0304" * 30,
    "\u200b\u200b\u200b",
    "",
    "line\nbreak\ttab\u0000nul",
    "\U0001f469\u200d\U0001f4bb emoji",
)


def hostile_channel(name: str) -> Json:
    return channel(
        name,
        waiting(2),
        oldest=30,
        deadline=500,
        promised=CHAT,
        queues=[queue(name, waiting(2))],
    )


@pytest.mark.parametrize("size", [(1920, 1080), PHONE], ids=["wall", "phone"])
async def test_hostile_names_run_nothing_and_break_no_layout(
    visit: Visit, size: tuple[int, int]
) -> None:
    channels = [hostile_channel(name) for name in HOSTILE]
    late = [contact(name, name, -60, contact_id=name) for name in HOSTILE[:9]]
    upcoming = [contact(name, name, 60, contact_id=name) for name in HOSTILE[9:]]
    scene = playing(channels, late=late, upcoming=upcoming, link=LINK)
    async with fake_service(scene) as service:
        viewer = await visit(service.url, size=size)
        await viewer.expect_trust("LIVE")

        shown = await viewer.page.locator("#rows .channel-name").all_text_contents()
        assert shown[:3] == list(HOSTILE[:3])
        assert await viewer.page.locator("main script, main img, main svg[onload]").count() == 0
        assert (await viewer.is_scrolling())["across"] is False
        if size != PHONE:
            await expect_whole(viewer)


async def test_a_name_of_nothing_visible_is_said_to_have_none(visit: Visit) -> None:
    names = ["\u200b\u200b", "", "\u202eabc"]
    async with fake_service(playing([hostile_channel(name) for name in names])) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")

        shown = await viewer.page.locator("#rows .channel-name").all_text_contents()
        assert shown == ["\ufffd\ufffd", "(no name)", "\ufffdabc"]


IDS = (
    "42",
    "a/b/../c",
    "?q=1#x",
    "%2e%2e",
    "a b&c",
    "é\u4e2d",
    "javascript:alert(1)",
    "$&$1",
    "@e",
)


async def test_contacts_link_to_their_page_in_the_help_desk_and_nowhere_else(visit: Visit) -> None:
    late = [contact("chat", "none", -5, contact_id=one) for one in IDS]
    async with fake_service(playing([], late=late, link=LINK)) as service:
        viewer = await visit(service.url)
        links = viewer.page.locator("#late a")
        await expect(links).to_have_text(list(IDS), timeout=PATIENCE_MS)

        addresses = [
            urlsplit(one) for one in await viewer.ask("Array.from(document.links, String)")
        ]
        help_desk = [one for one in addresses if one.netloc != urlsplit(service.url).netloc]
        assert [one.geturl() for one in help_desk] == [
            LINK.replace("{contact_id}", quote(one, safe="!'()*~")) for one in IDS
        ]
        assert {await links.nth(i).get_attribute("rel") for i in range(len(IDS))} == {
            "noopener noreferrer"
        }


async def test_an_id_that_would_climb_or_cannot_be_encoded_is_plain_text(visit: Visit) -> None:
    late = [contact("chat", "none", -5, contact_id=one) for one in (".", "..", "\ud83d")]
    async with fake_service(playing([], late=late, link=LINK)) as service:
        viewer = await visit(service.url)

        ids = viewer.page.locator("#late .id")
        await expect(ids).to_have_text([".", "..", "\ufffd"], timeout=PATIENCE_MS)
        assert await viewer.page.locator("#late a").count() == 0


@pytest.mark.parametrize(
    "link", [None, "javascript:alert('{contact_id}')", "http://crm.example/{contact_id}"]
)
async def test_without_a_template_that_is_safe_an_id_is_plain_text(
    visit: Visit, link: str | None
) -> None:
    scene = playing([], late=[contact("chat", "none", -5, contact_id="42")], link=link)
    async with fake_service(scene) as service:
        viewer = await visit(service.url)

        await expect(viewer.page.locator("#late .id")).to_have_text("42", timeout=PATIENCE_MS)
        assert await viewer.page.locator("#late a").count() == 0


async def test_two_contacts_that_look_alike_are_both_shown(visit: Visit) -> None:
    scene = playing([], upcoming=[contact("chat", "sales", 50)] * 3)
    async with fake_service(scene) as service:
        viewer = await visit(service.url)

        items = viewer.page.locator("#next .contact")
        await expect(items).to_have_count(3, timeout=PATIENCE_MS)
