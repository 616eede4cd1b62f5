#!/usr/bin/python3
"""The smallest proxy that can be judged: forwards each request to one origin, stores nothing. Its vices are options.

forwarding_proxy.py HOST:PORT ORIGIN_HOST:PORT [deaf | stubborn | crash]
deaf: never listens; stubborn: ignores SIGTERM; crash: aborts at the second request.
"""
import http.client
import http.server
import os
import signal
import sys
import threading

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


class Forwarding(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served = 0

    def do_GET(self):
        Forwarding.served += 1
        if "crash" in sys.argv[3:] and Forwarding.served == 2:
            os.abort()
        origin = http.client.HTTPConnection(*address(sys.argv[2]), timeout=10)
        origin.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP:
                origin.putheader(name, value)
        origin.putheader("Via", "1.1 forwarding")
        origin.putheader("Connection", "close")
        origin.endheaders()
        answer = origin.getresponse()
        body = answer.read()
        origin.close()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Via", "1.1 forwarding")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    if "deaf" in sys.argv[3:]:
        signal.pause()
    if "stubborn" in sys.argv[3:]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server = http.server.ThreadingHTTPServer(address(sys.argv[1]), Forwarding)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
