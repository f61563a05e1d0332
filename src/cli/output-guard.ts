/** What a command prints may find nobody, or no room: then it ends without a stack (SPEC 1). */
import { errnoOf, messageOf } from '../errors.ts';

/** Watches stdout and stderr. The result waits for what was printed and answers what went wrong with it, or null. */
export function guardOutput(): () => Promise<string | null> {
  let failure: string | null = null;
  const note = (error: Error): void => {
    // Whoever closes the other end of a pipe has seen enough, as of `fate next | head -1`.
    if (errnoOf(error) !== 'EPIPE') failure ??= `cannot write the standard output: ${messageOf(error)}`;
  };
  process.stdout.on('error', note);
  process.stderr.on('error', note);
  return async () => {
    if (process.stdout.writableLength > 0 && !process.stdout.destroyed) {
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
    }
    // Errors are told a turn after the write.
    await new Promise((resolve) => setImmediate(resolve));
    return failure;
  };
}
