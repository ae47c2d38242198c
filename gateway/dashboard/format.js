// Numbers and times as people read them.

const whole = new Intl.NumberFormat('en');

export const count = (value) => whole.format(value);

/** 1 event, 2 events. */
export const many = (value, noun) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** [number, unit] of milliseconds. */
export const durationParts = (ms) => {
  if (ms === null || ms === undefined) return ['–', ''];
  if (ms < 10) return [ms.toFixed(1), 'ms'];
  if (ms < 1_000) return [String(Math.round(ms)), 'ms'];
  if (ms < 10_000) return [(ms / 1_000).toFixed(ms % 1_000 === 0 ? 0 : 2), 's'];
  if (ms < 120_000) return [(ms / 1_000).toFixed(1), 's'];
  if (ms < 7_200_000) return [String(Math.round(ms / 60_000)), 'min'];
  if (ms < 172_800_000) return [String(Math.round(ms / 3_600_000)), 'h'];
  return [String(Math.round(ms / 86_400_000)), 'days'];
};

export const duration = (ms) => durationParts(ms).join(' ').trim();

export const ago = (iso, now = Date.now()) => {
  if (!iso) return '';
  const ms = Math.max(0, now - Date.parse(iso));
  if (ms < 5_000) return 'just now';
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s ago`;
  return `${duration(ms)} ago`;
};

/** KB, MB or GB; 999,999 bytes are no 1000 KB. */
export const bytes = (value) => {
  if (value < 999_500) return `${Math.round(value / 1_000)} KB`;
  return value < 999_950_000 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(1)} GB`;
};

/** When something that still goes on began: a time of day alone reads as today's. */
export const began = (iso, now = Date.now()) => `began ${ago(iso, now)}`;

export const usd = (decimal) => {
  const value = Number(decimal);
  if (value === 0) return '$0';
  return value < 0.01 ? `$${value.toPrecision(2)}` : `$${value.toFixed(value < 1 ? 4 : 2)}`;
};

export const percent = (share, digits = 2) => {
  if (share === null || share === undefined) return '–';
  // Never rounded up to a whole that was not reached.
  const scale = 10 ** digits;
  const rounded = share === 1 ? 100 : Math.floor(share * 100 * scale) / scale;
  return `${share === 1 ? '100' : rounded.toFixed(digits)} %`;
};

export const clock = (iso) => new Date(iso).toLocaleTimeString('en-GB');

/** 00000001-00000000016e3600-… is a version; its last digits are what tells two apart. */
export const shortVersion = (version) => {
  const [epoch = '', ...parts] = String(version).split('-');
  const numbers = parts.map((part) => part.replace(/^0+(?=.)/, ''));
  return numbers.length > 0 ? `${Number.parseInt(epoch, 16)}-${numbers.join('-')}` : String(version);
};

const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;

/** What prints as nothing is a dot, or nobody would see what was hidden. */
export const visible = (text) => text.replace(INVISIBLE, '·');
