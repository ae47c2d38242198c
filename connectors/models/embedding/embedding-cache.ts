import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { EmbeddingContext, EmbeddingModel, EmbeddingPurpose } from './embedding-model.ts';

/** What an entry weighs beside its vector: key, list node, typed array; bytes. */
const ENTRY_OVERHEAD = 300;

export type EmbeddingCacheCounts = {
  /** Texts found, or already being embedded for the same tenant. */
  readonly hits: number;
  readonly misses: number;
  /** Texts for which the model gave a vector. */
  readonly embedded: number;
};

/**
 * Remembers vectors by tenant, model, purpose and SHA-256 of the text, up to a number of bytes, least recently used out first.
 * Equal texts of one tenant that come together are embedded once, for as long as one of those who asked wants them. Nothing is
 * shared between tenants, as a hit's speed alone would tell one what another has (invariant I9). A failure is not remembered. Vectors are shared between
 * callers: do not write into them, nor transfer them to a thread.
 */
export class EmbeddingCache {
  readonly #model: EmbeddingModel;
  readonly #vectors: LRUCache<string, Float32Array>;
  readonly #underway = new Map<string, Place>();
  #hits = 0;
  #misses = 0;
  #embedded = 0;

  constructor(options: { readonly model: EmbeddingModel; readonly maxBytes: number }) {
    this.#model = options.model;
    this.#vectors = new LRUCache({
      maxSize: options.maxBytes,
      sizeCalculation: (vector) => vector.byteLength + ENTRY_OVERHEAD,
    });
  }

  get counts(): EmbeddingCacheCounts {
    return { hits: this.#hits, misses: this.#misses, embedded: this.#embedded };
  }

  /** Bytes held now, as far as this cache counts them. */
  get bytes(): number {
    return this.#vectors.calculatedSize;
  }

  /** The model as one tenant sees it. Closing it closes the model below for all. */
  forTenant(tenant: string): EmbeddingModel {
    const model = this.#model;
    return {
      id: model.id,
      dimensions: model.dimensions,
      maxTokens: model.maxTokens,
      embed: (texts, context) => this.#embed(tenant, texts, context),
      countTokens: (text) => model.countTokens(text),
      tokenSpans: (text) => model.tokenSpans(text),
      close: () => model.close(),
    };
  }

  async #embed(
    tenant: string,
    texts: readonly string[],
    { purpose = 'document', wanted = always }: EmbeddingContext = {},
  ): Promise<readonly Float32Array[]> {
    const missing: MissingText[] = [];
    const answers = texts.map((text) => {
      const key = cacheKey(tenant, this.#model.id, purpose, text);
      const underway = this.#underway.get(key);
      underway?.askers.push(wanted);
      const known = this.#vectors.get(key) ?? underway?.promise;
      if (known !== undefined) {
        this.#hits += 1;
        return known;
      }
      this.#misses += 1;
      const place = placeFor(wanted);
      this.#underway.set(key, place);
      missing.push({ key, text, place });
      return place.promise;
    });
    const anyWanted = (): boolean => missing.some(({ place }) => place.askers.some((wants) => wants()));
    if (missing.length > 0) void this.#fill(missing, { purpose, tenant, wanted: anyWanted });
    return Promise.all(answers);
  }

  /** Never rejects: what fails is passed on to everyone who waits for that text. */
  async #fill(missing: readonly MissingText[], context: EmbeddingContext): Promise<void> {
    try {
      const vectors = await this.#model.embed(
        missing.map((entry) => entry.text),
        context,
      );
      for (const [index, { key, place }] of missing.entries()) {
        const vector = vectors[index];
        if (vector === undefined) throw new RangeError('The model gave fewer vectors than texts.');
        this.#embedded += 1;
        this.#vectors.set(key, vector);
        place.resolve(vector);
      }
    } catch (error) {
      for (const { place } of missing) place.reject(error);
    } finally {
      for (const { key } of missing) this.#underway.delete(key);
    }
  }
}

type Place = {
  /** Whether each of those who asked for it still waits. */
  readonly askers: (() => boolean)[];
  readonly promise: Promise<Float32Array>;
  readonly resolve: (vector: Float32Array) => void;
  readonly reject: (error: unknown) => void;
};

type MissingText = { readonly key: string; readonly text: string; readonly place: Place };

const always = (): boolean => true;

const placeFor = (wanted: () => boolean): Place => {
  let resolve: (vector: Float32Array) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<Float32Array>((onVector, onError) => {
    resolve = onVector;
    reject = onError;
  });
  return { askers: [wanted], promise, resolve, reject };
};

/** Injective: the digest has a fixed length and the model's length stands before it. UTF-16, so that lone surrogates differ. */
const cacheKey = (tenant: string, modelId: string, purpose: EmbeddingPurpose, text: string): string => {
  const digest = hash('sha256', Buffer.from(text, 'utf16le'), 'base64');
  return `${digest}${purpose}${modelId.length}:${modelId}${tenant}`;
};
