"""Two people, a private repository and a pull request: the whole way, in real browsers.

GitHub is the stand-in of `tests.fakes.github`: real git over HTTP, its API and webhooks held to
GitHub's own description.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fakes.github import SECRET, FakeGitHub, Hooks, in_thread

from ..hubs import HubProcess
from .conftest import signed_in
from .test_page import say, state

pytestmark = [pytest.mark.engine, pytest.mark.browser]


@dataclass
class Team:
    """A hub of its own, and a GitHub that it knows."""

    hub: HubProcess
    fake: FakeGitHub


@pytest.fixture
def team(hub: HubProcess) -> Generator[Team]:
    with in_thread(hub.data_dir.parent / "github-of-two") as fake:
        given = {"BUNKHOUSE_GITHUB_URL": fake.url, "BUNKHOUSE_GITHUB_WEBHOOK_SECRET": SECRET}
        mine = HubProcess(hub.data_dir.parent / "two", given | hub.settings)
        mine.start()
        try:
            yield Team(mine, fake)
        finally:
            mine.stop()


def give_token(page: Page, team: Team, secret: str) -> None:
    page.goto(f"{team.hub.pages}/settings/accounts")
    page.get_by_label("Token").fill(secret)
    page.get_by_role("button", name="Give it").click()
    expect(page.get_by_role("button", name=re.compile("^Forget "))).to_be_visible()


def invited(page: Page, team: Team, browser: Browser, name: str) -> Page:
    """Another browser, of somebody whom the admin lets in by a link."""
    page.goto(f"{team.hub.pages}/settings/people")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("The new invitation").locator("code").inner_text()
    theirs = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
    theirs.goto(team.hub.pages + "/invite/" + link.rsplit("/", 1)[1])
    theirs.get_by_label("Your name").fill(name)
    theirs.get_by_role("button", name="Come in").click()
    expect(theirs.get_by_test_id("home-prompt")).to_be_visible()
    return theirs


def test_from_an_invitation_to_a_reviewed_pull_request(chromium: Browser, team: Team) -> None:
    world = team.fake.world
    ada = world.person("ada", "Ada Lovelace")
    bob = world.person("bob", "Bob")
    repository = world.repository(ada, "secret", bob="write")
    page = signed_in(chromium, team.hub, viewport={"width": 1440, "height": 900})
    give_token(page, team, world.token(ada, "repo"))
    theirs = invited(page, team, chromium, "Bob")
    give_token(theirs, team, world.token(bob, "repo"))

    # The private repository is found among one's own, and a session starts on it.
    page.goto(team.hub.pages)
    page.get_by_test_id("home-repo").click()
    page.get_by_placeholder(re.compile("^Search")).fill("secr")
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
