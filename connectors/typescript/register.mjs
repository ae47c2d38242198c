// Lets a process import TypeScript: Freshet's own sources and a user's configuration. Plain JavaScript, for it comes first; a process
// that is started by itself names it with --import.
import nodeModule from 'node:module';

if (nodeModule.registerHooks) nodeModule.registerHooks(await import('./strip-types.mjs'));
else nodeModule.register('./strip-types.mjs', import.meta.url);
