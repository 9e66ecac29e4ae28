import { expect, test } from "vitest";
import { checksum, relativeError, squaredNorms } from "../src/accuracy";

const reference = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
const everywhere = new Uint8Array(64).fill(1);

test("a field five per cent too loud has a relative error of five per cent", () => {
  const louder = reference.map((v) => 1.05 * v);
  expect(relativeError(squaredNorms(louder, reference, everywhere))).toBeCloseTo(0.05, 6);
});

test("nodes outside the room do not count", () => {
  const spoilt = Float32Array.from(reference);
  spoilt[10] = 1e6;
  const inside = Uint8Array.from(everywhere);
  inside[10] = 0;
  expect(relativeError(squaredNorms(spoilt, reference, inside))).toBe(0);
});

test("against silence there is no relative error", () => {
  expect(relativeError(squaredNorms(reference, new Float32Array(64), everywhere))).toBeNull();
});

test("the fingerprint is FNV-1a", () => {
  const text = Float32Array.from(new Float32Array(new TextEncoder().encode("foobarfo").buffer));
  let hash = 0x811c9dc5n;
  for (const byte of new TextEncoder().encode("foobarfo")) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
  expect(checksum(text)).toBe(Number(hash));
  expect(checksum(reference)).not.toBe(checksum(reference.map((v) => v + 1e-6)));
});
