/** Names of Postgres, quoted for a statement. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `schema.table` */
export const quotedTable = (table: string): string => table.split('.').map(quoted).join('.');
