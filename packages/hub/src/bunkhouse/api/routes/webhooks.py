"""What forges tell by themselves. Their signature says that it is them: nobody is signed in."""

from typing import Annotated

from fastapi import APIRouter, Header, Request

from bunkhouse.api.access import Hub
from bunkhouse.api.services import Services
from bunkhouse.errors import NotFound, TooLarge
from bunkhouse.forges.github import webhooks

router = APIRouter(prefix="/webhooks", tags=["system"])


@router.post("/github", status_code=204)
async def github_webhook(
    request: Request,
    hub: Hub,
    event: Annotated[str, Header(alias=webhooks.EVENT, max_length=100)] = "",
    signature: Annotated[str | None, Header(alias=webhooks.SIGNATURE, max_length=200)] = None,
) -> None:
    """Take a webhook of GitHub's: pull requests, reviews, comments and checks.

    What is about no session here, or is known already, is taken and nothing happens.
    """
    secrets = _secrets(hub)
    if not secrets or hub.pull_requests is None or hub.grants is None:
        raise NotFound(
            "This installation takes no webhooks.",
            remedy="Set up a GitHub App in Settings, at an address of the hub that GitHub reaches; "
            "or set BUNKHOUSE_GITHUB_WEBHOOK_SECRET, and give GitHub the same.",
        )
    body = await _body(request, hub.settings.webhook_bytes)
    webhooks.check(secrets, body, signature)
    told = webhooks.read(event, body)
    if told is not None:
        await hub.pull_requests.heard(hub.grants.forge("github").host, told)


def _secrets(hub: Services) -> list[str]:
    """That of the environment, for webhooks that were added by hand, and that of the App."""
    given = hub.settings.github_webhook_secret
    by_hand = given.get_secret_value() if given else None
    app = hub.github_app.webhook_secret if hub.github_app else None
    return [each for each in (by_hand, app) if each]


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise TooLarge(
                f"This webhook is larger than {limit} bytes.",
                remedy="Raise BUNKHOUSE_WEBHOOK_BYTES.",
            )
    return bytes(body)
