# SPDX-License-Identifier: MIT
"""Manifests: TOML in, everything checked, flat text for init out.

docs/manifest.md defines both forms. The checker collects every problem it
finds and raises them as one ExoError, so that a user mends a file in one go.
The schema is the two tables MACHINE and APP: key -> function that takes
(checker, value) and returns the checked value.
"""

import dataclasses
import difflib
import pathlib
import re
import tomllib

from . import Bad, ExoError, archive, elf, network, state

PAGE = 4096
LIBC_MEMORY = 4 << 20  # of a program on exos, unless something is said
SLOTS = 128  # of a CPU's vector, unless a kernel option says otherwise
INIT_SLOTS = 2  # what init keeps of CPU 0
MACHINES = ("pc", "q35", "microvm")
RESTART = ("never", "on-failure", "always")
MAX_APPS, MAX_IMAGES, MAX_ARGS, MAX_ARG_BYTES = 64, 38, 31, 255
MAX_ARGS_BYTES = 1024
MAX_VARS, MAX_VARS_BYTES = 32, 1024
MAX_MODULES = 40
MAX_OPTIONS_BYTES = 512
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclasses.dataclass
class App:
    """One application; the fields are those of docs/manifest.md, memory in
    bytes, cpu as ("slots", n) or ("share", thousandths)."""
    name: str
    image: pathlib.Path
    args: list = dataclasses.field(default_factory=list)
    env: dict = dataclasses.field(default_factory=dict)
    files: pathlib.Path = None
    memory: tuple = (256 << 10, 256 << 10)
    envs: int = 16
    cpu: tuple = ("slots", 0)
    affinity: list = dataclasses.field(default_factory=list)
    restart: str = "never"
    restarts: int = 0
    may_fail: bool = False
    background: bool = False
    wx: bool = False
    seal: bool = False
    hide_info: bool = False
    address: list = dataclasses.field(default_factory=list)
    ports: list = dataclasses.field(default_factory=list)
    publish: list = dataclasses.field(default_factory=list)
    hint: str = ""

    def flat(self):
        """The block of this application, as a list of lines."""
        reserved, limit = self.memory
        lines = [f"app {self.name}", f"  image {self.image.name}"]
        lines += [f"  arg {arg}" if arg else "  arg" for arg in self.args]
        lines += [f"  var {name}={value}" for name, value in self.env.items()]
        if self.files:
            lines.append(f"  files {self.name}")
        lines += [f"  reserved {reserved // PAGE}", f"  limit {limit // PAGE}",
                  f"  envs {self.envs}", "  {} {}".format(*self.cpu)]
        if self.affinity:
            lines.append("  affinity " + " ".join(map(str, self.affinity)))
        lines.append(f"  restart {self.restart}")
        if self.restarts:
            lines.append(f"  restarts {self.restarts}")
        lines += [f"  {key} yes" for key in ("may_fail", "background", "wx",
                                             "seal", "hide_info")
                  if getattr(self, key)]
        return lines + network.flat(self) + ["end"]


@dataclasses.dataclass
class Manifest:
    """A checked manifest."""
    apps: list
    memory: int = 128 << 20
    cpus: int = 1
    type: str = "pc"
    options: list = dataclasses.field(default_factory=list)
    card: str = "virtio"
    net: network.Network = dataclasses.field(
        default_factory=network.Network)

    def stay(self):
        """Let the applications that publish ports keep the machine up."""
        for app in self.apps:
            app.background = app.background and not app.publish

    def is_networked(self):
        """Does any application have an address?"""
        return any(app.address for app in self.apps)

    def flat(self):
        """The text of boot module 1."""
        lines = ["exo-manifest 1"]
        if self.is_networked():
            lines += self.net.flat()
        for app in self.apps:
            lines += app.flat()
        return "\n".join(lines) + "\n"

    def images(self):
        """{name: path} of the distinct programs."""
        return {app.image.name: app.image for app in self.apps}

    def modules(self, init=None):
        """What to boot: [(path or bytes, string)], in order."""
        first = state.built(state.INIT) if init is None else init
        return [(first, "init"), (self.flat().encode(), "manifest")] + [
            (path, f"image {name}") for name, path in self.images().items()
        ] + [(archive.pack(app.files), f"files {app.name}")
             for app in self.apps if app.files]


def size(value):
    """Bytes of a size as the manifest writes it. ValueError if it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = re.fullmatch(r"(\d+)\s*(?:([KMGT]?)(?:i?B)?|(pages?))",
                         value if isinstance(value, str) else "")
    if not found:
        raise ValueError(value)
    number, unit, pages = found.groups()
    return int(number) * (PAGE if pages else _UNITS[unit])


def show(count):
    """A size for people."""
    for unit in "TGMK":
        if count and count % _UNITS[unit] == 0:
            return f"{count // _UNITS[unit]}{unit}"
    return f"{count} bytes"


def _size(value):
    try:
        return size(value)
    except ValueError:
        raise Bad(f"{value!r} is no size; write a number and K, M or G, "
                   'like "256K"') from None


def _integer(low, high):
    def check(_, value):
        if not isinstance(value, int) or isinstance(value, bool):
            raise Bad(f"must be a whole number, not {value!r}")
        if not low <= value <= high:
            raise Bad(f"must be {low} to {high}, not {value}")
        return value
    return check


def _one_of(*words):
    def check(_, value):
        if value not in words:
            raise Bad(f"must be one of {', '.join(words)}, not {value!r}"
                       + _like(value, words))
        return value
    return check


def _flag(_, value):
    if not isinstance(value, bool):
        raise Bad(f"must be true or false, not {value!r}")
    return value


def _texts(value):
    if not isinstance(value, list) or \
            not all(isinstance(v, str) for v in value):
        raise Bad('must be a list of strings, like ["a", "b"]')
    return value


def _machine_memory(_, value):
    count = _size(value)
    if not 4 << 20 <= count <= 1 << 40 or count % (1 << 20):
        raise Bad(f"must be 4M to 1T in whole MiB, not {value!r}")
    return count


def _options(_, value):
    for word in _texts(value):
        if not re.fullmatch(r"[!-~]+", word):
            raise Bad(f"{word!r} must be one word of printable ASCII")
    if len(" ".join(value)) > MAX_OPTIONS_BYTES:
        raise Bad(f"longer than {MAX_OPTIONS_BYTES} bytes in all")
    return value


def _name(_, value):
    if not isinstance(value, str) or \
            not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", value):
        raise Bad(f"{value!r} must be 1 to 31 of a-z, 0-9 and -, "
                   "starting with a letter")
    if value in ("init", "exo"):
        raise Bad(f"{value!r} is taken by the system; choose another")
    return value


def _image(checker, value):
    if not isinstance(value, str) or not value:
        raise Bad(f"must name a program, not {value!r}")
    path = checker.directory / value if "/" in value \
        else checker.programs / value
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,31}", path.name):
        raise Bad(f"the file name {path.name!r} must be 1 to 31 of "
                   "A-Z a-z 0-9 . _ -")
    if not path.is_file():
        if "/" not in value:
            state.built(checker.programs)
        known = sorted(p.name for p in checker.programs.glob("*"))
        hint = _like(value, known) if "/" not in value else ""
        raise Bad(f"no program {path}{hint}; build first: make")
    try:
        program = elf.Elf(path)
    except ExoError as error:
        raise Bad(str(error)) from None
    other = checker.images.setdefault(path.name, path.resolve())
    if other != path.resolve():
        raise Bad(f"{path} and {other} have one file name; rename one")
    if program.has_note:
        checker.with_libc.add(path)
    return path


def _args(_, value):
    if len(_texts(value)) > MAX_ARGS:
        raise Bad(f"{len(value)} arguments; at most {MAX_ARGS}")
    for arg in value:
        if len(arg.encode()) > MAX_ARG_BYTES:
            raise Bad(f"{arg[:20]!r}... is longer than {MAX_ARG_BYTES} bytes")
        if re.search(r"[\0-\x1f\x7f]", arg):
            raise Bad(f"{arg!r} has a control character")
    return value


def _env(_, value):
    if not isinstance(value, dict) or \
            not all(isinstance(v, str) for v in value.values()):
        raise Bad('must be a table of strings, like { TZ = "UTC" }')
    for name, text in value.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise Bad(f"{name!r} is no name of a variable: letters, digits "
                       "and _, not beginning with a digit")
        if re.search(r"[\0-\x1f\x7f]", text):
            raise Bad(f"{name}: {text!r} has a control character")
        if len(name + text) > 280:
            raise Bad(f"{name}: longer than 280 bytes with its value")
    if len(value) > MAX_VARS or MAX_VARS_BYTES < \
            sum(len(f"{n}={v}".encode()) + 1 for n, v in value.items()):
        raise Bad(f"at most {MAX_VARS} variables, {MAX_VARS_BYTES} bytes in "
                   "all")
    return value


def _files(checker, value):
    if not isinstance(value, str) or not value:
        raise Bad(f"must name a directory, not {value!r}")
    path = checker.directory / value
    if not path.is_dir():
        raise Bad(f"there is no directory {path}")
    try:
        archive.check(path)
    except ExoError as error:
        raise Bad(str(error)) from None
    return path


def _memory(checker, value):
    if not isinstance(value, dict):
        value = {"reserved": value}
    checker.known(value, ("reserved", "limit"))
    reserved = _size(value.get("reserved", "256K"))
    limit = _size(value.get("limit", reserved))
    if reserved % PAGE or limit % PAGE:
        raise Bad("sizes must be whole pages (multiples of 4K)")
    if reserved < 16 * PAGE:
        raise Bad(f"reserved must be at least 64K, not {show(reserved)}")
    if limit < reserved:
        raise Bad(f"limit {show(limit)} is below reserved {show(reserved)}")
    return reserved, limit


def _cpu(_, value):
    if isinstance(value, str):
        found = re.fullmatch(r"(\d{1,4})(?:\.(\d))?%", value)
        if not found:
            raise Bad(f'{value!r} is no share; write "25%" or "12.5%", '
                       "or a number of slots")
        share = int(found[1]) * 10 + int(found[2] or 0)
        if not share:
            raise Bad("a share of 0% is no share; leave cpu out")
        return "share", share
    return "slots", _integer(0, 64 * 1024)(None, value)


def _affinity(_, value):
    if not isinstance(value, list) or not value:
        raise Bad("must be a list of CPU numbers, like [0, 1]")
    numbers = [_integer(0, 63)(None, v) for v in value]
    if len(set(numbers)) != len(numbers):
        raise Bad("names a CPU twice")
    return sorted(numbers)


def _hint(_, value):
    if not isinstance(value, str) or \
            not re.fullmatch(r"[ -~]{1,200}", value):
        raise Bad("must be one line of at most 200 printable ASCII characters")
    return value


MACHINE = {"memory": _machine_memory, "cpus": _integer(1, 64),
           "type": _one_of(*MACHINES), "options": _options,
           "card": _one_of(*network.CARDS)}
APP = {"name": _name, "image": _image, "args": _args, "env": _env,
       "files": _files, "memory": _memory,
       "envs": _integer(1, 4096), "cpu": _cpu, "affinity": _affinity,
       "restart": _one_of(*RESTART), "restarts": _integer(0, 1000),
       "may_fail": _flag, "background": _flag, "wx": _flag, "seal": _flag,
       "hide_info": _flag, "address": network.address,
       "ports": network.ports, "publish": network.publish, "hint": _hint}


def _like(word, known):
    """ (did you mean "x"?), when something known is near."""
    near = difflib.get_close_matches(str(word), known, 1)
    return f' (did you mean "{near[0]}"?)' if near else ""


class _Checker:
    """One pass over one manifest; collects problems."""

    def __init__(self, directory, programs):
        self.directory = pathlib.Path(directory)
        self.programs = pathlib.Path(programs)
        self.images = {}
        self.with_libc = set()  # programs on exos
        self.problems = []

    def known(self, table, keys):
        for key in table:
            if key not in keys:
                raise Bad(f'unknown key "{key}"' + _like(key, keys))

    def table(self, where, table, schema):
        """The checked values of a table; problems are noted with places."""
        values = {}
        if not isinstance(table, dict):
            self.problems.append(f"{where}: must be a table")
            return values
        for key, value in table.items():
            try:
                self.known([key], schema)
                values[key] = schema[key](self, value)
            except Bad as bad:
                place = where if key not in schema else f"{where}: {key}"
                self.problems.append(f"{place}: {bad}")
        return values

    def app(self, number, table):
        name = table.get("name") if isinstance(table, dict) else None
        where = f'app "{name}"' if name else f"app number {number}"
        values = self.table(where, table, APP)
        missing = [key for key in ("name", "image")
                   if isinstance(table, dict) and key not in table]
        for key in missing:
            self.problems.append(f"{where}: {key} is missing")
        if "name" not in values or "image" not in values:
            return None
        if "memory" not in values and values["image"] in self.with_libc:
            values["memory"] = LIBC_MEMORY, LIBC_MEMORY
        app = App(**values)
        if app.wx and app.seal:
            self.problems.append(f"{where}: wx and seal exclude each other")
        if app.hide_info and (app.address or app.publish):
            self.problems.append(
                f"{where}: hide_info hides the card's address, which its "
                "network needs; leave one of the two out")
        if app.hide_info and app.image in self.with_libc:
            self.problems.append(
                f"{where}: hide_info: programs on exos read the clock in the "
                "exposed pages; leave it out")
        if app.restarts and app.restart == "never":
            self.problems.append(f"{where}: restarts without restart; say "
                                 'restart = "on-failure" or "always"')
        length = sum(len(text.encode()) + 1 for text in [app.name, *app.args])
        if length > MAX_ARGS_BYTES:
            self.problems.append(f"{where}: args: {length} bytes with the "
                                 f"name; at most {MAX_ARGS_BYTES}")
        return app

    def whole(self, manifest):
        """What only shows when all applications are known."""
        names = [app.name for app in manifest.apps]
        for name in sorted({n for n in names if names.count(n) > 1}):
            self.problems.append(f'app "{name}": the name is used twice')
        if len(names) > MAX_APPS:
            self.problems.append(f"{len(names)} apps; at most {MAX_APPS}")
        if len(manifest.images()) > MAX_IMAGES:
            self.problems.append(f"{len(manifest.images())} different images; "
                                 f"at most {MAX_IMAGES}")
        count = 2 + len(manifest.images()) + \
            sum(app.files is not None for app in manifest.apps)
        if count > MAX_MODULES:
            self.problems.append(f"{count} boot modules (init, the manifest, "
                                 "images, files of apps); at most "
                                 f"{MAX_MODULES}")
        if all(app.background for app in manifest.apps):
            self.problems.append("every app is background, so the machine "
                                 "would end at once; leave one that is not")

    def fits(self, manifest):
        """Totals against the machine. init checks again what is exact."""
        total = sum(app.memory[0] for app in manifest.apps)
        if total > manifest.memory:
            self.problems.append(
                f"the apps reserve {show(total)} in all, the machine has "
                f"{show(manifest.memory)}; reserve less or give it more")
        content = sum(archive.size(app.files) for app in manifest.apps
                      if app.files)
        if content and content + total > manifest.memory:
            self.problems.append(
                f"the files of the apps are {content >> 20} MiB, more than the "
                f"machine's {show(manifest.memory)} has room for beside what "
                "the apps reserve; give it more memory")
        wanted = 0
        for app in manifest.apps:
            if app.memory[1] > manifest.memory:
                self.problems.append(
                    f'app "{app.name}": limit {show(app.memory[1])} is more '
                    f"than the machine's {show(manifest.memory)}")
            cpus = app.affinity or range(manifest.cpus)
            if max(cpus) >= manifest.cpus:
                self.problems.append(
                    f'app "{app.name}": affinity names CPU {max(cpus)}, the '
                    f"machine has CPU 0 to {manifest.cpus - 1}")
            slots = _slots(app)
            if slots > SLOTS * len(cpus):
                self.problems.append(
                    f'app "{app.name}": cpu is {slots} slots, but its CPUs '
                    f"have {SLOTS * len(cpus)}")
            wanted += slots
        have = SLOTS * manifest.cpus - INIT_SLOTS
        if wanted > have:
            self.problems.append(f"the apps own {wanted} slots in all, the "
                                 f"machine has {have} to give")


def _slots(app):
    kind, amount = app.cpu
    return amount if kind == "slots" else max(1, amount * SLOTS // 1000)


def parse(text, where="manifest", directory=".", programs=None,
          memory=None, cpus=None):
    """Check TOML text. `where` names it in messages, `directory` is what image
    paths start from, `programs` where bare image names are looked up;
    `memory` (bytes) and `cpus` win over the manifest's machine."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExoError(f"{where}: not valid TOML: {error}") from None
    return from_tree(tree, where, directory, programs, memory, cpus)


def from_tree(tree, where, directory=".", programs=None, memory=None,
              cpus=None):
    """The same for a manifest that is already a tree of Python values."""
    checker = _Checker(directory, programs or state.BUILD / "apps")
    try:
        checker.known(tree, ("machine", "network", "app"))
    except Bad as bad:
        checker.problems.append(str(bad))
    machine = checker.table("machine", tree.get("machine", {}), MACHINE)
    net = checker.table("network", tree.get("network", {}), network.SCHEMA)
    tables = tree.get("app", [])
    if not isinstance(tables, list) or not tables:
        checker.problems.append("no application; begin one with [[app]]")
        tables = []
    apps = [checker.app(i + 1, table) for i, table in enumerate(tables)]
    manifest = Manifest([app for app in apps if app], **machine,
                        net=network.Network(**net))
    manifest.memory = memory or manifest.memory
    manifest.cpus = cpus or manifest.cpus
    if manifest.apps:
        checker.whole(manifest)
        checker.fits(manifest)
        checker.problems += network.settle(manifest.net, manifest.apps)
    if checker.problems:
        raise ExoError("\n".join(f"{where}: {p}" for p in checker.problems))
    return manifest


def load(path, memory=None, cpus=None):
    """Read and check a manifest file."""
    path = pathlib.Path(path)
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ExoError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ExoError(f"{path} is no UTF-8 text") from None
    return parse(text, str(path), path.parent, None, memory, cpus)


def find(name):
    """The path of a manifest: a bare NAME means apps/NAME.toml."""
    if "/" in name or name.endswith(".toml"):
        return pathlib.Path(name)
    path = state.ROOT / "apps" / f"{name}.toml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.toml")))
        raise ExoError(f"no manifest apps/{name}.toml; there is: "
                       f"{known or 'none'} (or give a path)")
    return path
