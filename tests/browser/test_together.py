"""Two people, a private repository and a pull request: the whole way, in real browsers.

GitHub is the stand-in of `tests.fakes.github`: people sign in there by its OAuth, with PKCE, to a
GitHub App that is installed on one repository; git over HTTP is real, its API and its webhooks are
held to GitHub's own description.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fakes.github import SECRET, FakeGitHub, Hooks, Repository, in_thread

from ..hubs import HubProcess
from .conftest import opened
from .test_page import say, state

pytestmark = [pytest.mark.engine, pytest.mark.browser]


@dataclass
class Team:
    """A hub of its own, a GitHub, and the GitHub App as which it knows the hub."""

    hub: HubProcess
    fake: FakeGitHub
    repository: Repository


@pytest.fixture
def team(hub: HubProcess) -> Generator[Team]:
    with in_thread(hub.data_dir.parent / "github-of-two") as fake:
        ada = fake.world.person("ada", "Ada Lovelace")
        fake.world.person("bob", "Bob")
        repository = fake.world.repository(ada, "secret", bob="write")
        # The App is not installed here, so nobody is shown it in the hub.
        fake.world.repository(ada, "secretive")
        application = fake.world.github_app(ada, installed=[repository])
        given = {
            "BUNKHOUSE_GITHUB_URL": fake.url,
            "BUNKHOUSE_GITHUB_CLIENT_ID": application.client_id,
            "BUNKHOUSE_GITHUB_CLIENT_SECRET": application.client_secret,
            "BUNKHOUSE_GITHUB_WEBHOOK_SECRET": SECRET,
        }
        mine = HubProcess(hub.data_dir.parent / "two", given | hub.settings)
        mine.start()
        application.callbacks.append(f"{mine.pages}/sign-in/github/callback")
        try:
            yield Team(mine, fake, repository)
        finally:
            mine.stop()


def sign_in(page: Page, name: str) -> None:
    """Say at GitHub who one is."""
    page.get_by_role("link", name="Continue with GitHub Enterprise").click()
    page.get_by_role("button", name=f"Continue as {name}").click()
    expect(page.get_by_test_id("home-prompt")).to_be_visible()


def invited(page: Page, team: Team, browser: Browser, name: str) -> Page:
    """Another browser, of somebody whom the admin lets in by a link."""
    page.goto(f"{team.hub.pages}/settings/people")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("The new invitation").locator("code").inner_text()
    theirs = opened(browser, width=1200)
    theirs.goto(team.hub.pages + "/invite/" + link.rsplit("/", 1)[1])
    sign_in(theirs, name)
    return theirs


def test_from_signing_in_to_a_reviewed_pull_request(chromium: Browser, team: Team) -> None:
    world, repository = team.fake.world, team.repository
    bob = world.people["bob"]

    # The first to sign in is the admin, and invites the second, who is a member.
    page = opened(chromium, width=1440)
    page.goto(team.hub.pages)
    sign_in(page, "Ada Lovelace")
    theirs = invited(page, team, chromium, "Bob")
    theirs.goto(f"{team.hub.pages}/settings/accounts")
    expect(theirs.get_by_text("You are signed in as Bob, a member")).to_be_visible()

    # The private repository is found where the App is installed, and a session starts on it.
    page.goto(team.hub.pages)
    page.get_by_test_id("home-repo").click()
    page.get_by_placeholder(re.compile("^Search")).fill("secr")
    expect(page.get_by_role("option", name="ada/secret").first).to_be_visible()
    expect(page.get_by_role("option", name=re.compile("secretive"))).to_have_count(0)
    page.get_by_role("option", name="ada/secret").first.click()
    page.get_by_test_id("home-prompt").fill("[demo:bash cmd='echo red > door']")
    page.get_by_test_id("home-start").click()
    page.wait_for_url("**/sessions/*")
    session = page.url.rsplit("/", 1)[1].partition("?")[0]
    expect(page.get_by_test_id("turn-end")).to_have_attribute("data-outcome", "done")
    state(page, "idle")

    # It is private, until it is shared.
    theirs.goto(page.url)
    expect(theirs.get_by_text("This session is not there")).to_be_visible()
    page.get_by_test_id("share-open").click()
    share = page.get_by_test_id("share")
    share.get_by_role("button", name="Add somebody").click()
    page.get_by_role("option", name="Bob").click()
    share.get_by_role("button", name="Add", exact=True).click()
    expect(share.get_by_text("Bob").first).to_be_visible()
    page.keyboard.press("Escape")

    # Both are there, both prompt, and each prompt says whose it is.
    theirs.goto(page.url)
    expect(theirs.get_by_test_id("prompt")).to_have_count(1)
    expect(page.get_by_label(re.compile("Also here: .*Bob")).first).to_be_visible()
    say(theirs, "[demo:bash cmd='echo whole > roof && git add -A && git commit -qm Roof']")
    expect(page.get_by_test_id("turn-end")).to_have_count(2)
    state(page, "idle")
    expect(page.get_by_role("article", name="Bob said")).to_have_count(1)

    # Ada opens the pull request; Bob's commit is Bob's.
    page.get_by_test_id("pull-request-open").click()
    form = page.get_by_test_id("pull-request-form")
    form.get_by_label("Title").fill("Door and roof")
    form.get_by_label("As a draft").check()
    form.get_by_test_id("pull-request-submit").click()
    expect(page.get_by_test_id("pull-request")).to_contain_text("#1")
    expect(theirs.get_by_test_id("pull-request-mark")).to_contain_text("opened pull request #1")
    pull = repository.pulls[1]
    assert (repository.issues[1]["title"], pull["draft"]) == ("Door and roof", True)
    authors = repository.git("log", "--format=%an", f"main..{pull['head']}").splitlines()
    assert "Bob" in authors

    # A review comes by webhook, the agent is told of it, and the pull request is brought up.
    review = world.review(repository, 1, bob, "CHANGES_REQUESTED", "[demo:bash cmd='echo 1 > x']")
    hook = Hooks(team.fake.url, repository).review(1, review, bob)
    sent = httpx2.post(
        f"{team.hub.url}/api/webhooks/github", content=hook.body, headers=hook.headers()
    )
    assert sent.status_code == 204
    said = page.get_by_test_id("pull-request-review")
    expect(said).to_contain_text("asks for changes")
    said.get_by_test_id("address").click()
    expect(page.get_by_test_id("turn-end")).to_have_count(3)
    expect(page.get_by_test_id("prompt").last).to_contain_text("the review of bob")
    say(page, "[demo:bash cmd='echo blue > door']")
    expect(page.get_by_test_id("turn-end")).to_have_count(4)
    state(page, "idle")
    page.get_by_test_id("pull-request").click()
    page.get_by_role("menuitem", name=re.compile("Push to it")).click()
    expect(page.get_by_test_id("pull-request-mark")).to_have_count(2)
    assert repository.git("show", f"{pull['head']}:door") == "blue"

    # Who may look on alone is shown what is there, and nothing that they would be refused.
    page.get_by_test_id("share-open").click()
    share = page.get_by_test_id("share")
    share.get_by_role("button", name="Role of Bob: Driver").click()
    page.get_by_role("menuitemcheckbox", name=re.compile("^Viewer")).click()
    expect(theirs.get_by_test_id("composer")).to_have_count(0)
    expect(theirs.get_by_test_id("agent-message").first).to_be_visible()
    httpx2.delete(
        f"{team.hub.url}/api/sessions/{session}",
        headers={"Authorization": f"Bearer {team.hub.token}"},
    ).raise_for_status()
    for each in (page, theirs):
        each.context.close()
