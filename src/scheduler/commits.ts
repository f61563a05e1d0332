/**
 * One transaction per turn of the event loop for all runs that ended in it. Promises each caller that
 * its promise resolves when its part is on the disk, and rejects when it is not.
 */
import type { Batch, Store } from '../state/store.ts';

interface Gathered {
  readonly cursors: Map<string, unknown>;
  readonly states: Map<string, unknown>;
  readonly results: Map<string, unknown>;
}

export function createCommitter(store: Store): (batch: Batch) => Promise<void> {
  let gathered: { batch: Gathered; done: Promise<void> } | null = null;

  const gather = (): { batch: Gathered; done: Promise<void> } => {
    const batch: Gathered = { cursors: new Map(), states: new Map(), results: new Map() };
    const done = new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        gathered = null;
        // The maps hold what Batch says: they are filled from batches only.
        store.write(batch as Batch).then(resolve, reject);
      });
    });
    return { batch, done };
  };

  return ({ cursors, states, results }) => {
    gathered ??= gather();
    const { batch, done } = gathered;
    for (const [name, cursor] of cursors ?? []) batch.cursors.set(name, cursor);
    for (const [name, state] of states ?? []) batch.states.set(name, state);
    for (const [name, known] of results ?? []) batch.results.set(name, known);
    return done;
  };
}
