/**
 * How long a response asks to wait, in milliseconds, or null when it does not say or says nonsense.
 * `retry-after-ms` (used by some providers) goes before `retry-after`, which is seconds or a date (RFC 9110, 10.2.3).
 *
 * @param headers with lower-case names
 * @param nowMs the time the response came, milliseconds since 1970
 */
export const retryAfterMs = (headers: Readonly<Record<string, string>>, nowMs: number): number | null => {
  const milliseconds = decimal(headers['retry-after-ms']);
  if (milliseconds !== null) return Math.ceil(milliseconds);
  const seconds = decimal(headers['retry-after']);
  if (seconds !== null) return Math.ceil(seconds * 1_000);
  const date = Date.parse(headers['retry-after'] ?? '');
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
};

const decimal = (value: string | undefined): number | null =>
  value !== undefined && /^\s*\d{1,9}(\.\d{1,6})?\s*$/.test(value) ? Number(value) : null;
