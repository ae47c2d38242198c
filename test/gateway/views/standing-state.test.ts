import { expect, test } from 'vitest';
import { standingState } from '../../../gateway/views/standing-state.ts';
import { stateOf } from '../../pipelines/watch-sources/watched-states.ts';

const SECOND = 1_000_000;

test('what was said a moment ago stands', () => {
  const state = stateOf({ updatedAt: 100 * SECOND });
  expect(standingState(state, 111 * SECOND)).toBe(state);
  // A clock that is behind the pipeline's proves no silence.
  expect(standingState(state, 50 * SECOND)).toBe(state);
});

test('a source that nobody looks at any more is not green', () => {
  const state = stateOf({ updatedAt: 100 * SECOND, retainedWalBytes: 7 });
  expect(standingState(state, 190 * SECOND)).toMatchObject({
    state: 'unknown',
    reason: expect.stringMatching(/for 90 seconds: is the pipeline role running\? It was streaming then/),
    connector: 'unknown',
    retainedWalBytes: null,
    tables: state.tables,
  });
});
