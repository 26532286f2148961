"""Models read and stored by constant SQL, for the paths that run hundreds of times a second: composing a statement
anew costs Django several times what PostgreSQL needs to run it, and planning it anew about as much as running it.
Imports nothing of ours."""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import psycopg
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, models
from django.db.backends.utils import CursorWrapper
from django.db.models import NOT_PROVIDED
from django.db.models.query import get_related_populators  # type: ignore[attr-defined]  # the stubs lack it
from psycopg.sql import quote
from psycopg.types.numeric import Int8

# What fits in a bigint.
LEAST, MOST = -(2**63), 2**63 - 1

Params = Sequence[Any] | Mapping[str, Any]
Row = TypeVar("Row", bound=models.Model)


class Column(NamedTuple):
    name: str
    attname: str
    kind: str
    convert: Callable[..., Any] | None


@cache
def _columns(model: type[models.Model]) -> tuple[Column, ...]:
    return tuple(
        Column(
            str(field.column),
            field.attname,
            str(field.db_type(connection)),
            getattr(field, "from_db_value", None),
        )
        for field in model._meta.concrete_fields
    )


def ask(sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
    """The rows that a constant statement returns. From its third time on it is prepared, and PostgreSQL soon keeps one
    plan for all values, unless planning for these very ones pays.

    What decides about the plan stands in the statement: a status, which partial indexes go by, and a LIMIT, for which
    PostgreSQL takes a tenth of all rows where it is a value.
    """
    with _keeping_plans() as cursor:
        cursor.execute(sql, _sized(params))
        return cursor.fetchall()


def read(model: type[Row], sql: str, params: Params) -> list[Row]:
    """As `ask`, the rows of a SELECT (or RETURNING) with all columns of `model`: `*`, which means just these. What it
    has besides becomes an attribute of its own name."""
    with _keeping_plans() as cursor:
        cursor.execute(_spelled_out(model, sql), _sized(params))
        names = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall()
    columns = _columns(model)
    place = {name: number for number, name in enumerate(names)}
    more = [name for name in names if name not in {column.name for column in columns}]
    found = []
    for row in rows:
        values = []
        for column in columns:
            value = row[place[column.name]]
            values.append(column.convert(value, None, connection) if column.convert else value)
        one = model.from_db(connection.alias, [column.attname for column in columns], values)
        for name in more:
            setattr(one, name, row[place[name]])
        found.append(one)
    return found


def _keeping_plans() -> CursorWrapper:
    """A cursor on Django's connection that leaves the values to PostgreSQL. Django's own puts them into the statement,
    which so is another one each time."""
    # As Django does for its own: a connection that PostgreSQL's restart has ended is replaced before it is used.
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection._prepare_cursor(psycopg.Cursor(connection.connection))  # type: ignore[attr-defined]


def _sized(params: Params) -> Params:
    """A statement is planned for the types of its values: a number is of one type however small it is."""
    if isinstance(params, Mapping):
        return {name: _int8(value) for name, value in params.items()}
    return [_int8(value) for value in params]


def _int8(value: Any) -> Any:
    if type(value) is int and LEAST <= value <= MOST:
        return Int8(value)
    return [_int8(one) for one in value] if type(value) is list else value


@cache
def _spelled_out(model: type[models.Model], sql: str) -> str:
    """`*` by the names of the columns: a statement whose plan is kept fails once a migration gives it another one."""
    names = [f'"{column.name}"' for column in _columns(model)]
    sql = re.sub(r"\b(\w+)\.\*", lambda table: ", ".join(f"{table[1]}.{name}" for name in names), sql)
    return re.sub(r"\b(SELECT|RETURNING) \*", rf"\1 {', '.join(names)}", sql)


class composed(Generic[Row]):
    """A SELECT that the ORM composes once: decorates a function of keys that returns a queryset, and returns its rows.

    The queryset may depend on nothing else, as it is made once for all calls, with stand-ins for the keys. What
    `select_related` joins comes with the rows; `prefetch_related` and annotations do not. No row has the key None.
    """

    def __init__(self, compose: "Callable[..., models.QuerySet[Row]]") -> None:
        self.compose = compose

    def __call__(self, *keys: int | None) -> list[Row]:
        found = self._composed
        if any(key is not None and not LEAST <= key <= MOST for key in keys):
            return []  # an address may name any number
        return [found.row(list(values)) for values in ask(found.sql, [keys[place] for place in found.places])]

    @cached_property
    def _composed(self) -> "_Composed":
        # As keys no row has them; the ORM makes plain numbers of whatever it is given.
        stand_ins = {-(2**62) - place: place for place in range(len(inspect.signature(self.compose).parameters))}
        compiler = self.compose(*stand_ins).query.get_compiler(connection.alias)
        sql, params = compiler.as_sql()
        places: list[int] = []
        given = iter(params)

        def value(placeholder: re.Match[str]) -> str:
            """Whatever is no key stands in the statement: plans that are kept rest on partial indexes, too."""
            if placeholder[0] == "%%":
                return "%%"
            param = next(given)
            if isinstance(param, int) and param in stand_ins:
                places.append(stand_ins[param])
                return "%s"
            return quote(param, connection.connection).replace("%", "%%")

        connection.ensure_connection()
        return _Composed(re.sub("%%|%s", value, sql), places, compiler)


class _Composed:
    """A statement, which keys it is given at its placeholders, and how its rows become models, as ModelIterable makes
    them."""

    def __init__(self, sql: str, places: list[int], compiler: Any) -> None:
        self.sql, self.places = sql, places
        self.model, selected = compiler.klass_info["model"], compiler.klass_info["select_fields"]
        self.first, self.end = selected[0], selected[-1] + 1
        self.names = [column[0].target.attname for column in compiler.select[self.first : self.end]]
        self.related = get_related_populators(compiler.klass_info, compiler.select, connection.alias)
        self.converters = compiler.get_converters([column[0] for column in compiler.select])

    def row(self, values: list[Any]) -> Any:
        for place, (converters, expression) in self.converters.items():
            for convert in converters:
                values[place] = convert(values[place], expression, connection)
        one = self.model.from_db(connection.alias, self.names, values[self.first : self.end])
        for joined in self.related:
            joined.populate(values, one)
        return one


@cache
def _insert(model: type[models.Model]) -> tuple[str, tuple[Column, ...]]:
    """(the statement, the columns it sets: all but those that the database fills by itself)"""
    filled = {
        field.attname
        for field in model._meta.concrete_fields
        if isinstance(field, models.AutoField | models.BigAutoField) or field.db_default is not NOT_PROVIDED
    }
    given = tuple(column for column in _columns(model) if column.attname not in filled)
    names = ", ".join(f'"{column.name}"' for column in given)
    shape = ", ".join(f'"{column.name}" {column.kind}' for column in given)
    table, pk = model._meta.db_table, model._meta.pk.column
    # The names are those of our own models.
    source = f"SELECT {names} FROM jsonb_to_recordset(%s::jsonb) AS given({shape})"  # noqa: S608
    return f'INSERT INTO "{table}" ({names}) {source} ON CONFLICT DO NOTHING RETURNING "{pk}"', given


def insert(new: Iterable[Row]) -> list[Row]:
    """Store new rows of one model with one statement, and give them their keys.

    IntegrityError, for the caller's transaction to end, where a row with the same unique key is there already. It is
    ours and not PostgreSQL's, which would write the statement, with all that people wrote, into its log.
    Like Django's bulk_create, this rests on RETURNING in the order of the rows given. Values are stored as they are: no
    field is filled or changed on the way.
    """
    rows = list(new)
    if not rows:
        return rows
    sql, given = _insert(type(rows[0]))
    values = [{column.name: getattr(row, column.attname) for column in given} for row in rows]
    keys = ask(sql, [json.dumps(values, default=_plain)])
    if len(keys) < len(rows):
        raise IntegrityError(f"{len(rows) - len(keys)} rows of {type(rows[0])._meta.db_table} are there already")
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding = False
        row._state.db = connection.alias
    return rows


def _plain(value: Any) -> str:
    """bytes as PostgreSQL writes them in hexadecimal, times in ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"\\x{bytes(value).hex()}"


# --- What an error of the database means ----------------------------------------------------------------------

# Classes and codes of PostgreSQL's errors (its manual, appendix A): connections, resources, an operator's hand; a
# database that only reads; a session ended because it stood idle in the middle of a transaction.
AWAY = ("08", "53", "57P", "25006", "25P03")
# A lock that was not given in time, and two transactions of which one had to give way.
DEADLOCK = "40P01"
BUSY = ("55P03", "40001", DEADLOCK)


def is_away(failure: BaseException) -> bool:
    """The database cannot be reached, has no connection free, or does not write at the moment: nothing else that one
    could ask it would fare better now."""
    code = _sqlstate(failure)
    if code is None:
        return isinstance(failure, OperationalError | InterfaceError | psycopg.OperationalError)
    return code.startswith(AWAY)


def is_busy(failure: BaseException) -> bool:
    """Somebody else has what this needs; anything else may go on."""
    code = _sqlstate(failure)
    return code is not None and code.startswith(BUSY)


def is_deadlock(failure: BaseException) -> bool:
    """Two transactions waited for each other and this one gave way: it may begin again."""
    return _sqlstate(failure) == DEADLOCK


def _sqlstate(failure: BaseException) -> str | None:
    cause = failure.__cause__ if isinstance(failure, DatabaseError | InterfaceError) else failure
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None
