import * as published from '@opentelemetry/semantic-conventions/incubating';
import { expect, test } from 'vitest';
import {
  CONVENTIONAL,
  OPERATIONS,
  OWN,
  providerNameOf,
} from '../../../connectors/telemetry/semantic-conventions.ts';

const values = (prefix: RegExp): readonly unknown[] =>
  Object.entries(published).flatMap(([name, value]) => (prefix.test(name) ? [value] : []));

test('every name that is said to be conventional is', () => {
  const attributes = values(/^ATTR_/);
  expect(attributes.length).toBeGreaterThan(200);
  for (const name of Object.values(CONVENTIONAL)) expect(attributes).toContain(name);
});

test('so is every operation, and every provider that has a name of its own', () => {
  const operations = values(/^GEN_AI_OPERATION_NAME_VALUE_/);
  for (const operation of Object.values(OPERATIONS)) expect(operations).toContain(operation);
  const providers = values(/^GEN_AI_PROVIDER_NAME_VALUE_/);
  for (const kind of ['openai-compatible', 'anthropic']) expect(providers).toContain(providerNameOf(kind));
});

test('what is ours is marked as ours, and no name stands for two things', () => {
  for (const name of Object.values(OWN)) expect(name).toMatch(/^freshet\.[a-z_.]+$/);
  const all = [...Object.values(CONVENTIONAL), ...Object.values(OWN)];
  expect(new Set(all).size).toBe(all.length);
});
