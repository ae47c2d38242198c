// Where the time goes: the median of each stage as a share of their sum.
import { empty, make } from './elements.js';
import { duration } from './format.js';

const NAMES = {
  capture: ['Capture', 'commit → Debezium'],
  'to-kafka': ['To Kafka', 'Debezium → cdc topic'],
  gates: ['Gates', 'mapping, checks, chunks'],
  embed: ['Embed', 'chunks → vectors'],
  append: ['Append', 'to freshet.documents'],
  apply: ['Apply', 'read by the index'],
  'make-searchable': ['Searchable', 'rows written, switched'],
};
const ORDER = Object.keys(NAMES);

export const createStageBar = (host) => (report) => {
  if (report.stages.length === 0) {
    host.replaceChildren(empty('No changes in the last 5 minutes, so there is no time to share out.'));
    return;
  }
  const bar = make('div', { class: 'stage-bar', 'aria-hidden': 'true' });
  const list = make('ul', { class: 'stage-list' });
  for (const { stage, p50, p99 } of report.stages) {
    const [name, what] = NAMES[stage] ?? [stage, ''];
    const color = `var(--stage-${Math.max(0, ORDER.indexOf(stage))})`;
    const part = make('span', { title: `${name}: median ${duration(p50)}` });
    part.style.flexGrow = String(Math.max(p50, 0.001));
    part.style.background = color;
    bar.append(part);
    const swatch = make('i', { class: 'swatch' });
    swatch.style.background = color;
    list.append(
      make(
        'li',
        {},
        make('span', {}, swatch, name),
        make('strong', { text: duration(p50) }),
        make('small', { text: `p99 ${duration(p99)}` }),
        make('small', { text: what }),
      ),
    );
  }
  host.replaceChildren(bar, list);
};
