// Elements made by hand: what comes from records only ever becomes text, never markup.

import { ago } from './format.js';

const SVG = 'http://www.w3.org/2000/svg';

const fill = (element, properties, children) => {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'text') element.textContent = String(value);
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
};

/** `make('p', { class: 'muted', text }, child, …)`; names that begin with `on` are listeners. */
export const make = (tag, properties = {}, ...children) =>
  fill(document.createElement(tag), properties, children);

export const makeSvg = (tag, properties = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), properties, children);

export const pill = (text, tone) => make('span', { class: 'pill', 'data-tone': tone, text });

/** How long ago something was, kept up to date while it is shown. */
export const since = (iso) => make('time', { class: 'muted', datetime: iso ?? '', text: ago(iso) });

setInterval(() => {
  for (const time of document.querySelectorAll('time')) time.textContent = ago(time.dateTime);
}, 5_000);

export const byId = (id) => document.getElementById(id);

export const empty = (text) => make('p', { class: 'empty', text });

/** One figure of a strip, with a word below it. */
export const cell = (name, value, note) =>
  make(
    'div',
    {},
    make('dt', { text: name }),
    make('dd', {}, value, note ? make('small', { text: note }) : null),
  );

/** A part that is opened by whoever wants to see it. */
export const folded = (title, ...children) =>
  make('details', {}, make('summary', { text: title }), ...children);

export const json = (value) =>
  make('pre', { tabindex: '0', text: typeof value === 'string' ? value : JSON.stringify(value, null, 2) });

/** A table with a caption for those who hear it. `isNumeric`: whether the column at a place holds numbers. Cells are texts or elements. */
export const table = (caption, header, isNumeric, rows) => {
  const kind = (at) => (isNumeric(at) ? 'number' : null);
  return make(
    'div',
    { class: 'scroll' },
    make(
      'table',
      {},
      make('caption', { class: 'hidden-text', text: caption }),
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          header.map((text, at) => make('th', { scope: 'col', class: kind(at) }, text)),
        ),
      ),
      make(
        'tbody',
        {},
        rows.map((cells) =>
          make(
            'tr',
            {},
            cells.map((cell, at) => make('td', { class: kind(at) }, cell)),
          ),
        ),
      ),
    ),
  );
};

/** What was written into a field that must not be left empty; '' where it was, and then the field says so. */
export const requiredText = (field) => {
  const text = field.value.trim();
  if (text === '') {
    field.value = '';
    field.reportValidity();
  }
  return text;
};
