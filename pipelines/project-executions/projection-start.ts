/** Where the projection of a partition begins: at its pin, and silently up to what it had projected. */
import { journalOffsetOf } from '../../schemas/journal-position.ts';

export interface ProjectionStart {
  readonly from: number;
  readonly projectedTo: number;
}

export const projectionStartOf = (
  { earliest, latest }: { readonly earliest: number; readonly latest: number },
  committed: { readonly offset: number; readonly metadata: string } | undefined,
): ProjectionStart => {
  const projectedTo = Math.max(earliest, committed?.offset ?? earliest);
  // Past the end the journal was made anew or restored, though the pin may lie within it: the reader then stops and says so.
  if (projectedTo > latest) return { from: projectedTo, projectedTo };
  const pinned = journalOffsetOf(committed?.metadata) ?? projectedTo;
  return { from: Math.max(earliest, Math.min(pinned, projectedTo)), projectedTo };
};
