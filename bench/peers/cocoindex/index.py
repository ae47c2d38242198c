"""CocoIndex as its documentation builds a live index: Debezium → Kafka → one component per row → embedder → sqlite-vec.

Chosen in its favour: 1.0.26, the newest, whose only live way from Postgres is Kafka (its table source reads once; 0.3.39 listens
to NOTIFY and was three times as slow); sqlite-vec, whose writes are seen at once and whose scan of 1,000 rows takes a millisecond,
where LanceDB took 150; not zvec, which lost rows of a first load in its hands; a write-ahead log that waits for no disk, and a
reader of its own; no memoization, as every message differs; a fetch that waits 10 ms at most.

Arguments: Kafka's address, the topic, the port to listen at, the folder of hash_embedding.py, a folder for its data.
POST /search {text, topK} → [text, …]; POST /count {} → the number of rows.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pysqlite3

# Python's own sqlite3 is often built without extensions, which sqlite-vec is.
sys.modules["sqlite3"] = pysqlite3

import cocoindex as coco
import numpy as np
from aiohttp import web
from cocoindex.connectors import kafka, sqlite
from cocoindex.resources.schema import VectorSchema
from confluent_kafka import Message
from confluent_kafka.aio import AIOConsumer
from numpy.typing import NDArray

KAFKA, TOPIC, PORT, SHARED, FOLDER = sys.argv[1:]
sys.path.insert(0, SHARED)
from hash_embedding import DIMENSIONS, embed  # noqa: E402

DATABASE = coco.ContextKey[sqlite.ManagedConnection]("database")


def connect() -> sqlite.ManagedConnection:
    connection = sqlite.connect(Path(FOLDER) / "articles.sqlite", load_vec=True)
    with connection.readonly() as direct:
        direct.execute("pragma journal_mode = wal")
        direct.execute("pragma synchronous = off")
    return connection


writer, reader = connect(), connect()


@dataclass
class Article:
    id: int
    text: str
    embedding: Annotated[NDArray, VectorSchema(dtype=np.dtype(np.float32), size=DIMENSIONS)]


@coco.lifespan
async def lifespan(builder: coco.EnvironmentBuilder) -> AsyncIterator[None]:
    builder.settings.db_path = Path(FOLDER) / "state"
    builder.provide(DATABASE, writer)
    yield


def payload_of(message: Message) -> dict:
    return json.loads(message.value())


def is_deletion(message: Message) -> bool:
    return payload_of(message)["op"] == "d"


@coco.fn
async def index_row(message: Message, target: sqlite.TableTarget[Article]) -> None:
    row = payload_of(message)["after"]
    text = f"{row['title']}\n{row['body']}"
    target.declare_row(row=Article(id=row["id"], text=text, embedding=embed(text)))


@coco.fn
async def index_articles() -> None:
    target = await sqlite.mount_table_target(
        DATABASE,
        "articles",
        await sqlite.TableSchema.from_class(Article, primary_key=["id"]),
        virtual_table_def=sqlite.Vec0TableDef(auxiliary_columns=["text"]),
    )
    consumer = AIOConsumer(
        {
            "bootstrap.servers": KAFKA,
            "group.id": "cocoindex",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 10,
        }
    )
    await coco.mount_each(index_row, kafka.topic_as_map(consumer, [TOPIC], is_deletion=is_deletion), target)


async def search(request: web.Request) -> web.Response:
    question = await request.json()
    with reader.readonly() as connection:
        found = connection.execute(
            "select text from articles where embedding match ? and k = ? order by distance",
            (embed(question["text"]).tobytes(), question["topK"]),
        ).fetchall()
    return web.json_response([text for (text,) in found])


async def count(_: web.Request) -> web.Response:
    with reader.readonly() as connection:
        # The table below it: counting `articles` reads every vector.
        return web.json_response(connection.execute("select count(*) from articles_rowids").fetchone()[0])


async def serve() -> None:
    routes = web.Application()
    routes.add_routes([web.post("/search", search), web.post("/count", count)])
    runner = web.AppRunner(routes, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(PORT)).start()


async def main() -> None:
    await serve()
    await coco.App("articles", index_articles).update(live=True)


asyncio.run(main())
