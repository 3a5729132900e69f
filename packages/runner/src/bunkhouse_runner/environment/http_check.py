"""Whether a service really answers: one HTTP request."""

import asyncio

_HEAD_BYTES = 4096


async def answers(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, host: str
) -> bool:
    """Send `GET path`; whether the answer is no error. Closes the connection.

    Raises OSError and EOFError where there is no answer.
    """
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        status = (await reader.readline())[:_HEAD_BYTES].split()
        # The whole of it: what is read here need not be read from disk for the first person.
        while await reader.read(65536):
            pass
    finally:
        writer.close()
    return len(status) > 1 and status[0].startswith(b"HTTP/1.") and status[1] < b"400"
