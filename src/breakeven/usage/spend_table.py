"""
LiteLLM's live spend table in PostgreSQL, as JSON lines: the rows a spend-log file would have.

Rows are streamed by a server-side cursor in a read-only transaction. Of prompts and answers nothing is fetched but
the counts in ``response.usage``. Needs the extra ``postgres``.
"""

import io
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import IO, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from breakeven.errors import LogError, nearest

SCHEMES = ("postgresql://", "postgres://")
TABLE = "LiteLLM_SpendLogs"
ROWS_AT_ONCE = 5000

LEFT_OUT = ("messages", "proxy_server_request")
COUNTS_ONLY = "response"
NEEDED = ("spend", "prompt_tokens", "completion_tokens", "startTime", "model")


class SpendTable:
    """
    A spend table.

    Parameters
    ----------
    url : str
        ``postgresql://user@host/database``, as libpq takes it; ``?table=NAME`` or ``?table=SCHEMA.NAME`` names another
        table than ``LiteLLM_SpendLogs``.

    Attributes
    ----------
    name : the table, as it is shown.
    place : host, database and table, without user and password, for messages.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.name = options.pop("table", TABLE)
        self.place = f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path} {self.name}"
        self._url = urlunsplit(parts._replace(query=urlencode(options)))
        self._secret = unquote(parts.password or "")

    def open(self) -> IO[bytes]:
        """
        Its rows as bytes of JSON lines.

        Raises LogError where psycopg is not installed, the database cannot be reached, or the table is not there or
        is no spend table; also while reading.
        """
        return io.BufferedReader(_Rows(self._rows()), 1 << 20)

    def _rows(self) -> Iterator[bytes]:
        psycopg = _psycopg()
        try:
            with psycopg.connect(self._url, application_name="breakeven") as connection:
                connection.read_only = True
                query = self._query(psycopg, connection)
                with connection.cursor(name="breakeven") as cursor:
                    cursor.itersize = ROWS_AT_ONCE
                    cursor.execute(query)
                    for (text,) in cursor:
                        yield f"{text}\n".encode()
        except psycopg.Error as error:
            fault = self._fault(psycopg, error)
        else:
            return
        raise LogError(f"{self.place}: {fault}")

    def _query(self, psycopg: Any, connection: Any) -> Any:
        """The query of the table's rows as JSON; raises LogError where it is not there or is no spend table."""
        quoted = psycopg.sql.Identifier
        table = quoted(*self.name.split("."))
        with connection.cursor() as cursor:
            try:
                cursor.execute(psycopg.sql.SQL("SELECT * FROM {} LIMIT 0").format(table))
                names = [column.name for column in cursor.description]
            except psycopg.errors.UndefinedTable:
                connection.rollback()
                raise LogError(self._no_table(cursor)) from None
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise LogError(f"{self.place}: is no LiteLLM spend table: it has no column {', '.join(missing)}")
        columns = psycopg.sql.SQL(", ").join(_columns(psycopg, names))
        return psycopg.sql.SQL("SELECT row_to_json(call)::text FROM (SELECT {} FROM {}) AS call").format(columns, table)

    def _no_table(self, cursor: Any) -> str:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        names = [name for (name,) in cursor.fetchall()]
        close = nearest(self.name, names) if names else ""
        return f"{self.place}: the database has no such table.{close} Name another with ?table=NAME"

    def _fault(self, psycopg: Any, error: Exception) -> str:
        """What went wrong. Only an error of connecting is quoted: others may hold a row, this one a password."""
        if not isinstance(error, psycopg.OperationalError):
            return f"cannot be read ({type(error).__name__})"
        words = " ".join(str(error).split())
        return f"cannot be reached: {words.replace(self._secret, '***') if self._secret else words}"


class _Rows(io.RawIOBase):
    """The bytes of some lines as a file."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines = lines
        self.rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.rest:
            self.rest = memoryview(next(self.lines, b""))
        count = min(len(buffer), len(self.rest))
        buffer[:count] = self.rest[:count]
        self.rest = self.rest[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self.lines.close()  # type: ignore[attr-defined]
        super().close()


def _columns(psycopg: Any, names: Sequence[str]) -> Iterator[Any]:
    """The columns to fetch; of an answer only its counts, of a prompt nothing."""
    for name in names:
        column = psycopg.sql.Identifier(name)
        if name == COUNTS_ONLY:
            counts = "jsonb_build_object('usage', to_jsonb({}) -> 'usage') AS {}"
            yield psycopg.sql.SQL(counts).format(column, column)
        elif name not in LEFT_OUT:
            yield column


def _psycopg() -> Any:
    try:
        psycopg = import_module("psycopg")
        import_module("psycopg.sql")
    except ImportError:
        raise LogError(
            "Reading a PostgreSQL table needs psycopg: install it with pip install 'breakeven[postgres]'"
        ) from None
    return psycopg
