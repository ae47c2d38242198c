/** A column's name in a statement. */
export const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Of database.table. */
export const quotedTable = (table: string): string => table.split('.').map(quoted).join('.');
