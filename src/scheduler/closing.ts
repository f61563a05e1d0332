/** What was opened, closed again in the opposite order. Promises that what cannot be closed keeps nothing else open. */
import { messageOf } from '../errors.ts';

type Close = () => void | Promise<void>;

export class Closing {
  readonly #steps: Close[] = [];

  /** To be closed before all that was added earlier. */
  add(close: Close): void {
    this.#steps.unshift(close);
  }

  /** Never rejects. @param failed told of each that could not be closed */
  async run(failed: (message: string) => void): Promise<void> {
    for (const close of this.#steps.splice(0)) {
      try {
        await close();
      } catch (error) {
        failed(messageOf(error));
      }
    }
  }
}
