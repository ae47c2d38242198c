import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Changes with every start of the operating system: by it a store knows whether the page cache is still the one it wrote to. */
export const bootId = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Where there is no such id: the time of the start to ten minutes, for clocks are set under way.
    return `started-${Math.round((Date.now() / 1_000 - uptime()) / 600)}`;
  }
};
