"""The paths of the wall, over loopback, with a real client."""

from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from firstreply.adapters.wall_page import Theme, render_page
from firstreply.wall.live import Documents
from firstreply.words import Language
from tests.unit.adapters.wall_server import serving
from tests.unit.domain.builders import opened

JSON_PATHS = ("/api/v1/channels", "/api/v1/contacts/urgent", "/api/v1/openapi.json")
HOSTILE = '../x?y#z/<script>"\\{contact_id}%2F é\u2028'


@pytest.mark.parametrize(
    ("path", "body"),
    [("/api/v1/channels", b'{"a":1}'), ("/api/v1/contacts/urgent", b'{"b":2}')],
)
async def test_the_documents_of_the_wall_are_answered_as_they_are(path: str, body: bytes) -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        served.wall.now = Documents(b'{"a":1}', b'{"b":2}')

        answer = await client.get(path)

        assert (answer.status, await answer.read()) == (200, body)
        assert answer.content_type == "application/json"


@pytest.mark.parametrize("path", [*JSON_PATHS, "/wall", "/api/v1/contacts/c"])
async def test_head_is_answered_as_get_without_a_body(path: str) -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        served.desk.receive(opened(0, "c"))

        get, head = await client.get(path), await client.head(path)

        assert (head.status, await head.read()) == (get.status, b"") == (200, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


@pytest.mark.parametrize("path", [*JSON_PATHS, "/wall", "/wall/events", "/api/v1/contacts/c"])
async def test_nothing_can_be_changed(path: str) -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = await client.request(method, path)

            assert answer.status == 405
            assert answer.headers["Allow"] == "GET, HEAD"
            assert await answer.json() == {
                "error": "Method Not Allowed",
                "allowed": ["GET", "HEAD"],
            }


async def test_an_unknown_path_of_the_api_is_404_in_json() -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        answer = await client.get("/api/v1/nothing")

        assert (answer.status, await answer.json()) == (404, {"error": "Not Found", "see": "/"})


@pytest.mark.parametrize("path", [*JSON_PATHS, "/api/v1/nothing", "/", "/metrics", "/readyz"])
async def test_every_answer_forbids_to_be_scripted_framed_guessed_or_kept(path: str) -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        headers = (await client.get(path)).headers

        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers


async def test_the_page_has_its_own_policy_and_the_language_and_theme_of_its_address() -> None:
    async with serving(language=Language.FR) as served, aiohttp.ClientSession() as client:
        for query, page in (
            ("", render_page(Language.FR, Theme.AUTO)),
            ("?lang=en&theme=dark", render_page(Language.EN, Theme.DARK)),
            ("?lang=xx&theme=<script>", render_page(Language.FR, Theme.AUTO)),
        ):
            answer = await client.get(URL(f"{served.address}/wall{query}"))

            assert (answer.status, await answer.read()) == (200, page.body)
            for name, value in page.headers.items():
                assert answer.headers.getall(name) == [value]


@pytest.mark.parametrize("contact", ["c", "a/b", "{contact_id}", "urgent2", "é ü", HOSTILE])
async def test_a_contact_is_explained_whatever_its_id(contact: str) -> None:
    async with serving() as served, aiohttp.ClientSession() as client:
        served.desk.receive(opened(0, contact))

        path = f"{served.address}/api/v1/contacts/{quote(contact, safe='')}"
        answer = await client.get(URL(path, encoded=True))

        assert answer.status == 200
        assert (await answer.json())["contact_id"] == contact


async def test_a_contact_that_is_not_known_is_404_and_says_where_to_look() -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        answer = await client.get("/api/v1/contacts/nobody")

        assert answer.status == 404
        told = await answer.json()
        assert told["error"].startswith("this process knows no such contact")
        assert told["see"] == "/api/v1/contacts/urgent"


async def test_without_the_setting_no_contact_is_told_known_or_not() -> None:
    async with (
        serving(contact_ids=False) as served,
        aiohttp.ClientSession(served.address) as client,
    ):
        served.desk.receive(opened(0, "c"))

        answers = [await client.get(f"/api/v1/contacts/{name}") for name in ("c", "nobody")]

        assert [answer.status for answer in answers] == [403, 403]
        told = [await answer.json() for answer in answers]
        assert told[0] == told[1]
        assert "http.contact_ids: true" in told[0]["error"]


async def test_the_index_links_to_the_wall_and_the_api() -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        page = await (await client.get("/")).text()

        for path in ("/wall", "/api/v1/channels", "/metrics"):
            assert f'href="{path}"' in page
            assert (await client.head(path)).status == 200
