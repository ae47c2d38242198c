/** The first characters of a text, in UTF-16 code units; one fewer where it would end in half of a surrogate pair, which is no character. */
export const cutText = (text: string, characters: number): string => {
  if (text.length <= characters) return text;
  return text.slice(0, Math.max(0, characters)).replace(/[\uD800-\uDBFF]$/, '');
};

/** The same, with an ellipsis behind it where something is left out. */
export const shortenedTo = (text: string, characters: number): string =>
  text.length <= characters ? text : `${cutText(text, characters)}…`;
