import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CrashMarker } from '../../../connectors/document-table/crash-marker.ts';
import {
  decodeStored,
  encodeStored,
  STORED_HEADER_BYTES,
} from '../../../connectors/document-table/record-codec.ts';
import { storedDocument } from './table-records.ts';

it('notices any flipped bit of a stored record', () => {
  const stored = storedDocument('a/b/1', 17, {}, [Float32Array.of(1, 2, 3)]);
  const bytes = encodeStored(stored);
  expect(decodeStored(bytes)).toEqual(stored);
  for (let place = 0; place < bytes.length; place += 1) {
    const damaged = Buffer.from(bytes);
    damaged[place] = (damaged[place] ?? 0) ^ 4;
    expect(() => decodeStored(damaged)).toThrowError(expect.objectContaining({ code: 'index-corrupt' }));
  }
});

it('stores the bytes that are at hand as it would encode them', () => {
  const stored = storedDocument('a/b/1', 17, {}, [Float32Array.of(1, 2, 3)]);
  const body = encodeStored(stored).subarray(STORED_HEADER_BYTES);
  expect(encodeStored({ ...stored, record: { ...stored.record, text: 'not looked at' }, body })).toEqual(
    encodeStored(stored),
  );
});

it('tells a killed process from a machine that went down', () => {
  const folder = mkdtempSync(join(tmpdir(), 'freshet-marker-'));
  try {
    const path = join(folder, 'state');
    const marker = new CrashMarker(path, 'boot-1');
    expect(marker.torn).toBe(false);
    marker.markDirty();
    expect(new CrashMarker(path, 'boot-1')).toMatchObject({ torn: false, dirty: true });
    expect(new CrashMarker(path, 'boot-2').torn).toBe(true);
    marker.markClean();
    expect(new CrashMarker(path, 'boot-2')).toMatchObject({ torn: false, dirty: false });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
