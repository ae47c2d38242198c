import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { FreshetError } from '../../../schemas/errors.ts';
import { type BatchLimits, DEFAULT_BATCH_LIMITS } from './cut-batch.ts';
import type { EmbeddingModel } from './embedding-model.ts';
import { EmbeddingScheduler } from './embedding-scheduler.ts';
import { createEmbeddingThread } from './embedding-thread.ts';
import { createWordPieceTokenizer } from './word-piece-tokenizer.ts';

const DIMENSIONS = 384;
/** What the model was made for; its start and end tokens take two of them. */
const SEQUENCE_TOKENS = 256;

export type MinilmOptions = {
  /** Folder with model.onnx and tokenizer.json. */
  readonly modelDirectory: string;
  /** Threads that embed, each with about 200 MB and one core. Default: all cores but one, at least 1. */
  readonly workers?: number;
  readonly limits?: BatchLimits;
  /** Texts that stand in the queue before callers wait. Default 256. */
  readonly queueLimit?: number;
  /** Longest a batch or the start of a worker may take, in milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
  /** The worker's script, for tests of its crash. */
  readonly workerUrl?: URL;
};

/**
 * all-MiniLM-L6-v2 on this machine: 384 dimensions, mean pooling, unit length, ONNX in worker threads. Ready to embed
 * when the promise resolves (0.3 to 0.6 s).
 * @throws FreshetError `model-failed` when a file is missing or damaged
 */
export const openMinilmEmbeddingModel = async (options: MinilmOptions): Promise<EmbeddingModel> => {
  const workers = options.workers ?? Math.max(1, availableParallelism() - 1);
  const modelPath = join(options.modelDirectory, 'model.onnx');
  const tokenizerPath = join(options.modelDirectory, 'tokenizer.json');
  const threads = Array.from({ length: workers }, () =>
    createEmbeddingThread({
      workerUrl: options.workerUrl ?? new URL('./embedding-thread-worker.mjs', import.meta.url),
      workerData: { modelPath, dimensions: DIMENSIONS },
      timeoutMs: options.timeoutMs ?? 60_000,
    }),
  );

  try {
    const [fingerprint, tokenizerJson] = await Promise.all([
      fingerprintFiles([modelPath, tokenizerPath]),
      readFile(tokenizerPath, 'utf8'),
      ...threads.map((thread) => thread.start()),
    ]);
    const tokenizer = createWordPieceTokenizer(tokenizerJson);
    const scheduler = new EmbeddingScheduler({
      threads,
      encode: (text) => tokenizer.encode(text, SEQUENCE_TOKENS),
      limits: options.limits ?? DEFAULT_BATCH_LIMITS,
      queueLimit: options.queueLimit ?? 256,
    });
    return {
      id: `all-minilm-l6-v2@${fingerprint.slice(0, 8)}`,
      dimensions: DIMENSIONS,
      maxTokens: SEQUENCE_TOKENS - 2,
      embed: (texts) => scheduler.embed(texts),
      countTokens: tokenizer.countTokens,
      tokenSpans: tokenizer.tokenSpans,
      close: () => scheduler.close(),
    };
  } catch (cause) {
    await Promise.all(threads.map((thread) => thread.close()));
    throw new FreshetError(
      'model-failed',
      `The embedding model in ${options.modelDirectory} could not be opened. Install it again.`,
      { cause },
    );
  }
};

/** SHA-256 over all files: the tokenizer changes vectors as much as the weights do. */
const fingerprintFiles = async (paths: readonly string[]): Promise<string> => {
  const hash = createHash('sha256');
  for (const path of paths) {
    for await (const part of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(part);
  }
  return hash.digest('hex');
};
