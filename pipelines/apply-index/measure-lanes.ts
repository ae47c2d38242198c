/** Two lanes asked the same: whether a document is found by its title, how long it takes, and what the index misses. */

import {
  type LaneComparison,
  type LaneMeasure,
  MOST_ROWS_COMPARED,
} from '../../connectors/index-service/lane-service.ts';
import { vectorOfBytes } from '../../connectors/vector-index/vector-codec.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import { MEMORY_SOURCE, spaceOfDocument } from '../../schemas/memory-source.ts';
import { documentSlices } from '../document-slices.ts';
import type { Lane } from './lane.ts';

interface Question {
  readonly documentId: string;
  readonly tenant: string;
  readonly query: string;
}

const TOP = 10;
const COMPARED_QUESTIONS = 20;
/** An int8 graph rescored in float32 gives scores that differ in the last digits. */
const SAME_SCORE = 1e-4;

/** Documents spread over the partitions, the first of each in id order. */
const questionsFrom = (
  lane: Lane,
  partitions: readonly number[],
  most: number,
): Promise<readonly Question[]> =>
  lane.role.using(async ({ table }) => {
    const questions: Question[] = [];
    const each = Math.ceil(most / partitions.length);
    for (const partition of partitions) {
      const found: Question[] = [];
      for await (const slice of documentSlices(table, partition)) {
        // Memories are asked for by agents alone, and a search of a tenant's documents finds none.
        for (const { record } of slice)
          if (record.kind === 'document' && record.source !== MEMORY_SOURCE && record.title.trim() !== '')
            found.push({ documentId: record.documentId, tenant: record.tenant ?? '', query: record.title });
        if (found.length >= each) break;
      }
      questions.push(...found.slice(0, each));
    }
    return questions;
  });

const percentile = (sorted: readonly number[], share: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100;

const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let axis = 0; axis < a.length; axis += 1) sum += (a[axis] ?? 0) * (b[axis] ?? 0);
  return sum;
};

/** Share of the nearest rows that the index finds; vectors have unit length. */
const recallOf = (
  lane: Lane,
  partitions: readonly number[],
  questions: readonly Question[],
): Promise<number | null> =>
  lane.role.using(async ({ table, index }) => {
    const asked = questions.slice(0, COMPARED_QUESTIONS);
    const vectors = await Promise.all(
      asked.map(async ({ query, tenant }) => ({
        tenant,
        vector: (await lane.model.embed([query], { purpose: 'query', tenant }))[0] ?? new Float32Array(0),
      })),
    );
    const rows: { readonly tenant: string; readonly vector: Float32Array }[] = [];
    for (const partition of partitions)
      for await (const slice of documentSlices(table, partition)) {
        // Equal chunks of a document are one row.
        for (const { record } of slice)
          for (const chunk of new Map(record.chunks.map((each) => [each.hash, each])).values())
            rows.push({ tenant: spaceOfDocument(record), vector: vectorOfBytes(chunk.vector) });
        if (rows.length > MOST_ROWS_COMPARED) return null;
      }
    // Asked at once after the rows were read: what changes meanwhile would count as missed.
    const answers = await Promise.all(
      vectors
        .filter(({ vector }) => vector.length > 0)
        .map(async ({ tenant, vector }) => ({
          tenant,
          vector,
          hits: await index.query({ vector, topK: TOP, tenant }),
        })),
    );
    let found = 0;
    let wanted = 0;
    for (const { tenant, vector, hits } of answers) {
      await turn();
      const nearest = rows
        .filter((row) => row.tenant === tenant)
        .map((row) => dot(row.vector, vector))
        .sort((a, b) => b - a)
        .slice(0, TOP);
      const least = (nearest.at(-1) ?? 0) - SAME_SCORE;
      found += Math.min(nearest.length, hits.filter(({ score }) => score >= least).length);
      wanted += nearest.length;
    }
    return wanted === 0 ? null : found / wanted;
  });

const ask = async (
  lane: Lane,
  partitions: readonly number[],
  questions: readonly Question[],
): Promise<{ readonly measure: LaneMeasure; readonly answers: readonly (readonly string[])[] }> => {
  const times: number[] = [];
  const answers: (readonly string[])[] = [];
  let found = 0;
  for (const { documentId, tenant, query } of questions) {
    const begun = performance.now();
    const { hits } = await lane.role.search({ query, tenant, topK: TOP, mode: 'vector', maxPerDocument: 1 });
    times.push(performance.now() - begun);
    const ids = hits.map((hit) => hit.documentId);
    if (ids.includes(documentId)) found += 1;
    answers.push(ids);
  }
  times.sort((a, b) => a - b);
  return {
    answers,
    measure: {
      model: lane.name,
      queries: questions.length,
      found: questions.length === 0 ? 0 : found / questions.length,
      p50Ms: percentile(times, 0.5),
      p95Ms: percentile(times, 0.95),
      recall: await recallOf(lane, partitions, questions),
    },
  };
};

export const measureLanes = async (
  serving: Lane,
  candidate: Lane,
  partitions: readonly number[],
  queries: number,
): Promise<Omit<LaneComparison, 'behind'>> => {
  const questions = await questionsFrom(serving, partitions, queries);
  // The first search of a lane pays for what is loaded once.
  for (const lane of [serving, candidate]) await ask(lane, [], questions.slice(0, 2));
  const [a, b] = [await ask(serving, partitions, questions), await ask(candidate, partitions, questions)];
  const shared = a.answers.map((ids, at) => {
    const other = new Set(b.answers[at]);
    return ids.length === 0 ? 1 : ids.filter((id) => other.has(id)).length / ids.length;
  });
  return {
    serving: a.measure,
    candidate: b.measure,
    overlap: shared.length === 0 ? 1 : shared.reduce((sum, each) => sum + each, 0) / shared.length,
  };
};
