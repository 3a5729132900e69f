"""Wiring: the only file that names a concrete store, bus and provider of sandboxes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from bunkhouse.api import Services, create_api
from bunkhouse.api.answers import ModelAnswers, SystemAnswers
from bunkhouse.api.client import Client
from bunkhouse.api.repositories import RepositoryAnswers
from bunkhouse.broker.catalog import Catalog
from bunkhouse.broker.demo import DemoModel
from bunkhouse.broker.door import Doors
from bunkhouse.broker.egress import EgressDoor, Reach
from bunkhouse.broker.git.credentials import Credentials
from bunkhouse.broker.git.door import GitDoor
from bunkhouse.broker.git.sample import make_sample
from bunkhouse.broker.listener import Listener
from bunkhouse.broker.models.door import ModelsDoor
from bunkhouse.broker.models.providers import Providers
from bunkhouse.broker.repository_settings import Limits, RepositorySettings
from bunkhouse.broker.tools.door import ToolsDoor
from bunkhouse.broker.tools.work import Rooms
from bunkhouse.bus.memory import MemoryBus
from bunkhouse.bus.presence import MemoryPresence
from bunkhouse.forges import Application, GitHub, GitHubApp, Grants, Tokens
from bunkhouse.gateway import Apps, Gateway, enter_router
from bunkhouse.gateway.frames import frame_sources
from bunkhouse.people import Directory, Participants, People, Rights
from bunkhouse.people.invites import Invites
from bunkhouse.people.share_links import ShareLinks
from bunkhouse.people.signin import AppClient, KeepGrant, SignIn, configured
from bunkhouse.people.signin import Grant as SignInGrant
from bunkhouse.people.throttle import Throttle
from bunkhouse.sandboxes.local import LocalEngine, installation_id
from bunkhouse.sandboxes.mirrors import registry_hosts
from bunkhouse.sandboxes.readiness import Readiness, readiness
from bunkhouse.sessions import Journal, Knocking, Links, Sessions, Specs
from bunkhouse.sessions.attaching import Attaching
from bunkhouse.sessions.commenting import Comments
from bunkhouse.sessions.deleting import Retention
from bunkhouse.sessions.dialling import Dialling
from bunkhouse.sessions.dozing import Dozing
from bunkhouse.sessions.drivers import Drivers
from bunkhouse.sessions.editor_settings import EditorSettings
from bunkhouse.sessions.environment import Environment
from bunkhouse.sessions.export import Exports
from bunkhouse.sessions.families import Families
from bunkhouse.sessions.forking import Forking
from bunkhouse.sessions.keeping import Keeper
from bunkhouse.sessions.pull_requests import PullRequests
from bunkhouse.sessions.reaching import Reaching
from bunkhouse.sessions.recent import Recent
from bunkhouse.sessions.reconciler import Reconciler
from bunkhouse.sessions.rewinders import Rewinders
from bunkhouse.sessions.sleepers import Sleepers
from bunkhouse.sessions.space import Space
from bunkhouse.sessions.starting import Starter
from bunkhouse.sessions.usage import Usage
from bunkhouse.settings import Settings
from bunkhouse.store import Database
from bunkhouse.vault import Vault, given_keys, kept_keys
from bunkhouse_protocol.places import DOORS_PREFIX


@dataclass(frozen=True)
class Hub:
    """A hub that works: its reconciler runs and its doors are open."""

    settings: Settings
    api: ASGIApp
    services: Services
    engine: LocalEngine
    apps: Apps


@dataclass(frozen=True)
class _Images:
    engine: LocalEngine
    settings: Settings

    async def readiness(self) -> Readiness:
        return await readiness(self.engine, self.settings)


@dataclass(frozen=True)
class _Ways:
    """Both directions between hub and sandboxes: sockets to dial, and a way in."""

    listener: Listener
    dialling: Dialling
    dialled: bool
    """Sandboxes share no folder with the hub: they dial its URL, and dial back to be reached."""

    async def open(self, sandbox_id: str, session_id: str, run_dir: Path) -> None:
        if self.dialled:
            await self.dialling.open(sandbox_id, session_id, run_dir)
        else:
            await self.listener.open(sandbox_id, session_id, run_dir)

    async def close(self, sandbox_id: str) -> None:
        await self.listener.close(sandbox_id)
        await self.dialling.close(sandbox_id)


@asynccontextmanager
async def open_hub(settings: Settings) -> AsyncGenerator[Hub]:
    """Open a hub on its data folder, and end it with the block.

    Raises:
        Conflict: another hub works on its database.
        Unavailable: the data folder or its database can't be used.
        StorageFull: its disk is full.
    """
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database, connections=settings.database_connections)
        stack.push_async_callback(database.close)
        await stack.enter_async_context(database.claimed())
        _make_folders(settings)

        github_app, grants = await open_forges(database, settings, stack)
        engine = LocalEngine(settings, installation_id(settings.data_dir))
        stack.push_async_callback(engine.close)
        journal = Journal(database, MemoryBus(), hold=Space(settings, engine.storage).short)
        sample = await make_sample(settings.data_dir / "larder")
        providers = Providers(settings)
        catalog = Catalog(providers, [*settings.repository_roots, sample], grants)
        specs = Specs(database, catalog, settings)
        links = Links(journal, specs, event_bytes=settings.event_bytes)
        knocking = Knocking(journal)
        dialling = Dialling(links)
        attaching = Attaching.of(settings)
        presence = MemoryPresence(journal.bus)

        demo = DemoModel(words_per_second=settings.demo_words_per_second) if settings.demo else None
        models = ModelsDoor(
            knocking,
            connect_seconds=settings.model_connect_seconds,
            idle_seconds=settings.model_idle_seconds,
            demo=demo,
        )
        stack.push_async_callback(models.aclose)
        git = GitDoor(
            credentials=Credentials(grants),
            pushes=settings.data_dir / "pushes",
            push_bytes=settings.push_bytes,
            push_seconds=settings.push_seconds,
        )
        stack.push_async_callback(git.aclose)
        repositories = RepositorySettings(
            journal, catalog, Limits.of(settings), reach := await _reach(settings)
        )
        usage = Usage()
        reaching = Reaching(journal, links, settings)
        people, rights = _people(database, journal, settings)
        tools = ToolsDoor(
            Rooms(
                journal=journal,
                sessions=Sessions(
                    journal,
                    links,
                    catalog,
                    specs,
                    settings,
                    reaching=reaching,
                    attaching=attaching,
                    usage=usage,
                ),
                pull_requests=PullRequests(journal, reaching, grants, settings),
                reaching=reaching,
                blobs=attaching.blobs,
                people=people,
                rights=rights,
                settings=settings,
            )
        )
        doors = Doors(
            knocking=knocking,
            links=links,
            dialling=dialling,
            providers=providers,
            models=models,
            git=git,
            blobs=attaching.blobs,
            egress=EgressDoor(connections=settings.egress_connections),
            repository_settings=repositories,
            tools=tools,
        ).application()
        listener = Listener(doors)
        stack.push_async_callback(listener.close_all)

        ways = _Ways(listener, dialling, dialled=settings.hub_url_for_sandboxes is not None)
        starter = Starter(journal, links, engine, ways, settings)
        editor_settings = EditorSettings(journal, reaching)
        forking = Forking(journal, engine, attaching.blobs, settings)
        reconciler = Reconciler(
            journal,
            engine,
            starter,
            _Images(engine, settings),
            settings,
            keeper=Keeper(journal, engine, starter, settings, before=editor_settings.keep),
            dozing=Dozing(journal, reaching, usage, settings),
            blobs=attaching.blobs,
            forking=forking,
            retention=Retention(
                journal, settings, blobs=attaching.blobs, uploads=attaching.uploads
            ),
        )
        for work in (
            rights.run(),
            tools.run(),
            reconciler.run(),
            providers.keep_fresh(),
            editor_settings.run(),
            presence.run(),
        ):
            task = asyncio.create_task(work)
            stack.push_async_callback(_end, task)

        sign_in, invites = open_ways_in(settings, database, people, grants, github_app)
        services = Services(
            settings=settings,
            sessions=tools.rooms.sessions,
            environment=Environment(reaching, editor_settings, usage, gallery=reach.gallery),
            drivers=Drivers(journal, reaching),
            sleepers=Sleepers(journal),
            rewinders=Rewinders(journal, links),
            forks=forking,
            families=Families(journal),
            exports=Exports(journal),
            presence=presence,
            people=people,
            rights=rights,
            participants=Participants(database, journal.bus),
            directory=Directory(database, journal.bus),
            sign_in=sign_in,
            invites=invites,
            throttle=Throttle.of(settings),
            share_links=ShareLinks.of(settings, database, journal.bus),
            comments=Comments(journal, longest=settings.comment_bytes),
            models=ModelAnswers(providers),
            system=SystemAnswers(engine, settings, sample, hold=journal.hold),
            repositories=RepositoryAnswers(catalog, Recent(database), grants),
            blobs=attaching.blobs,
            uploads=attaching.uploads,
            grants=grants,
            pull_requests=tools.rooms.pull_requests,
            github_app=github_app,
            repository_settings=repositories,
        )
        apps = Apps(settings, rights, services.sessions)
        services.apps = apps
        client = Client(frames=frame_sources(settings))
        application = create_api(services, client=client)
        application.include_router(enter_router(apps))
        api = Gateway(apps, _front(application, doors))
        yield Hub(settings, api, services, engine, apps)
        services.closing.set()


def _make_folders(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.data_dir.chmod(0o700)
    settings.run_dir.mkdir(mode=0o700, exist_ok=True)


def _people(database: Database, journal: Journal, settings: Settings) -> tuple[People, Rights]:
    people = People(
        database,
        cookie_days=settings.cookie_days,
        link_minutes=settings.link_minutes,
        rotate_minutes=settings.cookie_rotate_minutes,
        grace_seconds=settings.cookie_grace_seconds,
        public_links=settings.public_links,
        bus=journal.bus,
    )
    return people, Rights(database, journal.bus, people)


async def open_forges(
    database: Database, settings: Settings, stack: AsyncExitStack
) -> tuple[GitHubApp, Grants]:
    """The GitHub App, if one was set up, and what people let the hub do at forges.

    What is of the environment goes before the App. Connections are closed with the stack.

    Raises:
        InvalidInput: the vault's key, or the address of the forge, is none.
        Unavailable: the vault's key can't be read.
    """
    given = settings.vault_key
    keys = (
        given_keys(given.get_secret_value())
        if given
        else await asyncio.to_thread(kept_keys, settings.data_dir / "vault.key")
    )
    vault = Vault(keys)
    app = GitHubApp(
        database,
        vault,
        fixed_url=settings.github_url if "github_url" in settings.model_fields_set else None,
        fixed_client=bool(settings.github_client_id),
        minutes=settings.github_setup_minutes,
    )
    await app.load()

    def forge() -> GitHub:
        github = GitHub(app.url)
        # Not before: of one that is replaced, calls may be under way.
        stack.push_async_callback(github.aclose)
        return github

    async def application(host: str) -> Application | None:
        client, secret = settings.github_client_id, settings.github_client_secret
        if host != grants.forge("github").host:
            return None
        if client is None or secret is None:
            return app.application
        return Application(client, secret.get_secret_value())

    def moved() -> None:
        if app.url != grants.forge("github").url:
            grants.replace_forge(forge())

    grants = Grants(database, vault, [forge()], application=application)
    app.changed(moved)
    await grants.seal_anew()
    return app, grants


def open_ways_in(
    settings: Settings, database: Database, people: People, grants: Grants, app: GitHubApp
) -> tuple[SignIn, Invites]:
    """Signing in and being invited, with the GitHub App too as soon as there is one.

    Raises:
        InvalidInput: a setting does not fit the others.
    """

    def client() -> AppClient | None:
        known = app.application
        return known and AppClient(app.url, known.client_id, known.client_secret)

    sign_in = SignIn.of(settings, database, people, keep_grant=keeping(grants), app=client())
    invites = Invites.of(settings, database, people, app=client())

    def offered() -> None:
        providers = configured(settings, client())
        sign_in.offer(providers)
        invites.vouching = bool(providers)

    app.changed(offered)
    return sign_in, invites


def keeping(grants: Grants) -> KeepGrant:
    """Keep what people allow the hub when they sign in, where that is to work in repositories.

    What only says who they are must not take the place of a token that they gave by hand.
    """

    async def keep(user_id: str, provider: str, given: SignInGrant) -> None:
        scopes = given.scopes
        if scopes and not {"repo", "public_repo"} & set(scopes):
            return
        forge = grants.forge(provider)
        account, _ = await forge.account(given.access_token)
        tokens = Tokens(given.access_token, given.refresh_token, given.expires_at, scopes)
        await grants.keep(user_id, forge.host, account, tokens, "oauth" if scopes else "app")

    return keep


async def _reach(settings: Settings) -> Reach:
    hosts = await asyncio.to_thread(registry_hosts) if settings.egress != "off" else []
    return Reach(settings.egress, tuple(settings.egress_allow), tuple(hosts))


def _front(api: ASGIApp, doors: ASGIApp) -> ASGIApp:
    """The API, and under one path the doors, for sandboxes that have no socket to dial."""

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        inside = scope["type"] != "lifespan" and scope["path"].startswith(f"{DOORS_PREFIX}/")
        await (doors if inside else api)(scope, receive, send)

    return front


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
