# SPDX-License-Identifier: MIT
"""The card on an emulator's command line, and ports of this host."""

import socket
import unittest

from support import ExoError, Tree

from exo import manifest, network

WEB = '[[app]]\nname = "web"\nimage = "hello"\n'


class Cards(Tree):
    def card(self, text, **more):
        plan = manifest.parse(text, directory=self.root)
        return network.Card(plan.net, plan.apps, **more)

    def test_user_network_forwards_what_is_published(self):
        card = self.card(WEB + 'publish = ["8080:80", "0.0.0.0:5353:53/udp"]')
        net, device = card.qemu("pc")[1::2]
        self.assertIn("user,id=net0,net=10.0.2.0/24,host=10.0.2.2", net)
        self.assertIn("hostfwd=tcp:127.0.0.1:8080-10.0.2.15:80", net)
        self.assertIn("hostfwd=udp:0.0.0.0:5353-10.0.2.15:53", net)
        self.assertTrue(device.startswith("virtio-net-pci,netdev=net0,mac="))

    def test_models(self):
        card = self.card(WEB, model="e1000")
        self.assertIn("e1000,netdev=net0", card.qemu("q35")[3])
        with self.assertRaisesRegex(ExoError, "no PCI bus"):
            card.qemu("microvm")
        self.assertIn("virtio-net-device,", self.card(WEB).qemu("microvm")[3])

    def test_other_cables(self):
        self.assertEqual(self.card(WEB, how="tap=tap0").qemu("pc")[1],
                         "tap,id=net0,ifname=tap0,script=no,downscript=no")
        self.assertEqual(
            self.card(WEB, how="socket=listen=:1234").qemu("pc")[1],
            "socket,id=net0,listen=:1234")
        for bad in ("tap", "tap=", "tap=a,b", "socket", "vde=x", ""):
            with self.assertRaisesRegex(ExoError, "say user, tap=NAME"):
                self.card(WEB, how=bad)

    def test_bochs(self):
        self.assertIn("hostfwd = tcp:127.0.0.1:81-10.0.2.15:80\n",
                      self.card(WEB + 'publish = ["81:80"]').slirp())
        with self.assertRaisesRegex(ExoError, "user networking only"):
            self.card(WEB, how="tap=t").slirp()
        with self.assertRaisesRegex(ExoError, "Bochs' user networking is"):
            self.card('[network]\nsubnet = "10.1.0.0/24"\n' + WEB).slirp()


class Ports(Tree):
    def plan(self, port, protocol="tcp"):
        return manifest.parse(WEB + f'publish = ["{port}:80/{protocol}"]',
                              directory=self.root)

    @staticmethod
    def check(plan):
        network.check_free(plan.apps, "./exo up {} x")

    def test_a_port_in_use_is_named(self):
        for kind, protocol in ((socket.SOCK_STREAM, "tcp"),
                               (socket.SOCK_DGRAM, "udp")):
            with socket.socket(socket.AF_INET, kind) as other:
                other.bind(("127.0.0.1", 0))
                if protocol == "tcp":
                    other.listen()
                port = other.getsockname()[1]
                with self.assertRaisesRegex(
                        ExoError, f"web cannot be published at 127.0.0.1:"
                        f"{port}/{protocol}: another program has that port"):
                    self.check(self.plan(port, protocol))
            self.check(self.plan(port, protocol))

    def test_an_address_this_host_lacks(self):
        plan = manifest.parse(WEB + 'publish = ["192.0.2.1:8080:80"]',
                              directory=self.root)
        with self.assertRaisesRegex(ExoError, "does not have that address"):
            self.check(plan)


if __name__ == "__main__":
    unittest.main()
