/** The dashboard: files as they are, read once at start, under a policy that lets nothing else in. */
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { PAGE_HEADERS } from '../http/answer-headers.ts';

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

/** Every file of the page, by name: nothing else of the disk can be asked for. */
const FILES = [
  'index.html',
  'base.css',
  'panels.css',
  'overview.css',
  'documents.css',
  'agents.css',
  'safety.css',
  'dashboard.js',
  'elements.js',
  'format.js',
  'live-feed.js',
  'requests.js',
  'overview.js',
  'overview-figures.js',
  'freshness-panel.js',
  'latency-chart.js',
  'stage-bar.js',
  'pipeline-figures.js',
  'pipeline-strip.js',
  'backlog.js',
  'quarantine-panel.js',
  'dead-letters-panel.js',
  'dead-letter-item.js',
  'ask-redrive.js',
  'executions-panel.js',
  'execution-detail.js',
  'side-by-side.js',
  'fork-form.js',
  'feedback-form.js',
  'replay-panel.js',
  'used-panel.js',
  'costs-panel.js',
  'agents-panel.js',
  'behaviours-panel.js',
  'safety-panel.js',
  'safety-switches.js',
  'approval-cards.js',
  'audit-table.js',
  'ask-why.js',
  'documents-panel.js',
  'document-trace.js',
  'document-link.js',
  'document-id.js',
  'task-panel.js',
  'icon.svg',
] as const;

export const registerPage = (app: FastifyInstance): void => {
  for (const name of FILES) {
    const body = readFileSync(new URL(`../dashboard/${name}`, import.meta.url));
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1) as keyof typeof TYPES];
    const paths = name === 'index.html' ? ['/'] : [`/dashboard/${name}`];
    for (const path of paths) {
      app.get(path, async (_, reply) =>
        reply.headers(PAGE_HEADERS).header('cache-control', 'no-cache').type(type).send(body),
      );
    }
  }
};
