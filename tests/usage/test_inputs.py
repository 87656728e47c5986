"""Where logs come from: every way to name them gives the same rows, and what is no log is left out and told."""

import datetime as dt
import gzip
import http.server
import io
import json
import os
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import duckdb
import pytest
import zstandard
from usage_logs import LOGS, chat, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.errors import LogError
from breakeven.surfaces.cli import main
from breakeven.usage import Usage, read_usage
from breakeven.usage.inputs import find_logs
from breakeven.usage.readers import gives_ids
from breakeven.usage.streams import Damaged, Unpacked

AS_OF = dt.date(2026, 11, 23)


def read(catalogue: Catalogue, *given: object, **options: object) -> Usage:
    return read_usage(given, table=catalogue.prices, as_of=AS_OF, **options)  # type: ignore[arg-type]


def counts(usage: Usage) -> list[tuple[str, str, int]]:
    return [(file.name, file.reader, file.rows) for file in usage.files]


def plain(tmp_path: Path, rows: int = 3) -> bytes:
    return write_lines(tmp_path / "plain", [chat()] * rows).read_bytes()


@pytest.mark.parametrize(
    "pack",
    [
        bytes,
        gzip.compress,
        lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]) + b"\0" * 9,
        lambda data: zstandard.ZstdCompressor().compress(data),
        lambda data: zstandard.ZstdCompressor().compress(data[:100]) + zstandard.ZstdCompressor().compress(data[100:]),
        lambda data: b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstandard.ZstdCompressor().compress(data),
    ],
    ids=["plain", "gzip", "gzip members and padding", "zstd", "zstd frames", "zstd after a skippable frame"],
)
def test_packed_files_are_told_by_their_bytes(tmp_path: Path, catalogue: Catalogue, pack: object) -> None:
    file = tmp_path / "calls.log"
    file.write_bytes(pack(plain(tmp_path)))  # type: ignore[operator]
    assert counts(read(catalogue, file)) == [("calls.log", "openai-response", 3)]


@pytest.mark.parametrize("size", [1, 3, 4, 1000, 10**6])
def test_any_size_of_read_gives_the_same_bytes(size: int) -> None:
    data = os.urandom(3000) + bytes(20_000)
    for packed in (data, gzip.compress(data), zstandard.ZstdCompressor().compress(data)):
        stream = Unpacked(io.BytesIO(packed))
        assert b"".join(iter(lambda: stream.read(size), b"")) == data  # noqa: B023


@pytest.mark.parametrize("kind", ["gzip", "Zstandard"])
def test_all_that_can_be_unpacked_comes_before_the_damage(kind: str) -> None:
    data = os.urandom(300_000)
    packed = gzip.compress(data) if kind == "gzip" else zstandard.ZstdCompressor().compress(data)
    stream = Unpacked(io.BytesIO(packed[: len(packed) // 2]))
    found = b"".join(stream.read(1000) for _ in range(100))
    with pytest.raises(Damaged, match=f"its {kind} data end early"):
        found += b"".join(iter(lambda: stream.read(1000), b""))
    assert data.startswith(found)
    assert len(found) == 100_000


def test_a_folder_file_by_file(tmp_path: Path, catalogue: Catalogue) -> None:
    folder = tmp_path / "logs"
    for name in ("a/deep/x.jsonl", "b.jsonl.zst", ".hidden", ".git/config", "a/.also", "empty.log", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"Dear Sir,\n" if "notes" in name else b"")
    (folder / "a/deep/x.jsonl").write_bytes(plain(tmp_path))
    (folder / "b.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(plain(tmp_path, 2)))
    (folder / "calls.csv").write_text("model,input_tokens,output_tokens\ngpt-4o,1,1\nnobody-lists-it,1,1\nm,x,1\n")
    duckdb.sql(f"COPY (SELECT 'm' AS who, 1 AS n) TO '{folder / 'other.parquet'}'")
    usage = read(catalogue, folder)
    assert counts(usage) == [
        ("a/deep/x.jsonl", "openai-response", 3),
        ("b.jsonl.zst", "openai-response", 2),
        ("calls.csv", "table", 3),
    ]
    assert [(each.file, each.reason) for each in usage.skipped] == [
        ("empty.log", "it holds no rows"),
        ("notes.txt", "no reader knows this format"),
        ("other.parquet", "no column for input_tokens or output_tokens"),
    ]
    table = usage.files[2]
    assert (table.priced, table.unpriced, table.rejected) == (1, 1, 1)
    assert [rows for _, rows in table.reasons] == [1, 1]
    assert {"input_tokens is not a whole number from 0 to 10^12"} < {reason for reason, _ in table.reasons}


def test_globs_and_several_files(tmp_path: Path, catalogue: Catalogue) -> None:
    for name in ("2026/01/log.jsonl", "2026/02/log.jsonl", "2026/02/log.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(plain(tmp_path))
    names = [log.name for log in find_logs([f"{tmp_path}/**/*.jsonl"])]
    assert names == ["01/log.jsonl", "02/log.jsonl"]
    odd = tmp_path / "log[1].jsonl"
    odd.write_bytes(plain(tmp_path))
    assert [log.name for log in find_logs([odd, f"{tmp_path}/2026/*/log.txt"])] == ["log[1].jsonl", "log.txt"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nothing-here.jsonl", r"nothing-here\.jsonl: no such file"),
        ("*.nothing", r"\*\.nothing: no file matches"),
        ("empty", "empty: the folder holds no files"),
        ("memory://nowhere/log.jsonl", "memory://nowhere/log.jsonl: no such file"),
        ("gs://bucket/log.jsonl", r"reading gs:// needs one more package; install it: pip install gcsfs"),
        ("gopher7://user:secret@host/log", r"^gopher7://host/log: gopher7:// is no kind of address"),
        ("http://localhost:1/log?token=secret", r"^http://localhost:1/log: cannot be reached: ConnectionRefusedError$"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue, given: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LogError, match=message) as fault:
        read(catalogue, given)
    assert "secret" not in str(fault.value)


def test_without_fsspec_the_error_says_what_to_install(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(LogError, match=r"install them: pip install 'breakeven\[remote\]' s3fs"):
        read(catalogue, "s3://bucket/log.jsonl")


def test_none_of_several_files_is_an_error(tmp_path: Path, catalogue: Catalogue) -> None:
    for name in "ab":
        (tmp_path / name).write_text("Dear Sir,\n")
    with pytest.raises(LogError, match="None of the 2 files holds a log that can be read; a: no reader"):
        read(catalogue, tmp_path)


def test_an_object_store_through_fsspec(tmp_path: Path, catalogue: Catalogue) -> None:
    import fsspec

    store = fsspec.filesystem("memory")
    store.pipe("/bucket/logs/a.jsonl.gz", gzip.compress(plain(tmp_path)))
    store.pipe("/bucket/logs/deep/b.jsonl", plain(tmp_path, 2))
    store.pipe("/bucket/logs/.hidden/c.jsonl", plain(tmp_path, 2))
    store.pipe("/bucket/logs/readme.md", b"# words\n")
    duckdb.sql(
        f"COPY (SELECT 'gpt-4o' AS model, 1 AS input_tokens, 2 AS output_tokens) TO '{tmp_path / 'p'}' (FORMAT parquet)"
    )
    store.pipe("/bucket/logs/t.parquet", (tmp_path / "p").read_bytes())
    whole = read(catalogue, "memory://bucket/logs")
    assert counts(whole) == [
        ("a.jsonl.gz", "openai-response", 3),
        ("deep/b.jsonl", "openai-response", 2),
        ("t.parquet", "table", 1),
    ]
    assert [each.file for each in whole.skipped] == ["readme.md"]
    assert [log.name for log in find_logs(["memory://bucket/logs/deep"])] == ["b.jsonl"]
    assert "deep" not in [log.name for log in find_logs(["memory://bucket/logs/*"])], "a folder is no log"
    (one,) = read(catalogue, "memory://bucket/logs/*.gz").files
    assert (one.name, one.sha256) == ("a.jsonl.gz", whole.files[0].sha256)
    local = tmp_path / "t.parquet"
    local.write_bytes((tmp_path / "p").read_bytes())
    assert read(catalogue, local).files[0].sha256 == whole.files[2].sha256


def test_objects_of_any_name(tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    store = fsspec.filesystem("memory")
    store.pipe("/odd/log [1]?.jsonl", plain(tmp_path))
    assert [log.name for log in find_logs(["memory://odd/log [1]?.jsonl"])] == ["log [1]?.jsonl"]
    with pytest.raises(LogError, match=r"^memory://odd/\*\.gz: no file matches$"):
        find_logs(["memory://odd/*.gz"])
    monkeypatch.setattr(type(store), "size", lambda *_: pytest.fail("sizes are known from the listing"))
    place = {"name": "/odd/", "size": 0, "type": "file"}  # as consoles of S3 make it where a folder is to be seen
    plainly = type(store).find
    monkeypatch.setattr(
        type(store), "find", lambda *given, **more: plainly(*given, **more) | ({"/odd/": place} if more else {})
    )
    (log,) = find_logs(["memory://odd"])
    assert (log.name, log.size) == ("log [1]?.jsonl", len(plain(tmp_path)))


def test_cubes_in_an_object_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import fsspec

    store = fsspec.filesystem("memory")
    (tmp_path / "log.jsonl").write_bytes(plain(tmp_path))
    made = tmp_path / "made.cube.parquet"
    assert main(["cube", "build", str(tmp_path / "log.jsonl"), "-o", str(made)]) == 0
    for name in "ab":
        store.pipe(f"/cubes/{name}.cube.parquet", made.read_bytes())
    assert main(["cube", "show", "memory://cubes/a.cube.parquet"]) == 0
    assert f"a.cube.parquet: 1 cells, {made.stat().st_size:,} bytes" in capsys.readouterr().out
    assert main(["cube", "merge", "memory://cubes/", "-o", str(tmp_path / "all.parquet"), "--count-twice"]) == 0
    assert "Rows in 6 = priced 6" in capsys.readouterr().out
    assert main(["cube", "show", "memory://cubes/"]) == 2
    assert "memory://cubes/: is 2 files; show one at a time" in capsys.readouterr().err


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; what is named ``cut`` ends before its stated length."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def copyfile(self, source: object, outputfile: object) -> None:  # type: ignore[override]
        data = source.read()  # type: ignore[attr-defined]
        outputfile.write(data[: len(data) // 2] if "cut" in self.path else data)  # type: ignore[attr-defined]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_web_address(tmp_path: Path, catalogue: Catalogue, web: str) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(plain(tmp_path)))
    (tmp_path / "cut.jsonl").write_bytes(plain(tmp_path, 2000))
    assert counts(read(catalogue, f"{web}/a.jsonl.gz?key=1")) == [("a.jsonl.gz", "openai-response", 3)]
    with pytest.raises(LogError, match="the server answers 404"):
        read(catalogue, f"{web}/none.jsonl")
    with pytest.raises(LogError, match="the connection ended early"):
        read(catalogue, f"{web}/cut.jsonl")


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, packed: bool, array: bool
) -> None:
    data = json.dumps([chat()] * 2000).encode() if array else plain(tmp_path, 2000)
    whole = gzip.compress(data) if packed else data

    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(whole))  # type: ignore[type-var]

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", Stdin())
    (file,) = read(catalogue, "-").files
    assert (file.name, file.rows) == ("-", 2000)
    written = tmp_path / "same"
    written.write_bytes(whole)
    assert file.sha256 == read(catalogue, written).files[0].sha256


def test_parquet_on_standard_input_leaves_nothing_behind(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    duckdb.sql(
        f"COPY (SELECT 'gpt-4o' AS model, i AS input_tokens, 2 AS output_tokens FROM range(9000) r(i))"
        f" TO '{tmp_path / 'p'}' (FORMAT parquet)"
    )
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))

    class Stdin:
        buffer = io.BufferedReader(io.BytesIO((tmp_path / "p").read_bytes()))  # type: ignore[type-var]

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert counts(read(catalogue, "-")) == [("-", "table", 9000)]
    assert list(spill.iterdir()) == []


def test_samples_of_all_formats_in_one_folder_are_the_sum_of_their_files(catalogue: Catalogue) -> None:
    together = read(catalogue, LOGS)
    for file in together.files:
        if gives_ids(file.reader):
            continue  # the same spans stand in several samples, and count once
        alone = read(catalogue, LOGS / file.name)
        (same,) = alone.files
        assert (same.rows, same.priced, same.unpriced, same.rejected, dict(same.reasons)) == (
            *(file.rows, file.priced, file.unpriced, file.rejected),
            dict(file.reasons),
        ), file.name
        assert (alone.rows.priced, alone.rows.unpriced) == (same.priced, same.unpriced)
    totals = [
        sum(getattr(file, name) for file in together.files) for name in ("rows", "priced", "unpriced", "rejected")
    ]
    rows = together.rows
    assert totals == [rows.read, rows.priced, rows.unpriced, rows.rejected]


def test_reading_is_watched(tmp_path: Path, catalogue: Catalogue) -> None:
    class Counting:
        size: int | None = 0
        bytes = counted = 0

        def total(self, size: int | None) -> None:
            self.size = size

        def read(self, name: str, count: int) -> None:
            self.bytes += count

        def rows(self, count: int) -> None:
            self.counted += count

        def step(self, words: str) -> None:
            self.words, self.shares = words, []

        def part(self, share: float) -> None:
            self.shares.append(share)

    watch = Counting()
    file = write_lines(tmp_path / "a.jsonl.gz", [chat()] * 3000 + ["x"])
    read(catalogue, file, watch=watch)
    assert (watch.size, watch.bytes, watch.counted) == (file.stat().st_size, file.stat().st_size, 3001)
    assert watch.words == "adding up 3,001 rows"
    assert watch.shares == sorted(watch.shares)
    assert watch.shares[-1] == 1


def test_a_file_with_several_names_is_read_once(tmp_path: Path, catalogue: Catalogue) -> None:
    folder = tmp_path / "logs"
    (folder / "sub").mkdir(parents=True)
    write_lines(folder / "sub" / "a.jsonl", [chat()])
    (folder / "again.jsonl").symlink_to("sub/a.jsonl")
    (folder / "loop").symlink_to(tmp_path)
    (folder / "nowhere.jsonl").symlink_to("missing.jsonl")
    assert counts(read(catalogue, folder)) == [("again.jsonl", "openai-response", 1)]
    assert len(counts(read(catalogue, f"{folder}/**/*.jsonl"))) == 1


def test_a_closed_folder_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    write_lines(tmp_path / "a.jsonl", [chat()])
    listed = os.scandir

    def scandir(place: str) -> object:
        if str(place).endswith("closed"):
            raise PermissionError(13, "Permission denied", place)
        return listed(place)

    monkeypatch.setattr(os, "scandir", scandir)  # root may open every folder
    with pytest.raises(LogError, match=r"closed: cannot be opened: Permission denied"):
        find_logs([tmp_path])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_said_to_be_that(tmp_path: Path, catalogue: Catalogue, encoding: str) -> None:
    text = write_lines(tmp_path / "good.jsonl", [chat()] * 2).read_text()
    file = tmp_path / "log.jsonl"
    file.write_bytes(text.encode(encoding))
    with pytest.raises(LogError, match=r"log\.jsonl: is UTF-16 text, which is not read; save it as UTF-8"):
        read(catalogue, file)
    beside = read(catalogue, file, tmp_path / "good.jsonl")
    assert [skipped.reason for skipped in beside.skipped] == ["UTF-16 text, which is not read; save it as UTF-8"]


def test_an_option_written_wrong_is_no_missing_file() -> None:
    with pytest.raises(LogError, match="--ouput: neither a file nor an option"):
        find_logs(["--ouput"])
