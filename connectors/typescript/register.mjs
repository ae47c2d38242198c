// Lets a process import TypeScript: a user's configuration by tsx, which takes all that TypeScript can say, and Freshet's own sources
// without their types. Plain JavaScript, for it comes first; a process that is started by itself names it with --import.
import nodeModule from 'node:module';
import { register as registerTsx } from 'tsx/esm/api';

registerTsx();
// Whoever registers last is asked first, and synchronous hooks before the others; tsx uses them where there are any, so these do too.
if (nodeModule.registerHooks) nodeModule.registerHooks(await import('./strip-types.mjs'));
else nodeModule.register('./strip-types.mjs', import.meta.url);
