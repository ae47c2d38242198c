/** The one query that reads a row as it is now. */
import { expect, test } from 'vitest';
import { rowQuery } from '../../../connectors/sources/postgres/postgres-rows.ts';

test('a row is asked for whole, by its key as a change has it', () => {
  expect(rowQuery('public.a', { id: '7', 'no"te': 'x' })).toEqual({
    text: 'select * from "public"."a" where "id" = $1 and "no""te" = $2',
    values: ['7', 'x'],
  });
  expect(rowQuery('public.a', { id: 'AAE=' }, new Set(['id'])).text).toBe(
    `select * from "public"."a" where "id" = decode($1, 'base64')`,
  );
});

test('the end of time is asked for by its word: what a change calls it is out of its range', () => {
  const until = (value: string) => rowQuery('public.a', { until: value }).values;
  expect(until('+292278994-08-16T23:00:00Z')).toEqual(['infinity']);
  expect(until('-5877611-06-22Z')).toEqual(['-infinity']);
  expect(until('2026-11-21T14:33:46.5Z')).toEqual(['2026-11-21T14:33:46.5Z']);
});
