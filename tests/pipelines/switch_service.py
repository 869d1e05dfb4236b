"""Answers each request with its version, after 20 ms."""

import asyncio
import sys

version, path = sys.argv[1:]
answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(version), version.encode())


async def serve(reader, writer):
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.02)
            writer.write(answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_unix_server(serve, path, backlog=256)
    await server.serve_forever()


asyncio.run(main())
