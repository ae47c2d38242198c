// Module hooks for TypeScript. Of Freshet's own the types are blanked out and the rest runs as it is written, every line and column where
// it stands (decision 8). A user's files, and what has more to it than types, are translated: an enum, a decorator, an imported name that
// is only a type. Plain JavaScript, and nothing in it waits: the same hooks serve Node's synchronous registration and its older one in a
// thread of its own.
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import swc from '@swc/wasm-typescript';

const ROOT = new URL('../../', import.meta.url).href;

const FOLDERS = ['agents', 'bench', 'cli', 'connectors', 'gateway', 'pipelines', 'schemas', 'test'];
const isOwn = (url) => FOLDERS.some((folder) => url.startsWith(`${ROOT}${folder}/`));

/** Freshet's own, wherever it is installed, and its user's; a package that somebody published brings JavaScript. */
const isTypeScript = (url) =>
  url.startsWith('file:') && /\.m?ts$/.test(url) && !url.replace(ROOT, '').includes('node_modules/');

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

/** All that TypeScript can say, as JavaScript. Loaded by the first file that needs it. @throws with the place of an error */
const translate = (source, file) =>
  createRequire(import.meta.url)('esbuild').transformSync(source, {
    loader: 'ts',
    format: 'esm',
    target: `node${process.versions.node}`,
    sourcefile: file,
    sourcemap: 'inline',
    logLevel: 'silent',
  }).code;

export const load = (url, context, nextLoad) => {
  if (!isTypeScript(url)) return nextLoad(url, context);
  const file = fileURLToPath(url);
  const source = readFileSync(file, 'utf8');
  const stripped = isOwn(url) ? stripTypes(source) : undefined;
  return { format: 'module', source: stripped ?? translate(source, file), shortCircuit: true };
};

/** What a relative specifier that names no .ts may mean, as compilers and bundlers take it. */
const spellings = (specifier) => [
  specifier,
  specifier.replace(/\.(m?)js$/, '.$1ts'),
  `${specifier}.ts`,
  `${specifier}/index.ts`,
];

export const resolve = (specifier, context, nextResolve) => {
  const from = context.parentURL;
  const isOpen = /^\.{1,2}\//.test(specifier) && !/\.m?ts$/.test(specifier);
  if (!isOpen || !from || !isTypeScript(from)) return nextResolve(specifier, context);
  const isFile = (spelling) => statSync(new URL(spelling, from), { throwIfNoEntry: false })?.isFile();
  return nextResolve(spellings(specifier).find(isFile) ?? specifier, context);
};
