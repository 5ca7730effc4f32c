"""A slow web server on this machine, for 10-asyncio.ipynb, and two ways to fetch its pages.

As a program, ``python -m pages 0.2``, it answers after 0.2 seconds. It prints the number of its
port, and ends when whoever started it closes its input, or is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator

HOST = "127.0.0.1"
PAGES = 100  # numbered from 0


class Site:
    """The pages, and a count of the requests.

    Attributes
    ----------
    port : int
        Where it listens.
    asked : list of int
        The numbers of the pages asked for so far.
    most : int
        The largest number of requests that were under way at the same time.
    """

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.port = 0
        self.asked: list[int] = []
        self.most = self._under_way = 0

    async def serve(self, ready: Callable[[], object], end: Awaitable[object]) -> None:
        """Answer requests, from when ready is called until the end comes."""
        server = await asyncio.start_server(self._answer, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        ready()
        await end
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            status, body = await self._page(int(request.split()[1].strip(b"/")))
            head = f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked did not wait for the answer
        finally:
            writer.close()

    async def _page(self, number: int) -> tuple[str, bytes]:
        self.asked.append(number)
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        await asyncio.sleep(self.delay)
        self._under_way -= 1
        if number in range(PAGES):
            return "200 OK", text_of(number).encode()
        return "404 Not Found", b""


def text_of(number: int) -> str:
    """A page: the heights of the tide, in cm, for each hour of a day."""
    heights = (250 + (hour * 61 + number * 17) % 190 for hour in range(24))
    lines = (f"{hour:02}:00  {height} cm" for hour, height in enumerate(heights))
    return "\n".join([f"Day {number}", *lines])


def fetch_and_wait(port: int, number: int) -> str:
    """The text of a page. The thread that calls this waits for it.

    Raises
    ------
    LookupError
        There is no such page.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request("GET", f"/{number}")
        answer = connection.getresponse()
        body = answer.read().decode()
    finally:
        connection.close()
    return _text(number, answer.status, body)


async def fetch(port: int, number: int) -> str:
    """The text of a page. Others may run until it has come.

    Raises
    ------
    LookupError
        There is no such page.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET /{number} HTTP/1.0\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    head, _, body = answer.decode().partition("\r\n\r\n")
    return _text(number, int(head.split()[1]), body)


def _text(number: int, status: int, body: str) -> str:
    if status != 200:
        raise LookupError(f"there is no page {number}: the server says {status}")
    return body


@contextlib.contextmanager
def running(delay: float) -> Iterator[Site]:
    """A site that runs in a thread of this process."""
    site, ready, end = Site(delay), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    serving = site.serve(ready.set, end.wait())
    thread = threading.Thread(target=loop.run_until_complete, args=(serving,), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield site
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        if requests := asyncio.all_tasks(loop):  # whose answers nobody waits for any more
            loop.run_until_complete(asyncio.wait(requests, timeout=1 + delay))
        loop.close()


async def main() -> None:
    """Serve until the input is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # interrupting the notebook is not meant for us
    site = Site(delay=float(sys.argv[1]))
    await site.serve(lambda: print(site.port, flush=True), asyncio.to_thread(sys.stdin.read))


if __name__ == "__main__":
    asyncio.run(main())
