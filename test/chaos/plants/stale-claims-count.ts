/**
 * The fold of a journal as it must not be: an own record that was acknowledged is taken for the next one of the log, so that what
 * others wrote before it, a higher claim among it, is never read. Loaded in the place of the right one.
 */
import { createJournalFold as rightly } from '../../../agents/runtime/journal-fold.ts';

export * from '../../../agents/runtime/journal-fold.ts';

export const createJournalFold: typeof rightly = (...of) => {
  const fold = rightly(...of);
  return {
    ...fold,
    offer: (offset, event) => {
      if (event) for (let at = fold.position(); at < offset; at += 1) fold.offer(at, null);
      fold.offer(offset, event);
    },
  };
};
