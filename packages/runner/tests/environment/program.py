"""A small editor: serves HTTP on the Unix socket that it is given, as code-server does.

In its folder (`--user-data-dir`) the file `fails` makes it print and end, `silent` makes it hold
its tongue, and it writes the process id of a child that it starts into `child`.
"""

import argparse
import http.server
import socketserver
import subprocess
import sys
from pathlib import Path


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        folder = Path(arguments.user_data_dir)
        self.send_response(503 if (folder / "silent").exists() else 200)
        self.end_headers()
        self.wfile.write(b"hello")

    def address_string(self) -> str:
        return "somebody"


parser = argparse.ArgumentParser()
parser.add_argument("--config")
parser.add_argument("--user-data-dir", required=True)
parser.add_argument("--socket", required=True)
parser.add_argument("--socket-mode")
parser.add_argument("--ignore-last-opened", action="store_true")
parser.add_argument("folder")
arguments = parser.parse_args()
home = Path(arguments.user_data_dir)
if (home / "fails").exists():
    sys.exit("The disk is full of rabbits.")
with (home / "starts").open("a") as starts:
    starts.write("x")
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
(home / "child.new").write_text(str(child.pid))
(home / "child.new").rename(home / "child")
Server(arguments.socket, Handler).serve_forever()
