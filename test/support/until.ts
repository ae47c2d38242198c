import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again until it holds, and gives what held. The deadline is for what never comes; nothing is measured by it. */
export const until = async <T>(
  what: string,
  ask: () => T | Promise<T>,
  { within = 120_000, every = 20 } = {},
): Promise<NonNullable<Exclude<Awaited<T>, false>>> => {
  const deadline = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer as NonNullable<Exclude<Awaited<T>, false>>;
    if (Date.now() > deadline) throw new Error(`not within ${within} ms: ${what}`);
    await sleep(every);
  }
};
