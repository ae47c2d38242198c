import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openGenerations } from '../../../pipelines/apply-index/generations.ts';
import { temporaryFolder } from '../../support/plane-roles.ts';

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
