/** Attack 15: what people are shown of a record that could not be processed. */
import { expect, test } from 'vitest';
import { summaryOf } from '../../gateway/read-models/dead-letter-list.ts';
import { recordPreview } from '../../gateway/record-preview.ts';

const TOKEN = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
/** No text: bytes that UTF-8 does not know, as of a double. */
const BINARY = Buffer.from([0xff, 0xfe, 0x80, 0x81, 0x90, 0xff]);

test('a binary record shows none of its strings, however they stand beside each other', () => {
  // Of 40 letters, Avro's length is the letter P: the token begins within a word.
  const value = Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), BINARY, Buffer.from(`P${TOKEN}x`), BINARY]);
  const { text, hex } = recordPreview(value);
  expect(text).toBeNull();
  const shown = Buffer.from(hex ?? '', 'hex');
  expect(shown.toString('latin1')).not.toContain('ghp_');
  expect(shown).toEqual(
    Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), BINARY, Buffer.from('*'.repeat(42)), BINARY]),
  );
});

test.each(['Jörg Müller', 'Ольга', '山田太郎', 'Ab😀cd', 'Øre', '\u{10ffff}ab'].map((text) => [text]))(
  'a string beyond ASCII in a binary record is stars from end to end: %s',
  (text) => {
    const bytes = Buffer.from(`${text}${text}`);
    const { hex } = recordPreview(Buffer.concat([BINARY, bytes, BINARY]));
    expect(Buffer.from(hex ?? '', 'hex')).toEqual(
      Buffer.concat([BINARY, Buffer.alloc(bytes.length, '*'), BINARY]),
    );
  },
);

test('bytes that are no UTF-8 and short pieces between them are shown as they are', () => {
  // Overlong, a surrogate, beyond Unicode, cut off.
  const odd = Buffer.from('c0afe08080eda080f4908080f8888080ff61626364ffc3', 'hex');
  const value = Buffer.concat([BINARY, odd]);
  expect(recordPreview(value).hex).toBe(value.toString('hex'));
});

test('of a large binary record the beginning is shown', () => {
  const { hex } = recordPreview(Buffer.alloc(10_000, 0xff));
  expect(hex).toBe('ff'.repeat(256));
});

test('a secret across the end of what is shown of a text is none of it', () => {
  const { text } = recordPreview(Buffer.from(`${'x '.repeat(2_040)}${TOKEN} end`));
  expect(text).toBe(`${'x '.repeat(2_040)}[token] end`);
});

test('neither the key nor what is said of a dead letter gives a secret away', () => {
  const { key, message } = summaryOf({
    origin: { topic: 'cdc.shop', partition: 0, offset: 7 },
    stage: 'processing',
    reason: 'not-json',
    message: `Unexpected token: ${TOKEN} is not valid JSON`,
    key: Buffer.from(`{"token":"${TOKEN}"}`),
    value: null,
    valueBytes: 0,
    headers: {},
    at: 1,
  });
  expect(key).toBe('{"token":"[token]"}');
  expect(message).toBe('Unexpected token: [token] is not valid JSON');
});
