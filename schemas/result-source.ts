/**
 * The closed loop: what agents end with, as documents of a source called `results` whose change topic is freshet.results. A mapping by
 * agent says which flow back and how; they pass gates, are embedded and found as rows are, and every hit says that an agent wrote it.
 */

import { placeOfDocument } from './document-id.ts';
import type { GateOverrides } from './gate-settings.ts';
import { madeOnce } from './made-once.ts';
import { ownField } from './own-field.ts';
import type { Result } from './records.ts';
import type { Row, TableMapping } from './table-mapping.ts';
import { makeVersion, type Version } from './version.ts';

/** No database may be configured under this name. */
export const RESULT_SOURCE = 'results';

/** One table for each agent. */
export const resultTable = (agent: string): string => `${RESULT_SOURCE}.${agent}`;
const agentOfTable = (table: string): string => table.slice(RESULT_SOURCE.length + 1);

/** Of which task a document is the result; undefined of any other document. */
export const taskOfResult = (
  documentId: string,
): { readonly table: string; readonly taskId: string } | undefined => {
  const place = placeOfDocument(documentId);
  return place?.source === RESULT_SOURCE ? { table: place.table, taskId: place.key } : undefined;
};

/** A completed result as its mapping gets it. */
export interface CompletedResult<Value = unknown> {
  readonly taskId: string;
  readonly executionId: string;
  readonly agent: string;
  /** Version of the agent. */
  readonly behaviour: string;
  readonly sessionId: string | null;
  /** What it said. */
  readonly text: string;
  /** The same in the shape that the agent promises (`output` of its definition); undefined of an agent that promises none. */
  readonly value: Value;
  /** Microseconds since the Unix epoch. */
  readonly completedAt: number;
}

/** How the results of one agent become documents. Functions must be pure. The tenant is the task's, always (I9). */
export interface ResultMapping<Value = unknown> {
  readonly title: (result: CompletedResult<Value>) => string;
  /** Empty: this result does not flow back; the gate `required` refuses it. */
  readonly text: (result: CompletedResult<Value>) => string;
  readonly metadata?: (
    result: CompletedResult<Value>,
  ) => Readonly<Record<string, string | number | boolean | null>>;
  readonly gates?: GateOverrides;
}

/** A mapping typed by what the agent answers. */
export const mapResult = <Value>(mapping: ResultMapping<Value>): ResultMapping =>
  mapping as unknown as ResultMapping;

/** Positions are our own times, so there is one epoch. A deletion is later than what it deletes. */
export const resultVersion = (at: number): Version =>
  makeVersion(1, [0n, BigInt(Math.max(0, Math.trunc(at)))]);

/** A result as a row: its tenant (`localTenant` of a task that names none), its answer, and the rest as JSON. */
export const rowOfResult = (
  { taskId, executionId, agent, behaviour, tenant, sessionId, output, completedAt }: Result,
  localTenant: string,
): Row => ({
  tenant: tenant ?? localTenant,
  result: JSON.stringify({ taskId, executionId, agent, behaviour, sessionId, completedAt }),
  output: output ?? 'null',
});

interface Answer {
  readonly text?: string;
  readonly value?: unknown;
  readonly citations?: readonly { readonly number: number }[];
}

const answerOf = madeOnce((row: Row): Answer => (JSON.parse(String(row.output)) as Answer | null) ?? {});

const completedOf = madeOnce((row: Row): CompletedResult => {
  const { text = '', value } = answerOf(row);
  const facts = JSON.parse(String(row.result)) as Omit<CompletedResult, 'text' | 'value'>;
  return { ...facts, text, value };
});

/** [1], [2], … are passages of that execution: to whoever reads it later the same numbers are others. */
const withoutCitations = (text: string, { citations = [] }: Answer): string => {
  const numbers = new Set(citations.map(({ number }) => number));
  return text.replace(/ ?\[(\d{1,4})\]/g, (cited, number: string) =>
    numbers.has(Number(number)) ? '' : cited,
  );
};

const asTableMapping = madeOnce((mapping: ResultMapping): TableMapping => {
  const { title, text, metadata, gates } = mapping;
  return {
    title: (row) => title(completedOf(row)),
    text: (row) => withoutCitations(text(completedOf(row)), answerOf(row)),
    tenant: (row) => String(row.tenant),
    metadata: (row) => {
      const result = completedOf(row);
      const { agent, behaviour, executionId } = result;
      // Last: no mapping passes an agent's words for a person's.
      return { ...metadata?.(result), kind: 'result', origin: 'model', agent, behaviour, executionId };
    },
    // Nothing is ever deleted here by the thousand, and there is no table to pause.
    gates: { ...gates, volume: { action: 'off' } },
  };
});

export const mappingOfResults = (
  results: Readonly<Record<string, ResultMapping>>,
  table: string,
): TableMapping | undefined => {
  const agent = agentOfTable(table);
  const mapping = ownField(results, agent);
  return mapping && asTableMapping(mapping);
};
