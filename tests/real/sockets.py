"""sockets.py serve | ask HOST: websockets that stay open for as long as somebody looks at a page. Most are silent
for minutes; a new one comes while the others lie there, and one in four is closed when its page is left."""
import asyncio
import random
import sys

import websockets


async def serve(socket, *_):
    async for message in socket:
        await socket.send(message)


async def page(host, n):
    chance = random.Random(n)
    while True:
        async with websockets.connect(f"ws://{host}:8091", ping_interval=60, ping_timeout=None) as socket:
            for _ in range(chance.randint(1, 4)):
                await socket.send("ready")
                await socket.recv()
                await asyncio.sleep(chance.uniform(15, 90))
        await asyncio.sleep(chance.uniform(0, 10))


async def main():
    if sys.argv[1] == "serve":
        async with websockets.serve(serve, "", 8091):
            await asyncio.Future()
    pages = []
    for n in range(24):
        pages.append(asyncio.create_task(page(sys.argv[2], n)))
        await asyncio.sleep(2)
    await asyncio.gather(*pages)


asyncio.run(main())
