"""CocoIndex as its documentation builds a live index: Debezium → Kafka → one component per row → embedder → zvec.

Chosen in its favour: 1.0.26, the newest, whose only live way from Postgres is Kafka (its table source reads once; 0.3.39 listens
to NOTIFY and was three times as slow); zvec, the engine that Freshet uses too, queried in the process that holds its lock;
no memoization, as every message differs; a fetch that waits 10 ms at most.

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

import cocoindex as coco
import numpy as np
import zvec as zvec_engine
from aiohttp import web
from cocoindex.connectors import kafka, zvec
from cocoindex.resources.schema import VectorSchema
from confluent_kafka import Message
from confluent_kafka.aio import AIOConsumer
from numpy.typing import NDArray

KAFKA, TOPIC, PORT, SHARED, FOLDER = sys.argv[1:]
sys.path.insert(0, SHARED)
from hash_embedding import DIMENSIONS, embed  # noqa: E402

COLLECTION = "articles"
ENGINE = coco.ContextKey[zvec.ManagedConnection]("engine")
connection = zvec.connect(Path(FOLDER) / "zvec")


@dataclass
class Article:
    id: int
    text: Annotated[str, zvec.ZvecType(zvec_engine.DataType.STRING, indexed=False)]
    embedding: Annotated[NDArray, VectorSchema(dtype=np.dtype(np.float32), size=DIMENSIONS)]


@coco.lifespan
async def lifespan(builder: coco.EnvironmentBuilder) -> AsyncIterator[None]:
    builder.settings.db_path = Path(FOLDER) / "state"
    builder.provide(ENGINE, connection)
    yield


def payload_of(message: Message) -> dict:
    return json.loads(message.value())


def is_deletion(message: Message) -> bool:
    return payload_of(message)["op"] == "d"


@coco.fn
async def index_row(message: Message, target: zvec.CollectionTarget[Article]) -> None:
    row = payload_of(message)["after"]
    text = f"{row['title']}\n{row['body']}"
    target.declare_row(row=Article(id=row["id"], text=text, embedding=embed(text)))


@coco.fn
async def index_articles() -> None:
    target = await zvec.mount_collection_target(
        ENGINE, COLLECTION, await zvec.CollectionSchema.from_class(Article, primary_key=["id"])
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
    vector = embed(question["text"]).tolist()
    hits = connection.open_existing(COLLECTION).query(
        zvec_engine.Query(field_name="embedding", vector=vector),
        topk=question["topK"],
        output_fields=["text"],
    )
    return web.json_response([hit.field("text") for hit in hits])


async def count(_: web.Request) -> web.Response:
    return web.json_response(connection.open_existing(COLLECTION).stats.doc_count)


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
