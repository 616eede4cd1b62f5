"""The caches that are compared, each set up as one who knows it would for one core: kept connections, no log, a store in memory.

Each function writes its configuration into a folder of its own and returns the command, which serves 127.0.0.1:port in the foreground. All ask the
origin for what is not stored, and pass what is below /pass/.
"""
import os
import pathlib
import re
import subprocess
import tempfile

from tools import BUILD

ORIGIN, COUNTER = 9001, 9002
STORE = "1024"  # MiB: nothing has to go within a run

VCL = f"""vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{ORIGIN}"; }}
sub vcl_recv {{ if (req.url ~ "^/pass/") {{ return (pass); }} }}
"""

NGINX_COMMON = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 1h; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  {rest}
}}
"""


def nginx_command(folder, rest):
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX_COMMON.format(folder=folder, rest=rest))
    return ["nginx", "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")]


def origin(folder):
    """1 KiB whatever is asked for; it says how many requests it had. Nothing else that speaks HTTP here answers faster."""
    return nginx_command(folder, f"""
  default_type text/plain;
  server {{
    listen 127.0.0.1:{ORIGIN};
    location /pass/ {{ add_header Cache-Control no-store; return 200 "{"x" * 1024}"; }}
    location / {{ add_header Cache-Control max-age=3600; return 200 "{"x" * 1024}"; }}
  }}
  server {{ listen 127.0.0.1:{COUNTER}; location / {{ stub_status; }} }}""")


def nginx(folder, port):
    return nginx_command(folder, f"""
  proxy_cache_path {folder}/store levels=1:2 keys_zone=store:64m max_size={STORE}m inactive=1h use_temp_path=off;
  open_file_cache max=10000 inactive=1h; open_file_cache_valid 1h;
  upstream origin {{ server 127.0.0.1:{ORIGIN}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1; proxy_set_header Connection "";
    location /pass/ {{ proxy_pass http://origin; }}
    location / {{ proxy_pass http://origin; proxy_cache store; }}
  }}""")


def bundled(folder, port):
    (folder / "policy.vcl").write_text(VCL)
    return [str(BUILD / "badorigin-cache"), "--listen", f"127.0.0.1:{port}", "--vcl", str(folder / "policy.vcl"), "--store", f"{STORE}MiB"]


def haproxy(folder, port):
    """It takes its whole store at its start, so that is smaller here, and no more memory comes with what is stored."""
    (folder / "haproxy.cfg").write_text(f"""
global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m
    http-reuse always
cache store
    total-max-size 256
    max-object-size 65536
    max-age 3600
frontend clients
    bind 127.0.0.1:{port}
    http-request cache-use store unless {{ path_beg /pass/ }}
    http-response cache-store store
    default_backend origin
backend origin
    server origin 127.0.0.1:{ORIGIN}
""")
    return ["haproxy", "-db", "-q", "-f", str(folder / "haproxy.cfg")]


def varnish(folder, port):
    """Its shared log is kept small: what it writes there would count as memory of what is stored."""
    (folder / "policy.vcl").write_text(VCL)
    return ["varnishd", "-F", "-j", "none", "-n", str(folder / "work"), "-a", f"127.0.0.1:{port}", "-f", str(folder / "policy.vcl"),
            "-s", f"malloc,{STORE}m", "-p", "vsl_space=1M", "-p", "thread_pools=1"]


def squid(folder, port):
    (folder / "squid.conf").write_text(f"""
http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1 no-vhost
cache_peer 127.0.0.1 parent {ORIGIN} 0 no-query no-digest originserver name=origin
acl passed urlpath_regex ^/pass/
cache deny passed
http_access allow all
cache_mem {STORE} MB
access_log none
cache_log {folder}/cache.log
cache_store_log none
netdb_filename none
pid_filename none
pinger_enable off
shutdown_lifetime 0 seconds
coredump_dir {folder}
cache_effective_user proxy
visible_hostname bench
""")
    return ["squid", "-N", "-n", f"bench{os.getpid()}", "-f", str(folder / "squid.conf")]


PEERS = {"bundled": bundled, "nginx": nginx, "haproxy": haproxy, "varnish": varnish, "squid": squid}
VERSION = {"bundled": None, "nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"], "varnish": ["varnishd", "-V"], "squid": ["squid", "-v"]}


def version(name):
    if not VERSION[name]:
        return ""
    said = subprocess.run(VERSION[name], capture_output=True, text=True, check=True)
    return re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)[0]


def scratch_folder():
    """In memory where the machine has such a place: nginx stores in files."""
    memory = pathlib.Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="badorigin-bench-", dir=memory if memory.is_dir() else None)
