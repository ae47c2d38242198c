/** The sources of this project as they stand, for the tests that read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SourceFile } from './architecture-rules.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['schemas', 'connectors', 'pipelines', 'agents', 'gateway', 'cli', 'bench', 'test'];

const read = (path: string): SourceFile => ({ path, text: readFileSync(ROOT + path, 'utf8') });

export const readSourceTree = (): readonly SourceFile[] =>
  [
    ...readdirSync(ROOT).filter((name) => /\.ts$/.test(name)),
    ...FOLDERS.flatMap((folder) =>
      readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(?:ts|mjs|js)$/.test(name) && !/(?:^|\/)node_modules\/|^peers\//.test(name))
        .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
    ),
  ]
    .filter((path) => !path.startsWith('.'))
    .map(read);
