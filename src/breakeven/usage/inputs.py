"""
Where logs come from: files, folders, globs, standard input, web addresses, object stores and a live table.

Everything given becomes a list of logs, each with a name to show, a place for messages, and a way to open it. Nothing
is fetched that was not named. Addresses are read through fsspec, but http(s), which Python can read by itself.
"""

import errno
import glob
import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from breakeven.errors import LogError
from breakeven.usage.spend_table import SCHEMES, SpendTable

STDIN = "-"
WEB = ("http", "https")
TIMEOUT_S = 60.0
REMEMBERED_BYTES = 128 * 1024 * 1024
"""How much of standard input is kept to look at its beginning; more than the longest line that is looked at."""

PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "hf": "huggingface_hub",
    "sftp": "paramiko",
    "oci": "ocifs",
}
"""Scheme of an address -> the package fsspec reads it with."""


class Watch(Protocol):
    """Told how reading goes on."""

    def total(self, size: int | None) -> None:
        """Before reading: bytes of all logs together, None where that is not known."""

    def read(self, name: str, count: int) -> None:
        """So many bytes of a log more have been read."""

    def rows(self, count: int) -> None:
        """So many rows more have been counted."""

    def step(self, words: str) -> None:
        """What is done now, after reading."""

    def part(self, share: float) -> None:
        """So much of that step is done. [1]"""


@dataclass(eq=False)
class LogFile:
    """
    One log.

    place : as it was given, for messages.
    name : as it is shown: without folders, or below the folder that was given.
    opener : opens its bytes; called again for another pass.
    path : where it is on this machine, None where it is not.
    size : None where it is not known. [bytes]
    watch : told of what is read.
    """

    place: str
    name: str
    opener: Callable[[], IO[bytes]]
    path: Path | None = None
    size: int | None = None
    watch: Watch | None = None
    told: int = 0
    """How much of it ``watch`` knows of. [bytes]"""
    digest: str = ""
    """SHA-256 of the last pass over all of it, in hexadecimal."""

    def __str__(self) -> str:
        return self.place

    def open(self) -> IO[bytes]:
        """Its bytes as they are, packed or not. Raises LogError where it is missing, a folder or cannot be read."""
        try:
            return _Told(self.opener(), self)  # type: ignore[return-value]
        except OSError as error:
            fault = error.strerror or type(error).__name__
        except LogError:
            raise
        except Exception as error:  # whatever the packages of an object store may raise
            fault = type(error).__name__
        raise LogError(f"{self.place}: cannot be opened: {fault}")

    def sha256(self) -> str:
        """SHA-256 of its bytes, in hexadecimal; of a log that cannot be read again, of what has been read."""
        if self.path is None:
            return self.digest
        with self.path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()

    def local(self, folder: Path) -> Path:
        """Where it is on this machine; what is not there is copied into a private folder first."""
        if self.path is None:
            copy = folder / f"log-{id(self)}"
            with self.open() as source, copy.open("xb") as target:
                while piece := source.read(1 << 20):
                    target.write(piece)
            self.path = copy
        return self.path


def as_log(file: "str | os.PathLike[str] | LogFile") -> LogFile:
    """One log, of which it is known that it is no folder, glob or address."""
    if isinstance(file, LogFile):
        return file
    path = Path(file)
    return _local(path, path.name)


def find_logs(given: Iterable["str | os.PathLike[str] | LogFile"]) -> list[LogFile]:
    """
    The logs that are meant, in the order given; those of a folder or glob by name.

    Parameters
    ----------
    given : iterable
        Files, folders (all files below, hidden ones left out), globs (``**`` for any depth), addresses of any kind
        fsspec reads (``s3://bucket/logs/*.gz``), ``-`` for standard input, or the address of a PostgreSQL database with
        LiteLLM's spend table, see ``spend_table.py``.

    Raises
    ------
    LogError
        There is no such file, nothing matches, or a package is missing; the message says which.
    """
    found: list[LogFile] = []
    for each in given:
        if isinstance(each, LogFile):
            found.append(each)
        elif str(each) == STDIN:
            if any(log.place == "standard input" for log in found):
                raise LogError("Standard input (-) was given twice")
            found.append(_standard_input())
        elif isinstance(each, str) and each.startswith(SCHEMES):
            table = SpendTable(each)
            found.append(LogFile(table.place, table.name, table.open))
        elif isinstance(each, str) and "://" in each:
            found += _remote(each)
        else:
            found += _on_disk(Path(each))
    return found


def _on_disk(path: Path) -> Iterator[LogFile]:
    if path.is_dir():
        files = _once(_below(path))
        if not files:
            raise LogError(f"{path}: the folder holds no files; hidden ones are left out")
        yield from (_local(file, file.relative_to(path).as_posix()) for file in files)
    elif path.is_file():
        yield _local(path, path.name)
    elif path.exists():  # a pipe or a device, e.g. of <(command) in a shell
        yield LogFile(str(path), path.name, _Replay(path.open("rb")))
    elif glob.has_magic(str(path)):
        pattern = str(path)
        matches = [Path(match) for match in glob.glob(pattern, recursive=True)]  # noqa: PTH207 (it may be absolute)
        files = _once(match for match in matches if match.is_file())
        if not files:
            raise LogError(f"{path}: no file matches; quote the pattern, ** goes down any number of folders")
        base = os.path.commonpath([file.parent for file in files])
        yield from (_local(file, file.relative_to(base).as_posix()) for file in files)
    elif str(path).startswith("--"):
        raise LogError(f"{path}: neither a file nor an option; breakeven logs --help lists the options")
    else:
        raise LogError(f"{path}: no such file")


def _once(files: Iterable[Path]) -> list[Path]:
    """The files by name; of several names of one file, through links, the one with the fewest folders."""
    found: dict[Path, Path] = {}
    for file in sorted(files, key=lambda file: (len(file.parts), file.is_symlink(), file)):
        found.setdefault(file.resolve(), file)
    return sorted(found.values())


def _below(folder: Path) -> Iterator[Path]:
    """Every file below a folder that is not hidden, nor in a hidden folder. Raises LogError for one that is closed."""

    def closed(error: OSError) -> None:
        raise LogError(f"{error.filename}: cannot be opened: {error.strerror}")

    for place, folders, names in os.walk(folder, onerror=closed):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not name.startswith(".") and Path(place, name).is_file())


def _local(path: Path, name: str) -> LogFile:
    if path.is_dir():
        raise LogError(f"{path}: is a folder; give the log files in it")
    if not path.is_file():
        raise LogError(f"{path}: no such file")
    return LogFile(str(path), name, lambda: path.open("rb"), path, path.stat().st_size)


def _standard_input() -> LogFile:
    if sys.stdin.isatty():
        raise LogError("Standard input (-) is a terminal; pipe a log into it, e.g. zcat calls.gz | breakeven logs -")
    return LogFile("standard input", "-", _Replay(sys.stdin.buffer))


def _remote(address: str) -> Iterator[LogFile]:
    scheme, _, rest = address.partition("://")
    if scheme in WEB:
        yield LogFile(_shown(address), _last(rest), lambda: _web(address))
        return
    system, root = _filesystem(scheme, address)
    try:
        base, infos = _objects(system, root, rest)
    except Exception as error:  # whatever the packages of an object store may raise
        fault = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {type(error).__name__}"
        raise LogError(f"{_shown(address)}: {fault}") from None
    if not infos:
        raise LogError(f"{_shown(address)}: no file matches")
    for file, size in infos:
        place = f"{scheme}://{file.lstrip('/')}"
        yield LogFile(place, file[len(base) :].strip("/"), _remote_opener(system, file), None, size)


def _objects(system: Any, root: str, given: str) -> tuple[str, list[tuple[str, int | None]]]:
    """
    The folder that names are told below, and each object that is meant with its size [bytes], by one listing.

    An object without a name, which consoles make to show a folder, is none; nor is a hidden one.
    """
    found: dict[str, Any] = {}
    base = system._parent(root).rstrip("/")
    if glob.has_magic(given):
        found = system.glob(root, detail=True)
        if found:
            base = os.path.commonpath([system._parent(file) for file in found])
    if not found and system.isdir(root):
        found = system.find(root, detail=True)
        base = root.rstrip("/")
    elif not found and (system.exists(root) or not glob.has_magic(given)):
        found = {root: system.info(root)}
    files = [(file, info.get("size")) for file, info in sorted(found.items()) if info.get("type") != "directory"]
    return base, [(file, size) for file, size in files if not file.endswith("/") and not _hidden(file[len(base) :])]


def _remote_opener(system: Any, file: str) -> Callable[[], IO[bytes]]:
    opened: Callable[[], IO[bytes]] = lambda: system.open(file, "rb")  # noqa: E731
    return opened


def _filesystem(scheme: str, address: str) -> tuple[Any, str]:
    """fsspec's file system for a kind of address, and the address as it names it there."""
    try:
        import fsspec  # type: ignore[import-untyped]
    except ImportError:
        more = f" {PACKAGES[scheme]}" if scheme in PACKAGES else ""
        needed = f"pip install 'breakeven[remote]'{more}"
        raise LogError(f"{_shown(address)}: reading {scheme}:// needs more packages; install them: {needed}") from None
    try:
        system, root = fsspec.core.url_to_fs(address)
    except ImportError:
        package = PACKAGES.get(scheme, f"the package that fsspec reads {scheme}:// with")
        raise LogError(
            f"{_shown(address)}: reading {scheme}:// needs one more package; install it: pip install {package}"
        ) from None
    except ValueError:
        raise LogError(f"{_shown(address)}: {scheme}:// is no kind of address that can be read") from None
    except Exception as error:
        raise LogError(f"{_shown(address)}: cannot be read: {type(error).__name__}") from None
    return system, root


def _web(address: str) -> IO[bytes]:
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        answer: IO[bytes] = urlopen(address, timeout=TIMEOUT_S)
    except HTTPError as error:
        raise LogError(f"{_shown(address)}: the server answers {error.code} {error.reason}") from None
    except URLError as error:
        raise LogError(f"{_shown(address)}: cannot be reached: {type(error.reason).__name__}") from None
    return answer


def _shown(address: str) -> str:
    """An address without what may be secret in it: user, password and query."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


def _last(path: str) -> str:
    return path.partition("?")[0].rstrip("/").rpartition("/")[2] or path.partition("/")[0]


def _hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


class _Told(io.RawIOBase):
    """The bytes of a log, counted and hashed on their way."""

    def __init__(self, raw: IO[bytes], log: LogFile) -> None:
        self.raw, self.log = raw, log
        self.sum = hashlib.sha256() if log.path is None else None
        self.place = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as bytes go. Returns how many there were, 0 at the end."""
        piece = memoryview(buffer)
        count: int = self.raw.readinto(piece) or 0  # type: ignore[attr-defined]
        self.place += count
        if self.sum is not None:
            self.sum.update(piece[:count])
        if not count and len(piece) and getattr(self.raw, "length", 0):  # of an HTTP answer: what is still to come
            raise ConnectionError(errno.ECONNRESET, "the connection ended early")
        if self.log.watch is not None and self.place > self.log.told:
            self.log.watch.read(self.log.name, self.place - self.log.told)
            self.log.told = self.place
        return count

    def close(self) -> None:
        """Close what is behind it too."""
        if self.sum is not None and not self.closed:
            self.log.digest = self.sum.hexdigest()
        self.raw.close()
        super().close()


@dataclass(eq=False)
class _Replay:
    """Opens what can be read only once several times, while no more than ``REMEMBERED_BYTES`` have been read of it."""

    raw: IO[bytes]
    seen: bytearray | None = field(default_factory=bytearray)

    def __call__(self) -> IO[bytes]:
        if self.seen is None:
            raise LogError("What comes through a pipe can be read once only; write it to a file first")
        return _Pass(self)  # type: ignore[return-value]


class _Pass(io.RawIOBase):
    """One pass over a ``_Replay``: what was seen before, then what comes, which is remembered for the next."""

    def __init__(self, replay: _Replay) -> None:
        self.replay = replay
        self.again = memoryview(bytes(replay.seen or b""))

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as bytes go. Returns how many there were, 0 at the end."""
        view = memoryview(buffer)
        if len(self.again):
            count = min(len(self.again), len(view))
            view[:count], self.again = self.again[:count], self.again[count:]
            return count
        count = self.replay.raw.readinto(view) or 0  # type: ignore[attr-defined]
        seen = self.replay.seen
        if seen is not None:
            seen += view[:count]
            if len(seen) > REMEMBERED_BYTES:
                self.replay.seen = None
        return count
