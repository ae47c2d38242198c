/**
 * The closed list of error codes. Each is stated once, with the exit code of the CLI and the HTTP status it maps to.
 * A code is what monitors and scripts hold on to; the message is for people and always says what to do.
 */
export const ERROR_CODES = {
  // starting
  'prerequisite-missing': { exit: 1, status: 500 },
  'install-failed': { exit: 1, status: 500 },
  'checksum-mismatch': { exit: 1, status: 500 },
  'port-in-use': { exit: 5, status: 500 },
  'already-running': { exit: 5, status: 500 },
  'not-running': { exit: 7, status: 503 },
  'server-failed': { exit: 1, status: 500 },
  'disk-full': { exit: 1, status: 507 },
  'folder-unwritable': { exit: 1, status: 500 },
  'config-invalid': { exit: 2, status: 500 },
  // talking to servers
  'kafka-unavailable': { exit: 7, status: 503 },
  'append-failed': { exit: 7, status: 503 },
  'offsets-out-of-range': { exit: 6, status: 500 },
  'connect-unavailable': { exit: 7, status: 503 },
  'connector-invalid': { exit: 2, status: 500 },
  'registry-unavailable': { exit: 7, status: 503 },
  'schema-incompatible': { exit: 5, status: 409 },
  'source-unavailable': { exit: 7, status: 503 },
  'table-unreadable': { exit: 6, status: 409 },
  'index-unavailable': { exit: 7, status: 503 },
  'index-corrupt': { exit: 6, status: 503 },
  'model-failed': { exit: 7, status: 502 },
  /** A tool answered, and its answer is that it does not do what it was asked. */
  'tool-declined': { exit: 6, status: 502 },
  // input
  usage: { exit: 2, status: 400 },
  'request-invalid': { exit: 2, status: 400 },
  'request-too-large': { exit: 2, status: 413 },
  'record-unreadable': { exit: 1, status: 400 },
  'beyond-horizon': { exit: 2, status: 400 },
  /** A payload that the journal refers to is past its retention, or is not what was written. */
  'payload-lost': { exit: 3, status: 410 },
  'not-found': { exit: 3, status: 404 },
  'not-authorised': { exit: 4, status: 401 },
  forbidden: { exit: 4, status: 403 },
  conflict: { exit: 5, status: 409 },
  stale: { exit: 6, status: 412 },
  'too-many-requests': { exit: 7, status: 429 },
  unavailable: { exit: 7, status: 503 },
  'check-failed': { exit: 6, status: 500 },
  internal: { exit: 1, status: 500 },
} as const satisfies Record<string, { readonly exit: number; readonly status: number }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** The one error class of Freshet: a code of the closed list, one sentence that says what to do, and the cause kept. */
export class FreshetError extends Error {
  readonly code: ErrorCode;
  /** What a program may want to know beside the code; JSON, shown to whoever asked. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly details?: Readonly<Record<string, unknown>> },
  ) {
    super(message, options);
    this.name = 'FreshetError';
    this.code = code;
    this.details = options?.details;
  }
}

/** What was asked for was sent, and nobody knows whether it was done. */
export class OutcomeUnknown extends FreshetError {}

export const hasCode = (thrown: unknown, code: ErrorCode): thrown is FreshetError =>
  thrown instanceof FreshetError && thrown.code === code;

/** Asking for the record again changes nothing: readers pass it over. */
export const isUnreadable = (thrown: unknown): thrown is FreshetError => hasCode(thrown, 'record-unreadable');

/** Of a host with several addresses none of which answers, Node says nothing itself: what the first one said, or the code. */
const withMessage = (thrown: Error): Error => {
  const { errors, code } = thrown as { readonly errors?: readonly unknown[]; readonly code?: unknown };
  const first = (Array.isArray(errors) ? errors : []).find((each) => each instanceof Error && each.message);
  const message = first ? String(first.message) : typeof code === 'string' ? code : '';
  return message === '' ? thrown : Object.assign(new Error(message, { cause: thrown }), { code });
};

/** Turns whatever was thrown into an Error. Never throws itself. */
export const toError = (thrown: unknown): Error => {
  try {
    if (thrown instanceof Error && thrown.message === '') return withMessage(thrown);
    // Whoever throws an Error may have put anything in its message.
    if (thrown instanceof Error && typeof thrown.message === 'string') return thrown;
    return new Error(String(thrown));
  } catch {
    return new Error('something that cannot be printed was thrown');
  }
};

/** The Freshet error behind a thrown value: itself, or `internal` with the original as cause. Never throws. */
export const toFreshetError = (thrown: unknown): FreshetError => {
  if (thrown instanceof FreshetError) return thrown;
  const error = toError(thrown);
  return new FreshetError('internal', error.message, { cause: error });
};
