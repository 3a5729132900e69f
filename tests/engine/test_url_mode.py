"""Where no socket can be mounted: the sandbox dials the hub's URL, and dials back to be reached."""

import asyncio
import socket
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bunkhouse.cli.configuration import load_settings
from bunkhouse.sandboxes.engine import find_engine

from ..hubs import Client, HubProcess, happened

pytestmark = pytest.mark.engine


async def gateway() -> str:
    """The address under which containers on the engine's default network find this machine."""
    address = await find_engine(load_settings())
    async with address.connect() as docker:
        networks = {network["Name"]: network for network in await docker.networks.list()}
        network = networks.get("bridge") or networks["podman"]
        return network["IPAM"]["Config"][0]["Gateway"]


@pytest.fixture
def dialled(hub: HubProcess) -> Generator[HubProcess]:
    """A hub that shares no socket with its sandboxes."""
    with socket.socket() as free:
        free.bind(("0.0.0.0", 0))
        port = free.getsockname()[1]
    with ThreadPoolExecutor(1) as thread:  # a loop of the browser tests may run in this one
        address = thread.submit(asyncio.run, gateway()).result()
    url = f"http://{address}:{port}"
    mine = HubProcess(
        hub.data_dir.parent / "dialled",
        {"BUNKHOUSE_HOST": "0.0.0.0", "BUNKHOUSE_HUB_URL_FOR_SANDBOXES": url} | hub.settings,
        url=f"http://127.0.0.1:{port}",
    )
    mine.start()
    yield mine
    mine.stop()


def test_a_sandbox_that_dials_the_hub_does_the_whole_job(dialled: HubProcess) -> None:
    client = Client(dialled)
    session = client.create("[demo:write path=a.txt text=dialled]")
    client.until(session, happened("workspace_changed"))
    changes = client.get(f"/api/sessions/{session}/changes")
    assert [file["path"] for file in changes["files"]] == ["a.txt"]
    assert client.run(session, "cat a.txt; exit 3").returncode == 3
    # What it is told by the doors is for its own token alone.
    refused = client.http.get("/sandbox/models/demo/v1/models")
    assert refused.status_code == 401
