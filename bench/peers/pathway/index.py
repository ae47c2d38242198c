"""Pathway as its documentation builds a live index: Debezium → Kafka → table → embedder → USearch index → REST.

Chosen in its favour: Debezium and not its own Postgres reader, which needs a paid licence; commits every 10 ms instead of the
default 1,500 (shorter ones cost it more than they give); its REST connector straight on the index, with 10 ms too, and not its
document store server, which has 50 ms fixed. REPLICA IDENTITY FULL, which it needs, is set by the bench.

Arguments: Kafka's address, the topic, the port to listen at, the folder of hash_embedding.py, a folder for its data (unused).
POST /search {text, topK} → [text, …]; POST /count {} → the number of rows.
"""

import logging
import sys

import pathway as pw

KAFKA, TOPIC, PORT, SHARED, _ = sys.argv[1:]
sys.path.insert(0, SHARED)
from hash_embedding import DIMENSIONS, embed  # noqa: E402

COMMIT_MS = 10
# It writes some kilobytes of log a request otherwise.
logging.disable(logging.INFO)


class Article(pw.Schema):
    id: int = pw.column_definition(primary_key=True)
    title: str
    body: str


class Question(pw.Schema):
    text: str
    topK: int


class Nothing(pw.Schema):
    all: int


@pw.udf(deterministic=True)
def embedded(text: str) -> list[float]:
    return embed(text).tolist()


articles = pw.io.debezium.read(
    {
        "bootstrap.servers": KAFKA,
        "group.id": "pathway",
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": "10",
    },
    topic_name=TOPIC,
    schema=Article,
    autocommit_duration_ms=COMMIT_MS,
)
documents = articles.select(text=pw.this.title + "\n" + pw.this.body)
index = pw.indexing.UsearchKnnFactory(dimensions=DIMENSIONS, embedder=embedded).build_index(documents.text, documents)

webserver = pw.io.http.PathwayWebserver(host="127.0.0.1", port=int(PORT))
questions, answer = pw.io.http.rest_connector(
    webserver=webserver,
    route="/search",
    schema=Question,
    autocommit_duration_ms=COMMIT_MS,
    delete_completed_queries=False,
)
found = index.query_as_of_now(questions.text, number_of_matches=questions.topK)
answer(found.select(result=pw.coalesce(pw.right.text, ())))

counts, answer_count = pw.io.http.rest_connector(
    webserver=webserver,
    route="/count",
    schema=Nothing,
    autocommit_duration_ms=COMMIT_MS,
    delete_completed_queries=False,
)
rows = 0


def keep_count(key: pw.Pointer, row: dict, time: int, is_addition: bool) -> None:
    global rows
    if is_addition:
        rows = row["rows"]


pw.io.subscribe(documents.reduce(rows=pw.reducers.count()), on_change=keep_count)
answer_count(counts.select(result=pw.apply_with_type(lambda _: rows, int, pw.this.all)))

pw.run(monitoring_level=pw.MonitoringLevel.NONE)
