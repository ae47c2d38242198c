/**
 * Documents without a source, for benches of the index alone: texts of about fifty words that keep to one of many
 * subjects, with the vectors of the instant embedder. The same number and revision give the same document.
 */
import { type Random, seededRandom } from '../../connectors/sample-source/seeded-random.ts';
import { bytesOfVector } from '../../connectors/vector-index/vector-codec.ts';
import { chunkHash } from '../../pipelines/index-documents/document-records.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import type { Document } from '../../schemas/records.ts';
import { makeVersion } from '../../schemas/version.ts';

export const SOURCE = 'scale';
export const TABLE = 'public.articles';
const SYLLABLES = ['ba', 'ce', 'di', 'fo', 'gu', 'ka', 'le', 'mi', 'no', 'pu', 'ra', 'se', 'ti', 'vo', 'zu'];
const WORDS = 20_000;
const WORDS_OF_SUBJECT = 30;
const WORDS_OF_TEXT = 50;
/** Of the words of a text. */
const SHARE_OF_SUBJECT = 0.7;
/** Documents of a subject, about. */
const SUBJECT_SIZE = 200;

const wordOf = (at: number): string => {
  let rest = at + SYLLABLES.length;
  let word = '';
  for (; rest > 0; rest = Math.floor(rest / SYLLABLES.length)) word += SYLLABLES[rest % SYLLABLES.length];
  return word;
};
const VOCABULARY = Array.from({ length: WORDS }, (_, at) => wordOf(at));
/** Few words are in most texts, most in few, as in a language. */
const commonWord = (random: Random): string => VOCABULARY[Math.floor(WORDS * random.fraction() ** 6)] ?? 'ba';

export interface SyntheticSettings {
  readonly documents: number;
  /** One document in so many is the small tenant's. */
  readonly smallTenantEvery: number;
  readonly model: { readonly id: string; embed(texts: readonly string[]): Promise<readonly Float32Array[]> };
}

const subjectWords = (subject: number): readonly string[] => {
  const random = seededRandom('subject', subject);
  return Array.from({ length: WORDS_OF_SUBJECT }, () => VOCABULARY[random.integer(0, WORDS - 1)] ?? 'ba');
};

const subjectOf = (settings: SyntheticSettings, at: number): number =>
  at % Math.ceil(settings.documents / SUBJECT_SIZE);

const textOf = (settings: SyntheticSettings, at: number, revision: number, words: number): string => {
  const own = subjectWords(subjectOf(settings, at));
  const random = seededRandom('text', at, revision);
  return Array.from({ length: words }, () =>
    random.chance(SHARE_OF_SUBJECT) ? random.pick(own) : commonWord(random),
  ).join(' ');
};

/** A question about a document as it stood first: a third of its words, and as many words of its subject. */
export const questionOf = (settings: SyntheticSettings, at: number): string => {
  const random = seededRandom('question', at);
  const words = textOf(settings, at, 1, WORDS_OF_TEXT).split(' ');
  const own = subjectWords(subjectOf(settings, at));
  const third = Math.ceil(WORDS_OF_TEXT / 3);
  const from = random.integer(0, WORDS_OF_TEXT - third);
  return [...words.slice(from, from + third), ...Array.from({ length: third }, () => random.pick(own))].join(
    ' ',
  );
};

export const tenantOf = (settings: SyntheticSettings, at: number): string =>
  at % settings.smallTenantEvery === 0 ? 'small' : 'large';

export const syntheticDocuments = async (
  settings: SyntheticSettings,
  numbers: readonly { readonly at: number; readonly revision: number }[],
): Promise<readonly { readonly record: Document; readonly vector: Float32Array }[]> => {
  const texts = numbers.map(({ at, revision }) => textOf(settings, at, revision, WORDS_OF_TEXT));
  const titles = numbers.map(({ at }) => `Article ${at}`);
  const vectors = await settings.model.embed(texts.map((text, at) => `${titles[at]}\n${text}`));
  const now = Date.now() * 1_000;
  return numbers.map(({ at, revision }, place) => {
    const text = texts[place] ?? '';
    const title = titles[place] ?? '';
    const vector = vectors[place] ?? new Float32Array();
    const timing = {
      committedAt: now,
      capturedAt: now,
      inKafkaAt: now,
      gatedAt: now,
      embeddedAt: now,
      basis: 'commit',
    } as const;
    return {
      vector,
      record: {
        kind: 'document',
        documentId: documentIdOf(SOURCE, TABLE, { id: at }),
        source: SOURCE,
        table: TABLE,
        version: makeVersion(1, [BigInt(revision), BigInt(at)]),
        tenant: tenantOf(settings, at),
        title,
        text,
        metadata: { shelf: String(at % 100) },
        model: settings.model.id,
        chunks: [
          {
            hash: chunkHash(settings.model.id, `${title}\n${text}`),
            start: 0,
            end: text.length,
            vector: bytesOfVector(vector),
          },
        ],
        reason: null,
        flags: [],
        stale: null,
        fingerprint: null,
        carried: {},
        timing,
        change: { topic: `cdc.${SOURCE}`, partition: 0, offset: at },
      },
    };
  });
};
