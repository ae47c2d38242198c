/** Values of Postgres as its changes carry them; what a real connector makes of each is held in scanned-types.server.test.ts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ArrayElement, parseArrayText } from '../../../connectors/sources/postgres/array-text.ts';
import { capturedValue } from '../../../connectors/sources/postgres/captured-value.ts';

const scalar = (name: string, text: string, modifier = -1) =>
  capturedValue(text, { name, isArray: false }, modifier);
const list = (name: string, text: string, modifier = -1) =>
  capturedValue(text, { name, isArray: true }, modifier);

/** As array_out quotes: what it leaves bare is written bare in every second element. */
const written = (element: ArrayElement, at = 0): string => {
  if (element === null) return 'NULL';
  if (typeof element !== 'string') return `{${element.map(written).join(',')}}`;
  const bare = at % 2 === 0 && /^[^\s{},"\\]+$/.test(element) && element.toUpperCase() !== 'NULL';
  return bare ? element : `"${element.replace(/["\\]/g, '\\$&')}"`;
};

test('every array that Postgres can write is read as it was', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('NULL', 'null', '', '{', '}', ',', '"', '\\', 'a "b" \\ {c},d', '\n'),
  );
  const { value } = fc.letrec<{ value: readonly ArrayElement[] }>((tie) => ({
    value: fc.array(fc.oneof({ depthSize: 'small' }, fc.option(text), tie('value'))) as never,
  }));
  fc.assert(
    fc.property(value, (elements) => {
      expect(parseArrayText(written(elements))).toEqual(elements);
      expect(parseArrayText(`[0:${elements.length - 1}]=${written(elements)}`)).toEqual(elements);
    }),
  );
});

test('a long array takes no longer than its length', () => {
  const quoted = `{${Array.from({ length: 100_000 }, () => '"\\"\\\\ a"').join(',')}}`;
  expect(parseArrayText(quoted)).toHaveLength(100_000);
  expect(parseArrayText(`{"${'\\\\'.repeat(1_000_000)}"}`)[0]).toHaveLength(1_000_000);
});

describe('scalars', () => {
  test.each([
    ['float4', '0.1', Math.fround(0.1)],
    ['float8', '0.1', 0.1],
    ['money', '-$1,234.50', '-1234.50'],
    ['money', '($7.00)', '-7.00'],
    ['money', '€0.05', '0.05'],
    ['interval', '00:00:00', 'P0Y0M0DT0H0M0S'],
    ['interval', '1 year -2 mons +3 days -04:05:06.7', 'P1Y-2M3DT-4H-5M-6.7S'],
    ['interval', '-1 days', 'P0Y0M-1DT0H0M0S'],
    ['interval', '00:00:00.000001', 'P0Y0M0DT0H0M0.000001S'],
    ['interval', '100:00:00', 'P0Y0M0DT100H0M0S'],
    ['timetz', '14:03:06.5+02', '12:03:06.5Z'],
    ['timetz', '23:30:00-02:30', '02:00:00Z'],
    ['timetz', '24:00:00+00', '24:00:00Z'],
    ['bit', '101000000001', Buffer.from([1, 10])],
    ['varbit', '000', Buffer.alloc(0)],
    ['hstore', '', '{}'],
    // In a HashMap of Java "key91" stands before "key7".
    ['hstore', '"key7"=>"a\u001f", "key91"=>NULL', '{"key91":null,"key7":"a\\u001F"}'],
    ['hstore', String.raw`"a \"b\""=>"c\\u001f"`, String.raw`{"a \"b\"":"c\\u001f"}`],
  ])('%s %s', (name, text, value) => {
    expect(scalar(name, text)).toEqual(value);
  });

  test('one bit is a truth', () => {
    expect([scalar('bit', '1', 1), scalar('bit', '0', 1)]).toEqual([true, false]);
  });
});

describe('lists', () => {
  test.each([
    ['text', '{red,"NULL",NULL}', ['red', 'NULL', null]],
    ['int4', '[0:1]={5,6}', [5, 6]],
    ['int8', '{9007199254740993}', [9007199254740993n]],
    ['bool', '{t,f}', [true, false]],
    ['float4', '{0.1}', [Math.fround(0.1)]],
    ['bytea', '{"\\\\xdead"}', [Buffer.from('dead', 'hex')]],
    ['timestamptz', '{"2026-11-21 14:03:06.5+00"}', ['2026-11-21T14:03:06.500000Z']],
    ['time', '{14:03:06.1209,14:03:06.0001,00:00:00}', ['14:03:06.12Z', '14:03:06Z', '00:00:00Z']],
    ['int4', '{{1,2},{3,4}}', [null, null]],
  ])('%s %s', (name, text, value) => {
    expect(list(name, text)).toEqual(value);
  });
});
