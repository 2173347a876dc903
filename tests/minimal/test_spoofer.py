# SPDX-License-Identifier: MIT
"""What init's filters let an application say: its own, and nothing in the name
of others. spoofer.c tries."""

import re
import unittest

from support import LIMIT, Machine, plan

ALONE = """
[[app]]
name = "spoofer"
image = "spoofer"
address = ["10.0.2.20", "fec0::20"]
"""

SHARED = """
[[app]]
name = "netd"
image = "netd"
address = ["10.0.2.20", "fec0::20"]

[[app]]
name = "spoofer"
image = "spoofer"
address = ["10.0.2.20", "fec0::20"]
ports = ["7000/udp"]
"""

ALWAYS_REFUSED = {
    "arp-answer-for-another-card", "arp-ask-from-another-card",
    "arp-answer-for-another-address", "ipv4-of-another-address",
    "ipv6-of-another-address", "neighbour-advert-for-another",
    "router-advert", "redirect", "frame-from-another-card",
    "frame-of-another-type", "advert-behind-hop-by-hop",
    "advert-behind-routing", "advert-behind-destination"}
OF_THE_OWNER = {"arp-answer", "ipv4-of-another-port", "ipv6-of-another-port",
                "neighbour-advert"}
OF_ALL = {"arp-ask", "ipv4", "ipv6", "neighbour-ask"}
FRAMES = len(ALWAYS_REFUSED | OF_THE_OWNER | OF_ALL)
CARD = ("-netdev", "user,id=net,restrict=on",
        "-device", "virtio-net-pci,netdev=net")


def said(text, **options):
    """{frame: "sent" or "refused"}, and all lines up to the last of them."""
    lines, found = [], {}
    with Machine(plan(text).modules(), **options) as m:
        m.start()
        for line in m.lines(LIMIT):
            lines.append(line.strip())
            if match := re.fullmatch(r"spoofer \| spoofer: (\S+) (sent|refused)",
                                     lines[-1]):
                found[match[1]] = match[2]
            if len(found) == FRAMES:
                break
    return found, "\n".join(lines)


class Spoofer(unittest.TestCase):
    maxDiff = None

    def check(self, text, refused, **options):
        got, lines = said(text, **options)
        allowed = (OF_ALL | OF_THE_OWNER) - refused
        self.assertEqual(got, {**dict.fromkeys(allowed, "sent"),
                               **dict.fromkeys(refused, "refused")}, lines)

    def test_who_has_an_address_speaks_for_it_alone(self):
        self.check(ALONE, ALWAYS_REFUSED, extra=CARD)

    def test_the_same_without_a_card(self):
        self.check(ALONE, ALWAYS_REFUSED)

    def test_who_has_ports_speaks_for_these_alone(self):
        self.check(SHARED, ALWAYS_REFUSED | OF_THE_OWNER, extra=CARD)


if __name__ == "__main__":
    unittest.main()
