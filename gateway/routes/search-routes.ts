/** Search, and the way of one document from its row to the index. */
import { z } from 'zod';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { DEFAULT_FRESHNESS_WAIT_MS, type FreshnessRequest, SEARCH_MODES } from '../../schemas/search.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { documentId, filter, freshness, ofTenant, tenant, text } from '../http/fields.ts';
import { tenantOf, visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { isoTime } from '../views/times.ts';
import { sourceWatermarkSchema } from '../views/watermark-view.ts';

const SEARCH_WITHIN_MS = 10_000;
/** A search of the past reads the log from its beginning. */
const PAST_WITHIN_MS = 300_000;
/** Records of its partition that are looked through for earlier versions of a document. */
const MAX_HISTORY_RECORDS = 3_000;
const MAX_VERSIONS = 50;

const searchAnswer = z.object({
  hits: z.array(
    z.object({
      documentId: z.string(),
      chunk: z.number(),
      title: z.string(),
      text: z.string(),
      score: z.number().describe('Cosine similarity.'),
      metadata: z.record(z.string(), z.string()),
      version: z.string(),
      model: z.string().optional(),
      ageMs: z.number().describe('Since this version was committed in its source.'),
      stale: z
        .object({ since: z.number().describe('Microseconds since the Unix epoch.'), reason: z.string() })
        .optional()
        .describe('The row has changed since, and a gate refused what it became.'),
      flags: z
        .array(z.string())
        .optional()
        .describe('gate: reason of what a gate saw in it and let pass: data to be read with care.'),
    }),
  ),
  mode: z
    .enum(SEARCH_MODES)
    .optional()
    .describe('How it was found: vector where a hybrid search had no keyword index to ask.'),
  receipt: z.object({
    model: z.string().optional(),
    index: z.string(),
    at: z.number().describe('Microseconds since the Unix epoch.'),
    watermarks: z.record(z.string(), sourceWatermarkSchema),
    stalenessMs: z.number().nullable().describe('Null while a watermark is unknown.'),
    fresh: z.boolean().nullable(),
    newestApplied: z.record(z.string(), z.object({ version: z.string(), committedAt: z.number() })),
    refused: z
      .array(z.object({ documentId: z.string(), version: z.string(), gate: z.string(), reason: z.string() }))
      .optional()
      .describe(
        'After `after`: documents of this tenant and source, and of the table that the filter names, that a gate refused: all behind the position, and the newest twenty before it. Newest first.',
      ),
    moreRefused: z
      .boolean()
      .optional()
      .describe('There are more than are told; of one document: GET /v1/quarantine.'),
  }),
});

const versionSchema = z.object({
  version: z.string(),
  kind: z.string(),
  reason: z.string().nullable(),
  chunks: z.number(),
  position: z.string(),
  change: z.string(),
  committedAt: z.string().nullable(),
});

const traceAnswer = z.object({
  documentId: z.string(),
  record: z
    .unknown()
    .describe(
      'The newest record of freshet.documents, vectors left out; each chunk says whether it is in the index.',
    ),
  position: z.string().describe('topic:partition:offset of that record.'),
  change: z.string().describe('topic:partition:offset of the row change it was made from.'),
  versions: z.array(versionSchema).describe('Newest first; earlier ones as far as the log still has them.'),
  quarantined: z.array(z.unknown()),
});

interface OwnedVersion {
  readonly tenant: string | null;
  readonly version: z.infer<typeof versionSchema>;
}

export const searchRoutes = (context: GatewayContext) => {
  const { settings, models } = context;

  /** Newest first, each with whose it was; a marker names nobody, and is of whoever's the document was before it. */
  const versionsOf = async (id: string, partition: number): Promise<readonly OwnedVersion[]> => {
    const { kafka, codec } = settings;
    const topic = TOPICS.documents.name;
    const offsets = await kafka.admin.offsets(topic);
    const end = offsets.find((each) => each.partition === partition)?.latest ?? 0;
    const from = new Map([[partition, end - MAX_HISTORY_RECORDS]]);
    const versions: OwnedVersion[] = [];
    await scanTopic(kafka, { topic, partitions: [partition], from }, async (record) => {
      if (record.key?.toString('utf8') !== id || record.value === null) return true;
      const document = await codec.decode('Document', record.value);
      const { change } = document;
      const tenant = document.tenant ?? versions.at(-1)?.tenant ?? null;
      const version = {
        version: document.version,
        kind: document.kind,
        reason: document.reason,
        chunks: document.chunks.length,
        position: `${topic}:${partition}:${record.offset}`,
        change: `${change.topic}:${change.partition}:${change.offset}`,
        committedAt: isoTime(document.timing.committedAt),
      };
      versions.push({ tenant, version });
      return true;
    });
    return versions.reverse();
  };

  return [
    route({
      method: 'POST',
      path: '/v1/search',
      tag: 'search',
      summary: 'The chunks nearest in meaning and words, with the age of each and a receipt',
      body: z.strictObject({
        query: text(2_000),
        topK: z.int().min(1).max(100).default(8),
        filter: filter.optional(),
        freshness: freshness.optional(),
        tenant: tenant.optional(),
        asOf: z.iso
          .datetime({ offset: true })
          .optional()
          .describe('Answers from the documents as they stood then; takes seconds.'),
        mode: z.enum(SEARCH_MODES).optional(),
        maxPerDocument: z.int().min(1).max(100).optional(),
        maxPerSource: z.int().min(1).max(100).optional(),
      }),
      answers: [{ status: 200, description: 'Hits, best first.', schema: searchAnswer }],
      errors: [
        'index-unavailable',
        'model-failed',
        'request-too-large',
        'beyond-horizon',
        'stale',
        'too-many-requests',
      ],
      headers: { traceparent: 'W3C trace context, passed on to the index.' },
      handle: async ({ body, headers, principal }) =>
        settings.index.search(
          {
            query: body.query,
            topK: body.topK,
            tenant: tenantOf(principal, body.tenant, settings.config.localTenant),
            ...(body.filter ? { filter: body.filter } : {}),
            ...(body.freshness ? { freshness: body.freshness as FreshnessRequest } : {}),
            ...(body.asOf ? { asOf: Date.parse(body.asOf) } : {}),
            ...(body.mode ? { mode: body.mode } : {}),
            ...(body.maxPerDocument ? { maxPerDocument: body.maxPerDocument } : {}),
            ...(body.maxPerSource ? { maxPerSource: body.maxPerSource } : {}),
            ...(headers.traceparent === undefined ? {} : { traceparent: headers.traceparent }),
          },
          AbortSignal.timeout(
            (body.asOf ? PAST_WITHIN_MS : SEARCH_WITHIN_MS) +
              (body.freshness ? (body.freshness.waitMs ?? DEFAULT_FRESHNESS_WAIT_MS) : 0),
          ),
        ),
    }),
    route({
      method: 'GET',
      path: '/v1/documents',
      tag: 'search',
      summary: 'The way of a document: row change, versions, chunks, offsets, and what of it is in the index',
      query: z.strictObject({
        id: documentId,
        versions: z
          .enum(['true', 'false'])
          .default('true')
          .describe('false: without a look for earlier versions.'),
        ...ofTenant,
      }),
      answers: [{ status: 200, description: 'The trace.', schema: traceAnswer }],
      errors: ['not-found', 'index-unavailable', 'kafka-unavailable'],
      handle: async (request) => {
        const { id, versions: wanted, tenant: named } = request.query;
        const visible = visibleTenant(request.principal, named);
        const isShown = (of: string | null): boolean => visible === undefined || visible === of;
        const traced = await settings.index.document(id);
        const looks = wanted === 'true' || (visible !== undefined && traced?.record.tenant === null);
        const versions = traced && looks ? await versionsOf(id, traced.partition) : [];
        const quarantined = models.quarantine
          .all()
          .filter((each) => each.documentId === id && isShown(each.tenant));
        // Whose a deleted one was stands in what came before it.
        if (!traced || !isShown(traced.record.tenant ?? versions[0]?.tenant ?? null))
          throw new FreshetError(
            'not-found',
            quarantined.length > 0
              ? `the index holds nothing of ${id}: a gate refused it (${quarantined.at(-1)?.gate})`
              : `the index holds nothing of ${id}`,
          );
        const { record, partition, offset } = traced;
        return {
          documentId: id,
          record,
          position: `${TOPICS.documents.name}:${partition}:${offset}`,
          change: `${record.change.topic}:${record.change.partition}:${record.change.offset}`,
          versions:
            wanted === 'true'
              ? versions
                  .filter(({ tenant: of }) => isShown(of))
                  .map(({ version }) => version)
                  .slice(0, MAX_VERSIONS)
              : [],
          quarantined,
        };
      },
    }),
  ];
};
