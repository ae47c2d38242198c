import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfVector, vectorOfBytes } from '../../../connectors/vector-index/vector-codec.ts';

describe('vectors as bytes', () => {
  it('come back bit by bit, from any offset of a larger buffer', () => {
    fc.assert(
      fc.property(fc.float32Array({ maxLength: 100 }), fc.nat(7), (vector, offset) => {
        const bytes = bytesOfVector(vector);
        expect(bytes.length).toBe(vector.length * 4);
        const larger = new Uint8Array(bytes.length + offset + 3);
        larger.set(bytes, offset);
        expect(bytesOfVector(vectorOfBytes(larger.subarray(offset, offset + bytes.length)))).toEqual(bytes);
        expect(vectorOfBytes(bytes)).toEqual(vector);
      }),
    );
  });

  it('are little endian', () => {
    expect([...bytesOfVector(Float32Array.of(1, -2))]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  it('are copies: changing one side leaves the other', () => {
    const vector = Float32Array.of(1, 2);
    const bytes = bytesOfVector(vector);
    vector[0] = 9;
    const again = vectorOfBytes(bytes);
    bytes.fill(0);
    expect([...again]).toEqual([1, 2]);
  });

  it('refuse a length that is no multiple of four', () => {
    expect(() => vectorOfBytes(new Uint8Array(6))).toThrow(RangeError);
  });
});
