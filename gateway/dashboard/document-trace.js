// The way of a document from its row to the index: change, gates, chunks, offsets, each with its time.
import { folded, make, pill, since, table } from './elements.js';
import { count, duration, many, shortVersion } from './format.js';

const LISTED = 50;
const mono = (text) => make('span', { class: 'mono', text });
const isoOf = (micros) => new Date(micros / 1_000).toISOString();

const step = (name, state, ...parts) =>
  make(
    'li',
    { 'data-state': state },
    make('div', { class: 'step-head' }, make('strong', { text: name }), ...parts),
  );

/** Since the commit; a time of 0 is not known. */
const after = ({ committedAt }, at, what) =>
  make('span', {
    text:
      at === 0 || committedAt === 0
        ? `${what}, when is not known`
        : `${what} after ${duration(Math.max(0, (at - committedAt) / 1_000))}`,
  });

const gatesStep = ({ kind, reason, timing, flags, stale }, quarantined) => {
  const refusals = [...new Set(quarantined.map((each) => `${each.gate}: ${each.reason}`))];
  const isRefused = kind === 'refused';
  return step(
    'Gates',
    isRefused ? 'failed' : undefined,
    isRefused
      ? pill(`refused (${reason})`, 'bad')
      : pill(kind === 'document' ? 'passed' : kind, kind === 'document' ? 'good' : undefined),
    flags.map((flag) => pill(flag, 'warn')),
    after(timing, timing.gatedAt, 'judged'),
    stale ? pill(`version ${shortVersion(stale.version)} is kept, stale`, 'warn') : null,
    refusals.length > 0
      ? make('span', {}, 'in quarantine: ', make('a', { href: '#quarantine', text: refusals.join(', ') }))
      : null,
  );
};

const chunkTable = ({ chunks, text }) =>
  folded(
    many(chunks.length, 'chunk'),
    table(
      'Chunks of the document',
      ['Chunk', 'In the index', 'Characters', 'Text', 'Hash'],
      () => false,
      chunks
        .slice(0, LISTED)
        .map(({ hash, start, end, inIndex }, at) => [
          count(at),
          pill(inIndex ? 'yes' : 'no', inIndex ? 'good' : 'bad'),
          `${count(start)} to ${count(end)}`,
          make('span', { class: 'why', text: text.slice(start, end) }),
          mono(hash),
        ]),
    ),
  );

const versionTable = (versions) =>
  folded(
    many(versions.length, 'version'),
    table(
      'Versions of the document, newest first',
      ['Version', 'What', 'Chunks', 'Committed', 'Change', 'Record'],
      (at) => at === 2,
      versions.map((each) => [
        mono(shortVersion(each.version)),
        each.reason === null ? each.kind : `${each.kind} (${each.reason})`,
        count(each.chunks),
        each.committedAt === null ? '–' : since(each.committedAt),
        mono(each.change),
        mono(each.position),
      ]),
    ),
  );

const facts = ({ source, table: name, tenant, metadata }) =>
  [
    `${source} ${name}`,
    tenant ?? 'no tenant',
    ...Object.entries(metadata).map((pair) => pair.join(': ')),
  ].join(' · ');

export const traceShown = ({ documentId, record, change, position, versions, quarantined }) => {
  const { timing, chunks } = record;
  const there = chunks.filter(({ inIndex }) => inIndex).length;
  const isWhole = there === chunks.length;
  return make(
    'div',
    { class: 'way' },
    make('p', {}, make('strong', { text: record.title || record.kind }), ' ', mono(documentId)),
    make(
      'ol',
      { class: 'timeline' },
      step(
        'Row',
        undefined,
        make('span', { text: facts(record) }),
        timing.committedAt === 0 ? null : make('span', {}, 'committed ', since(isoOf(timing.committedAt))),
      ),
      step(
        'Change',
        undefined,
        mono(change),
        after(timing, timing.capturedAt, 'captured'),
        after(timing, timing.inKafkaAt, 'in Kafka'),
      ),
      gatesStep(record, quarantined),
      step(
        'Chunks',
        undefined,
        make('span', { text: many(chunks.length, 'chunk') }),
        after(timing, timing.embeddedAt, 'embedded'),
        record.model ? make('span', { text: record.model }) : null,
      ),
      step(
        'Record',
        undefined,
        mono(position),
        make('span', { text: `version ${shortVersion(record.version)}` }),
      ),
      step(
        'Index',
        isWhole ? undefined : 'failed',
        chunks.length === 0
          ? pill('nothing of it to find')
          : pill(isWhole ? 'complete' : 'incomplete', isWhole ? 'good' : 'bad'),
        make('span', { text: `${count(there)} of ${many(chunks.length, 'chunk')} to be found` }),
      ),
    ),
    chunks.length > 0 ? chunkTable(record) : null,
    versions.length > 0 ? versionTable(versions) : null,
  );
};
