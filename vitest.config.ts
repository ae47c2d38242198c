import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    // Two cores: one file at a time, so that real servers are not starved and no test measures its neighbour.
    fileParallelism: false,
    pool: 'forks',
  },
});
