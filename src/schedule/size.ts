/** Numbers of bytes as people read them. */
import type { Bytes } from '../types.ts';

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1 byte`, `900 bytes`, `10 MiB`, `12.3 MiB`: in the largest unit that is not below one, with at most one decimal. */
export function formatSize(bytes: Bytes): string {
  if (bytes < 1024) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  const size = (power: number): number => Math.round((bytes / 1024 ** power) * 10) / 10;
  let power = 1;
  while (power < UNITS.length && size(power) >= 1024) power++;
  return `${size(power)} ${UNITS[power - 1]}`;
}
