/** The field of that name, where the record itself has it: a source named `constructor` is none of what every object inherits. */
export const ownField = <Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;
