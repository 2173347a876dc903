# SPDX-License-Identifier: MIT
"""The command line: one function for each verb.

Mistakes of the user end in ExoError and exit status 2, never in a traceback
(EXO_DEBUG=1 shows it). Exit statuses are listed in docs/management.md.
"""

import argparse
import difflib
import os
import pathlib
import signal
import sys
import traceback

from . import (Bad, ExoError, doctor, image, manifest, network, operate, pcap,
               session, state)

_EPILOG = """\
examples:
  ./exo up demo                        the demonstration, Ctrl-A X ends it
  ./exo run hello -- world             one application; exits with its status
  ./exo run --smp 2 --mem 64M hello cruncher
  ./exo run -p 8080:80 httpd           and from the host: curl localhost:8080
  ./exo top                            what runs, from another terminal
  ./exo pcap web --seconds 10          its packets, for Wireshark
  ./exo image -o demo.iso apps/demo.toml
"""


def main(arguments):
    """Run one command; returns the exit status."""
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _terminated)
        options, rest = _split(arguments)
        parser = _parser()
        _known_verb(parser, options)
        args = parser.parse_args(options)
        if rest and args.verb != "run":
            raise ExoError(f"{args.verb} takes nothing behind --")
        args.program_args = rest
        return args.act(args) or 0
    except ExoError as error:
        return _sorry(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except Exception as error:
        return _sorry(f"{type(error).__name__}: {error}\nThis looks like a "
                      "defect of exo itself; EXO_DEBUG=1 shows where.")


def _terminated(number, _frame):
    sys.exit(128 + number)


def _sorry(text):
    if os.environ.get("EXO_DEBUG"):
        traceback.print_exc()
    first, *rest = text.splitlines() or ["failed"]
    print(f"exo: {first}", *(f"     {line}" for line in rest), sep="\n",
          file=sys.stderr)
    return 2


def _split(arguments):
    """What is behind -- belongs to the application."""
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1:]


def _known_verb(parser, options):
    if not options:
        parser.print_help()
        raise ExoError("a verb is missing (see above)")
    verbs = parser.get_default("verbs")
    if not options[0].startswith("-") and options[0] not in verbs:
        near = difflib.get_close_matches(options[0], verbs, 1)
        raise ExoError(f"no verb {options[0]}; "
                       + (f"did you mean {near[0]}?" if near else
                          f"there is {', '.join(verbs)}"))


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ExoError(f"{message}\nhelp: {self.prog} --help")


def _parser():
    parser = _Parser(
        prog="./exo", epilog=_EPILOG, allow_abbrev=False,
        description="Run, watch and debug applications on the Exo exokernel.",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name, act, text, *options):
        sub = verbs.add_parser(name, help=text, description=text + ".",
                               allow_abbrev=False)
        for add in options:
            add(sub)
        sub.set_defaults(act=act)
        return sub

    for add in (_starting, _operating, _studying, _files):
        add(verb)
    parser.set_defaults(verbs=list(verbs.choices))
    return parser


def _starting(verb):
    """Verbs that start machines."""
    sub = verb("run", _run, "run applications with an ad-hoc manifest",
               _machine, _ad_hoc)
    sub.add_argument("apps", nargs="+", metavar="APP", help="a program of "
                     "build/apps/, or a path; arguments follow behind --")
    sub = verb("up", _up, "start the machine of a manifest", _machine)
    sub.add_argument("-d", "--detach", action="store_true",
                     help="start it in the background")
    sub.add_argument("--stay", action="store_true", help="background "
                     "applications that publish ports keep the machine up; "
                     "so it is with -d, and at a terminal")
    sub.add_argument("-p", "--publish", action="append", default=[],
                     metavar="HOSTPORT:PORT[/udp]", help="another port of "
                     "this host for a port that the manifest publishes")
    _file(sub)


def _operating(verb):
    """Verbs for machines that run."""
    verb("ps", operate.ps, "list the applications of a machine", _name)
    sub = verb("top", operate.top, "show CPU time and memory", _name)
    sub.add_argument("--once", action="store_true", help="show it one time")
    sub = verb("logs", operate.logs, "show an application's output", _name,
               _app)
    sub.add_argument("-f", "--follow", action="store_true",
                     help="from the start, and go on as it comes")
    verb("stop", operate.stop, "ask an application to end", _name, _app)
    verb("kill", operate.kill, "destroy an application", _name, _app)
    sub = verb("shutdown", operate.shutdown, "stop all and switch off", _name)
    sub.add_argument("--force", action="store_true",
                     help="end the emulator without asking init")


def _studying(verb):
    """Verbs that look into them."""
    sub = verb("mortem", operate.post_mortem,
               "show what applications died of", _name)
    sub.add_argument("app", nargs="?", metavar="APP")
    sub.add_argument("--json", action="store_true", help="as JSON")
    sub = verb("trace", operate.record, "record what all CPUs do, for "
               "ui.perfetto.dev", _name)
    sub.add_argument("-o", dest="output", default="trace.json",
                     metavar="FILE", help="trace.json unless given")
    sub.add_argument("--seconds", type=_seconds, default=1.0, metavar="N",
                     help="how long to record (1)")
    sub = verb("pcap", pcap.capture, "capture what an application receives "
               "and sends, for Wireshark", _name, _app)
    sub.add_argument("-o", dest="output", metavar="FILE",
                     help="APP.pcapng unless given; - is the standard output")
    sub.add_argument("--seconds", type=_seconds, metavar="N",
                     help="how long; until Ctrl-C unless given")
    sub = verb("gdb", session.gdb, "debug the running machine, or a new one "
               "that waits before its first instruction", _machine)
    sub.add_argument("what", nargs="*", metavar="APP|FILE",
                     help="start a machine of this instead of attaching")


def _files(verb):
    """Verbs that need no machine."""
    sub = verb("image", _image, "write a bootable image (BIOS and UEFI)")
    sub.add_argument("-o", dest="output", required=True, metavar="FILE")
    sub.add_argument("--format", choices=("iso", "raw"), default="iso",
                     help="raw: a disk image of whole MiB")
    sub.add_argument("--bios-only", action="store_true",
                     help="no UEFI part: 1 MB instead of 20")
    sub.add_argument("--append", default="", metavar="OPTIONS",
                     help="kernel options")
    _file(sub)
    sub = verb("check", _check, "check a manifest")
    sub.add_argument("--flat", action="store_true",
                     help="print what init gets")
    _file(sub)
    verb("doctor", lambda _: doctor.check(), "check tools and versions, say "
         "what to install")


def _machine(sub):
    group = sub.add_argument_group("machine")
    group.add_argument("--name", help="a name for the machine, for several at "
                       "a time")
    group.add_argument("--kernel", metavar="FILE", help="another kernel than "
                       "build/exokernel.elf")
    group.add_argument("--bochs", action="store_true",
                       help="use Bochs instead of QEMU")
    group.add_argument("--smp", type=_count, metavar="N", help="CPUs")
    group.add_argument("--mem", type=_size, metavar="SIZE", help="memory, "
                       "like 64M")
    group.add_argument("--machine", metavar="TYPE",
                       help="pc, q35 or microvm (QEMU)")
    group.add_argument("--kvm", action="store_true", help="use KVM")
    group.add_argument("--icount", action="store_true", help="one instruction "
                       "is one nanosecond: slow, repeatable")
    group.add_argument("--net", metavar="WHERE", help="what the network card "
                       "is connected to: user (no privilege needed), "
                       "tap=NAME, socket=OPTIONS, or none: no card")
    group.add_argument("--card", choices=network.CARDS, help="the network "
                       "card (virtio)")
    group.add_argument("--timeout", type=_seconds, metavar="S",
                       help="end after so many seconds, exit 124")
    group.add_argument("--append", default="", metavar="OPTIONS",
                       help='more kernel options, like "slots=64"')


def _ad_hoc(sub):
    group = sub.add_argument_group("application")
    group.add_argument("--memory", metavar="SIZE[:LIMIT]",
                       help="reserved memory and limit of each (256K; 4M on "
                       "libos/exos)")
    group.add_argument("--cpu", metavar="SHARE", help='slots, or a share '
                       'like "25%%", of each')
    group.add_argument("--restart", choices=manifest.RESTART,
                       default="never")
    group.add_argument("-p", "--publish", action="append", default=[],
                       metavar="[HOSTPORT:]PORT[/udp]", help="make a port of "
                       "the application a port of this host; may be repeated")
    group.add_argument("-n", "--network", action="store_true",
                       help="give each application an address, though no "
                       "port of it is published")
    group.add_argument("--env", type=_variable, action="append", default=[],
                       metavar="NAME=VALUE", help="an environment variable of "
                       "programs on exos; may be repeated")
    group.add_argument("--files", metavar="DIR", help="what programs on exos "
                       "find in their root directory")


def _file(sub):
    sub.add_argument("file", metavar="FILE", help="a manifest; a bare NAME is "
                     "apps/NAME.toml")


def _name(sub):
    sub.add_argument("--name", metavar="MACHINE", help="which machine, when "
                     "several run")


def _app(sub):
    sub.add_argument("app", metavar="APP")


def _size(text):
    try:
        size = manifest.size(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size; write a number and K, M or G") from None
    if not 4 << 20 <= size <= 1 << 40 or size % (1 << 20):
        raise argparse.ArgumentTypeError("must be 4M to 1T in whole MiB")
    return size


def _variable(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _count(text):
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 to 64")
    return int(text)


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def _run(args):
    return session.run(args, session.ad_hoc(args), args.apps[0], alone=True)


def _up(args):
    path = manifest.find(args.file)
    plan = manifest.load(path, args.mem, args.smp)
    try:
        network.republish(plan.apps, args.publish)
    except Bad as bad:
        raise ExoError(str(bad)) from None
    if args.detach:
        return session.detach(args, path)
    if args.stay or session.at_terminal():
        plan.stay()
    return session.run(args, plan, path.stem, alone=False)


def _check(args):
    path = manifest.find(args.file)
    plan = manifest.load(path)
    if args.flat:
        sys.stdout.write(plan.flat())
    else:
        print(f"{path}: {len(plan.apps)} applications, good")
        for line in operate.places(plan.apps):
            print(line)


def _image(args):
    path = manifest.find(args.file)
    plan = manifest.load(path)
    out = pathlib.Path(args.output)
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise ExoError(f"cannot write {out}: it is a directory, or lies in "
                       "none")
    words = " ".join([*plan.options, args.append]).strip()
    print(f"exo: building {out} ...", file=sys.stderr, flush=True)
    image.make(out, state.built(state.KERNEL), plan.modules(), words,
               efi=not args.bios_only)
    if args.format == "raw":
        length = out.stat().st_size
        os.truncate(out, -(-length // (1 << 20)) << 20)
    where = "BIOS" if args.bios_only else "BIOS and UEFI"
    print(f"exo: {out}: {out.stat().st_size / 1e6:.1f} MB, boots with {where}",
          file=sys.stderr)
