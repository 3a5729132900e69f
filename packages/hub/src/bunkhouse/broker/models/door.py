"""The models door: `/sandbox/models/{provider}/{path}`, relayed to the provider.

    sandbox ──(its token)──▶ door ──(the installation's key)──▶ provider
            ◀── bytes as they come, nothing added, nothing held back ──

Failures of the provider pass down with its own status and words, so that the agent does what it
does with the real API; where there are none (nobody answered), the door answers in the provider's
shape. Either way people find a sentence in the session's log.
"""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bunkhouse.broker.demo import DEMO_URL_PATTERN, DemoModel, DemoTransport
from bunkhouse.broker.models import problems
from bunkhouse.broker.models.credentials import downward_headers, scrub, upward_headers
from bunkhouse.broker.models.dialects import ErrorKind, error_body, model_named, upstream_url
from bunkhouse.broker.models.metering import Meter, error_message
from bunkhouse.broker.models.problems import Notes, ProblemLog
from bunkhouse.broker.models.providers import Provider
from bunkhouse.broker.passthrough import BodyTooLarge, ClientGone, Download, Passthrough, Upload
from bunkhouse_protocol.events import Problem

log = structlog.stdlib.get_logger(__name__)

BODY_BYTES = 64 * 1024 * 1024
"""Largest request; providers themselves take 20 to 32 MB."""

ERROR_BYTES = 256 * 1024
"""As much of an error's body is read; it is held back to take keys out of it."""

HEAD_BYTES = 16 * 1024
"""As much of a request is kept to name its model in messages."""


@dataclass(frozen=True)
class _Call:
    """One request through the door."""

    provider: Provider
    session_id: str
    turn_id: str | None
    path: str
    began: float
    head: bytearray

    @property
    def model(self) -> str | None:
        return model_named(self.path, bytes(self.head))


class ModelsDoor:
    """Relays requests of sandboxes to model providers. One for the hub; `aclose` when it ends."""

    def __init__(
        self,
        notes: Notes,
        *,
        connect_seconds: float,
        idle_seconds: float,
        demo: DemoModel | None = None,
        body_bytes: int = BODY_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`idle_seconds`: how long a provider may be silent, before or within an answer."""
        self._problems = ProblemLog(notes, clock=clock)
        self._clock = clock
        self._body_bytes = body_bytes
        self._seconds = (connect_seconds, idle_seconds)
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(idle_seconds, connect=connect_seconds, pool=None),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=32),
            follow_redirects=False,
            # A provider's cookies must not carry over from one session to the next.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            mounts={DEMO_URL_PATTERN: DemoTransport(demo)} if demo else None,
        )

    async def aclose(self) -> None:
        """Close the connections to providers."""
        await self._client.aclose()

    async def relay(
        self,
        request: Request,
        *,
        provider: Provider,
        path: str,
        session_id: str,
        turn_id: str | None = None,
    ) -> Response:
        """Answer a sandbox's request for `provider`; `path` is what follows its name, decoded.

        The caller has made sure that the request is of this session, and that the session may use
        the provider. `turn_id`, where known, gathers a turn's repeated problems into one.
        """
        call = _Call(provider, session_id, turn_id, path, self._clock(), bytearray())
        try:
            url = upstream_url(provider, request.method, path, request.query_params.multi_items())
        except httpx2.InvalidURL as error:
            return await self._not_reached(call, error)
        if url is None:
            return _error(
                provider,
                403,
                "forbidden",
                "path_not_allowed",
                f"{request.method} {path} of {provider.name} is not reachable from a sandbox: "
                "only generation, listing models and counting tokens are.",
            )
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self._body_bytes:
            return self._too_large(provider)
        headers = upward_headers(request, provider)

        async def exchange(upload: Upload, download: Download) -> None:
            upstream = self._client.build_request(
                request.method,
                url,
                headers=httpx2.Headers(headers),
                content=None if request.method == "GET" else _keeping_head(upload, call.head),
                extensions={"bunkhouse.session": session_id},
            )
            await self._exchange(call, upstream, download)

        return Passthrough(exchange, limit=self._body_bytes)

    async def _exchange(self, call: _Call, upstream: httpx2.Request, download: Download) -> None:
        provider = call.provider
        try:
            response = await self._client.send(upstream, stream=True)
        except BodyTooLarge:
            await download.whole(self._too_large(provider))
            return
        except ClientGone:
            return
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            await download.whole(await self._not_reached(call, error))
            return
        try:
            if response.status_code >= 300:
                await self._pass_error(call, response, download)
            else:
                await self._pass_answer(call, response, download)
        finally:
            await response.aclose()

    async def _not_reached(self, call: _Call, error: Exception) -> Response:
        provider = call.provider
        problem = problems.unreachable(
            provider,
            problems.why(error, self._seconds),
            detail=scrub(str(error), provider),
        )
        await self._tell(call, problem)
        self._measured(call, status=None, outcome=problem.code)
        return _error(provider, 502, "unreachable", problem.code, problem.message)

    async def _pass_answer(
        self, call: _Call, response: httpx2.Response, download: Download
    ) -> None:
        provider = call.provider
        encoding = response.headers.get("content-encoding", "identity")
        meter = Meter(
            provider.dialect,
            response.headers.get("content-type", ""),
            readable=encoding == "identity",
        )
        problem: Problem | None = None
        await download.start(response.status_code, downward_headers(provider, response.headers))
        try:
            async with aclosing(response.aiter_raw()) as chunks:
                async for chunk in chunks:
                    meter.feed(chunk)
                    await download.write(chunk)
        except (httpx2.HTTPError, OSError) as error:
            # What matters is whether the answer is whole, not how the connection ended.
            if meter.close() is not True:
                problem = problems.broke_off(provider, problems.why(error, self._seconds))
        else:
            if meter.close() is False:
                problem = problems.broke_off(provider, "the stream ended too early")
        if meter.error and problem is None:
            await self._tell(call, problems.failed_within(provider, scrub(meter.error, provider)))
        if problem is not None:
            await self._tell(call, problem)
        self._measured(
            call,
            status=response.status_code,
            outcome=problem.code if problem else "model_failed" if meter.error else "ok",
            meter=meter,
        )
        if problem is None:
            await download.finish()

    async def _pass_error(self, call: _Call, response: httpx2.Response, download: Download) -> None:
        provider, status = call.provider, response.status_code
        body = bytearray()
        try:
            async with aclosing(response.aiter_bytes()) as chunks:
                async for chunk in chunks:
                    body += chunk
                    if len(body) > ERROR_BYTES:
                        break
        except (httpx2.HTTPError, OSError) as error:
            log.info("model_error_cut_off", provider=provider.id, error=type(error).__name__)
        text = scrub(bytes(body[:ERROR_BYTES]).decode("utf-8", "replace"), provider)
        problem = problems.refused(
            provider,
            status,
            model=call.model,
            said=_said(text),
            retry_after=response.headers.get("retry-after"),
            location=response.headers.get("location"),
        )
        if problem is not None:
            await self._tell(call, problem)
        self._measured(call, status=status, outcome=problem.code if problem else "refused")
        if problem is not None and status < 400:
            await download.whole(
                _error(provider, 502, "unreachable", problem.code, problem.message)
            )
            return
        passed = downward_headers(provider, response.headers)
        dropped = (b"content-length", b"content-encoding")
        content = text.encode()
        answer = Response(content, status_code=status)
        answer.raw_headers = [(name, value) for name, value in passed if name not in dropped]
        answer.raw_headers.append((b"content-length", str(len(content)).encode()))
        await download.whole(answer)

    async def _tell(self, call: _Call, problem: Problem) -> None:
        await self._problems.tell(call.session_id, call.turn_id, call.provider, problem)

    def _measured(
        self, call: _Call, *, status: int | None, outcome: str, meter: Meter | None = None
    ) -> None:
        log.info(
            "model_call",
            session=call.session_id,
            provider=call.provider.id,
            model=call.model,
            status=status,
            outcome=outcome,
            ms=round((self._clock() - call.began) * 1000),
            input_tokens=meter.input_tokens if meter else None,
            output_tokens=meter.output_tokens if meter else None,
        )

    def _too_large(self, provider: Provider) -> Response:
        size = self._body_bytes // (1024 * 1024)
        message = f"The request is larger than the {size} MiB that the models door passes on."
        return _error(provider, 413, "too_large", "request_too_large", message)


async def _keeping_head(upload: Upload, head: bytearray) -> AsyncIterator[bytes]:
    async for chunk in upload:
        if len(head) < HEAD_BYTES:
            head += chunk[: HEAD_BYTES - len(head)]
        yield chunk


def _said(text: str) -> str | None:
    try:
        return error_message(json.loads(text)) or None
    except ValueError:
        return text.strip()[:200] or None


def _error(
    provider: Provider, status: int, kind: ErrorKind, code: str, message: str
) -> JSONResponse:
    return JSONResponse(
        error_body(provider.dialect, status, kind, code, message), status_code=status
    )
