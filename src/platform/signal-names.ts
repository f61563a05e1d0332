/** Signals by name and number, the real-time ones of signal(7) too, which Node does not know: `SIGRTMIN+3`. */
import { constants } from 'node:os';
import { koffi } from './libc.ts';

let firstRealTime: number | null = null;
let names: ReadonlyMap<number, string> | null = null;

/** SIGRTMIN: the C library keeps the first ones of the kernel's for itself (34 with glibc, 35 with musl). */
function realTime(): number {
  if (firstRealTime === null) {
    const ask = koffi().load(null).func('int __libc_current_sigrtmin()') as () => number;
    firstRealTime = ask();
  }
  return firstRealTime;
}

/** `SIGTERM`, `SIGRTMIN+3`; `SIG32` for one that has no name at all. */
export function signalName(number: number): string {
  // Some have two names (SIGABRT, SIGIOT), of which the one that is used comes first.
  names ??= new Map(
    Object.entries(constants.signals)
      .map(([name, value]): [number, string] => [value, name])
      .reverse(),
  );
  const name = names.get(number);
  if (name !== undefined) return name;
  return number >= realTime() ? `SIGRTMIN+${number - realTime()}` : `SIG${number}`;
}

/** The number of what `signalName` called so; null for no signal. */
export function signalNumber(name: string): number | null {
  const known = (constants.signals as Readonly<Record<string, number>>)[name];
  if (known !== undefined) return known;
  const [, plus, plain] = /^SIG(?:RTMIN\+(\d+)|(\d+))$/.exec(name) ?? [];
  if (plus !== undefined) return realTime() + Number(plus);
  return plain === undefined ? null : Number(plain);
}
