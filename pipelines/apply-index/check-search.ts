import { FreshetError } from '../../schemas/errors.ts';
import { SEARCH_MODES, type SearchRequest } from '../../schemas/search.ts';

export const MAX_TOP_K = 100;
const MAX_QUERY_CHARACTERS = 10_000;

/** Throws `request-invalid` naming what is wrong. */
export const checkSearch = (request: SearchRequest): void => {
  const invalid = (message: string): never => {
    throw new FreshetError('request-invalid', message);
  };
  if (typeof request.query !== 'string' || request.query.trim() === '') invalid('query must be a text');
  if (request.query.length > MAX_QUERY_CHARACTERS)
    invalid(`query has ${request.query.length} characters, at most ${MAX_QUERY_CHARACTERS}`);
  const wholeFromOne = (name: string, value: number | undefined): void => {
    if (value !== undefined && (!Number.isInteger(value) || value < 1 || value > MAX_TOP_K))
      invalid(`${name} must be a whole number from 1 to ${MAX_TOP_K}`);
  };
  if (request.topK === undefined) invalid('topK must be given');
  wholeFromOne('topK', request.topK);
  wholeFromOne('maxPerDocument', request.maxPerDocument);
  wholeFromOne('maxPerSource', request.maxPerSource);
  if (request.mode !== undefined && !SEARCH_MODES.includes(request.mode))
    invalid(`mode must be one of ${SEARCH_MODES.join(', ')}`);
  if (request.asOf !== undefined) {
    if (!Number.isFinite(request.asOf)) invalid('asOf must be a time, in milliseconds since the Unix epoch');
    if (request.freshness !== undefined) invalid('asOf and freshness ask for two different times');
    if (request.mode !== undefined && request.mode !== 'vector')
      invalid('a search of the past is by vectors: leave mode out');
  }
  if (typeof request.tenant !== 'string' || request.tenant === '') invalid('tenant must be given');
  if (
    request.memoriesOf !== undefined &&
    (typeof request.memoriesOf !== 'string' || request.memoriesOf === '')
  )
    invalid('memoriesOf must name an agent');
  for (const [name, value] of Object.entries(request.filter ?? {})) {
    if (typeof value !== 'string')
      invalid(`filter ${name} must be a text to be equal to; there are no operators`);
  }
};
