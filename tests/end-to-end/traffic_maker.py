"""Traffic for captures: a small shop's origin, and clients that ask for it through a proxy over kept and short connections.

What the origin answers depends on the request alone, so that who looks at a capture knows what is right. Run as a program it is the origin:
traffic_maker.py PORT."""
import asyncio
import email.utils
import hashlib
import random
import sys

MODIFIED = "Fri, 02 Jan 2026 03:04:05 GMT"


def text(size, seed):
    return (hashlib.sha256(seed.encode()).hexdigest() * (size // 64 + 1))[:size].encode()


def answer(method, target, fields, body):
    """(status, fields, content, chunked)."""
    kind = target.split("/")[1]
    tag = '"' + hashlib.md5(target.encode()).hexdigest()[:8] + '"'
    unchanged = method in ("GET", "HEAD") and fields.get("if-none-match") == tag
    if kind == "page":
        lifetime = {"Cache-Control": "max-age=600", "ETag": tag, "Last-Modified": MODIFIED, "Content-Type": "text/html"}
        return (304, lifetime, b"", False) if unchanged else (200, lifetime, text(200 + len(target) * 97, target), False)
    if kind == "chunked":
        return 200, {"Cache-Control": "max-age=600", "Content-Type": "text/plain"}, text(9000, target), True
    if kind == "language":
        language = fields.get("accept-language", "en")
        return 200, {"Cache-Control": "max-age=600", "Vary": "Accept-Language"}, text(300, target + language), False
    if kind == "brief":
        return 200, {"Cache-Control": "max-age=1", "ETag": tag}, text(400, target), False
    if kind == "api":
        live = {"Cache-Control": "no-store", "ETag": tag}
        return (304, live, b"", False) if unchanged else (200, live, text(700, target), False)
    if kind == "account":
        return 200, {"Cache-Control": "private", "Set-Cookie": "seen=1; Path=/"}, text(500, target + fields.get("cookie", "")), False
    if kind == "orders":
        return 201, {"Location": f"/orders/{hashlib.md5(body).hexdigest()}"}, hashlib.sha256(body).hexdigest().encode(), False
    if kind == "big":
        return 200, {"Cache-Control": "max-age=600"}, text(200_000, target), False
    if kind == "moved":
        return 302, {"Location": "/page/1", "Cache-Control": "no-cache"}, b"", False
    if kind == "broken":
        return 500, {"Cache-Control": "no-store"}, b"out of order", False
    return 404, {"Cache-Control": "max-age=600"}, b"no such page", False


async def read_message(reader):
    """(start line, fields, content), or None at the end."""
    head = await reader.readuntil(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")[:-2]
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = b""
    if fields.get("transfer-encoding") == "chunked":
        while (size := int(await reader.readline(), 16)):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    elif "content-length" in fields:
        body = await reader.readexactly(int(fields["content-length"]))
    return start, fields, body


async def serve(reader, writer):
    try:
        while True:
            start, fields, body = await read_message(reader)
            method, target, _ = start.split(" ")
            status, lines, content, chunked = answer(method, target, fields, body)
            lines = {"Date": email.utils.formatdate(usegmt=True), "Server": "shop/1.0", **lines}
            if status != 304:
                lines |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(content))}
            out = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
            if method == "HEAD" or status == 304:
                content = b""
            elif chunked:
                content = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (content[i : i + 4000] for i in range(0, len(content), 4000)))
                content += b"0\r\n\r\n"
            writer.write(out.encode() + content)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def requests(client, count):
    """(method, target, fields, content), the same in every run."""
    of = random.Random(client)
    for number in range(count):
        kind = of.choices(("page", "known", "chunked", "language", "brief", "api", "account", "orders", "big", "moved", "broken", "none", "head"),
                          (40, 8, 6, 6, 1, 8, 6, 10, 0.2, 2, 2, 4, 3))[0]
        page = f"/page/{of.randrange(150)}"
        if kind == "known":
            yield "GET", page, {"If-None-Match": '"' + hashlib.md5(page.encode()).hexdigest()[:8] + '"'}, b""
        elif kind == "head":
            yield "HEAD", page, {}, b""
        elif kind == "language":
            yield "GET", f"/language/{of.randrange(20)}", {"Accept-Language": of.choice(("de", "en", "fr"))}, b""
        elif kind == "api":
            target = f"/api/{client}-{number}"
            tag = '"' + hashlib.md5(target.encode()).hexdigest()[:8] + '"'
            yield "GET", target, {"If-None-Match": tag} if of.random() < 0.3 else {}, b""
        elif kind == "account":
            yield "GET", f"/account/{of.randrange(5)}", {"Cookie": f"user={client}"}, b""
        elif kind == "orders":
            yield of.choice(("POST", "POST", "PUT")), "/orders", {"Content-Type": "text/plain"}, text(of.randrange(10, 5000), f"{client}-{number}")
        else:
            yield "GET", page if kind == "page" else f"/{kind}/{of.randrange(8)}", {}, b""


async def ask_all(client, count, port, kept=True, pause=0.0):
    writer = None
    statuses = []
    for method, target, fields, body in requests(client, count):
        if writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if pause:
            await asyncio.sleep(pause)
        lines = {"Host": "shop.test", **fields} | ({"Content-Length": str(len(body))} if body else {}) | ({} if kept else {"Connection": "close"})
        writer.write((f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n").encode() + body)
        head = await reader.readuntil(b"\r\n\r\n")
        statuses.append(int(head.split(b" ", 2)[1]))
        answered = head.lower()
        if method == "HEAD" or statuses[-1] in (204, 304):
            pass
        elif b"transfer-encoding: chunked" in answered:
            while (size := int(await reader.readline(), 16)):
                await reader.readexactly(size + 2)
            await reader.readline()
        else:
            await reader.readexactly(int(answered.split(b"content-length:")[1].split(b"\r\n")[0]))
        if not kept:
            writer.close()
            writer = None
    if writer:
        writer.close()
    return statuses


def ask(counts, port, pause=0.0):
    """Clients at once, each so many requests; every fourth makes a connection for each. All statuses."""

    async def all_of_them():
        return await asyncio.gather(*(ask_all(n, count, port, kept=n % 4 != 3, pause=pause) for n, count in enumerate(counts)))

    return [status for one in asyncio.run(all_of_them()) for status in one]


async def listen(port):
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=256)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(listen(int(sys.argv[1])))
