import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const SERVER_TESTS = 'test/**/*.server.test.ts';
const SLOW_TESTS = 'test/failure/slow/*.server.test.ts';
/** Small, and of twenty seconds: as the last it would have nothing beside it. */
const LONG = /vector-index\/crash\.test\.ts$/;

/** The largest first, as vitest has it where it has not seen them run. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [true, false].flatMap((long) => sorted.filter(({ moduleId }) => LONG.test(moduleId) === long));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    reporters: ['default', './test/support/plain-reporter.ts'],
    // For what never comes: a slow machine takes several times as long as a quick one, and fails nothing by it.
    testTimeout: 240_000,
    hookTimeout: 360_000,
    // Its default of a second is a bound that a slow machine passes.
    expect: { poll: { timeout: 120_000 } },
    // Two cores: one file at a time, so that real servers are not starved and no test measures its neighbour.
    fileParallelism: false,
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          // One process for all of them: what they share is code, and each file would take half a second to load it again.
          isolate: false,
          fileParallelism: true,
          maxWorkers: 2,
          include: ['test/**/*.test.ts'],
          exclude: [SERVER_TESTS],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: [SERVER_TESTS],
          exclude: [SLOW_TESTS],
          // Runs only when a test of this project does: pure tests alone start no servers.
          globalSetup: ['test/support/stack.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'failure',
          include: [SLOW_TESTS],
          globalSetup: ['test/support/stack.ts'],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
