// The process that builds graphs: TypeScript through tsx, as the command itself.
import { register } from 'tsx/esm/api';

register();
await import('./build-process.ts');
