/** What is asked of a source every second or so needs no new process of its server each time, and is answered again after a connection broke. */
import { expect, inject, test } from 'vitest';
import { askPostgres, askPostgresOften } from '../../../connectors/sources/postgres/ask-postgres.ts';

const { url } = inject('stack').postgres;
const processOf = (ask: typeof askPostgres): Promise<number> =>
  ask(url, async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return rows[0]?.pid ?? 0;
  });

test('asked often, the same process of the server answers; asked once, one that ends with the answer', async () => {
  const first = await processOf(askPostgresOften);
  expect(first).toBeGreaterThan(0);
  expect(await processOf(askPostgresOften)).toBe(first);
  expect(await processOf(askPostgres)).not.toBe(first);
  expect(await processOf(askPostgresOften)).toBe(first);
});

test('a connection that broke, or whose question failed, answers nothing any more: the next one does', async () => {
  const broken = await processOf(askPostgresOften);
  await expect(
    askPostgresOften(url, (client) => client.query('select pg_terminate_backend(pg_backend_pid())')),
  ).rejects.toMatchObject({ code: 'source-unavailable' });
  const next = await processOf(askPostgresOften);
  expect(next).not.toBe(broken);
  // While it waits for the next question.
  await askPostgres(url, (client) => client.query('select pg_terminate_backend($1)', [next]));
  await expect.poll(() => processOf(askPostgresOften).catch(() => next)).not.toBe(next);
  await expect(
    askPostgresOften(url, (client) => client.query('select nothing from nowhere')),
  ).rejects.toMatchObject({ code: 'source-unavailable' });
  expect(await processOf(askPostgresOften)).toBeGreaterThan(0);
});
