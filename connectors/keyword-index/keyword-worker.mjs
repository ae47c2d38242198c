// The worker thread of the keyword index: a query over common words takes milliseconds, which the thread of the searches
// must not lose. Plain JavaScript because a Worker on Node 20 has no loader for TypeScript.
import { parentPort, workerData } from 'node:worker_threads';
import MiniSearch from 'minisearch';
import { cleanWhereDue } from './keyword-vacuum.mjs';
import { tokenize, wordsOf } from './tokens.mjs';

/** @type {{ maxBytes: number }} */
const { maxBytes } = workerData;

/** Measured with bench/keyword-memory.ts on texts of 50 words: a row, and each different word in it. */
const ROW_BYTES = 420;
const WORD_BYTES = 42;
/** Rows looked at for one query; words that are in more are passed over where rarer ones were asked for too. */
const POSTINGS_A_QUERY = 10_000;
/** The rarest word is looked at wherever it is asked for, up to so many rows: some 100 ms. */
const ROWS_OF_A_WORD = 30_000;

const STOP_WORDS = new Set(
  'a an and are as at be but by can do does for from has have how i if in is it its me my no not of on or our so than that the their them then there these they this to was we what when where which who why will with you your'.split(
    ' ',
  ),
);

/** English plurals and the commonest endings: enough for "delivered" to find "deliver", with no dictionary. */
const stem = (word) => {
  if (word.length < 5 || /\d/.test(word)) return word;
  for (const ending of ['ing', 'ed', 'es', 's', 'e'])
    if (word.endsWith(ending) && word.length - ending.length >= 3) return word.slice(0, -ending.length);
  return word;
};
const processTerm = (term) => (STOP_WORDS.has(term) ? null : stem(term));

const open = () =>
  new MiniSearch({
    fields: ['text'],
    tokenize,
    processTerm,
    searchOptions: { combineWith: 'OR' },
    autoVacuum: false,
  });

/** tenant → { search, tags: row id → tags, bytes, discarded: rows since the last vacuum began, cleaning: whether one runs } */
const tenants = new Map();
/** row id → tenant and its estimate */
const rows = new Map();
const leftOut = new Set();
/** Of these, those that nobody was told of yet. */
let untold = [];
let bytes = 0;

const leaveOut = (tenant) => {
  leftOut.add(tenant);
  untold.push(tenant);
  bytes -= tenants.get(tenant)?.bytes ?? 0;
  for (const id of tenants.get(tenant)?.tags.keys() ?? []) rows.delete(id);
  tenants.delete(tenant);
};

const add = (added) => {
  for (const { id, tenant, tags, text } of added) {
    if (rows.has(id) || leftOut.has(tenant)) continue;
    let held = tenants.get(tenant);
    if (held === undefined) {
      held = { search: open(), tags: new Map(), bytes: 0, discarded: 0, cleaning: false };
      tenants.set(tenant, held);
    }
    const size = ROW_BYTES + WORD_BYTES * new Set(wordsOf(text)).size;
    held.search.add({ id, text });
    held.tags.set(id, tags);
    held.bytes += size;
    rows.set(id, { tenant, size });
    bytes += size;
    // The largest goes: the others' searches stay whole.
    while (bytes > maxBytes && tenants.size > 0)
      leaveOut([...tenants].reduce((most, each) => (each[1].bytes > most[1].bytes ? each : most))[0]);
  }
};

const remove = (ids) => {
  for (const id of ids) {
    const row = rows.get(id);
    const held = row && tenants.get(row.tenant);
    if (held === undefined) continue;
    held.search.discard(id);
    held.tags.delete(id);
    held.bytes -= row.size;
    bytes -= row.size;
    rows.delete(id);
    held.discarded += 1;
    if (held.tags.size === 0) tenants.delete(row.tenant);
    else cleanWhereDue(held, () => tenants.get(row.tenant) === held);
  }
};

/** How many rows hold a word; 0 where the library does not say: then it counts as rare, which costs time and no hit. */
const rowsWith = (search, term) => search._index?.get?.(term)?.get?.(0)?.size ?? 0;

/** Undefined where every word is in too many rows. */
const rareTerms = (search, text) => {
  const terms = [...new Set(tokenize(text).map(processTerm).filter(Boolean))]
    .map((term) => ({ term, count: rowsWith(search, term) }))
    .sort((a, b) => a.count - b.count);
  if ((terms[0]?.count ?? 0) > ROWS_OF_A_WORD) return undefined;
  let postings = 0;
  return terms
    .filter(({ count }, at) => {
      postings += count;
      return at === 0 || postings <= POSTINGS_A_QUERY;
    })
    .map(({ term }) => term);
};

/** `until`: milliseconds since the Unix epoch; nobody waits for longer. */
const query = ({ text, tenant, tags, topK, until }) => {
  if (leftOut.has(tenant) || Date.now() > until) return undefined;
  const held = tenants.get(tenant);
  if (held === undefined) return [];
  const terms = rareTerms(held.search, text);
  if (terms === undefined) return undefined;
  if (terms.length === 0) return [];
  const found = held.search.search(terms.join(' '), {
    // The terms are words already.
    tokenize: (joined) => joined.split(' '),
    processTerm: (term) => term,
    ...(tags.length === 0
      ? {}
      : { filter: ({ id }) => tags.every((tag) => held.tags.get(id)?.includes(tag)) }),
  });
  return found.slice(0, topK).map(({ id, score }) => ({ id, score }));
};

const clear = () => {
  tenants.clear();
  rows.clear();
  leftOut.clear();
  untold = [];
  bytes = 0;
};

/** Tenants that were left out since the last answer. */
const tellLeftOut = () => {
  const told = untold;
  untold = [];
  return told;
};

parentPort.on('message', ({ ask, what, value }) => {
  const answer =
    what === 'add'
      ? add(value)
      : what === 'remove'
        ? remove(value)
        : what === 'query'
          ? query(value)
          : what === 'clear'
            ? clear()
            : { rows: rows.size, bytes, tenantsLeftOut: leftOut.size };
  if (ask !== undefined) parentPort.postMessage({ ask, answer: what === 'add' ? tellLeftOut() : answer });
});
