#!/usr/bin/env node
// The `freshet` command: installs what is missing, then runs main.ts.
import { ensureInstalled } from './ensure-installed.mjs';

ensureInstalled();
await import('../connectors/typescript/register.mjs');
const { main } = await import('./main.ts');
await main(process.argv, process.env);
