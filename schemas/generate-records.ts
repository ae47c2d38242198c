/** Writes records.ts from avro/*.avsc: `npm run records`. A test holds the two together. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly doc?: string;
}
type AvroType =
  | string
  | readonly AvroType[]
  | {
      readonly type: string;
      readonly name?: string;
      readonly doc?: string;
      readonly fields?: readonly AvroField[];
      readonly items?: AvroType;
      readonly values?: AvroType;
      readonly oneOf?: readonly string[];
    };

const PRIMITIVES: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Buffer',
};

const comment = (text: string | undefined, indent: string): string =>
  text ? `${indent}/** ${text} */\n` : '';

const typeOf = (type: AvroType, interfaces: string[]): string => {
  if (typeof type === 'string') return PRIMITIVES[type] ?? type;
  if (Array.isArray(type)) return type.map((each: AvroType) => typeOf(each, interfaces)).join(' | ');
  const schema = type as Exclude<AvroType, string | readonly AvroType[]>;
  if (schema.oneOf) return schema.oneOf.map((each) => `'${each}'`).join(' | ');
  if (schema.type === 'array' && schema.items) return `readonly ${typeOf(schema.items, interfaces)}[]`;
  if (schema.type === 'map' && schema.values)
    return `Readonly<Record<string, ${typeOf(schema.values, interfaces)}>>`;
  if (schema.type === 'record' && schema.fields && schema.name) {
    const fields = schema.fields.map(
      (field) => `${comment(field.doc, '  ')}  readonly ${field.name}: ${typeOf(field.type, interfaces)};\n`,
    );
    interfaces.push(`${comment(schema.doc, '')}export interface ${schema.name} {\n${fields.join('')}}\n`);
    return schema.name;
  }
  return typeOf(schema.type, interfaces);
};

/** The text of records.ts for the schemas in a folder. */
export const generateRecords = (folder: URL): string => {
  const interfaces: string[] = [];
  const names: [string, string][] = [];
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.avsc'))
    .sort()) {
    const schema = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as AvroType;
    names.push([typeOf(schema, interfaces), file]);
  }
  return [
    '// Generated from avro/*.avsc by generate-records.ts; do not edit. test/schemas/records.test.ts holds them together.\n',
    ...interfaces,
    `/** Every record that is the value of a topic, by name. */\nexport interface Records {\n${names.map(([name]) => `  readonly ${name}: ${name};\n`).join('')}}\n`,
    'export type RecordName = keyof Records;\n',
    `/** The schema file of each record, in avro/. */\nexport const SCHEMA_FILES = {\n${names.map(([name, file]) => `  ${name}: '${file}',\n`).join('')}} as const satisfies Record<RecordName, string>;\n`,
  ].join('\n');
};

if (process.argv[1] && import.meta.url === new URL(process.argv[1], 'file:').href) {
  writeFileSync(new URL('records.ts', import.meta.url), generateRecords(new URL('avro/', import.meta.url)));
}
