// The process that builds graphs: it runs TypeScript as the command itself does.
import '../typescript/register.mjs';

await import('./build-process.ts');
