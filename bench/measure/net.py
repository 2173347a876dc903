# SPDX-License-Identifier: MIT
"""Servers that are asked over the network: what the whole machine executes for
each request, and how it stands to a Linux guest that is asked the same."""

import dataclasses

from exo import ExoError

from . import linux, profile, servers, size

KEY = "bench"
PAGE = "/612.html"  # 612 bytes of content
WARM = 10           # a first run, so much shorter, is not counted


@dataclasses.dataclass(frozen=True)
class Load:
    """A row: a client that asks a server `count` times. beside: what runs in
    the Linux guest for the row that is compared. over: another server's row
    here, that this one is compared with."""
    name: str
    server: str
    count: int
    client: object  # called with (tree, count); returns requests a second
    text: str
    beside: str = ""
    over: str = ""


def ping(_tree, count):
    return servers.ping(count)


def http(connections, close=False):
    options = ["-c", connections] + ["-1"] * close
    return lambda tree, count: servers.load(
        tree, "load-http", *options, "-n", count, servers.GUEST, 80, PAGE)


def udp(port, outstanding, *options):
    return lambda tree, count: servers.load(
        tree, "load-udp", "-o", outstanding, "-n", count, *options,
        servers.GUEST, port)


LOADS = (
    Load("ping_minimal", "netd", 2000, ping, "echo of 56 bytes", "kernel"),
    Load("kv_get", "kv", 40000, udp(11211, 32, "-k", KEY),
         "get by UDP, 32 outstanding", "kv-posix"),
    Load("kv_get_1", "kv", 4000, udp(11211, 1, "-k", KEY), "1 outstanding",
         "kv-posix"),
    Load("kv_exos", "kv-posix", 20000, udp(11211, 32, "-k", KEY),
         "get by UDP, 32 outstanding", "kv-posix", "kv_get"),
    Load("kv_exos_1", "kv-posix", 4000, udp(11211, 1, "-k", KEY),
         "1 outstanding", "kv-posix", "kv_get_1"),
    Load("udp_echo_exos", "echo", 5000, udp(7, 1), "64 bytes", "echo"),
    Load("udp_echo_exos_32", "echo", 20000, udp(7, 32),
         "64 bytes, 32 outstanding", "echo"),
    Load("http_small_exos", "httpsmall", 20000, http(30),
         "612 bytes, 30 kept connections", "httpsmall"),
    Load("httpd_keepalive", "httpd", 20000, http(30),
         "612 bytes, 30 kept connections", "nginx"),
    Load("httpd_keepalive_1", "httpd", 4000, http(1), "1 kept connection",
         "nginx"),
    Load("httpd_close", "httpd", 6000, http(30, close=True),
         "a connection for each request, 30 clients", "nginx"),
    Load("httpd_close_1", "httpd", 2000, http(1, close=True),
         "a connection for each request, 1 client", "nginx"),
)
BY_NAME = {load.name: load for load in LOADS}
RATE = "httpd_keepalive"  # its requests a second are compared, too

WEB = {"httpsmall", "httpd", "nginx"}
KV = {"kv", "kv-posix"}
MEMORY = {"netd": "256K", "kv": "4M", "kv-posix": "4M", "echo": "4M",
          "httpsmall": "8M", "httpd": "8M"}
ARGS = {"kv-posix": ["-m", "1"], "httpd": ["-r", "/"]}


def loads_of(key):
    """Loads by server, or by what is beside them, in order."""
    found = {}
    for load in LOADS:
        if key(load):
            found.setdefault(key(load), []).append(load)
    return found.items()


def app(tree, server):
    """The table of the manifest."""
    table = {"image": server, "memory": MEMORY[server],
             "args": ARGS.get(server, [])}
    if server == "httpd":
        table["files"] = str(tree.root / "apps/site")
    return table


def prepare(server):
    """What a server needs before it is asked."""
    if server in WEB:
        servers.wait_for(80)
    if server in KV:
        servers.kv_set(KEY, b"x" * 32)


def measure_load(tree, counters, load):
    """(Counts for each request, requests a second)."""
    load.client(tree, load.count // WARM)
    before = counters.read()
    rate = load.client(tree, load.count)
    return counters.read().minus(before).per(load.count), rate


def add(out, name, counts, rate, text, **more):
    out.add(name, counts.insn, "insn", user=counts.user,
            crossings=counts.crossings, rep=counts.rep, cr3=counts.cr3,
            rate=rate, **more, what=f"({text})")


def ratio(out, value, to):
    """How many times the value of figure `to` it is, as details of a figure;
    none if that was not measured."""
    base = out.figures.get(to, {}).get("value")
    return {"ratio": value / base, "to": to} if base else {}


def measure_exo(tree, out):
    for server, loads in loads_of(lambda load: load.server):
        with servers.Exo(tree, app(tree, server)) as machine:
            prepare(server)
            for load in loads:
                try:
                    counts, rate = measure_load(tree, machine.counters, load)
                except ExoError as error:
                    out.fail(f"{load.name}: {error}")
                    continue
                add(out, load.name, counts, rate, load.text,
                    **ratio(out, counts.insn, load.over))


def compare_kv(out):
    """How many times fewer instructions the key-value server without a stack
    takes than the same one on exos."""
    found = ratio(out, out.figures.get("kv_exos", {}).get("value", 0),
                  "kv_get")
    if found.get("ratio"):
        out.add("kv_ratio", found["ratio"], "times", what="(kv_exos / kv_get)")


def measure_httpd(tree, out):
    """Memory before the first request; requests a second, without plugin."""
    load = BY_NAME[RATE]
    with servers.Exo(tree, app(tree, "httpd"), counted=False) as machine:
        out.add("httpd_idle_memory", machine.pages_used() * 4, "KiB")
        prepare("httpd")
        load.client(tree, load.count // WARM)
        out.add("httpd_rate", load.client(tree, load.count), "requests/s")


def measure_sizes(tree, out):
    for server in MEMORY:
        path = tree.app(server)
        out.add(f"{server}_image", path.stat().st_size, "bytes",
                stripped=size.loaded_bytes(path))


def measure(tree, out, _names=()):
    measure_sizes(tree, out)
    try:
        servers.in_namespace(lambda: (measure_exo(tree, out),
                                      compare_kv(out),
                                      measure_httpd(tree, out)))
    except servers.NoNetwork as error:
        out.note(f"servers are not measured: {error}")


def show(tree, load):
    """Print which functions a load's instructions are in, of the kernel and of
    the server, for each request."""
    def work():
        table = app(tree, load.server)
        with servers.Exo(tree, table, profiled=True) as machine:
            prepare(load.server)
            load.client(tree, load.count // WARM)
            before = machine.counters.executions()
            load.client(tree, load.count)
            after = machine.counters.executions()
        return {address: number - before.get(address, 0)
                for address, number in after.items()}

    print(f"# {load.name}: executions for each request, of {load.count}")
    profile.show_functions(tree, load.server, servers.in_namespace(work),
                           load.count)


def measure_guest(tree, made, out, beside, loads):
    with servers.Linux(tree, made, beside) as machine:
        prepare(beside)
        for load in loads:
            counts, rate = measure_load(tree, machine.counters, load)
            add(out, f"linux.{load.name}", counts, rate,
                f"{beside}: {load.text}",
                **ratio(out, counts.insn, load.name))


def measure_guest_rate(tree, made, out):
    load = BY_NAME[RATE]
    with servers.Linux(tree, made, load.beside, counted=False):
        prepare(load.beside)
        load.client(tree, load.count // WARM)
        rate = load.client(tree, load.count)
    ours = out.figures.get("httpd_rate", {}).get("value")
    ratio = {"ratio": ours / rate, "to": "httpd_rate"} if ours else {}
    out.add(f"linux.{load.beside}_rate", rate, "requests/s", **ratio)


def measure_linux(tree, out, _names=()):
    """The same loads on a Linux guest."""
    try:
        made = linux.prepare(tree)
        servers.in_namespace(lambda: (
            [measure_guest(tree, made, out, beside, loads)
             for beside, loads in loads_of(lambda load: load.beside)],
            measure_guest_rate(tree, made, out)))
    except (servers.NoNetwork, linux.NoGuest) as error:
        out.note(f"Linux' servers are not measured: {error}")
