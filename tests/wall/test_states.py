"""What stands on the wall for each state: a word, a shape and a colour; and what is announced."""

import pytest
from playwright.async_api import expect

from tests.wall.conftest import Visit
from tests.wall.fake_service import fake_service
from tests.wall.messages import Json, channel, contact, playing, queue, waiting
from tests.wall.scenes import CHAT, busy_morning, busy_urgent
from tests.wall.viewer import PATIENCE_MS

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = {
    "en": {"ok": "OK", "soon": "SOON", "late": "LATE", "closed": "CLOSED", "no_data": "NO DATA"},
    "fr": {
        "ok": "OK",
        "soon": "BIENTÔT",
        "late": "EN RETARD",
        "closed": "FERMÉ",
        "no_data": "PAS DE DONNÉES",
    },
}


def chat(state: str) -> Json:
    return channel("chat", waiting(2), state=state, oldest=30, deadline=500, promised=CHAT)


def spaced(text: str) -> str:
    """Return a text with plain spaces, where the page has some that do not break."""
    return " ".join(text.split())


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_each_state_has_its_own_word_shape_and_colour(
    visit: Visit, lang: str, theme: str
) -> None:
    async with fake_service(playing([chat("ok")])) as service:
        viewer = await visit(service.url, lang=lang, theme=theme, reduced_motion=True)
        shapes, colours = set(), set()
        for state, word in WORDS[lang].items():
            service.play(playing([chat(state)]))
            await viewer.expect_state("Chat", word)
            badge = viewer.badge("Chat")
            shapes.add(await badge.locator("use").get_attribute("href"))
            colours.add((await viewer.colour(badge), await viewer.colour(badge, "backgroundImage")))

    assert len(shapes) == len(colours) == 5


async def test_a_state_that_the_page_does_not_know_counts_as_no_data(visit: Visit) -> None:
    async with fake_service(playing([chat("constructor")])) as service:
        viewer = await visit(service.url)

        await viewer.expect_state("Chat", "NO DATA")


async def test_a_channel_reads_as_figures_with_their_words(visit: Visit) -> None:
    async with fake_service(playing(busy_morning(), **busy_urgent())) as service:
        viewer = await visit(service.url)
        await viewer.expect_state("Phone", "LATE")

        below = await viewer.row("Phone").locator(".below").all_text_contents()
        phone = [spaced(text) for text in below]
        assert await viewer.figure("Phone", "waiting").inner_text() == "8"
        assert phone == ["3 LATE 2 SOON", "", "5 within 15 min", "of 80% in 20 s", ""]
        assert await viewer.figure("Phone", "kept").text_content() == "less than promised: 78%"
        assert await viewer.figure("Phone", "index").inner_text() == "84%"
        bands = viewer.row("Phone").locator(".band .unseen")
        assert [spaced(text) for text in await bands.all_text_contents()] == [
            "20 s: 77%",
            "10 min: 97%",
            "1 h: 100%",
            "8 business h: 100%",
            "24 h: none yet",
        ]
        queues = viewer.row("Phone").locator(".queue")
        assert await queues.all_text_contents() == ["LATE sales 5", "SOON support 3"]


async def test_the_head_sums_up_people_and_the_tab_says_so_too(visit: Visit) -> None:
    async with fake_service(playing(busy_morning(), **busy_urgent())) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")

        tallies = await viewer.page.locator(".tally").all_text_contents()
        assert tallies == ["3 LATE", "4 SOON", "73 waiting", "5 of 6 open"]
        assert await viewer.page.title() == "3 LATE · 4 SOON · First responses"


async def test_a_share_just_below_its_promise_is_not_rounded_up_to_it(visit: Visit) -> None:
    one = channel("chat", waiting(), promised=CHAT, kept=0.8999)
    async with fake_service(playing([one])) as service:
        viewer = await visit(service.url)

        kept = viewer.figure("Chat", "kept")
        await expect(kept).to_have_text("less than promised: 89%", timeout=PATIENCE_MS)


async def test_without_ids_an_urgent_contact_is_a_channel_a_queue_and_a_time(visit: Visit) -> None:
    scene = playing(busy_morning(), late=[contact("phone", "sales", -134)])
    async with fake_service(lambda _: scene(0)) as service:
        viewer = await visit(service.url)

        late = viewer.page.locator("#late .contact")
        await expect(late).to_have_text("Phone · saleslate by 2:14", timeout=PATIENCE_MS)
        assert await viewer.page.locator("main a").count() == 0


async def test_the_words_are_french_for_the_french(visit: Visit) -> None:
    still = playing(busy_morning(), **busy_urgent())
    async with fake_service(lambda _: still(0)) as service:
        viewer = await visit(service.url, lang="fr")
        await viewer.expect_trust("EN DIRECT")

        kept = viewer.row("E-mail").locator(".of-kept .below")
        await expect(kept).to_have_text("sur 85 % en 8 h ouvrées", timeout=PATIENCE_MS)
        late = viewer.page.locator("#late .when").first
        await expect(late).to_have_text("en retard de 2:14")
        assert await viewer.page.locator("html").get_attribute("lang") == "fr"


NEWS = """() => {
    window.news = [];
    const node = document.querySelector("#news");
    new MutationObserver(() => window.news.push(node.textContent))
        .observe(node, { subtree: true, characterData: true, childList: true });
}"""


async def test_screen_readers_hear_of_changed_states_and_of_nothing_else(visit: Visit) -> None:
    async with fake_service(playing([chat("ok")])) as service:
        viewer = await visit(service.url)
        await viewer.expect_state("Chat", "OK")
        await viewer.ask(NEWS)
        clock = await viewer.page.locator("#clock").inner_text()
        await expect(viewer.page.locator("#clock")).not_to_have_text(clock, timeout=PATIENCE_MS)

        service.play(playing([chat("late")]))
        await viewer.expect_state("Chat", "LATE")
        service.play(playing([channel("chat", waiting(9), state="late")]))
        await expect(viewer.figure("Chat", "waiting")).to_have_text("9", timeout=PATIENCE_MS)
        service.play(playing([chat("ok")]))
        await viewer.expect_state("Chat", "OK")

        assert await viewer.ask("window.news") == ["Chat: LATE", "Chat: OK"]


async def test_many_changes_at_once_are_announced_as_a_sum(visit: Visit) -> None:
    def crowd(state: str) -> list[Json]:
        return [channel(f"desk-{i}", waiting(1), state=state) for i in range(7)]

    async with fake_service(playing(crowd("ok"))) as service:
        viewer = await visit(service.url)
        await viewer.expect_state("desk-0", "OK")

        service.play(playing([*crowd("late")[:5], *crowd("soon")[5:]]))

        await expect(viewer.page.locator("#news")).to_have_text(
            "7 channels have changed: 5 LATE, 2 SOON", timeout=PATIENCE_MS
        )


async def test_queues_are_shown_the_most_urgent_first_and_the_rest_counted(visit: Visit) -> None:
    queues = [queue(f"team-{i}", waiting(i)) for i in range(1, 7)]
    queues += [queue("calm", waiting()), queue("hot", waiting(0, 0, 1)), queue("none", waiting(9))]
    async with fake_service(playing([channel("chat", waiting(22), queues=queues)])) as service:
        viewer = await visit(service.url)
        await viewer.expect_state("Chat", "OK")

        items = viewer.row("Chat").locator(".queues > li")
        assert await items.all_text_contents() == [
            "LATE hot 1",
            "OK team-6 6",
            "OK team-5 5",
            "+4 more",
        ]
