/** Single keys from a terminal, without Enter, for the questions of `fate init`. The terminal is as before after each. */
import { emitKeypressEvents, type Key } from 'node:readline';
import type { ReadStream } from 'node:tty';

/** Ways to die that Node itself does not put the terminal right for. */
const SIGNALS = ['SIGHUP', 'SIGQUIT'] as const;

/**
 * Asks through `show`, once every key counts by itself. The answer is one of the letters and signs in `known`, `enter`, or
 * `interrupt` for Ctrl-C; `q` also for Ctrl-D and for a terminal that is gone. What was typed ahead of it answers nothing.
 */
export async function readKey(input: ReadStream, known: string, show: () => void): Promise<string> {
  emitKeypressEvents(input);
  const die = (signal: NodeJS.Signals): void => {
    input.setRawMode(false);
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.once(signal, die);
  input.setRawMode(true);
  let onKey: (text: string | undefined, key: Key) => void = () => {};
  let onEnd: () => void = () => {};
  try {
    return await new Promise<string>((resolve) => {
      onKey = (text, key) => {
        const name = nameOf(text, key, known);
        if (name !== null) resolve(name);
      };
      onEnd = () => resolve('q');
      input.on('keypress', onKey).once('end', onEnd).once('close', onEnd).resume();
      show();
    });
  } finally {
    input.off('keypress', onKey).off('end', onEnd).off('close', onEnd).pause();
    input.setRawMode(false);
    for (const signal of SIGNALS) process.off(signal, die);
  }
}

/** Null for a key that means nothing. */
function nameOf(text: string | undefined, key: Key, known: string): string | null {
  if (key.ctrl) return key.name === 'c' ? 'interrupt' : key.name === 'd' ? 'q' : null;
  if (key.name === 'return' || key.name === 'enter') return 'enter';
  const letter = text === undefined || key.meta ? '' : text.toLowerCase();
  return letter.length === 1 && known.includes(letter) ? letter : null;
}
