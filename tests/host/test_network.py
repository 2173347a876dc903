# SPDX-License-Identifier: MIT
"""The card on an emulator's command line, and ports of this host."""

import io
import socket
import threading
import unittest

from support import ExoError, Tree

from exo import Bad, manifest, network, welcome

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

    def republished(self, *wanted):
        plan = manifest.parse(
            WEB + 'publish = ["8080:80", "53:53/udp"]\n'
            'hint = "http://127.0.0.1:8080/ or 18080"\n'
            + WEB.replace("web", "two") + 'publish = ["54:53/udp"]',
            directory=self.root)
        network.republish(plan.apps, wanted)
        return plan.apps[0]

    def test_another_port_for_what_is_published(self):
        web = self.republished("127.0.0.1:81:80")
        self.assertEqual([one.where() for one in web.publish],
                         ["http://127.0.0.1:81/", "127.0.0.1:53/udp"])
        self.assertEqual(web.hint, "http://127.0.0.1:81/ or 18080")

    def test_no_other_port_for_what_is_not_or_twice(self):
        for wanted, said in (("81:81", "no application publishes port 81/tcp"),
                             ("80:80/udp", "no application"),
                             ("55:53/udp", "several applications publish")):
            with self.assertRaisesRegex(Bad, said):
                self.republished(wanted)

    def test_what_publishes_stays(self):
        plan = manifest.parse(
            WEB + 'publish = ["1:1"]\nbackground = true\n'
            + WEB.replace("web", "two") + "background = true\n"
            + WEB.replace("web", "three"), directory=self.root)
        plan.stay()
        self.assertEqual([app.background for app in plan.apps],
                         [False, True, False])


class Greeting(Tree):
    """What welcome.py says, of servers in this process."""

    def said(self, serve, *publish):
        plan = manifest.parse(WEB + f"publish = {list(publish)}\n"
                              'hint = "try it"', directory=self.root)
        out = io.StringIO()
        with socket.create_server(("127.0.0.1", self.port)) as server:
            thread = threading.Thread(target=serve, args=(server,))
            thread.start()
            with welcome.Welcome(plan.apps, ["the end"], out) as greeting:
                greeting.done.wait(60)
            thread.join(60)
        return out.getvalue()

    def setUp(self):
        super().setUp()
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]

    @staticmethod
    def answer(*texts):
        """Serves one connection for each text."""
        def serve(server):
            for text in texts:
                with server.accept()[0] as wire:
                    wire.recv(1000)
                    wire.sendall(text)
        return serve

    def test_it_waits_for_an_answer(self):
        said = self.said(self.answer(b"", b"HTTP/1.1 404 No\r\n\r\n"),
                         f"{self.port}:80", "9:9/udp")
        self.assertEqual(said.splitlines(), [
            "exo: this host reaches:",
            f"exo:   web        open http://127.0.0.1:{self.port}/  "
            "(HTTP/1.1 404 No)",
            "exo:              127.0.0.1:9/udp",
            "exo:              try it", "exo: the end"])

    def test_nothing_published_nothing_said(self):
        self.assertEqual(self.said(lambda _: None), "")


if __name__ == "__main__":
    unittest.main()
