/** How many of each kind there are, the most first. Pure. */
export interface Counted {
  readonly name: string;
  readonly count: number;
}

export const countedBy = <Of>(all: readonly Of[], nameOf: (each: Of) => string): readonly Counted[] => {
  const counts = new Map<string, number>();
  for (const each of all) counts.set(nameOf(each), (counts.get(nameOf(each)) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);
};
