/** What a text says as JSON; the text itself where it is none. */
export const jsonOrText = (text: string | null): unknown => {
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};
