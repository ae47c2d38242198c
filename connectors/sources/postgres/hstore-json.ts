/**
 * An hstore as Postgres writes it → as a change carries it (hstore.handling.mode=json). Debezium keeps the pairs in a Java
 * HashMap and writes them with Jackson, so their order goes by the hashes of the keys, and control characters are upper-case. Pure.
 */
const PAIR = /"([^"\\]*(?:\\.[^"\\]*)*)"=>(?:NULL|"([^"\\]*(?:\\.[^"\\]*)*)")/gs;

const unescaped = (text: string): string => text.replace(/\\(.)/gs, '$1');

/** String.hashCode, spread as HashMap does it. */
const spreadHash = (key: string): number => {
  let hash = 0;
  for (let at = 0; at < key.length; at += 1) hash = (Math.imul(31, hash) + key.charCodeAt(at)) | 0;
  return hash ^ (hash >>> 16);
};

/** A HashMap starts at 16 buckets and doubles once it is more than three quarters full. */
const bucketsFor = (size: number): number => {
  let buckets = 16;
  while (size > buckets * 0.75) buckets *= 2;
  return buckets;
};

const asJackson = (text: string): string =>
  JSON.stringify(text).replace(/\\(?:u[0-9a-f]{4}|.)/g, (escaped) =>
    escaped.length > 2 ? `\\u${escaped.slice(2).toUpperCase()}` : escaped,
  );

export const hstoreJson = (text: string): string => {
  const pairs = [...text.matchAll(PAIR)].map(([, key = '', value]) => ({
    key: unescaped(key),
    value: value === undefined ? null : unescaped(value),
  }));
  const last = bucketsFor(pairs.length) - 1;
  const ordered = pairs
    .map((pair) => ({ ...pair, bucket: spreadHash(pair.key) & last }))
    .sort((a, b) => a.bucket - b.bucket);
  const written = ordered.map(
    ({ key, value }) => `${asJackson(key)}:${value === null ? 'null' : asJackson(value)}`,
  );
  return `{${written.join(',')}}`;
};
