// Ids of documents as people write them.

/** Of an id as it is written already, and what has to be encoded in one. */
const ENCODED = /^(?:[\w.~,-]|%[0-9A-F]{2})*$/i;

const encodePart = (part) =>
  ENCODED.test(part)
    ? part
    : encodeURIComponent(part).replace(
        /[!'()*]/g,
        (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
      );

/**
 * An id, or source/table/key as it stands in the table; of several key columns the values in the order of the columns' names, with
 * commas. What is an id already stays as it is.
 */
export const documentIdOf = (text) => {
  const [source = '', table = '', ...key] = text.trim().split('/');
  const parts = [encodePart(source), encodePart(table)];
  // A key may hold slashes: what follows the second is all of it.
  return [...parts, key.join('/').split(',').map(encodePart).join(',')].join('/');
};
