/** `partition:offset` in a query string. */
import { z } from 'zod';

const PLACE = /^(\d{1,5}):(\d{1,15})$/;

export interface Place {
  readonly partition: number;
  readonly offset: number;
}

export const place = z
  .string()
  .regex(PLACE, 'partition:offset, such as 3:17')
  .transform((text): Place => {
    const [, partition, offset] = PLACE.exec(text) ?? [];
    return { partition: Number(partition), offset: Number(offset) };
  });
