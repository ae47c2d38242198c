/** What the library throws, as one error of Freshet's. */
import { FreshetError, toError } from '../../../schemas/errors.ts';

const unavailable = (doing: string, thrown: unknown): FreshetError => {
  const error = toError(thrown);
  return new FreshetError('kafka-unavailable', `Kafka did not answer while ${doing}: ${error.message}`, {
    cause: error,
  });
};

/** Errors: `kafka-unavailable`, with what was being done. */
export const attempt = async <T>(doing: string, action: () => Promise<T>): Promise<T> => {
  try {
    return await action();
  } catch (error) {
    throw unavailable(doing, error);
  }
};
