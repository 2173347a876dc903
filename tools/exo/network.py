# SPDX-License-Identifier: MIT
"""The network of a machine: who has which address, what the host publishes,
and what that means on an emulator's command line.

Each application has an address of its own, or shares one by ports with others;
then one application without ports (netd, say) owns the rest of it. Published
ports are forwarded by the emulator's user networking, which needs no
privilege. docs/manifest.md defines the keys.
"""

import dataclasses
import errno
import ipaddress
import re
import socket

from . import Bad, ExoError

HTTP_PORTS = (80, 8000, 8080)
CARDS = ("virtio", "e1000")
MAC = "52:54:00:65:78:6f"
MAX_PORTS = 8  # ranges of one application, as the start block has room for
FIRST_HOST = 15  # where automatic addresses begin
_BOCHS_SUBNET = "10.0.2.0/24"  # what Debian's Bochs can do


@dataclasses.dataclass(frozen=True)
class Ports:
    """Ports of an address that one application has."""
    protocol: str
    first: int
    last: int

    def __str__(self):
        span = f"{self.first}" if self.first == self.last else \
            f"{self.first}-{self.last}"
        return f"{span}/{self.protocol}"

    def overlaps(self, other):
        return self.protocol == other.protocol and \
            self.first <= other.last and other.first <= self.last

    def covers(self, protocol, port):
        return self.protocol == protocol and self.first <= port <= self.last


@dataclasses.dataclass(frozen=True)
class Publish:
    """A port of the host that leads to a port of an application."""
    protocol: str
    host: str
    host_port: int
    port: int

    def is_http(self):
        """Is it a web server's, by the custom of port numbers?"""
        return self.protocol == "tcp" and self.port in HTTP_PORTS

    def where(self):
        """Where people find it."""
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host
        if self.is_http():
            return f"http://{host}:{self.host_port}/"
        return f"{host}:{self.host_port}/{self.protocol}"


@dataclasses.dataclass
class Network:
    """The subnet of a machine; the defaults are those of QEMU."""
    subnet: ipaddress.IPv4Network = ipaddress.IPv4Network("10.0.2.0/24")
    gateway: ipaddress.IPv4Address = None
    dns: ipaddress.IPv4Address = None
    subnet6: ipaddress.IPv6Network = ipaddress.IPv6Network("fec0::/64")
    gateway6: ipaddress.IPv6Address = None
    dns6: ipaddress.IPv6Address = None

    def __post_init__(self):
        self.gateway = self.gateway or self.subnet[2]
        self.dns = self.dns or self.subnet[3]
        self.gateway6 = self.gateway6 or self.subnet6[2]
        self.dns6 = self.dns6 or self.subnet6[3]

    def flat(self):
        """The block of the flat manifest, as a list of lines."""
        return ["network",
                f"  subnet4 {self.subnet.network_address} "
                f"{self.subnet.prefixlen}",
                f"  gateway4 {self.gateway}", f"  dns4 {self.dns}",
                f"  subnet6 {_hex(self.subnet6.network_address)} "
                f"{self.subnet6.prefixlen}",
                f"  gateway6 {_hex(self.gateway6)}",
                f"  dns6 {_hex(self.dns6)}", "end"]

    def subnet_of(self, address):
        return self.subnet if address.version == 4 else self.subnet6

    def taken(self):
        """Addresses that are no application's, and what they are."""
        return {self.subnet.network_address: "the subnet itself",
                self.subnet.broadcast_address: "the broadcast address",
                self.subnet6.network_address: "the subnet itself",
                self.gateway: "the gateway", self.dns: "the name server",
                self.gateway6: "the gateway", self.dns6: "the name server"}


def _hex(address):
    return f"{int(address):032x}"


def flat(app):
    """The lines of an application's block that speak of the network."""
    lines = [f"  address4 {a}" if a.version == 4 else f"  address6 {_hex(a)}"
             for a in app.address]
    return lines + [f"  port {p.protocol} {p.first} {p.last}"
                    for p in app.ports]


# Values of keys: functions of (checker, value), as in manifest.py

def _parsed(make, value, what):
    try:
        return make(value if isinstance(value, str) else "")
    except ValueError:
        raise Bad(f"{value!r} is no {what}") from None


def subnet4(_, value):
    net = _parsed(ipaddress.IPv4Network, value,
                  'IPv4 subnet like "10.0.2.0/24"')
    if not 8 <= net.prefixlen <= 28:
        raise Bad(f"{value!r}: the prefix must be 8 to 28 bits long")
    return net


def subnet6(_, value):
    net = _parsed(ipaddress.IPv6Network, value,
                  'IPv6 subnet like "fec0::/64"')
    if net.prefixlen != 64:
        raise Bad(f"{value!r}: the prefix must be 64 bits long")
    return net


def address4(_, value):
    return _parsed(ipaddress.IPv4Address, value, "IPv4 address")


def address6(_, value):
    return _parsed(ipaddress.IPv6Address, value, "IPv6 address")


def address(_, value):
    """A list of addresses; an empty one stands for "auto"."""
    if value == "auto":
        return "auto"
    texts = value if isinstance(value, list) and value else [value]
    found = [_parsed(ipaddress.ip_address, text,
                     'IP address; write one, or "auto"') for text in texts]
    versions = [a.version for a in found]
    if len(set(versions)) != len(versions):
        raise Bad("an application has at most one IPv4 and one IPv6 address")
    return found


def _port(text):
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= 65535:
        raise Bad(f"{text!r} is no port; ports are 1 to 65535")
    return int(text)


def _protocol(text, whole):
    protocol = (text or "/tcp")[1:]
    if protocol not in ("tcp", "udp"):
        raise Bad(f"{whole!r}: the protocol is tcp or udp, not {protocol}")
    return protocol


def _texts(value):
    if not isinstance(value, list) or \
            not all(isinstance(v, str) for v in value):
        raise Bad('must be a list of strings, like ["80", "53/udp"]')
    return value


def ports(_, value):
    """["80", "8000-8099/tcp", "53/udp"]"""
    result = []
    for text in _texts(value):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?(/\w+)?", text)
        if not found:
            raise Bad(f'{text!r} is no port; write "80", "53/udp" or '
                      '"8000-8099/tcp"')
        first, last = _port(found[1]), _port(found[2] or found[1])
        if last < first:
            raise Bad(f"{text!r}: the range ends before it begins")
        one = Ports(_protocol(found[3], text), first, last)
        if any(one.overlaps(other) for other in result):
            raise Bad(f"{text!r} is named twice")
        result.append(one)
    if len(result) > MAX_PORTS:
        raise Bad(f"{len(result)} ports or ranges; at most {MAX_PORTS}")
    return result


def published(text):
    """One published port: [HOST:]HOSTPORT:PORT[/udp], or PORT[/udp]."""
    found = re.fullmatch(r"(?:(?:(\d+\.\d+\.\d+\.\d+):)?(\d+):)?(\d+)(/\w+)?",
                         text)
    if not found:
        raise Bad(f'{text!r} is no port to publish; write "8080:80", '
                  '"127.0.0.1:5353:53/udp" or "7"')
    host = str(address4(None, found[1] or "127.0.0.1"))
    port = _port(found[3])
    return Publish(_protocol(found[4], text), host,
                   _port(found[2] or found[3]), port)


def publish(_, value):
    return [published(text) for text in _texts(value)]


SCHEMA = {"subnet": subnet4, "gateway": address4, "dns": address4,
          "subnet6": subnet6, "gateway6": address6, "dns6": address6}


# What only shows when all applications are known

def settle(network, apps):
    """Give automatic addresses; yields a sentence for every problem."""
    for app in apps:
        if app.address == [] and (app.publish or app.ports):
            app.address = "auto"
        if app.address == "auto" and app.ports:
            yield f'app "{app.name}": ports needs an address to share; ' \
                'say address = "10.0.2.20", say'
            app.address = []
    yield from _assign(network, apps)
    for app in apps:
        yield from _fits(network, app)
    yield from _shares(apps)
    yield from _publishes(apps)


def _assign(network, apps):
    used = {a for app in apps if app.address != "auto" for a in app.address}
    used |= set(network.taken())
    number = FIRST_HOST
    for app in apps:
        if app.address != "auto":
            continue
        app.address = []
        while number < network.subnet.num_addresses - 1:
            pair = [network.subnet[number], network.subnet6[number]]
            number += 1
            if not used & set(pair):
                app.address = pair
                break
        else:
            yield f'app "{app.name}": no address is left in {network.subnet}'


def _fits(network, app):
    for address_ in app.address:
        subnet = network.subnet_of(address_)
        if address_ not in subnet:
            yield f'app "{app.name}": address {address_} is not in the ' \
                f"network's {subnet}"
        elif address_ in network.taken():
            yield f'app "{app.name}": address {address_} is ' \
                + network.taken()[address_]


def _shares(apps):
    """One owner for every address, no port with two."""
    owner, sharers = {}, {}
    for app in apps:
        for address_ in app.address:
            if app.ports:
                sharers.setdefault(address_, []).append(app)
            elif address_ in owner:
                yield f'app "{app.name}": "{owner[address_].name}" has ' \
                    f"address {address_} already; give them two, or ports"
            else:
                owner[address_] = app
    for address_, sharing in sharers.items():
        if address_ not in owner:
            yield f'app "{sharing[0].name}": address {address_} is shared ' \
                "by ports, so somebody must answer for the rest of it; add " \
                'an app with image = "netd" and this address'
        claims = [(app, p) for app in sharing for p in app.ports]
        for i, (app, one) in enumerate(claims):
            for other_app, other in claims[:i]:
                if other_app is not app and one.overlaps(other):
                    yield f'app "{app.name}": port {one} of {address_} is ' \
                        f'"{other_app.name}"\'s already'


def _publishes(apps):
    seen = {}
    for app in apps:
        for one in app.publish:
            if app.ports and not any(p.covers(one.protocol, one.port)
                                     for p in app.ports):
                yield f'app "{app.name}": publishes port {one.port}/' \
                    f"{one.protocol}, which is not among its ports"
            if not any(a.version == 4 for a in app.address):
                yield f'app "{app.name}": publishing needs an IPv4 address'
            key = one.protocol, one.host_port
            if key in seen:
                yield f'app "{app.name}": "{seen[key].name}" publishes ' \
                    f"port {one.host_port}/{one.protocol} already"
            seen.setdefault(key, app)


# The host's side

def republish(apps, wanted):
    """Publish ports of applications at other ports of the host than their
    manifest says; wanted: the texts of -p."""
    for one in map(published, wanted):
        places = [(app, i) for app in apps for i, old in enumerate(app.publish)
                  if (old.protocol, old.port) == (one.protocol, one.port)]
        if len(places) != 1:
            many = "several applications publish" if places else \
                "no application publishes"
            raise Bad(f"-p {one.host_port}:{one.port}: {many} port "
                      f"{one.port}/{one.protocol}; -p chooses another port of "
                      "this host for what the manifest publishes")
        app, i = places[0]
        app.hint = re.sub(rf"\b{app.publish[i].host_port}\b",
                          str(one.host_port), app.hint)
        app.publish[i] = one


def check_free(apps, command):
    """ExoError when a port to publish is somebody's on this host. command:
    what to type to publish another, with {} for its ports."""
    for app in apps:
        for one in app.publish:
            kind = socket.SOCK_STREAM if one.protocol == "tcp" else \
                socket.SOCK_DGRAM
            with socket.socket(socket.AF_INET, kind) as probe:
                if one.protocol == "tcp":
                    probe.setsockopt(socket.SOL_SOCKET,
                                     socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((one.host, one.host_port))
                except OSError as error:
                    raise ExoError(
                        _not_free(app, one, error, command)) from None


def _not_free(app, one, error, command):
    where = f"{one.host}:{one.host_port}/{one.protocol}"
    if error.errno == errno.EADDRINUSE:
        why = "another program has that port; end it, or publish another: " \
            + command.format(_forward(one, one.host_port + 1))
    elif error.errno == errno.EACCES:
        why = "ports below 1024 need privilege; publish another: " \
            + command.format(_forward(one, one.host_port + 8000))
    elif error.errno == errno.EADDRNOTAVAIL:
        why = "this host does not have that address"
    else:
        why = error.strerror
    return f"{app.name} cannot be published at {where}: {why}"


def _forward(one, host_port):
    """What -p takes to publish it at that port instead."""
    kind = "" if one.protocol == "tcp" else f"/{one.protocol}"
    return f"-p {host_port}:{one.port}{kind}"


@dataclasses.dataclass
class Card:
    """The card of a machine and what its cable leads to.

    how    "user", "tap=NAME", "socket=..." (what QEMU's -netdev socket takes)
    """
    network: Network
    apps: list
    model: str = "virtio"
    how: str = "user"

    def __post_init__(self):
        kind, _, rest = self.how.partition("=")
        good = self.how == "user" or (kind in ("tap", "socket") and rest)
        if not good or (kind == "tap" and not
                        re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", rest)):
            raise ExoError(f"--net {self.how}: say user, tap=NAME or "
                           "socket=OPTIONS, like socket=connect=127.0.0.1:4000"
                           ", or none")

    def forwards(self):
        """(protocol, host, port, address, port) of everything published."""
        for app in self.apps:
            inside = [a for a in app.address if a.version == 4]
            for one in app.publish:
                yield one.protocol, one.host, one.host_port, inside[0], one.port

    def places(self):
        """{application: [where it is published]}, for people."""
        return {app.name: [one.where() for one in app.publish]
                for app in self.apps if app.publish and self.how == "user"}

    def qemu(self, kind):
        """QEMU's arguments; kind: the machine type."""
        model = {"e1000": "e1000"}.get(self.model, "virtio-net-pci")
        if kind == "microvm":
            if self.model == "e1000":
                raise ExoError("microvm has no PCI bus for an e1000; use "
                               "--card virtio, or another --machine")
            model = "virtio-net-device"
        rom = "" if kind == "microvm" else ",romfile="
        return ["-netdev", self._netdev(), "-device",
                f"{model},netdev=net0,mac={MAC}{rom}"]

    def _netdev(self):
        if self.how != "user":
            what, _, rest = self.how.partition("=")
            if what == "tap":
                rest = f"ifname={rest},script=no,downscript=no"
            return f"{what},id=net0,{rest}"
        net = self.network
        words = ["user,id=net0", f"net={net.subnet}", f"host={net.gateway}",
                 f"dns={net.dns}", f"ipv6-net={net.subnet6}",
                 f"ipv6-host={net.gateway6}", f"ipv6-dns={net.dns6}"]
        words += ["hostfwd={}:{}:{}-{}:{}".format(*forward)
                  for forward in self.forwards()]
        return ",".join(words)

    def slirp(self):
        """The text of slirp.conf for Bochs."""
        if self.how != "user":
            raise ExoError("Bochs has user networking only; leave --net out")
        if str(self.network.subnet) != _BOCHS_SUBNET:
            raise ExoError(f"Bochs' user networking is {_BOCHS_SUBNET}; use "
                           "that subnet, or QEMU")
        lines = ["# slirp config"]
        lines += ["hostfwd = {}:{}:{}-{}:{}".format(*forward)
                  for forward in self.forwards()]
        return "\n".join(lines) + "\n"
