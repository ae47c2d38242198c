#!/usr/bin/env node
// The `freshet` command: installs what is missing, then runs main.ts (TypeScript through tsx).
import { ensureInstalled } from './ensure-installed.mjs';

ensureInstalled();
const { register } = await import('tsx/esm/api');
register();
const { main } = await import('./main.ts');
await main(process.argv, process.env);
