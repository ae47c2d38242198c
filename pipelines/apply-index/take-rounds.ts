/**
 * Batches of many partitions, applied together: what has come by the next turn of the event loop is one round. One fetch
 * brings a few records of every partition, and a commit for each would cost more than all else; and between two rounds
 * the loop has its turn, so that a search waits for one round at most.
 */
import { turn } from '../../schemas/event-loop-turn.ts';
export interface RoundSettings<Batch, Result> {
  readonly sizeOf: (batch: Batch) => number;
  /** A round ends before it passes so many; one larger batch is a round of its own. */
  readonly most: number;
  /** One result a batch, in their order. Doing it again after an error is safe. */
  readonly apply: (batches: readonly Batch[]) => Promise<readonly Result[]>;
}

interface Waiting<Batch, Result> {
  readonly batch: Batch;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** What comes back takes a batch into the next round, and resolves or rejects as it ends. */
export const takeRounds = <Batch, Result>({
  sizeOf,
  most,
  apply,
}: RoundSettings<Batch, Result>): ((batch: Batch) => Promise<Result>) => {
  const waiting: Waiting<Batch, Result>[] = [];
  let running = false;

  const takeRound = (): readonly Waiting<Batch, Result>[] => {
    let size = 0;
    const end = waiting.findIndex(({ batch }, at) => {
      size += sizeOf(batch);
      return at > 0 && size > most;
    });
    return waiting.splice(0, end < 0 ? waiting.length : end);
  };

  const applyRound = async (round: readonly Waiting<Batch, Result>[]): Promise<void> => {
    try {
      const results = await apply(round.map(({ batch }) => batch));
      for (const [at, { resolve }] of round.entries()) resolve(results[at] as Result);
    } catch (error) {
      // What is wrong with one of them must not hold up the others.
      if (round.length > 1) for (const each of round) await applyRound([each]);
      else round[0]?.reject(error);
    }
  };

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      await turn();
      await applyRound(takeRound());
    }
    running = false;
  };

  return (batch) =>
    new Promise((resolve, reject) => {
      waiting.push({ batch, resolve, reject });
      if (running) return;
      running = true;
      void run();
    });
};
