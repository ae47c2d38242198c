/** The body of an answer, decoded, within a bound that holds for what is sent and for what comes of it. */
import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { FreshetError } from '../../schemas/errors.ts';
import { answerTooLarge } from './fetch-refusal.ts';

/** Errors: `request-too-large`, `unavailable`; those of the connection or the decoder. */
export const readAnswer = async (answer: IncomingMessage, maxBytes: number): Promise<Buffer> => {
  if (Number(answer.headers['content-length']) > maxBytes) {
    answer.destroy();
    throw answerTooLarge(maxBytes);
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of decoded(answer, maxBytes)) {
    bytes += piece.length;
    if (bytes > maxBytes) throw answerTooLarge(maxBytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
};

const decoded = (answer: IncomingMessage, maxBytes: number): Readable => {
  const decoder = decoderOf(answer);
  if (decoder === null) return answer;
  let sent = 0;
  // What is decoded to nothing would come in for ever.
  answer.on('data', (piece: Buffer) => {
    sent += piece.length;
    if (sent > maxBytes) answer.destroy(answerTooLarge(maxBytes));
  });
  return pipeline(answer, decoder, () => undefined);
};

/** One coding of those that were asked for: several after one another multiply. */
const decoderOf = (answer: IncomingMessage): Transform | null => {
  const coding = answer.headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (coding === '' || coding === 'identity') return null;
  if (coding === 'gzip' || coding === 'x-gzip') return createGunzip();
  if (coding === 'br') return createBrotliDecompress();
  answer.destroy();
  throw new FreshetError('unavailable', 'fetch: the answer is in a coding that was not asked for');
};
