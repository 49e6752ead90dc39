"""Which certificate a broker is shown after the files were exchanged."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from firstreply.adapters.kafka.options import KafkaOptions, connection_arguments
from tests.unit.certificates import make_authority, sign

ShownTo = Callable[[], Awaitable[str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a broker's pair, and two of a client."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = make_authority(folder)
    sign(authority, "broker")
    sign(authority, "first", subject="/CN=first")
    sign(authority, "second", subject="/CN=second")
    return folder


@pytest.fixture
async def shown(made: Path, tmp_path: Path) -> AsyncIterator[ShownTo]:
    """Connect as a Kafka client does; return the name on the certificate that the broker saw."""
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(made / "ca.pem"))
    server_side.verify_mode = ssl.CERT_REQUIRED
    server_side.load_cert_chain(made / "broker.pem", made / "broker.key")

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ((((_, name),),),) = (writer.get_extra_info("peercert")["subject"],)
        writer.write(name.encode())
        writer.close()

    use(made, tmp_path, "first")
    options = KafkaOptions(
        bootstrap_servers="b:1",
        topic="events",
        group="g",
        security_protocol="SSL",
        ssl_cafile=made / "ca.pem",
        ssl_certfile=tmp_path / "client.pem",
        ssl_keyfile=tmp_path / "client.key",
    )
    context = connection_arguments(options)["ssl_context"]
    server = await asyncio.start_server(tell, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]

    async def connect() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        name = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
        return name

    async with server:
        yield connect


def use(made: Path, folder: Path, name: str, *ends: str) -> None:
    """Put a pair, or a part of it, where the client looks; as a rename does, with a new inode."""
    for end in ends or ("pem", "key"):
        shutil.copy(made / f"{name}.{end}", folder / "new")
        (folder / "new").rename(folder / f"client.{end}")


async def test_the_next_connection_shows_the_certificate_that_is_there_then(
    shown: ShownTo, made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    before = [await shown(), await shown()]

    use(made, tmp_path, "second")
    after = [await shown(), await shown()]

    assert (before, after) == (["first"] * 2, ["second"] * 2)
    assert [record.message for record in caplog.records] == ["kafka_certificate_renewed"]


async def test_half_of_a_new_pair_changes_nothing_until_the_other_half_is_there(
    shown: ShownTo, made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    use(made, tmp_path, "second", "pem")
    half = await shown()
    use(made, tmp_path, "second", "key")
    whole = await shown()

    assert (half, whole) == ("first", "second")
    assert [record.message for record in caplog.records] == ["kafka_certificate_not_renewed"]


async def test_a_broker_with_another_name_is_refused(made: Path) -> None:
    options = KafkaOptions(
        bootstrap_servers="b:1",
        topic="events",
        group="g",
        security_protocol="SSL",
        ssl_cafile=made / "ca.pem",
    )

    context = connection_arguments(options)["ssl_context"]

    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
