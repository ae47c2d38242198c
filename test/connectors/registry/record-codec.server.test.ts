/** Schemas that change: what was written before can be read, what cannot be is refused before it does harm. */
import { randomUUID } from 'node:crypto';
import avro from 'avsc';
import { beforeAll, expect, inject, test } from 'vitest';
import { openRecordCodec, type RecordCodec, schemaText } from '../../../connectors/registry/record-codec.ts';
import { openSchemaRegistry, type SchemaRegistry } from '../../../connectors/registry/schema-registry.ts';
import { unreadableReason } from '../../../connectors/registry/unreadable-reason.ts';
import type { Task } from '../../../schemas/records.ts';

interface RecordSchema {
  readonly fields: readonly { readonly name: string }[];
}
let registry: SchemaRegistry;
let codec: RecordCodec;
beforeAll(async () => {
  registry = openSchemaRegistry(`${inject('stack').schemaRegistry}/apis/ccompat/v7`);
  codec = await openRecordCodec(registry);
});

const task: Task = {
  agent: 'support',
  input: 'How do I reset the hub?',
  taskId: 'task-1',
  tenant: 'acme',
  principal: null,
  sessionId: null,
  feature: null,
  budget: null,
  createdAt: null,
} as unknown as Task;
const schema = (): RecordSchema & Record<string, unknown> =>
  JSON.parse(schemaText('Task')) as RecordSchema & Record<string, unknown>;
const written = async (subject: string, changed: object, value: object): Promise<Buffer> => {
  const id = await registry.register(subject, JSON.stringify(changed));
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return Buffer.concat([header, avro.Type.forSchema(changed as avro.Schema).toBuffer(value)]);
};
const whole = async (): Promise<Task> =>
  codec.decode('Task', Buffer.from('{"agent":"support","input":"Hello"}'));

test('what is encoded is decoded, in wire format', async () => {
  const full = { ...(await whole()), tenant: 'acme' };
  const bytes = codec.encode('Task', full);
  expect(bytes[0]).toBe(0);
  expect(await codec.decode('Task', bytes)).toEqual(full);
});

test('JSON by hand that names half of a surrogate pair is read as what Avro can hold of it', async () => {
  const read = await codec.decode(
    'Task',
    Buffer.from('{"agent":"support","input":"a \\ud83d b","taskId":"t\\ude00"}'),
  );
  expect(read).toMatchObject({ input: 'a \ufffd b', taskId: 't\ufffd' });
  expect(await codec.decode('Task', codec.encode('Task', read))).toEqual(read);
});

test('one of any length, and none is changed by those encoded after it', async () => {
  const base = await whole();
  const all = [10, 60_000, 65_536, 70_000, 1_000_000, 20].map((length) => ({
    ...base,
    input: String.fromCharCode(97 + (length % 26)).repeat(length),
  }));
  const encoded = all.map((each) => codec.encode('Task', each));
  for (const [at, bytes] of encoded.entries()) expect(await codec.decode('Task', bytes)).toEqual(all[at]);
});

test('a record written with an older schema has the defaults of what came since', async () => {
  const { fields, ...rest } = schema();
  const older = {
    ...rest,
    fields: fields.filter((field) => field.name !== 'tenant' && field.name !== 'feature'),
  };
  const bytes = await written(`test-${randomUUID()}-value`, older, await whole());
  expect(await codec.decode('Task', bytes)).toEqual(await whole());
  // Its Avro is not what this release would write.
  expect(codec.bodyOf('Task', bytes)).toBeUndefined();
  const own = codec.encode('Task', await whole());
  expect(codec.bodyOf('Task', own)).toEqual(own.subarray(5));
});

test('a record written with a newer schema leaves out what is not known yet', async () => {
  const { fields, ...rest } = schema();
  const newer = { ...rest, fields: [...fields, { name: 'added', type: 'string', default: 'x' }] };
  const bytes = await written(`test-${randomUUID()}-value`, newer, { ...(await whole()), added: 'y' });
  expect(await codec.decode('Task', bytes)).toEqual(await whole());
});

test('a newer version with a default is registered under the same subject, one without is incompatible', async () => {
  const subject = `test-${randomUUID()}-value`;
  const { fields, ...rest } = schema();
  const first = await registry.register(subject, JSON.stringify({ ...rest, fields }));
  const added = { ...rest, fields: [...fields, { name: 'added', type: 'string', default: 'x' }] };
  const second = await registry.register(subject, JSON.stringify(added));
  expect(second).not.toBe(first);
  expect(await registry.register(subject, JSON.stringify({ ...rest, fields }))).toBe(first);
  const required = { ...rest, fields: [...fields, { name: 'required', type: 'string' }] };
  await expect(registry.register(subject, JSON.stringify(required))).rejects.toMatchObject({
    code: 'schema-incompatible',
  });
  const retyped = {
    ...rest,
    fields: fields.map((field) => (field.name === 'input' ? { name: 'input', type: 'long' } : field)),
  };
  await expect(registry.register(subject, JSON.stringify(retyped))).rejects.toMatchObject({
    code: 'schema-incompatible',
  });
  expect(await registry.subjects()).toContain(subject);
});

test('a record whose schema does not fit is unreadable for good', async () => {
  const { fields, ...rest } = schema();
  const retyped = {
    ...rest,
    fields: fields.map((field) => (field.name === 'input' ? { name: 'input', type: 'long' } : field)),
  };
  const bytes = await written(`test-${randomUUID()}-value`, retyped, { ...(await whole()), input: 1 });
  await expect(codec.decode('Task', bytes)).rejects.toMatchObject({ code: 'record-unreadable' });
  expect(unreadableReason(bytes)).toBe('schema-mismatch');
});

test('a schema that the registry never heard of makes a record unreadable, it does not hold up what follows', async () => {
  const bytes = Buffer.from([0, 0x7f, 0xff, 0xff, 0xf0, 1, 2, 3]);
  await expect(codec.decode('Task', bytes)).rejects.toMatchObject({ code: 'record-unreadable' });
});

test('a registry that is away is no reason to give a record up', async () => {
  const away = openSchemaRegistry('http://127.0.0.1:9/apis/ccompat/v7');
  await expect(away.schemaById(1)).rejects.toMatchObject({ code: 'registry-unavailable' });
});

test('a task in JSON has its defaults', async () => {
  expect(await whole()).toMatchObject({
    agent: 'support',
    input: 'Hello',
    taskId: null,
    tenant: null,
    budget: null,
  });
});

test.each([
  ['an unknown field', '{"agent":"a","input":"b","prio":1}', /prio/],
  ['a name that every object has', '{"agent":"a","input":"b","__proto__":{"tenant":"x"}}', /__proto__/],
  ['a missing field', '{"agent":"a"}', /input/],
  ['a field of another type', '{"agent":"a","input":1}', /input/],
  ['JSON cut short', '{"agent":"a"', /JSON/],
  ['neither JSON nor Avro', 'agent=a', /neither/],
])('refused: %s', async (_, text, why) => {
  await expect(codec.decode('Task', Buffer.from(text))).rejects.toMatchObject({
    code: 'record-unreadable',
    message: expect.stringMatching(why),
  });
});

test('a record that does not fit its schema is not written, and the error does not tell what was in it', () => {
  const wrong = { ...task, input: 42 } as unknown as Task;
  expect(() => codec.encode('Task', wrong)).toThrow(
    expect.objectContaining({ code: 'record-unreadable', message: expect.not.stringContaining('42') }),
  );
});
