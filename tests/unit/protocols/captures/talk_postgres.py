"""What record.py asks of PostgreSQL, through libpq (psycopg) and through asyncpg, which sends parameters in binary form."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import uuid
from contextlib import suppress

import asyncpg  # type: ignore[import-not-found, unused-ignore]
import psycopg  # type: ignore[import-not-found, unused-ignore]

DSN = "host=127.0.0.1 dbname=postgres user="


def through_libpq() -> None:
    """Text, prepared statements, COPY, errors, pipelines."""
    with psycopg.connect(DSN + "postgres", autocommit=True) as c:
        c.execute(
            "CREATE TABLE t (id int PRIMARY KEY, price numeric, name text); INSERT INTO t VALUES (1, 1.5, 'one'), (2, 2.5, 'two')"
        )
        c.execute("INSERT INTO t VALUES (%s, %s, %s)", (3, decimal.Decimal("3.25"), None))
        for i in (3, 4):
            c.execute("SELECT name FROM t WHERE id < %s", (i,), prepare=True).fetchall()
        c.execute("UPDATE t SET price = price + 1 WHERE id > 1 RETURNING id")
        with c.cursor() as cursor:
            with cursor.copy("COPY t FROM STDIN") as copy:
                for i in (10, 11):
                    copy.write_row((i, 1, "copied"))
            with cursor.copy("COPY t TO STDOUT") as copy:
                list(copy)
        for wrong in (
            "SELECT broken syntax here",
            "SELECT * FROM nowhere WHERE id = 1",
            "INSERT INTO t VALUES (1, 0, 'again')",
        ):
            with suppress(psycopg.Error):
                c.execute(wrong)
        with c.pipeline():
            for i in range(3):
                c.execute("SELECT %s::int + 1", (i,))
        with suppress(psycopg.Error), c.pipeline():
            for i in (0, 1):
                c.execute("SELECT 1 / %s::int", (i,))
    for password in ("wrong", "open-sesame"):
        with suppress(psycopg.Error):
            psycopg.connect(DSN + "clear sslmode=disable password=" + password).close()


async def through_asyncpg() -> None:
    """Binary parameters, a statement executed twice, a portal fetched in parts."""
    c = await asyncpg.connect("postgresql://postgres@127.0.0.1/postgres")
    day = datetime.datetime(2024, 1, 2, 3, 4, 5, 600, tzinfo=datetime.UTC)
    kinds = "int8 text numeric timestamptz uuid bool float8 date bytea inet json time interval".split()
    values = [
        2**40,
        "it's",
        decimal.Decimal("-12345.678900"),
        day,
        uuid.UUID(int=7),
        True,
        1.25,
        datetime.date(1999, 12, 31),
    ]
    values += [b"\0\1", "10.0.0.0/8", "{}", datetime.time(1, 2, 3), datetime.timedelta(days=3, seconds=7)]
    await c.fetch("SELECT " + ", ".join(f"${i}::{kind}" for i, kind in enumerate(kinds, 1)), *values)
    s = await c.prepare("SELECT id FROM t WHERE id > $1")
    for i in range(2):
        await s.fetch(i)
    async with c.transaction():
        async for _ in c.cursor("SELECT * FROM t", prefetch=2):
            pass
    await c.close()


if __name__ == "__main__":
    through_libpq()
    asyncio.run(through_asyncpg())
