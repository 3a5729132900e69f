"""A private repository at a forge, from within real sandboxes: what gets out, and in whose name."""

import base64
from collections.abc import Generator
from dataclasses import dataclass

import pytest

from tests.fakes.github import SECRET, FakeGitHub, Hooks, Person, Repository, in_thread

from ..hubs import Client, HubProcess, happened

pytestmark = pytest.mark.engine


@dataclass
class Forge:
    """A hub whose admin has given a token for a private repository, and a session on it."""

    fake: FakeGitHub
    ada: Person
    secret: str
    repository: Repository
    client: Client
    session: str

    @property
    def branch(self) -> str:
        return self.client.session(self.session)["work_branch"]

    def turn(self, command: str) -> str:
        """What the agent's command printed, in a turn of its own."""
        log = self.client.turn(self.session, f"[demo:bash cmd='{command}']")
        return "".join(e.get("output") or "" for e in log if e["type"] == "tool_call_update")

    def authors(self) -> list[str]:
        """Who made the commits of the session's branch, newest first; on the host."""
        listed = self.repository.git(
            "log", "--format=%an <%ae> | %cn <%ce>", f"main..{self.branch}"
        )
        return listed.splitlines()


@pytest.fixture(scope="module")
def forge(hub: HubProcess) -> Generator[Forge]:
    folder = hub.data_dir.parent / "github"
    with in_thread(folder) as fake:
        ada = fake.world.person("ada", "Ada Lovelace")
        repository = fake.world.repository(ada, "secret")
        secret = fake.world.token(ada, "repo")
        mine = HubProcess(
            hub.data_dir.parent / "forge",
            {"BUNKHOUSE_GITHUB_URL": fake.url, "BUNKHOUSE_GITHUB_WEBHOOK_SECRET": SECRET}
            | hub.settings,
        )
        mine.start()
        try:
            client = Client(mine)
            given = client.http.put("/api/me/grants/github", json={"token": secret})
            assert given.is_success, given.text
            session = client.create(repository=f"{fake.url}/ada/secret", title="Mend the roof")
            client.until(session, happened("state_changed", state="idle"))
            yield Forge(fake, ada, secret, repository, client, session)
        finally:
            mine.stop()


def test_the_agent_commits_and_pushes_its_own_branch(forge: Forge) -> None:
    assert forge.branch == f"bunkhouse/mend-the-roof-{forge.session}"
    said = forge.turn("git branch --show-current; echo a > a; git add a; git commit -qm One")
    assert forge.branch in said
    pushed = forge.turn("git push 2>&1")
    assert f"{forge.branch} -> {forge.branch}" in pushed
    ada = f"Ada Lovelace <{forge.ada.noreply}>"
    assert forge.authors() == [f"{ada} | {ada}"]
    message = forge.repository.git("log", "-1", "--format=%B", forge.branch)
    assert message.endswith("Co-authored-by: Bunkhouse <agent@users.noreply.bunkhouse.invalid>")


def test_a_person_at_the_terminal_is_no_agent(forge: Forge) -> None:
    done = forge.client.run(forge.session, "cd /workspace && git commit -q --allow-empty -m Mine")
    assert done.returncode == 0, done.stderr
    done = forge.client.run(forge.session, "cd /workspace && git log -1 --format='%an%n%b'")
    assert done.stdout.split() == ["Ada", "Lovelace"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("git push origin HEAD:main", "not this session's branch"),
        ("git push origin HEAD:bunkhouse/another-abcdefghjk", "not this session's branch"),
        ("git push --delete origin main", "not this session's branch"),
        ("git tag v1 && git push origin v1", "pushes branches, no tags"),
        (
            "git -c user.name=Linus commit -q --allow-empty -m Forged && git push; code=$?; "
            "git reset -q --hard HEAD~1; exit $code",
            "not of this session",
        ),
    ],
    ids=["main", "another", "delete", "tag", "name"],
)
def test_nothing_else_gets_out(forge: Forge, command: str, words: str) -> None:
    before = forge.repository.git("for-each-ref")
    done = forge.client.run(forge.session, f"cd /workspace && {command}")
    assert done.returncode != 0
    assert words in done.stderr
    assert forge.repository.git("for-each-ref") == before


def test_the_token_is_nowhere_in_the_sandbox(forge: Forge) -> None:
    basic = base64.b64encode(f"x-access-token:{forge.secret}".encode()).decode()
    for hidden in (forge.secret, basic):
        done = forge.client.run(
            forge.session,
            f"echo '{hidden}' > /tmp/wanted; "
            "sudo grep -rlFs -f /tmp/wanted --exclude=wanted / --exclude-dir=sys "
            "--exclude-dir=proc; sudo sh -c 'cat /proc/[0-9]*/environ' 2>/dev/null "
            "| grep -aFc -f /tmp/wanted; rm /tmp/wanted",
        )
        assert done.stdout.split() == ["0"], done.stdout
    assert forge.secret not in str(forge.client.log(forge.session))


def test_a_second_session_has_another_branch(forge: Forge) -> None:
    other = forge.client.create(repository=f"{forge.fake.url}/ada/secret", title="Mend the roof")
    forge.client.until(other, happened("state_changed", state="idle"))
    branch = forge.client.session(other)["work_branch"]
    assert branch not in (None, forge.branch)
    done = forge.client.run(
        other,
        "cd /workspace && git commit -q --allow-empty -m x && "
        f"git push --force origin HEAD:{forge.branch}",
    )
    assert "not this session's branch" in done.stderr
    forge.client.delete(other)


def test_its_pull_request_is_opened_reviewed_and_brought_up_to_the_work(forge: Forge) -> None:
    client, fake = forge.client, forge.fake
    session = client.create(repository=f"{fake.url}/ada/secret", title="Paint the door")
    client.until(session, happened("state_changed", state="idle"))
    path = f"/api/sessions/{session}/pull-request"
    nothing = client.http.post(path)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_publish")
    client.turn(session, "[demo:bash cmd='echo red > door']")

    done = client.hub.command("pr", session, "--draft")
    branch = client.session(session)["work_branch"]
    (number,) = forge.repository.pulls
    assert done.stdout.strip() == f"{fake.url}/ada/secret/pull/{number}"
    pull, issue = forge.repository.pulls[number], forge.repository.issues[number]
    assert (pull["head"], pull["base"], pull["draft"]) == (branch, "main", True)
    assert (issue["title"], issue["user"]) == ("Paint the door", forge.ada)
    assert issue["body"]
    made = forge.repository.git("log", "-1", "--format=%an <%ae>%n%B", branch)
    assert made.startswith(f"Ada Lovelace <{forge.ada.noreply}>\nPaint the door\n")
    assert "Co-authored-by: Bunkhouse" in made

    bob = fake.world.person("bob")
    review = fake.world.review(forge.repository, number, bob, "CHANGES_REQUESTED", "Blue, please.")
    hook = Hooks(fake.url, forge.repository).review(number, review, bob)
    taken = client.http.post("/api/webhooks/github", content=hook.body, headers=hook.headers())
    assert taken.status_code == 204, taken.text
    log = client.until(session, happened("pull_request_reviewed"))
    assert log[-1]["text"] == "Blue, please."

    client.turn(session, "[demo:bash cmd='echo blue > door']")
    assert client.post(path, {"body": "Now blue."})["pull_request"]["number"] == number
    assert forge.repository.git("show", f"{branch}:door") == "blue"
    assert issue["body"] == "Now blue."
    client.delete(session)


def test_the_agent_opens_its_pull_request_by_the_hubs_tool(forge: Forge) -> None:
    client, fake = forge.client, forge.fake
    session = client.create(repository=f"{fake.url}/ada/secret", title="Oil the hinge")
    client.until(session, happened("state_changed", state="idle"))
    client.turn(session, "[demo:bash cmd='echo oil > hinge']")
    log = client.turn(session, "[demo:pull title='Oil it' body='It squeaked.' draft=yes]")
    assert log[-1]["outcome"] == "done", log[-1]
    branch = client.session(session)["work_branch"]
    number = max(forge.repository.pulls)
    pull, issue = forge.repository.pulls[number], forge.repository.issues[number]
    assert (pull["head"], pull["draft"], issue["title"]) == (branch, True, "Oil it")
    assert forge.repository.git("show", f"{branch}:hinge") == "oil"
    opened, read = [event for event in log if event["type"] == "hub_tool_called"]
    assert (opened["tool"], opened["outcome"]) == ("open_pull_request", "done"), opened
    assert (read["tool"], read["outcome"]) == ("pull_request_status", "done"), read
    # A child begins at what the parent has pushed.
    log = client.turn(session, "[demo:split prompt='[demo:bash cmd=\"cat hinge\"]']")
    child = next(e for e in log if e["type"] == "hub_tool_called")["session_id"]
    assert client.session(child)["branch"] == branch
    said = "".join(e.get("output") or "" for e in log if e["type"] == "tool_call_update")
    assert "> oil" in said
    client.delete(child)
    client.delete(session)
