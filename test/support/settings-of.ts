/** Names and values of a settings file: `name=value`, `name = value` or Redis's `name value`; of a name given twice, the last. */
export const settingsOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^\s*([^#\s=]+)\s*[=\s]\s*(.*?)\s*$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value?.replace(/^(["'])(.*)\1$/, '$2') ?? '']];
    }),
  );
