# SPDX-License-Identifier: MIT
"""Archives of files for applications: a directory as ustar.

The content of each file begins on a page boundary, so that a libOS can read and
map it where it is; an extended header with a comment fills the gap, and any
tar reads the result. Two runs over the same directory give the same bytes.
What an application could not use is refused here, with its place: links that
lead out, names that are too long, devices.

Sources: [POSIX.1 pax] the ustar and pax interchange formats.
"""

import os
import pathlib
import stat

from . import ExoError

BLOCK, PAGE = 512, 4096
MAX_NAME = 255  # of one part of a path


def check(directory):
    """Raise ExoError if the directory cannot be packed."""
    for _ in _members(pathlib.Path(directory)):
        pass


def size(directory):
    """About how many bytes the archive takes."""
    return sum(PAGE + info.st_size for _, _, info
               in _members(pathlib.Path(directory)) if stat.S_ISREG(info.st_mode))


def pack(directory):
    """The archive of a directory, as bytes."""
    out = bytearray()
    for name, path, info in _members(pathlib.Path(directory)):
        if stat.S_ISDIR(info.st_mode):
            out += _header(name + "/", info, "5")
        elif stat.S_ISLNK(info.st_mode):
            out += _header(name, info, "2", target=os.readlink(path))
        else:
            try:
                content = path.read_bytes()
            except OSError as error:
                raise ExoError(f"cannot read {path}: {error.strerror}") \
                    from None
            out += _filler(len(out) + BLOCK)
            out += _header(name, info, "0", len(content))
            out += content + bytes(-len(content) % BLOCK)
    return bytes(out + bytes(2 * BLOCK))


def _members(directory):
    """(name, path, lstat) of all below a directory, parents first, sorted."""
    todo = [directory]
    while todo:
        here = todo.pop()
        try:
            paths = sorted(here.iterdir())
        except OSError as error:
            raise ExoError(f"cannot read {here}: {error.strerror}") from None
        for path in paths:
            name = path.relative_to(directory).as_posix()
            info = path.lstat()
            _check(directory, name, path, info)
            yield name, path, info
            if stat.S_ISDIR(info.st_mode):
                todo.append(path)


def _check(directory, name, path, info):
    if _split(name + "/" * stat.S_ISDIR(info.st_mode)) is None or any(
            len(os.fsencode(part)) > MAX_NAME for part in name.split("/")):
        raise ExoError(f"{path}: the name is too long for an archive")
    if stat.S_ISLNK(info.st_mode):
        target = os.readlink(path)
        inside = os.path.normpath(os.path.join(os.path.dirname(name), target))
        if target.startswith("/") or inside.split("/")[0] == "..":
            raise ExoError(f"{path} is a link that leads out of {directory}")
        if len(os.fsencode(target)) > 100:
            raise ExoError(f"{path}: the link's target is longer than 100 "
                           "bytes")
    elif not stat.S_ISDIR(info.st_mode) and not stat.S_ISREG(info.st_mode):
        raise ExoError(f"{path} is neither a file, a directory nor a link")
    elif info.st_size >= 1 << 33 and stat.S_ISREG(info.st_mode):
        raise ExoError(f"{path} is larger than an archive's 8 GiB")


def _split(name):
    """(prefix, name) as ustar has them, or None: too long."""
    text = os.fsencode(name)
    if len(text) <= 100:
        return b"", text
    for at in range(len(text) - 101, min(len(text) - 1, 156)):
        if text[at:at + 1] == b"/" and at <= 155 and text[at + 1:]:
            return text[:at], text[at + 1:]
    return None


def _header(name, info, kind, count=0, target=""):
    prefix, base = _split(name)
    head = bytearray(BLOCK)

    def put(at, value):
        head[at:at + len(value)] = value

    put(0, base)
    put(100, b"%07o" % (info.st_mode & 0o7777))
    put(108, b"%07o" % 0)
    put(116, b"%07o" % 0)
    put(124, b"%011o" % count)
    put(136, b"%011o" % max(0, int(info.st_mtime)))
    put(148, b" " * 8)
    put(156, kind.encode())
    put(157, os.fsencode(target))
    put(257, b"ustar\00000")
    put(329, b"%07o" % 0)
    put(337, b"%07o" % 0)
    put(345, prefix)
    put(148, b"%06o\0 " % sum(head))
    return bytes(head)


def _filler(at):
    """A comment that makes the content after the next header, which would
    begin at `at`, begin on a page."""
    gap = -at % PAGE
    if gap == 0:
        return b""
    if gap == BLOCK:
        gap += PAGE
    room = gap - BLOCK
    text = b"%d comment=" % room
    record = text + b"-" * (room - len(text) - 1) + b"\n"
    head = _header("fill", os.stat_result((0o644,) + (0,) * 9), "x", room)
    return head + record
