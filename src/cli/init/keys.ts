/** Single keys from a terminal, without Enter, for the questions of `fate init`. The terminal is as before after each. */
import { emitKeypressEvents, type Key } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';
import type { ReadStream } from 'node:tty';

/** Ways to die that Node itself does not put the terminal right for. */
const SIGNALS = ['SIGHUP', 'SIGQUIT'] as const;
/** How a terminal goes away; one that is gone takes no modes either, and says so by such an event. */
const ENDS = ['end', 'close', 'error'] as const;

/**
 * Asks through `show`, once every key counts by itself. The answer is one of the letters and signs in `known`, `enter`, or
 * `interrupt` for Ctrl-C; `q` also for Ctrl-D. What was typed ahead of it answers nothing. Where the terminal goes away the
 * process ends by SIGHUP, as if it had not asked.
 */
export async function readKey(input: ReadStream, known: string, show: () => void): Promise<string> {
  emitKeypressEvents(input);
  const die = (signal: NodeJS.Signals): void => {
    input.setRawMode(false);
    process.kill(process.pid, signal);
  };
  const onGone = (): void => {
    for (const signal of SIGNALS) process.off(signal, die);
    // Not by an exit: Node aborts then, as it cannot put that terminal right.
    process.kill(process.pid, 'SIGHUP');
  };
  for (const signal of SIGNALS) process.once(signal, die);
  for (const event of ENDS) input.on(event, onGone);
  let onKey: (text: string | undefined, key: Key) => void = () => {};
  try {
    input.setRawMode(true);
    await discardTyped(input);
    return await new Promise<string>((resolve) => {
      onKey = (text, key) => {
        const name = nameOf(text, key, known);
        if (name !== null) resolve(name);
      };
      input.on('keypress', onKey);
      show();
    });
  } finally {
    input.off('keypress', onKey).pause();
    input.setRawMode(false);
    for (const event of ENDS) input.off(event, onGone);
    for (const signal of SIGNALS) process.off(signal, die);
  }
}

/** What the terminal holds already was meant for somebody else. Ends once nothing came for a turn of the event loop. */
async function discardTyped(input: ReadStream): Promise<void> {
  let came = true;
  const onData = (): void => {
    came = true;
  };
  input.on('data', onData).resume();
  while (came) {
    came = false;
    // Reading starts with the first of them, and has looked at the terminal before the third.
    for (let turns = 0; turns < 3; turns += 1) await turn();
  }
  input.off('data', onData);
}

/** Null for a key that means nothing. */
function nameOf(text: string | undefined, key: Key, known: string): string | null {
  if (key.ctrl) return key.name === 'c' ? 'interrupt' : key.name === 'd' ? 'q' : null;
  if (key.name === 'return' || key.name === 'enter') return 'enter';
  const letter = text === undefined || key.meta ? '' : text.toLowerCase();
  return letter.length === 1 && known.includes(letter) ? letter : null;
}
