/** Histories of a few documents as one partition of freshet.documents sees them, for property tests. */
import fc from 'fast-check';
import { documentIdOf, floorIdOf } from '../../schemas/document-id.ts';
import type { Document } from '../../schemas/records.ts';
import { makeVersion } from '../../schemas/version.ts';

const SOURCE = 'helpcentre';
/** The second table's name begins with the first's, and the third's id of a row looks like a path of the first. */
const TABLES = ['public.a', 'public.ab'] as const;

export type Happening = 'document' | 'deleted' | 'refused' | 'floor';

export interface HistoryEvent {
  readonly kind: Happening;
  readonly table: (typeof TABLES)[number];
  readonly key: number;
}

export const historyEvent: fc.Arbitrary<HistoryEvent> = fc.record({
  kind: fc.oneof(
    { weight: 5, arbitrary: fc.constant<Happening>('document') },
    { weight: 2, arbitrary: fc.constant<Happening>('deleted') },
    { weight: 1, arbitrary: fc.constant<Happening>('refused') },
    { weight: 1, arbitrary: fc.constant<Happening>('floor') },
  ),
  table: fc.constantFrom(...TABLES),
  key: fc.nat(2),
});

export const history = fc.array(historyEvent, { minLength: 1, maxLength: 14 });

/** A refused one keeps what was good three commits before. */
const keptAt = (at: number): number => Math.max(0, at - 3);

/** The record of the event that was committed as number `at`. */
export const recordOf = ({ kind, table, key }: HistoryEvent, at: number): Document => ({
  kind,
  documentId: kind === 'floor' ? floorIdOf(SOURCE, table) : documentIdOf(SOURCE, table, { id: key }),
  source: SOURCE,
  table,
  version: makeVersion(1, [BigInt(at), 0n]),
  tenant: kind === 'document' ? 'acme' : null,
  title: '',
  text: kind === 'document' ? `text ${at}` : kind === 'refused' ? `text ${keptAt(at)}` : '',
  metadata: {},
  model: '',
  chunks: [],
  reason: null,
  flags: [],
  stale:
    kind === 'refused'
      ? { version: makeVersion(1, [BigInt(keptAt(at)), 0n]), since: at, committedAt: keptAt(at) }
      : null,
  fingerprint: null,
  carried: {},
  timing: { committedAt: at, capturedAt: 0, inKafkaAt: 0, gatedAt: 0, embeddedAt: 0, basis: 'commit' },
  change: { topic: 'cdc.helpcentre', partition: 0, offset: at },
});

/** A log in which every record stands at least once, some more often, in any order. */
export const deliveries = (events: readonly HistoryEvent[]): fc.Arbitrary<readonly Document[]> => {
  const records = events.map(recordOf);
  return fc.array(fc.nat(records.length - 1), { maxLength: 8 }).chain((twice) => {
    const all = [...records, ...twice.map((at) => records[at]).filter((each) => each !== undefined)];
    return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
  });
};

/** What ends up standing, said without a fold: the newest of each document, unless a floor of its table is newer, and what it keeps likewise. */
export const truthOf = (records: readonly Document[]): Readonly<Record<string, string>> => {
  const floors = new Map<string, string>();
  const newest = new Map<string, Document>();
  for (const record of records) {
    if (record.kind === 'floor' && (floors.get(record.table) ?? '') < record.version)
      floors.set(record.table, record.version);
    if (record.kind !== 'floor' && (newest.get(record.documentId)?.version ?? '') < record.version)
      newest.set(record.documentId, record);
  }
  return Object.fromEntries([
    ...[...floors].map(([table, version]) => [floorIdOf(SOURCE, table), `floor ${version}`]),
    ...[...newest]
      .filter(([, { table, version }]) => version >= (floors.get(table) ?? ''))
      .map(([id, { kind, version, text, table, stale }]) => {
        const taken = stale !== null && stale.version < (floors.get(table) ?? '');
        return [id, `${kind} ${version} ${taken ? '' : text}`];
      }),
  ]);
};

export const FLOOR_IDS: readonly string[] = TABLES.map((table) => floorIdOf(SOURCE, table));
