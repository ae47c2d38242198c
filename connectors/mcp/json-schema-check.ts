import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { FreshetError, toError } from '../../schemas/errors.ts';

type JsonObject = { readonly [key: string]: unknown };

const MAX_MESSAGE_CHARACTERS = 500;

/**
 * A check of values against a JSON Schema: null where a value fits, else what is wrong with it. Each schema is compiled
 * by itself, so that `$id`s of two servers never meet. Errors: `config-invalid` for a schema that cannot be compiled.
 */
export const compileJsonSchema = (schema: JsonObject): ((value: unknown) => string | null) => {
  try {
    const { $id: _, $schema: __, ...rest } = schema;
    const check = new AjvJsonSchemaValidator().getValidator(rest);
    return (value) => {
      const result = check(value);
      return result.valid ? null : result.errorMessage.slice(0, MAX_MESSAGE_CHARACTERS);
    };
  } catch (thrown) {
    const error = toError(thrown);
    throw new FreshetError('config-invalid', `a JSON Schema cannot be used: ${error.message}`, {
      cause: error,
    });
  }
};
