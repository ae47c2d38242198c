import type { Random } from './seeded-random.ts';

const first = Date.UTC(2024, 0, 2);
const span = 700 * 24 * 3600;

/** A whole second in 2024 or 2025: fixed, so that a row is the same on whatever day it is made. */
export const sampleTime = (random: Random): Date => new Date(first + random.integer(0, span) * 1000);
