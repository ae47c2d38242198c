/** `--check` can fail: on a copy of the tree with the version guard taken out, or the delete path cut, it names the step. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

const tree = fileURLToPath(new URL('..', import.meta.url));
const LEFT_OUT = /^(?:node_modules|\.git|\.freshet|\.ci|bench\/results)(?:\/|$)/;
const WITHIN_MS = 200_000;
let copy: string;
const planted = new Map<string, string>();

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'freshet-check-'));
  // Times too: a lock file newer than what is installed would be installed anew.
  cpSync(tree, copy, {
    recursive: true,
    preserveTimestamps: true,
    filter: (from) => !LEFT_OUT.test(relative(tree, from)),
  });
  symlinkSync(join(tree, 'node_modules'), join(copy, 'node_modules'));
});
afterEach(() => {
  for (const [file, text] of planted) writeFileSync(file, text);
  planted.clear();
  // Some of its data stands outside the folder, where Postgres cannot run as root: `reset` knows where.
  const { status, stderr } = spawnSync(process.execPath, ['cli/freshet.mjs', 'reset'], {
    cwd: copy,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** Puts a mistake into the copy; a place that is not there any more, or not alone, is a mistake of this test. */
const plant = (path: string, before: string, after: string): void => {
  const file = join(copy, path);
  const text = readFileSync(file, 'utf8');
  if (text.split(before).length !== 2) throw new Error(`${path} does not hold exactly one: ${before}`);
  planted.set(file, text);
  writeFileSync(file, text.replace(before, after));
};

interface Summary {
  readonly ok: boolean;
  readonly steps: readonly { readonly step: string; readonly ok: boolean; readonly detail: string }[];
}

/** `rows` of the sample: that all of them are indexed is shown once. */
const runCheck = async (
  rows: number,
): Promise<{
  readonly code: number | null;
  readonly summary: Summary;
  readonly said: string;
}> => {
  const child = spawn(
    process.execPath,
    ['cli/freshet.mjs', 'up', '--check', '--ports', 'free', '--rows', String(rows), '--json'],
    {
      cwd: copy,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let out = '';
  let said = '';
  child.stdout.on('data', (piece: Buffer) => {
    out += piece;
  });
  child.stderr.on('data', (piece: Buffer) => {
    said += piece;
  });
  // It stops its servers itself when asked to: nothing of it is left behind.
  const overdue = setTimeout(() => child.kill('SIGINT'), WITHIN_MS);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearTimeout(overdue);
  const line = out.split('\n').find((each) => each.startsWith('{"ok"'));
  if (!line) throw new Error(`no summary; exit ${code}: ${said.slice(-2_000)}`);
  return { code, summary: JSON.parse(line) as Summary, said };
};
const failedSteps = ({ steps }: Summary): readonly string[] =>
  steps.filter(({ ok }) => !ok).map(({ step }) => step);

test(
  'as it is, it passes, and says how long each step took',
  async () => {
    const { code, summary, said } = await runCheck(60);
    expect(failedSteps(summary)).toEqual([]);
    expect([code, summary.ok]).toEqual([0, true]);
    expect(summary.steps.length).toBeGreaterThanOrEqual(7);
    for (const { step } of summary.steps) expect(said).toContain(step);
  },
  WITHIN_MS + 60_000,
);

test(
  'with the version guard taken out it fails where an older version comes late',
  async () => {
    plant(
      'schemas/document-order.ts',
      `export const orderOf = (version: string, held: Standing | undefined, floor: string | undefined): Order => {`,
      `export const orderOf = (version: string, held: Standing | undefined, floor: string | undefined): Order => {
  if (version !== held?.version && version !== floor) return 'newer';`,
    );
    const { code, summary, said } = await runCheck(12);
    expect(code).not.toBe(0);
    expect(summary.ok).toBe(false);
    expect(failedSteps(summary)).toEqual(['older version appended again → superseded']);
    expect(said).toContain('older version');
  },
  WITHIN_MS + 60_000,
);

test(
  'with the delete path cut it fails where a row is deleted',
  async () => {
    plant(
      'pipelines/index-documents/prepare-changes.ts',
      `    if (change.kind === 'delete') {`,
      `    if (change.kind === 'delete') {
      if (documentId !== '') return { ...place, kind: 'dropped' };`,
    );
    // Here it never goes: nothing is learned by waiting for it as long as for what may be late.
    plant(
      'cli/start/check.ts',
      `    const deadline = performance.now() + WITHIN_MS;`,
      `    const deadline = performance.now() + (what === 'the deleted row is gone' ? 1_000 : WITHIN_MS);`,
    );
    const { code, summary, said } = await runCheck(12);
    expect(code).not.toBe(0);
    expect(summary.ok).toBe(false);
    expect(failedSteps(summary)).toEqual(['row deleted → no longer found']);
    expect(said).toContain('row deleted');
  },
  WITHIN_MS + 60_000,
);
