/** Circles of imports, types included: files that cannot be read one after the other. */
import { posix } from 'node:path';
import { importsOf, type SourceFile } from './architecture-rules.ts';

/** Each circle as its files in order of import, once (Tarjan: strongly connected components of more than one file). */
export const circlesOf = (files: readonly SourceFile[]): readonly (readonly string[])[] => {
  const imports = new Map(
    files.map(({ path, text }) => [
      path,
      importsOf(text)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => posix.join(posix.dirname(path), specifier)),
    ]),
  );
  const number = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];

  const visit = (path: string): number => {
    const own = number.size;
    number.set(path, own);
    let low = own;
    open.push(path);
    for (const target of imports.get(path) ?? []) {
      if (!imports.has(target)) continue;
      if (!number.has(target)) low = Math.min(low, visit(target));
      else if (open.includes(target)) low = Math.min(low, number.get(target) ?? own);
    }
    if (low === own) {
      const circle = open.splice(open.indexOf(path));
      if (circle.length > 1) circles.push(circle);
    }
    return low;
  };
  for (const path of imports.keys()) if (!number.has(path)) visit(path);
  return circles;
};
