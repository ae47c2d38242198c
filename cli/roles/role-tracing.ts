/** A role's spans on their way to a collector, where one is configured: by `OTEL_EXPORTER_OTLP_ENDPOINT`, else by `telemetry.endpoint`. */
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import type { SpanExporter } from '../../connectors/telemetry/span-exporter.ts';
import { bareAddress, requestTo } from '../../schemas/bare-address.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import { FreshetError } from '../../schemas/errors.ts';

/** Null: none is configured, so no spans are made. Errors: `config-invalid` for an endpoint that is no URL. */
export const openRoleTracing = async (of: {
  readonly role: string;
  readonly name: string;
  /** Of the environment; empty where it says nothing. */
  readonly otlpEndpoint: string;
  readonly config: Pick<FreshetConfig, 'telemetry'>;
  readonly metrics: Pick<Metrics, 'spans'>;
  readonly warn: (error: Error, message: string) => void;
}): Promise<SpanExporter | null> => {
  const { telemetry } = of.config;
  const endpoint = of.otlpEndpoint || telemetry.endpoint;
  if (!endpoint) return null;
  const { url, headers } = requestTo(tracesUrlOf(endpoint));
  // OpenTelemetry's libraries take a tenth of a second to load.
  const { openSpanExporter } = await import('../../connectors/telemetry/span-exporter.ts');
  return openSpanExporter({
    url,
    headers: { ...headers, ...telemetry.headers },
    service: `freshet.${of.role}`,
    instance: of.name,
    onCounted: (outcome, spans) => of.metrics.spans.inc({ outcome }, spans),
    onTrouble: (error) =>
      of.warn(
        error,
        `spans are dropped and counted: the collector at ${bareAddress(url)} does not take them`,
      ),
  });
};

/** The path that OTLP appends to a base URL. Errors: `config-invalid`. */
export const tracesUrlOf = (endpoint: string): string => {
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint))
    throw new FreshetError(
      'config-invalid',
      `OTEL_EXPORTER_OTLP_ENDPOINT is ${endpoint}; give the http or https URL of a collector`,
    );
  return `${endpoint.replace(/\/+$/, '')}/v1/traces`;
};
