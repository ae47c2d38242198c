import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { vectorIndexKind } from '../../../connectors/vector-index/vector-index-kind.ts';
import { openGenerations } from '../../../pipelines/apply-index/generations.ts';
import { DIMENSIONS, rowOf } from '../../connectors/vector-index/vector-rows.ts';
import { startPineconeServer } from '../../support/pinecone-server.ts';
import { temporaryFolder } from '../../support/plane-roles.ts';
import { until } from '../../support/until.ts';

test('a generation that is given up leaves nothing, and the one that serves goes on', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const generations = await openGenerations({
    ...{ folder: folder.path, dimensions: 4 },
    onDiscarded: () => undefined,
  });
  onTestFinished(() => generations.close());
  const serving = generations.serving();
  const half = await generations.openNext();
  expect(existsSync(join(folder.path, 'generation-2'))).toBe(true);
  await generations.discard(half);
  expect(existsSync(join(folder.path, 'generation-2'))).toBe(false);
  expect(() => half.table.position(0)).toThrow();
  await generations.discard(serving);
  expect(generations.serving().table.position(0)).toBeUndefined();
  expect(await serving.index.count()).toBe(0);
  // And it can be built again.
  const whole = await generations.openNext();
  await generations.replace(whole);
  expect(generations.serving()).toBe(whole);
});

test('the next generation serves, though the one before cannot be closed without an error', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const left: Error[] = [];
  const generations = await openGenerations({
    ...{ folder: folder.path, dimensions: DIMENSIONS },
    onDiscarded: () => undefined,
    onLeftBehind: (error) => left.push(error),
  });
  onTestFinished(() => generations.close());
  const old = generations.serving();
  await old.index.upsert([rowOf(1)]);
  const { close } = old.index;
  old.index.close = async (how) => {
    await close.call(old.index, how);
    throw new Error('not whole');
  };
  const next = await generations.openNext();
  await generations.replace(next);
  expect(generations.serving()).toBe(next);
  await until('told', () => left.length > 0);
  expect(left).toMatchObject([{ message: 'not whole' }]);
  expect(() => old.table.position(0)).toThrow();
  expect(existsSync(join(folder.path, 'generation-1'))).toBe(false);
});

test('a search in the generation before does not hold up the switch; closed, nothing of that one is left', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const generations = await openGenerations({
    ...{ folder: folder.path, dimensions: DIMENSIONS },
    onDiscarded: () => undefined,
  });
  await generations.serving().index.upsert([rowOf(1)]);
  let answer: () => void = () => undefined;
  const search = generations.using(async ({ index }) => {
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return index.count();
  });
  await generations.replace(await generations.openNext());
  expect(existsSync(join(folder.path, 'generation-1'))).toBe(true);
  answer();
  expect(await search).toBe(1);
  await generations.close();
  expect(existsSync(join(folder.path, 'generation-1'))).toBe(false);
  expect(existsSync(join(folder.path, 'generation-2'))).toBe(true);
});

test('rows elsewhere that a lost disk explains no more are removed, of whichever generation, and no one else’s', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const server = await startPineconeServer(DIMENSIONS);
  onTestFinished(() => server.close());
  const kindOf = (replica: string) =>
    vectorIndexKind({ kind: 'pinecone', host: server.url, apiKey: 'pc-test' }, replica);
  const open = () =>
    openGenerations({
      ...{ folder: folder.path, dimensions: DIMENSIONS, kind: kindOf('cloud') },
      onDiscarded: () => undefined,
    });
  const first = await open();
  for (let rebuilds = 0; rebuilds < 2; rebuilds += 1) {
    const next = await first.openNext();
    await next.index.upsert([rowOf(1)]);
    await first.replace(next);
  }
  await first.close();
  const neighbour = await kindOf('cloud-3').open({
    ...{ folder: folder.path, generation: 1, dimensions: DIMENSIONS, discard: false },
  });
  await neighbour.upsert([rowOf(2)]);
  const filled = () => [...server.contents()].flatMap(([name, ids]) => (ids.length > 0 ? [name] : []));
  expect(filled().toSorted()).toEqual(['freshet-cloud-3-1.t-acme', 'freshet-cloud-3.t-acme']);
  rmSync(folder.path, { recursive: true });
  await (await open()).close();
  expect(filled()).toEqual(['freshet-cloud-3-1.t-acme']);
  await neighbour.close();
});
