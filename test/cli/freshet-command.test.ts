import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { portNumber } from '../../cli/port-number.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { ERROR_CODES } from '../../schemas/errors.ts';

const COMMAND = fileURLToPath(new URL('../../cli/freshet.mjs', import.meta.url));
const freshetIn = (root: string, ...words: readonly string[]) =>
  spawnSync(process.execPath, [COMMAND, ...words], {
    encoding: 'utf8',
    env: { ...process.env, FRESHET_ROOT: root },
  });
/** Where nothing runs, whatever runs in this tree. */
const freshet = (...words: readonly string[]) => freshetIn(join(tmpdir(), 'freshet-nowhere'), ...words);

test('it says which version it is', () => {
  const { status, stdout } = freshet('--version');
  expect([status, stdout]).toEqual([0, `freshet ${packageFile.version}, Node ${process.versions.node}\n`]);
});

test('what there is not is one clear error, with all that there is', () => {
  const { status, stdout, stderr } = freshet('sarch');
  expect([status, stdout]).toEqual([ERROR_CODES.usage.exit, '']);
  expect(stderr).toMatch(/^freshet: usage: there is no sarch\n/);
  expect(stderr).toContain('\n  search ');
  expect(freshet('--help').stdout).toContain('\n  search ');
});

test('who reads what a command prints may go before it does', async () => {
  const child = spawn(process.execPath, [COMMAND, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (bytes) => (said += String(bytes)));
  expect([...(await once(child, 'close')), said]).toEqual([0, null, '']);
});

test('up --check ends with 0 or 1, whatever went wrong', () => {
  const wrong = ['up', '--ports', 'some'];
  expect(freshet(...wrong).status).toBe(ERROR_CODES.usage.exit);
  const checked = freshet(...wrong, '--check');
  expect([checked.status, checked.stderr]).toEqual([1, 'freshet: usage: --ports takes fixed or free\n']);
});

test('a folder that cannot be written is one clear error that names it', () => {
  // A file for a folder: unlike one without rights, root cannot write it either.
  const { status, stderr } = freshetIn(COMMAND, 'reset', '--yes');
  expect(status).toBe(ERROR_CODES['folder-unwritable'].exit);
  expect(stderr).toMatch(
    /^freshet: folder-unwritable: this account cannot write \S+freshet\.mjs\S* \(ENOTDIR\)[^\n]+FRESHET_CACHE\n$/,
  );
});

test('an empty value is refused, not taken for none', () => {
  const { status, stderr } = freshet('source', 'pause', 'shop', '--tables', '');
  expect(status).toBe(ERROR_CODES.usage.exit);
  expect(stderr).toBe('freshet: usage: --tables is empty: give it a value, or leave it out\n');
});

test('what an error names is shown, and never obeyed by a terminal', () => {
  const { stderr } = freshet('up', '--rate', 'a\u001b[2Jb');
  expect(stderr).toBe('freshet: usage: --rate takes a number from 0, not a\u00b7[2Jb\n');
});

test('what up cannot use is refused before anything starts', () => {
  const { status, stderr } = freshet('up', '--rate', 'abc');
  expect(status).toBe(ERROR_CODES.usage.exit);
  expect(stderr).toBe('freshet: usage: --rate takes a number from 0, not abc\n');
});

test('a port is one that there is', () => {
  expect(['0', '65535'].map(portNumber)).toEqual([0, 65_535]);
  for (const port of ['65536', '1.5', 'abc']) expect(() => portNumber(port)).toThrow('--port is ');
});
