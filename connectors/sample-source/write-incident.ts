import { fillTemplate } from './fill-template.ts';
import { BLOCK_INCIDENTS } from './row-numbers.ts';
import type { IncidentRow, IncidentStatus } from './sample-rows.ts';
import { sampleTime } from './sample-time.ts';
import { type Random, seededRandom } from './seeded-random.ts';
import { slotsOfBlock, tenantOfBlock } from './subjects.ts';
import { release } from './topic.ts';
import { AREAS, CAUSES, LESSONS, REMEDIES, SYMPTOMS, WORKAROUNDS } from './words/incident-words.ts';

/** The name by which people speak of an incident. */
export const incidentReference = (id: number): string => `INC-${10_000 + id}`;

const drawStatus = (random: Random): IncidentStatus => {
  const drawn = random.fraction();
  if (drawn < 0.7) return 'resolved';
  if (drawn < 0.8) return 'monitoring';
  return drawn < 0.9 ? 'identified' : 'investigating';
};

/** What was noticed, how it stands, and why it happened: no text while that is not known. */
export type IncidentOutline = {
  readonly status: IncidentStatus;
  readonly symptom: string;
  readonly cause: string;
};

export const outlineIncident = (seed: number, block: number, slot: number): IncidentOutline => {
  const random = seededRandom(seed, 'outline', block, slot);
  const status = drawStatus(random);
  const slots = { area: random.pick(AREAS), number: String(random.integer(3, 97)), version: release(random) };
  return {
    status,
    symptom: random.pick(SYMPTOMS),
    cause: status === 'investigating' ? '' : fillTemplate(random.pick(CAUSES), slots, random),
  };
};

const clock = (time: Date): string => time.toISOString().slice(11, 16);

const day = (time: Date): string =>
  `${time.getUTCDate()} ${['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'][time.getUTCMonth()]} ${time.getUTCFullYear()}`;

/** Incident of a block, at slot 0 or 1: from one line to a page with its course and what was learned. */
export const writeIncident = (seed: number, block: number, slot: number): IncidentRow => {
  const id = block * BLOCK_INCIDENTS + slot + 1;
  const random = seededRandom(seed, 'incident', id);
  const { status, cause, symptom } = outlineIncident(seed, block, slot);
  const started = sampleTime(random);
  const after = (minutes: number): Date => new Date(started.getTime() + minutes * 60_000);
  const resolvedAt = status === 'resolved' ? after(random.integer(11, 2900)) : null;
  const reference = incidentReference(id);
  const slots = {
    ...slotsOfBlock(seed, block),
    symptom,
    reference,
    started: clock(started),
    day: day(started),
    homes: String(random.integer(3, 9800)),
  };
  const place = slotsOfBlock(seed, block).town;
  const fill = (template: string): string => fillTemplate(template, slots, random);

  const opening = fill(
    '[On {day} from {started} UTC|From {started} UTC on {day}], {homes} [homes|customers] in and around {town} with a {product} [reported|saw] {symptom}.',
  );
  const reason =
    cause === ''
      ? 'The cause is not known yet; our engineers are looking into it.'
      : `The cause of ${reference} was ${cause}.`;
  const text = [opening, reason];
  const extent = random.fraction();
  if (extent > 0.2) text.push(fill(random.pick(WORKAROUNDS)));
  if (cause !== '' && extent > 0.3) text.push(fill(random.pick(REMEDIES)));
  if (resolvedAt !== null) text.push(`All was well again at ${clock(resolvedAt)} UTC on ${day(resolvedAt)}.`);
  const paragraphs = [text.join(' ')];
  if (extent > 0.7) {
    const course = [
      `${clock(started)} first calls reach support in ${place}.`,
      `${clock(after(random.integer(4, 9)))} the incident is opened as ${reference}.`,
      fill(
        `${clock(after(random.integer(10, 30)))} engineers find [the same picture in the logs|nothing unusual at first|that only {model} is concerned].`,
      ),
      fill(
        `${clock(after(random.integer(31, 90)))} [the status page is updated|customers are told by mail|a second team joins].`,
      ),
    ];
    paragraphs.push(`## Course\n\n${course.map((line) => `- ${line}`).join('\n')}`);
  }
  if (extent > 0.6 && status === 'resolved') {
    const lessons = random.shuffle(LESSONS).slice(0, random.integer(1, 4)).map(fill);
    paragraphs.push(`## What we learned\n\n${lessons.join(' ')}`);
  }
  return {
    table: 'incidents',
    id,
    tenant: tenantOfBlock(block),
    title: `${reference}: ${fill('[{product}|{product}, {town}|{town}]')}: ${symptom}`,
    status,
    severity: random.pick(['minor', 'minor', 'minor', 'major', 'major', 'critical']),
    description: paragraphs.join('\n\n'),
    updatedAt: resolvedAt ?? after(random.integer(20, 200)),
    resolvedAt,
  };
};
