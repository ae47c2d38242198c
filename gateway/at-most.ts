import { FreshetError } from '../schemas/errors.ts';

/** Runs so much work at a time, and refuses what is beyond it. Errors: `too-many-requests` with `message`, and those of the work. */
export const atMost = (places: number, message: string): (<Of>(work: () => Promise<Of>) => Promise<Of>) => {
  let taken = 0;
  return async (work) => {
    if (taken >= places) throw new FreshetError('too-many-requests', message);
    taken += 1;
    try {
      return await work();
    } finally {
      taken -= 1;
    }
  };
};
