// Module hooks for Freshet's own TypeScript: its types are blanked out and the rest runs as it is written, every line and column where
// it stands (decision 8). What else is imported, and what has more to it than types, goes on to the next hooks. Plain JavaScript, and
// nothing in it waits: the same hooks serve Node's synchronous registration and its older one in a thread of its own.
import { readFileSync } from 'node:fs';
import swc from '@swc/wasm-typescript';

const ROOT = new URL('../../', import.meta.url).href;
const FOLDERS = ['agents', 'bench', 'cli', 'connectors', 'gateway', 'pipelines', 'schemas', 'test'];
const isOwn = (url) => url.endsWith('.ts') && FOLDERS.some((folder) => url.startsWith(`${ROOT}${folder}/`));

/** JavaScript that swc leaves as it is and not every Node can run: decorators, `using`, `accessor`. */
const NOT_YET_RUN = /^\s*(?:@[\w$]|(?:await\s+)?using\s+[\w$]+\s*[:=]|(?:\w+\s+)*accessor\s+[\w$#])/m;

/** The same text without its types; undefined where there is more to it, such as an enum, or an error. */
export const stripTypes = (source) => {
  if (NOT_YET_RUN.test(source)) return undefined;
  try {
    return swc.transformSync(source, { mode: 'strip-only' }).code;
  } catch {
    return undefined;
  }
};

export const load = (url, context, nextLoad) => {
  const code =
    isOwn(url) && !context.format?.startsWith('commonjs')
      ? stripTypes(readFileSync(new URL(url), 'utf8'))
      : undefined;
  return code === undefined ? nextLoad(url, context) : { format: 'module', source: code, shortCircuit: true };
};
