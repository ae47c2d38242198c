import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import avro from 'avsc';
import { expect, test } from 'vitest';
import { generateRecords } from '../../schemas/generate-records.ts';
import { SCHEMA_FILES } from '../../schemas/records.ts';
import { isGapless, PARTITIONS, TOPICS, type TopicDefinition } from '../../schemas/topics.ts';

const folder = new URL('../../schemas/avro/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.avsc'));
const topics: readonly TopicDefinition[] = Object.values(TOPICS);

test('records.ts is what the schemas say', () => {
  const formatted = execFileSync('npx', ['biome', 'format', '--stdin-file-path=schemas/records.ts'], {
    cwd: new URL('../..', import.meta.url),
    input: generateRecords(folder),
    encoding: 'utf8',
  });
  expect(readFileSync(new URL('../../schemas/records.ts', import.meta.url), 'utf8')).toBe(formatted);
});

test('every schema is the value of exactly one topic, and every topic has its schema', () => {
  expect(Object.values(SCHEMA_FILES).sort()).toEqual([...files].sort());
  expect(topics.map((topic) => topic.value).sort()).toEqual(Object.keys(SCHEMA_FILES).sort());
});

test.each(files)('%s: a field that a later version added has a default that fits', (file) => {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const type = avro.Type.forSchema(JSON.parse(text) as avro.Schema);
  expect(type).toBeInstanceOf(avro.types.RecordType);
  if (!(type instanceof avro.types.RecordType)) return;
  for (const field of type.fields) {
    const fallback: unknown = field.defaultValue();
    if (fallback !== undefined) expect(field.type.isValid(fallback)).toBe(true);
  }
  // The name of the record is the name that the code holds on to.
  expect(SCHEMA_FILES[type.name?.split('.').at(-1) as keyof typeof SCHEMA_FILES]).toBe(file);
});

test('what one worker owns together has as many partitions', () => {
  for (const { partitions } of [TOPICS.documents, TOPICS.tasks, TOPICS.agentEvents])
    expect(partitions).toBe(PARTITIONS);
});

test('holes in the offsets are a loss only where nothing is compacted', () => {
  for (const { name, settings } of topics)
    if (settings['cleanup.policy'] === 'compact') expect(isGapless(name)).toBe(false);
  expect(isGapless('cdc.helpcentre')).toBe(true);
});
