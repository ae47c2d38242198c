const register = new URL('register.mjs', import.meta.url).href;

/** What Node needs to be told to run a TypeScript program in a process of its own. */
export const RUN_TYPESCRIPT: readonly string[] = [`--import=${register}`];
