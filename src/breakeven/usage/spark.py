"""
Calls on a Spark cluster: its files or a table as a frame for ``frames.py``. PySpark is the extra ``spark``.
"""

import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

from breakeven.errors import BreakevenError, LogError
from breakeven.usage.frame_cube import fault_of

FORMATS = {".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "json", ".orc": "orc"}
"""End of a path, compression aside -> how Spark reads it; all else is taken as Parquet."""

PACKED = (".gz", ".bz2", ".zst", ".snappy")

SETTINGS = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}


@contextmanager
def no_word_of_pandas() -> Iterator[None]:
    """Without PySpark's warning of a version of pandas, which is not used here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support", FutureWarning)
        yield


@contextmanager
def spark_session(master: str | None) -> Iterator[Any]:
    """
    A Spark session, stopped at the end if it was started here.

    Parameters
    ----------
    master : str, optional
        e.g. ``local[2]``, ``spark://host:7077``, ``yarn``; as the environment says where it is not given.

    Raises
    ------
    BreakevenError
        PySpark is not installed, Java is missing, or the session cannot be started.
    """
    try:
        with no_word_of_pandas():
            sql = import_module("pyspark.sql")
    except ModuleNotFoundError:
        raise BreakevenError("needs the spark extra; install it with: pip install 'breakeven[spark]'") from None
    running = sql.SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    home = os.environ.get("JAVA_HOME")
    if not (shutil.which("java") or (home and shutil.which("java", path=os.path.join(home, "bin")))):  # noqa: PTH118
        raise BreakevenError(
            "Spark needs Java 17 or newer and none was found; install one (e.g. apt-get install"
            " openjdk-17-jre-headless) or name its folder in JAVA_HOME"
        )
    builder = sql.SparkSession.builder.appName("breakeven")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    if master:
        builder = builder.master(master)
        if master.startswith("local"):  # workers that hash prompts are of this Python, not of the first on the path
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        with no_word_of_pandas():
            session = builder.getOrCreate()
    except Exception as error:
        version = import_module("pyspark").__version__
        raise BreakevenError(
            f"--master {master}: no Spark session could be started ({type(error).__name__}); see whether it runs,"
            f" can be reached from here, and is of this version of Spark, {version}"
        ) from None
    try:
        yield session
    finally:
        session.stop()


def spark_frame(session: Any, paths: Sequence[str], table: str | None, read_as: str | None = None) -> Any:
    """
    Files or a table as a Spark DataFrame. CSV is read as text, of which ``frames`` makes numbers.

    Lines that are no JSON objects, and CSV records that are too short, become rows of nulls, and are rejected as such.

    Parameters
    ----------
    paths : sequence of str
        Paths, globs or URLs that Spark knows, of one format.
    table : str, optional
        Name of a table of its catalogue, in place of paths.
    read_as : str, optional
        Format as Spark calls it, in place of the one the first path's end tells.

    Raises
    ------
    LogError
        There are none of them, or both; Spark cannot read them.
    """
    if bool(paths) == bool(table):
        raise LogError("Give paths that Spark can read, or --table NAME, and not both")
    kind = read_as or _format_of(paths[0] if paths else "")
    reader = session.read.format(kind)
    if kind == "csv":
        tabs = "\t" if paths and ".tsv" in paths[0] else ","
        reader = reader.option("header", True).option("escape", '"').option("multiLine", True).option("sep", tabs)
    try:
        frame = session.table(table) if table else reader.load(list(paths))
        frame.columns  # noqa: B018 - asks Spark whether it is there
    except Exception as error:
        raise LogError(f"{table or paths[0]}: Spark cannot read it as {kind} ({fault_of(error)})") from None
    return frame


def _format_of(path: str) -> str:
    """The format of a path by its end."""
    name = PurePosixPath(path)
    while name.suffix in PACKED:
        name = name.with_suffix("")
    return FORMATS.get(name.suffix, "parquet")
