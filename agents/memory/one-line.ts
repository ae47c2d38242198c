/** A text on one line, `most` characters at most, an ellipsis included where something is left out. */
import { cutText } from '../../schemas/cut-text.ts';

export const oneLine = (text: string, most: number): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= most ? line : `${cutText(line, most - 1)}…`;
};
