export const stripTypes: (source: string) => string | undefined;
