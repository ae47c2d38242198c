/** An array as Postgres writes it → its elements' texts: `{a,"b c",NULL,{…}}`, with or without the bounds `[0:1]=` before it. Pure. */
export type ArrayElement = string | null | readonly ArrayElement[];

const TOKEN = /[{},]|"[^"\\]*(?:\\.[^"\\]*)*"|[^{},"]+/gs;

export const parseArrayText = (text: string): readonly ArrayElement[] => {
  const lists: ArrayElement[][] = [[]];
  const add = (element: ArrayElement): void => void lists.at(-1)?.push(element);
  const elements = text.startsWith('[') ? text.slice(text.indexOf('=') + 1) : text;
  for (const [token] of elements.matchAll(TOKEN)) {
    if (token === '{') lists.push([]);
    else if (token === '}') add(lists.pop() ?? null);
    else if (token.startsWith('"')) add(token.slice(1, -1).replace(/\\(.)/gs, '$1'));
    // The word is a null only where it is not quoted.
    else if (token !== ',') add(token === 'NULL' ? null : token);
  }
  const [whole] = lists[0] ?? [];
  return Array.isArray(whole) ? whole : [];
};
