/**
 * The lines of a UTF-8 stream, without their ends, as they come; the last one whether or not it ends. Empty ones are
 * left out.
 *
 * @throws Error when a line has more than `maxCharacters`, and whatever the stream throws
 */
export async function* readLines(
  stream: AsyncIterable<Uint8Array>,
  maxCharacters: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let held = '';
  for await (const bytes of stream) {
    held += decoder.decode(bytes, { stream: true });
    const lines = held.split('\n');
    held = lines.pop() ?? '';
    for (const line of [...lines, held]) {
      if (line.length > maxCharacters) throw new Error(`a line has more than ${maxCharacters} characters`);
    }
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  held += decoder.decode();
  if (held.trim() !== '') yield held;
}
