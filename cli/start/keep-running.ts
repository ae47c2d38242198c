/**
 * Keeps something running that may die: starts it again after a pause that grows, and gives up when it dies again and
 * again. Roles and servers are made to be killed; a machine that kills one every few seconds needs a person.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type FreshetError, toFreshetError } from '../../schemas/errors.ts';

export interface KeptRunning {
  /** Tells that it ended. */
  died(error: FreshetError): void;
  /** No more starts. */
  release(): void;
}

export interface KeepRunningSettings {
  readonly start: () => Promise<void>;
  readonly onRestart: (error: FreshetError, attempt: number) => void;
  readonly onGivenUp: (error: FreshetError) => void;
}

const ATTEMPTS = 5;
const WITHIN_MS = 60_000;
const FIRST_PAUSE_MS = 200;

export const keepRunning = (settings: KeepRunningSettings): KeptRunning => {
  let deaths: number[] = [];
  let released = false;
  const died = async (error: FreshetError): Promise<void> => {
    if (released) return;
    const now = performance.now();
    deaths = [...deaths.filter((at) => now - at < WITHIN_MS), now];
    if (deaths.length > ATTEMPTS) {
      released = true;
      settings.onGivenUp(error);
      return;
    }
    settings.onRestart(error, deaths.length);
    await sleep(FIRST_PAUSE_MS * 2 ** (deaths.length - 1));
    if (released) return;
    try {
      await settings.start();
    } catch (thrown) {
      await died(toFreshetError(thrown));
    }
  };
  return {
    died: (error) => void died(error),
    release: () => {
      released = true;
    },
  };
};
