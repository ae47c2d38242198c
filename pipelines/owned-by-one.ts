/**
 * Work that one process at a time does: it runs where a partition is owned (partition 0 of freshet.documents in the group of
 * index-documents), is ended when the partition goes, and taken over by the next owner. A process that was stopped and goes on
 * may still do a last piece of it beside its successor, so such work must bear being done twice.
 */
import { toError } from '../schemas/errors.ts';

export interface OwnedWork {
  stop(): Promise<void>;
}

export interface OwnedByOne {
  /** The partition came, is ready, or went; other partitions are nobody's business here. */
  owns(partition: number): void;
  lost(partition: number): void;
  running(): boolean;
  stop(): Promise<void>;
}

export const OWNING_PARTITION = 0;
const AGAIN_MS = 1_000;

/** `begin` is called at each taking over, one at a time, and again after a second when it throws. */
export const ownedByOne = (
  begin: () => Promise<OwnedWork>,
  onError: (error: Error) => void = () => undefined,
): OwnedByOne => {
  let wanted = false;
  let work: OwnedWork | undefined;
  let turning: Promise<void> = Promise.resolve();
  let again: NodeJS.Timeout | undefined;

  const turn = async (): Promise<void> => {
    clearTimeout(again);
    try {
      if (wanted && !work) work = await begin();
      if (!wanted && work) {
        const ended = work;
        work = undefined;
        await ended.stop();
      }
    } catch (thrown) {
      onError(toError(thrown));
      if (wanted) again = setTimeout(next, AGAIN_MS);
    }
  };
  const next = (): Promise<void> => {
    turning = turning.then(turn);
    return turning;
  };
  const want = (partition: number, yes: boolean): void => {
    if (partition !== OWNING_PARTITION || wanted === yes) return;
    wanted = yes;
    void next();
  };

  return {
    owns: (partition) => want(partition, true),
    lost: (partition) => want(partition, false),
    running: () => work !== undefined,
    stop: async () => {
      wanted = false;
      await next();
    },
  };
};
