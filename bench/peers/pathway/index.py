"""Pathway as its documentation builds a live index: Debezium → Kafka → table → embedder → USearch index → REST.

Chosen in its favour: Debezium and not its own Postgres reader, which needs a paid licence; commits every 10 ms instead of the
default 1,500 (shorter ones cost it more than they give); its REST connector straight on the index, with 10 ms too, and not its
document store server, which has 50 ms fixed. REPLICA IDENTITY FULL, which it needs, is set by the bench.

Arguments: Kafka's address, the topic, the port to listen at, the folder of hash_embedding.py, a folder for its data (unused).
POST /search {text, topK} → [text, …]; POST /count {} → the number of rows.
"""

import sys

import pathway as pw

KAFKA, TOPIC, PORT, SHARED, _ = sys.argv[1:]
sys.path.insert(0, SHARED)
from hash_embedding import DIMENSIONS, embed  # noqa: E402

COMMIT_MS = 10


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
    delete_completed_queries=True,
)
found = index.query_as_of_now(questions.text, number_of_matches=questions.topK)
answer(questions.select(result=found.text))

counts, answer_count = pw.io.http.rest_connector(
    webserver=webserver,
    route="/count",
    schema=Nothing,
    autocommit_duration_ms=COMMIT_MS,
    delete_completed_queries=True,
)
total = documents.reduce(rows=pw.reducers.count())
answer_count(counts.asof_now_join(total, how=pw.JoinMode.LEFT, id=pw.left.id).select(result=pw.coalesce(pw.right.rows, 0)))

pw.run(monitoring_level=pw.MonitoringLevel.NONE)
