import { planArticle } from './article-plan.ts';
import { factOf } from './facts.ts';
import {
  BLOCK_ARTICLES,
  BLOCK_ROWS,
  KEPT_BLOCK_STEP,
  LONG_DOCUMENT_ID,
  placeOfRow,
  rowOfPlace,
} from './row-numbers.ts';
import type { SampleTable } from './sample-rows.ts';
import { permutation } from './seeded-random.ts';
import { type SampleTenant, slotsOfBlock, tenantOfBlock } from './subjects.ts';
import type { Topic } from './topic.ts';
import { incidentReference, outlineIncident } from './write-incident.ts';
import { summaryTopics } from './write-product.ts';

/** A question in natural language, and where its answer stands. */
export type SampleQuestion = {
  readonly tenant: SampleTenant;
  readonly question: string;
  /** What a right answer holds, word for word: "45 days". It is in the text of every row below. */
  readonly fact: string;
  /** The whole sentence of the sample that answers it. */
  readonly sentence: string;
  /** The rows whose text answers it, the one written for it first; no other row does. */
  readonly rows: readonly { readonly table: SampleTable; readonly id: number }[];
};

const rowsThatAnswer = (
  seed: number,
  block: number,
  slot: number,
  topic: Topic,
  rows: number,
): SampleQuestion['rows'] => {
  const slots = [
    slot,
    ...Array.from({ length: BLOCK_ARTICLES }, (_, other) => other).filter((other) => other !== slot),
  ];
  const found: { table: SampleTable; id: number }[] = [];
  for (const other of slots) {
    const id = block * BLOCK_ARTICLES + other + 1;
    const plan = planArticle(seed, block, other);
    if (id !== LONG_DOCUMENT_ID && plan.topics.includes(topic)) found.push({ table: 'articles', id });
  }
  if (summaryTopics(seed, block).includes(topic)) found.push({ table: 'products', id: block + 1 });
  return found.filter(({ table, id }) => rowOfPlace(table, id) < rows);
};

const questionOfRow = (seed: number, row: number, rows: number): SampleQuestion | undefined => {
  const { table, id, block, slot } = placeOfRow(row);
  const tenant = tenantOfBlock(block);
  if (table === 'incidents') {
    const { cause, symptom } = outlineIncident(seed, block, slot);
    const reference = incidentReference(id);
    const sentence = `The cause of ${reference} was ${cause}.`;
    return cause === ''
      ? undefined
      : {
          tenant,
          question: `What was the cause of ${reference}, the incident with ${symptom} in ${slotsOfBlock(seed, block).town}?`,
          fact: cause,
          sentence,
          rows: [{ table, id }],
        };
  }
  if (table === 'products' || id === LONG_DOCUMENT_ID) return undefined;
  const { main } = planArticle(seed, block, slot);
  const { question, fact, answer } = factOf(seed, block, main);
  return { tenant, question, fact, sentence: answer, rows: rowsThatAnswer(seed, block, slot, main, rows) };
};

/**
 * Up to `count` different questions that a sample of `rows` rows answers. They come from the rows that the editor
 * never deletes, and it leaves the sentences that answer them alone, so they hold while it runs.
 */
export const sampleQuestions = (request: {
  readonly seed: number;
  readonly count: number;
  readonly rows: number;
}): SampleQuestion[] => {
  const { seed, count, rows } = request;
  const blocks = Math.ceil(rows / BLOCK_ROWS / KEPT_BLOCK_STEP);
  const candidates = blocks * BLOCK_ROWS;
  const shuffled = permutation(seed, 'question', Math.max(1, candidates));
  const questions: SampleQuestion[] = [];
  for (let index = 0; index < candidates && questions.length < count; index += 1) {
    const candidate = shuffled(index);
    const row = Math.floor(candidate / BLOCK_ROWS) * BLOCK_ROWS * KEPT_BLOCK_STEP + (candidate % BLOCK_ROWS);
    const question = row < rows ? questionOfRow(seed, row, rows) : undefined;
    if (question !== undefined) questions.push(question);
  }
  return questions;
};
