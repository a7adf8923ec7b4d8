"""Carry connections on: ``python relay.py HERE THERE``, each a TCP port of 127.0.0.1 or the path of a Unix socket.

What listens in a network namespace of its own is reached from outside by a socket file, which no namespace hides.
"""

from __future__ import annotations

import asyncio
import sys


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # one side has hung up, and so will the other
    finally:
        writer.close()


async def main(here: str, there: str) -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            opened = asyncio.open_connection("127.0.0.1", int(there)) if there.isdigit() else None
            other = await (opened or asyncio.open_unix_connection(there))
        except OSError:
            writer.close()  # nobody listens there yet
            return
        await asyncio.gather(carry(reader, other[1]), carry(other[0], writer))

    listening = asyncio.start_server(meet, "127.0.0.1", int(here)) if here.isdigit() else None
    async with await (listening or asyncio.start_unix_server(meet, here)) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
