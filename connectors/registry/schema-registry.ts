/** The schema registry behind two calls; the one file that names its client. Speaks Confluent's API (Apicurio serves it too). */
// The client alone: the package's front door loads the key services of three clouds, a second of CPU a process.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  Compatibility,
  SchemaRegistryClient,
} from '@confluentinc/schemaregistry/dist/schemaregistry-client.js';
import { bareAddress } from '../../schemas/bare-address.ts';
import { FreshetError, toError } from '../../schemas/errors.ts';

export interface SchemaRegistry {
  /**
   * Registers a schema under a subject, which from then on takes only what can read what came before.
   * Errors: `schema-incompatible`, `registry-unavailable`.
   */
  register(subject: string, schema: string): Promise<number>;
  /**
   * The text of a schema by its id. Errors: `registry-unavailable` (try again), `not-found` for an id that stays unknown
   * while it is asked for over a while, as a registry's follower may learn of it a moment later.
   */
  schemaById(id: number): Promise<string>;
  /** Whether a subject is there and can take a schema; changes nothing. Errors: `registry-unavailable`. */
  inspect(subject: string, schema: string): Promise<'missing' | 'compatible' | 'incompatible'>;
  subjects(): Promise<readonly string[]>;
}

interface RestError {
  readonly status?: number;
  readonly errorCode?: number;
}

const UNKNOWN_FOR_MS = 2_000;
const ASK_AGAIN_MS = 200;

const statusOf = (error: unknown): number | undefined => (error as RestError).status;

export const openSchemaRegistry = (baseUrl: string): SchemaRegistry => {
  const client = new SchemaRegistryClient({
    baseURLs: [baseUrl],
    maxRetries: 3,
    retriesWaitMs: 200,
    retriesMaxWaitMs: 1_000,
  });
  const texts = new Map<number, Promise<string>>();

  const unavailable = (doing: string, thrown: unknown): FreshetError => {
    const error = toError(thrown);
    return new FreshetError(
      'registry-unavailable',
      `the schema registry at ${bareAddress(baseUrl)} did not answer while ${doing}: ${error.message}`,
      { cause: error },
    );
  };

  const lookUp = async (id: number): Promise<string> => {
    const deadline = performance.now() + UNKNOWN_FOR_MS;
    for (;;) {
      try {
        return (await client.getBySubjectAndId('', id)).schema;
      } catch (error) {
        if (statusOf(error) !== 404) throw unavailable(`looking up schema ${id}`, error);
        if (performance.now() >= deadline)
          throw new FreshetError(
            'not-found',
            `the schema registry at ${bareAddress(baseUrl)} knows no schema ${id}`,
          );
      }
      await sleep(ASK_AGAIN_MS);
    }
  };

  /** Leaves a stricter rule of the operator's as it is. */
  const requireCompatibility = async (subject: string): Promise<void> => {
    const level = await client.getCompatibility(subject).catch((error) => {
      if (statusOf(error) === 404) return Compatibility.NONE;
      throw unavailable(`reading the compatibility of ${subject}`, error);
    });
    if (level !== Compatibility.NONE) return;
    await client.updateCompatibility(subject, Compatibility.BACKWARD).catch((error) => {
      throw unavailable(`setting the compatibility of ${subject}`, error);
    });
  };

  return {
    register: async (subject, schema) => {
      const described = { schemaType: 'AVRO', schema };
      const known = await client.getAllVersions(subject).catch((error) => {
        if (statusOf(error) === 404) return [] as number[];
        throw unavailable(`listing the versions of ${subject}`, error);
      });
      if (known.length > 0) {
        // A registry out of the box may take anything: then every schema is compatible.
        await requireCompatibility(subject);
        const compatible = await client.testSubjectCompatibility(subject, described).catch((error) => {
          throw unavailable(`checking ${subject}`, error);
        });
        if (!compatible) {
          throw new FreshetError(
            'schema-incompatible',
            `the schema of ${subject} cannot read what the registry holds under it; add fields with defaults only, or use another topic`,
          );
        }
      }
      const id = await client.register(subject, described, false).catch((error) => {
        if (statusOf(error) === 409)
          throw new FreshetError(
            'schema-incompatible',
            `the registry refused the schema of ${subject}: ${toError(error).message}`,
            { cause: error },
          );
        throw unavailable(`registering ${subject}`, error);
      });
      if (known.length === 0) await requireCompatibility(subject);
      return id;
    },
    inspect: async (subject, schema) => {
      try {
        return (await client.testSubjectCompatibility(subject, { schemaType: 'AVRO', schema }))
          ? 'compatible'
          : 'incompatible';
      } catch (error) {
        if (statusOf(error) === 404) return 'missing';
        throw unavailable(`checking ${subject}`, error);
      }
    },
    schemaById: (id) => {
      const cached = texts.get(id);
      if (cached) return cached;
      const text = lookUp(id).catch((error) => {
        texts.delete(id);
        throw error;
      });
      texts.set(id, text);
      return text;
    },
    subjects: () =>
      client.getAllSubjects().catch((error) => Promise.reject(unavailable('listing subjects', error))),
  };
};
