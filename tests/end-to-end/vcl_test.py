#!/usr/bin/python3
"""The same VCL in the bundled cache and in varnishd: what expressions give, and what is accepted. Each difference stands here with its reason."""
import http.client
import pathlib
import re
import shutil
import socket
import subprocess
import unittest

from common import CACHE, EndToEnd, main, start

http.client._MAXHEADERS = 1000  # one field an expression

VARNISHD = shutil.which("varnishd")

# In vcl_recv of GET /some/path?b=2&a=1 with the fields below; what is unset or void reads as the empty string.
FIELDS = {"Cookie": "a=1; b=2; session=xyz; _ga=9", "X-Text": "Hello World", "X-Number": "42", "X-Empty": "", "Accept-Encoding": "gzip"}
EXPRESSIONS = [
    '"a" + "b"', '"n" + 5', '"r" + 1.5', '"d" + 90s', '"d" + 1.5m', '"b" + true', '1 + 2 * 3', '"" + (1 + 2) * 3', '7 / 2', '7 % 3', '-5', '2 - 3 - 4',
    '1.5 + 1.5', '3.0 * 2', '1.0 / 3', '5s + 1m', '90s * 2', '10s / 4', '1h - 1s', '"" + 1d', '"x" + req.http.X-Missing + "y"', 'req.http.X-Empty',
    'req.url', 'req.method', 'req.proto', 'req.restarts', 'req.http.x-text', 'req.http.X-Text.upper()', 'req.http.X-Text.lower()', 'req.esi_level', 'req.can_gzip',
    'regsub(req.url, "o", "0")', 'regsuball(req.url, "o", "0")', r'regsub(req.url, "^/(\w+)/(.*)$", "\2-\1")', r'regsuball("abc", "b*", "x")', r'regsuball("aaa", "", "-")',
    r'regsub("abc", "(x)?b", "[\1]")', r'regsub("a.b", "\.", "\\")', 'regsub("abc", "(?i)B", "x")',
    'std.toupper("aÄb1")', 'std.tolower("ABC")', 'std.querysort(req.url)', 'std.querysort("/x?")', 'std.querysort("/x?b&a&&c=1")', 'std.querysort("/x?a=2&a=1")', 'std.querysort("/none")',
    'std.strstr("hello", "ll")', 'std.strstr("hello", "x")', 'std.round(2.5)', 'std.round(-2.5)', 'std.round(2.4)',
    'std.integer("42", 0)', 'std.integer(" 42 ", 0)', 'std.integer("4x", 7)', 'std.integer("4.7", 7)', 'std.integer("-3", 7)', 'std.integer("", 7)', 'std.integer(real = 3.9)',
    'std.integer(real = -3.9)', 'std.integer(duration = 90s)', 'std.integer(bool = true)', 'std.integer(req.http.X-Number, 0)', 'std.integer(req.http.X-Missing, 9)',
    'std.real("1.25", 0.0)', 'std.real("abc", 9.5)', 'std.real("1e3", 9.5)', 'std.real(integer = 3)', 'std.real(duration = 1500ms)', 'std.real("1.5x", 2.0)',
    'std.duration("1.5m", 0s)', 'std.duration("10", 3s)', 'std.duration("5 s", 3s)', 'std.duration("1y", 3s)', 'std.duration("-4s", 3s)', 'std.duration(integer = 7)', 'std.duration("x", 3s)',
    'std.time("Sun, 06 Nov 1994 08:49:37 GMT", now)', 'std.time("Sunday, 06-Nov-94 08:49:37 GMT", now)', 'std.time("Sun Nov  6 08:49:37 1994", now)',
    'std.time("1994-11-06T08:49:37", now)', 'std.time("784111777", now)', 'std.time(integer = 784111777)', 'std.integer(time = std.time("784111777.6", now))',
    'std.strftime(std.time("784111777", now), "%Y-%m-%d")', 'std.bytes("1KB", 0B) + ""', 'std.bytes("2.5k", 0B) + ""', 'std.bytes("x", 3B) + ""', 'std.bytes("10", 0B) + ""',
    'std.ip("192.0.2.1", "0.0.0.0")', 'std.ip("nonsense.invalid", "192.0.2.9")', 'std.ip("::1", "0.0.0.0")', 'std.port(std.ip("192.0.2.1", p = "8080"))',
    'std.fnmatch("/some/*", req.url)', 'std.fnmatch("/*", "/a/b")', 'std.fnmatch("/*", "/a/b", pathname = false)', 'std.real2integer(2.5, 0)', 'std.time2integer(std.time("784111777", now), 0)',
    'std.getenv("NO_SUCH_VARIABLE")', 'std.syntax(4.1)', 'std.syntax(4.0)', 'std.file_exists("/no/such/file")', 'std.ban("req.url ~ /nothing")', 'std.ban("obj.nope == 1")',
    'cookie.get("session")', 'cookie.get("none")', 'cookie.get_re("^_")', 'cookie.isset("a")', 'cookie.get_string()', 'cookie.format_date(std.time("784111777", now), 1d)',
    '(req.url ~ "path")', '(req.url !~ "path")', '(req.http.X-Missing ~ "")', '(req.http.X-Missing == "")', '(req.http.X-Missing)', '(req.http.X-Empty)', '(!req.http.X-Missing)',
    '(5 == 5 && 5 != 6 && 5 < 6 && 5 >= 5)', '(1.5 < 2.5)', '(90s > 1m)', '(now > now - 5s)', '("a" == "A")', '(true || false && false)', '(!(true && false))', '(client.ip ~ local)',
    '(std.ip("10.1.2.3", "0.0.0.0") ~ nets)', '(std.ip("10.9.9.9", "0.0.0.0") ~ nets)', '(std.ip("10.1.0.0", "0.0.0.0") !~ nets)', '(req.backend_hint == app)', 'req.backend_hint',
    '{"long "string"}', '"""long "other"""', 'std.healthy(app)',
]
DIFFERENT = {
    "cookie.get_string()": "varnishd 7.1.1 ends the last cookie with a semicolon, which RFC 6265 4.2.1 does not have",
}

PROGRAM = """vcl 4.1;
import std; import cookie;
backend app { .host = "127.0.0.1"; .port = "1"; }
acl local { "127.0.0.0"/8; }
acl nets { "10.0.0.0"/8; ! "10.1.0.0"/16; "10.1.2.0"/24; }
sub vcl_recv {
    cookie.parse(req.http.Cookie);
%s
    return (synth(200));
}
sub vcl_synth {
%s
    return (deliver);
}
"""

# Whole policies; whether they load.
HEAD = 'vcl 4.1; import std; import directors; backend a { .host = "127.0.0.1"; }\n'
POLICIES = {
    "": HEAD, "old version": HEAD.replace("4.1", "4.0"), "wrong version": HEAD.replace("4.1", "4.2"),
    "unused acl": HEAD + 'acl x { "127.0.0.1"; }', "unused backend": HEAD + "backend b none;", "unused probe": HEAD + "probe p { }", "unused subroutine": HEAD + "sub x { }",
    "unused called by unused": HEAD + "sub x { call y; } sub y { }", "default probe": HEAD + "probe default { }", "default backend": HEAD + "backend default none;",
    "return without parentheses": HEAD + "sub vcl_recv { return hash; }", "blank before unit": HEAD + "sub vcl_recv { set req.ttl = 5 s; }",
    "elif": HEAD + "sub vcl_recv { if (true) { } elif (false) { } elsif (true) { } elseif (true) { } else if (false) { } else { } }",
    "two bodies": HEAD + "sub vcl_recv { } sub vcl_recv { return (pass); }", "two own": HEAD + "sub x { } sub x { } sub vcl_recv { call x; }",
    "undefined sub": HEAD + "sub vcl_recv { call x; }", "recursion": HEAD + "sub x { call x; } sub vcl_recv { call x; }", "call of vcl_": HEAD + "sub vcl_recv { call vcl_hash; }",
    "wrong place": HEAD + "sub vcl_recv { set beresp.ttl = 1s; }", "wrong type": HEAD + "sub vcl_recv { set req.ttl = 5; }", "wrong action": HEAD + "sub vcl_recv { return (deliver); }",
    "acl host bits": HEAD + 'acl x { "10.0.0.1"/8; } sub vcl_recv { if (client.ip ~ x) { return (pass); } }',
    "acl host name": HEAD + 'acl x { "nonsense.invalid"; } sub vcl_recv { if (client.ip ~ x) { return (pass); } }',
    "acl optional name": HEAD + 'acl x { ("nonsense.invalid"); } sub vcl_recv { if (client.ip ~ x) { return (pass); } }',
    "acl of text": HEAD + 'acl x { "10.0.0.1"; } sub vcl_recv { if (req.url ~ x) { return (pass); } }',
    "named arguments": HEAD + "sub vcl_init { new d = directors.fallback(sticky = true); d.add_backend(a); } sub vcl_recv { set req.backend_hint = d.backend(); }",
    "unknown argument": HEAD + "sub vcl_init { new d = directors.fallback(stick = true); }", "new elsewhere": HEAD + "sub vcl_recv { new d = directors.fallback(); }",
    "new without import": 'vcl 4.1; backend a none; sub vcl_init { new d = directors.fallback(); }', "import of nothing": HEAD + "import no_such_module;",
    "bad regex": HEAD + 'sub vcl_recv { if (req.url ~ "(") { } }', "regex of a variable": HEAD + "sub vcl_recv { if (req.url ~ req.http.X) { } }",
    "assignment as condition": HEAD + 'sub vcl_recv { if (req.url = "x") { } }', "unknown variable": HEAD + 'sub vcl_recv { set req.nope = "x"; }',
    "synth without status": HEAD + "sub vcl_recv { return (synth); }", "plain return": HEAD + "sub x { return; } sub vcl_recv { call x; }", "plain return in vcl_": HEAD + "sub vcl_recv { return; }",
    "no such label": HEAD + "sub vcl_recv { return (vcl(label)); }", "no backend": "vcl 4.1;", "two backends": HEAD + "backend a none;", "reserved name": HEAD + "sub vcl_mine { }",
    "unset url": HEAD + "sub vcl_recv { unset req.url; }", "set obj": HEAD + "sub vcl_deliver { set obj.ttl = 1s; }", "restart in hash": HEAD + "sub vcl_hash { return (restart); }",
    "comparison of types": HEAD + 'sub vcl_recv { if (req.restarts == "1") { } }', "minus of text": HEAD + 'sub vcl_recv { set req.http.X = "a" - "b"; }',
    "real and integer": HEAD + "sub vcl_recv { if (1 < 2.5) { } }", "text as condition": HEAD + "sub vcl_recv { if (req.http.X) { } }", "time as condition": HEAD + "sub vcl_recv { if (now) { } }",
    "long string with a delimiter": HEAD + 'sub vcl_recv { set req.http.X = {xyz"a"}b"xyz}; }',
    "strings side by side": HEAD + 'sub vcl_recv { set req.http.X = "a" "b"; }',
    "no semicolon": HEAD + 'sub vcl_recv { set req.url = "/" }', "open string": HEAD + 'sub vcl_recv { set req.url = "/; }', "proto in 4.1": HEAD + 'sub vcl_recv { set req.proto = "x"; }',
    "probe inline": 'vcl 4.1; backend a { .host = "127.0.0.1"; .probe = { .url = "/"; .window = 8; .threshold = 9; } }',
}
# Of each, whether it loads: as a condition, and as the value of a field.
CONDITIONS = ["5", "5s", "5.5", "client.ip", "req.backend_hint", "5 == 5.0", "5 == 5s", '"a" == 5', "req.url == req.restarts", "req.url == client.ip", 'client.ip == "192.0.2.1"',
              "client.ip == client.ip", "client.ip < client.ip", '"a" < "b"', "true < false", "true == true", "req.backend_hint == a", "req.backend_hint < a", "!5", "!true", "now == now", "now > 5",
              "5 > 3 && 1", "!(5 > 3)", "!!true", "req.url ~ {\"a\"}", "5 ~ \"5\"", "client.ip ~ \"x\"", "(req.url)", "req.http.X == req.http.Y", "5s > 4s", "5s > 4", "-5 < 3", "true", "\"a\"",
              "req.url == \"a\" + \"b\"", "req.url + \"a\" == \"b\"", "req.http.X ~ \"a\" && req.http.Y !~ \"b\" || req.restarts > 1", "std.healthy(a)", "std.healthy(5)", "req.http.X = \"a\"", "req"]
VALUES = ["1.5 + 2", "2 + 1.5", "2 * 1.5", "1.5 * 2", "5 % 2.0", "10s * 2", "10s / 2.5", "2 * 10s", "10s * 10s", "now - 5", "now + 5s", "now - now", "now + now", "true + true", "true", "5 > 3", "(5 > 3)",
          "!true", "client.ip + 5", "-5", "-5s", "- 5", "-(5)", "-\"a\"", "--5", "\"a\" - \"b\"", "\"a\" * 2", "5 + \"a\"", "5s + \"a\"", "a", "req.backend_hint", "req", "10KB", "1 / 0", "5 5",
          "regsub(req.url, \"a\", \"b\") + 5", "regsub(req.url, req.url, \"b\")", "std.random(1, 2)", "std.random(1)", "std.random(\"1\", 2)", "std.random(1.0, hi = 2.0)", "std.log(\"a\")",
          "std.integer(\"1\")", "std.integer(\"1\", real = 2.0)", "std.integer()", "std.duration(5)", "req.http.X.lower()", "req.url.upper()", "req.restarts.upper()", "std.toupper(req.http.X).lower()"]
POLICIES |= {f"if ({c})": HEAD + f"sub vcl_recv {{ if ({c}) {{ return (pass); }} }}" for c in CONDITIONS}
POLICIES |= {f"= {v}": HEAD + f"sub vcl_recv {{ set req.http.X = {v}; }}" for v in VALUES}
LOADS_DIFFERENTLY = {
    **dict.fromkeys(["= --5", "if (!!true)", "if (-5 < 3)"], "varnishd reads a sign only where a value of that type is awaited"),
    "= 10KB": "varnishd reads a size only where one is awaited",
    "= 1 / 0": "varnishd hands it to its C compiler, which refuses it",
    **dict.fromkeys(["= client.ip + 5", "= now + now", "= true + true"], "what cannot be added varnishd prints side by side; here it is refused"),
    **dict.fromkeys(['= std.integer("1", real = 2.0)', "= std.integer()"], "varnishd finds this when it runs"),
    "long string with a delimiter": "varnishd 7.1.1 has only {\"…\"} and three quotes",
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@unittest.skipUnless(VARNISHD, "varnishd is not installed")
class Vcl(EndToEnd):
    def setUp(self):
        super().setUp()
        pathlib.Path(self.out).chmod(0o755)  # varnishd reads its policy as another user

    def answers(self, port):
        """What the policy answered with, by the number of the expression."""
        while True:  # until it listens
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                connection.request("GET", "/some/path?b=2&a=1", headers=FIELDS)
                break
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    self.fail(pathlib.Path(self.said.name).read_text())
        response = connection.getresponse()
        response.read()
        connection.close()
        self.assertEqual(response.status, 200, response.reason)
        return {name[2:]: value for name, value in response.getheaders() if re.fullmatch(r"[eE]-\d+", name)}

    def evaluated_by(self, command, port):
        said = open(pathlib.Path(self.out) / "said.txt", "w+")
        self.addCleanup(said.close)
        self.said = said
        self.process = start(command, stdout=said, stderr=said, cwd=self.out)
        try:
            return self.answers(port)
        finally:
            self.process.terminate()
            self.process.wait(20)

    def test_expressions_give_the_same(self):
        recv, synth = [], []
        for i, expression in enumerate(EXPRESSIONS):
            if expression.startswith("("):
                recv.append(f'    if {expression} {{ set req.http.e-{i} = "yes"; }} else {{ set req.http.e-{i} = "no"; }}')
            else:
                recv.append(f'    set req.http.e-{i} = "" + ({expression});' if not expression.startswith('"') else f"    set req.http.e-{i} = {expression};")
            synth.append(f"    set resp.http.e-{i} = req.http.e-{i};")
        policy = pathlib.Path(self.out) / "expressions.vcl"
        policy.write_text(PROGRAM % ("\n".join(recv), "\n".join(synth)))
        port = free_port()
        mine = self.evaluated_by([CACHE, "--listen", f"127.0.0.1:{port}", "--vcl", policy], port)
        port = free_port()
        theirs = self.evaluated_by([VARNISHD, "-F", "-n", f"{self.out}/v", "-a", f"127.0.0.1:{port}", "-f", policy, "-p", "http_max_hdr=1024", "-p", "http_resp_hdr_len=64k",
                                    "-p", "http_req_hdr_len=64k", "-p", "workspace_client=1M", "-p", "http_req_size=1M"], port)
        different = {e: (mine.get(str(i), ""), theirs.get(str(i), "")) for i, e in enumerate(EXPRESSIONS) if mine.get(str(i), "") != theirs.get(str(i), "")}
        self.assertEqual({e: both for e, both in different.items() if e not in DIFFERENT}, {}, "(here, varnishd)")
        self.assertEqual(set(DIFFERENT) - set(different), set(), "these agree by now: take them off the table")

    def test_the_same_policies_load(self):
        wrong = {}
        for name, text in POLICIES.items():
            policy = pathlib.Path(self.out) / "policy.vcl"
            policy.write_text(text)
            mine = subprocess.run([CACHE, "--check", "--vcl", policy], capture_output=True, text=True)
            theirs = subprocess.run([VARNISHD, "-C", "-n", f"{self.out}/c", "-f", policy], capture_output=True, text=True)
            if (mine.returncode == 0) != (theirs.returncode == 0):
                said = theirs.stderr.partition("Message from VCC-compiler:")[2].strip().splitlines()
                wrong[name] = mine.stderr.splitlines()[0] if mine.stderr else "loads here; varnishd: " + (said[0] if said else "does not compile")
        self.assertEqual({name: why for name, why in wrong.items() if name not in LOADS_DIFFERENTLY}, {})
        self.assertEqual(set(LOADS_DIFFERENTLY) - set(wrong), set(), "these agree by now: take them off the table")


if __name__ == "__main__":
    main()
