"""A service that answers with its version; the version also says what is wrong with it."""

import http.server
import os
import signal
import socketserver
import sys
import time

version, path = sys.argv[1:]
data = "/var/lib/gopythongo-try"

if "dies" in version:
    print("there is no database", flush=True)
    sys.exit(7)
if "deaf" in version:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "thief" in version:
    # the directory of all sockets, as the host has it
    for other in ("blue", "green"):
        stolen = os.path.join(os.path.dirname(path), other, "socket")
        if os.path.exists(stolen):
            os.remove(stolen)
            path = stolen
    if path == sys.argv[2]:
        print("there is nothing to steal", flush=True)
        sys.exit(8)
if "forks" in version:
    parent = os.getpid()
    if os.fork():
        os._exit(0)
    os.setsid()
    while os.getppid() == parent:
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/slow":
            # until somebody writes
            with open(data + self.path) as gate:
                gate.read()
        if self.path == "/teapot":
            return self.answer(418, version)
        if self.path == "/headers":
            return self.answer(200, str(self.headers))
        if self.path == "/path":
            return self.answer(200, "\n".join(sorted(os.listdir("/opt/gopythongo-try"))))
        if self.path == "/configuration":
            with open("/etc/gopythongo-try/try.conf") as file:
                return self.answer(200, file.read())
        if self.path == "/upgrade" and self.headers["Upgrade"] == "echo":
            self.send_response(101)
            self.send_header("Connection", "upgrade")
            self.send_header("Upgrade", "echo")
            self.end_headers()
            self.wfile.write(self.rfile.readline().upper())
            self.close_connection = True
            return
        if self.path == "/die":
            os._exit(9)
        if self.path == "/chunks":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\none\r\n")
            with open(data + self.path) as gate:
                gate.read()
            self.wfile.write(b"3\r\ntwo\r\n0\r\n\r\n")
            return
        self.answer(500 if "ill" in version else 200, version)

    def do_POST(self):
        self.answer(200, str(len(self.rfile.read(int(self.headers["Content-Length"])))))

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "-"

    def log_message(self, *arguments):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


if "late" in version:
    time.sleep(0.3)
print("serves", version, flush=True)
Server(path, Handler).serve_forever()
