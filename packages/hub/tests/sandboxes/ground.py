"""The engine of this machine with its images, and ways for tests to use them.

Tests that need an engine use the one that Bunkhouse itself would use, under labels of their own,
and take away what they made.
"""

import io
import secrets
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import aiodocker
from aiodocker.execs import Exec

from bunkhouse.cli.configuration import load_settings
from bunkhouse.sandboxes.build_stream import stream
from bunkhouse.sandboxes.container_config import SANDBOX, Role, container_name
from bunkhouse.sandboxes.containers import ContainerProvider
from bunkhouse.sandboxes.engine import EngineInfo, find_engine, inspect_engine
from bunkhouse.sandboxes.engine_client import container
from bunkhouse.sandboxes.images import Images
from bunkhouse.sandboxes.provider import SandboxSpec

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Ground:
    """An engine with two images: the real one, and one whose first process only sleeps."""

    engine: EngineInfo
    image: str
    sleeper: str


async def find_ground(folder: Path) -> Ground:
    settings = load_settings()
    engine = await inspect_engine(await find_engine(settings))
    async with engine.address.connect() as docker:
        image = await Images(docker, folder, given=settings.image).ensure()
        sleeper = f"bunkhouse/test-sleeper:{image.rpartition(':')[2]}"
        recipe = f'FROM {image}\nENTRYPOINT ["/usr/bin/tini", "--", "sleep", "infinity"]\n'
        await build_from(docker, recipe, sleeper)
    return Ground(engine, image, sleeper)


async def build_from(docker: aiodocker.Docker, containerfile: str, tag: str) -> None:
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        member = tarfile.TarInfo("Containerfile")
        member.size = len(containerfile)
        archive.addfile(member, io.BytesIO(containerfile.encode()))
    params = {"dockerfile": "Containerfile", "t": tag, "networkmode": "host", "layers": "1"}
    async for _ in stream(docker, "build", params, context.getvalue(), lambda _line: None):
        pass


@dataclass(frozen=True)
class Finished:
    code: int
    out: str


class _Container(Protocol):
    """What these tests ask of `aiodocker`'s, which has it partly untyped."""

    async def kill(self, *, signal: str) -> None: ...

    async def wait(self) -> object: ...

    async def exec(self, cmd: list[str], *, user: str) -> Exec: ...


class Engine:
    """A provider on the real engine, and a look inside what it made."""

    def __init__(self, ground: Ground, docker: aiodocker.Docker, folder: Path) -> None:
        self.ground = ground
        self.docker = docker
        self.folder = folder
        self.installation = f"test-{secrets.token_hex(4)}"
        self.provider = self.again()

    def again(self) -> ContainerProvider:
        """The provider of a hub that was started anew."""
        return ContainerProvider(self.docker, self.ground.engine, installation=self.installation)

    def spec(
        self,
        *,
        image: str | None = None,
        memory: int = 512 * MEBIBYTE,
        cpus: float = 1.0,
        pids: int = 128,
    ) -> SandboxSpec:
        name = secrets.token_hex(5)
        return SandboxSpec(
            sandbox_id=f"t{name}",
            session_id=f"s{name}",
            image=image or self.ground.sleeper,
            token=f"token-{name}",
            memory=memory,
            cpus=cpus,
            pids=pids,
            run_dir=self.folder / name,
        )

    async def run(self, spec: SandboxSpec) -> SandboxSpec:
        await self.provider.create(spec)
        await self.provider.start(spec.sandbox_id)
        return spec

    async def inspect(self, spec: SandboxSpec, role: Role = SANDBOX) -> dict[str, Any]:
        return await container(self.docker, container_name(spec.sandbox_id, role)).show()

    def _container(self, spec: SandboxSpec, role: Role) -> _Container:
        one = container(self.docker, container_name(spec.sandbox_id, role))
        return cast("_Container", one)

    async def signal(self, spec: SandboxSpec, role: Role, name: str) -> None:
        """Send a signal to the first process and wait for its end."""
        one = self._container(spec, role)
        await one.kill(signal=name)
        await self.ended(spec, role)

    async def ended(self, spec: SandboxSpec, role: Role = SANDBOX) -> None:
        """Wait until it has ended."""
        await self._container(spec, role).wait()

    async def sh(
        self, spec: SandboxSpec, script: str, *, user: str = "root", role: Role = SANDBOX
    ) -> Finished:
        """Run a shell script in the sandbox; its output is both of its streams."""
        execution = await self._container(spec, role).exec(
            ["sh", "-c", f"exec 2>&1\n{script}"], user=user
        )
        out = b""
        async with execution.start(detach=False) as output:
            while message := await output.read_out():
                out += message.data
        code = (await execution.inspect())["ExitCode"]
        return Finished(int(code), out.decode(errors="replace"))
