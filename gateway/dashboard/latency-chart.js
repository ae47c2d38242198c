// Latency over time, drawn by hand: median and p99 as lines, the worst as dots, the target where it stands. The scale is
// logarithmic, so that a tail of seconds and a median of milliseconds are both seen as they are.
import { make, makeSvg } from './elements.js';
import { clock, duration } from './format.js';

const HEIGHT = 250;
const LEFT = 52;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 26;
const LOWEST_MS = 1;

export const createLatencyChart = (host) => {
  const svg = makeSvg('svg', { role: 'img', preserveAspectRatio: 'none' });
  const readout = make('p', { class: 'legend' });
  host.append(svg, readout);
  let last;
  let hovered = null;

  const legend = () => {
    const entry = (color, text) => {
      const swatch = make('i', { class: 'swatch' });
      swatch.style.background = color;
      return make('span', {}, swatch, text);
    };
    const point = hovered === null ? undefined : last.series[hovered];
    readout.replaceChildren(
      ...(point
        ? [
            make('span', { text: clock(point.at) }),
            make('span', { text: `median ${duration(point.p50)}` }),
            make('span', { text: `p99 ${duration(point.p99)}` }),
            make('span', { text: `max ${duration(point.max)}` }),
            make('span', { text: `${point.count} changes` }),
          ]
        : [
            entry('var(--accent)', 'median'),
            entry('var(--stage-3)', 'p99'),
            entry('var(--muted)', 'slowest'),
          ]),
    );
  };

  const draw = () => {
    if (!last) return;
    const { series, targetMs } = last;
    const width = Math.max(280, host.clientWidth);
    svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    const worst = Math.max(...series.map((point) => point.max ?? 0), targetMs * 1.6);
    const decades = Math.ceil(Math.log10(worst / LOWEST_MS));
    const x = (index) => LEFT + ((width - LEFT - RIGHT) * (index + 0.5)) / series.length;
    const y = (ms) => {
      const share = Math.log10(Math.max(ms, LOWEST_MS) / LOWEST_MS) / decades;
      return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
    };
    const parts = [];
    for (let decade = 0; decade <= decades; decade += 1) {
      const ms = LOWEST_MS * 10 ** decade;
      const label = ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
      parts.push(
        makeSvg('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(ms), y2: y(ms) }),
        makeSvg('text', { x: LEFT - 8, y: y(ms) + 4, 'text-anchor': 'end', text: label }),
      );
    }
    for (const share of width < 480 ? [0, 0.4, 0.8, 1] : [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      const minutes = Math.round(((1 - share) * last.windowMs) / 60_000);
      parts.push(
        makeSvg('text', {
          x: LEFT + share * (width - LEFT - RIGHT),
          y: HEIGHT - 6,
          'text-anchor': share === 0 ? 'start' : share === 1 ? 'end' : 'middle',
          text: minutes === 0 ? 'now' : `−${minutes} min`,
        }),
      );
    }
    parts.push(
      makeSvg('line', { class: 'target', x1: LEFT, x2: width - RIGHT, y1: y(targetMs), y2: y(targetMs) }),
      makeSvg('text', {
        class: 'target-label',
        x: width - RIGHT,
        y: y(targetMs) - 6,
        'text-anchor': 'end',
        text: `target ${duration(targetMs)}`,
      }),
    );
    for (const run of runsOf(series)) {
      const line = (name) => run.map((index) => `${x(index)},${y(series[index][name])}`);
      if (run.length > 1) {
        parts.push(
          makeSvg('polygon', { class: 'band', points: [...line('p50'), ...line('p99').reverse()].join(' ') }),
          makeSvg('polyline', { class: 'p99', points: line('p99').join(' ') }),
          makeSvg('polyline', { class: 'p50', points: line('p50').join(' ') }),
        );
      }
      for (const index of run) {
        parts.push(makeSvg('circle', { class: 'dot-max', cx: x(index), cy: y(series[index].max), r: 2 }));
        if (run.length > 1) continue;
        parts.push(
          makeSvg('circle', { class: 'dot-p99', cx: x(index), cy: y(series[index].p99), r: 2.5 }),
          makeSvg('circle', { class: 'dot-p50', cx: x(index), cy: y(series[index].p50), r: 2.5 }),
        );
      }
    }
    if (series.every((point) => point.count === 0)) {
      parts.push(
        makeSvg('text', {
          x: (width + LEFT) / 2,
          y: HEIGHT / 2 + 20,
          'text-anchor': 'middle',
          text: 'No changes in the last 5 minutes',
        }),
      );
    }
    if (hovered !== null)
      parts.push(
        makeSvg('line', { class: 'cursor', x1: x(hovered), x2: x(hovered), y1: TOP, y2: HEIGHT - BOTTOM }),
      );
    svg.replaceChildren(...parts);
    legend();
  };

  svg.addEventListener('pointermove', (event) => {
    if (!last) return;
    const box = svg.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    hovered = Math.min(last.series.length - 1, Math.max(0, Math.floor(share * last.series.length)));
    draw();
  });
  svg.addEventListener('pointerleave', () => {
    hovered = null;
    draw();
  });
  new ResizeObserver(draw).observe(host);

  return (report) => {
    last = { series: report.series, targetMs: report.slo.targetMs, windowMs: report.windowMs };
    const { p50, p99, max } = report.latencyMs;
    svg.setAttribute(
      'aria-label',
      `Latency of the last 5 minutes: median ${duration(p50)}, p99 ${duration(p99)}, slowest ${duration(max)}, target ${duration(report.slo.targetMs)}`,
    );
    draw();
  };
};

/** Stretches of points that have figures: between them nothing was committed, and no line pretends otherwise. */
const runsOf = (series) => {
  const runs = [];
  for (const [index, point] of series.entries()) {
    if (point.p50 === null) continue;
    const run = runs.at(-1);
    if (run && run.at(-1) === index - 1) run.push(index);
    else runs.push([index]);
  }
  return runs;
};
