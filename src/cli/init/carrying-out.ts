/** Goes through the items of one part of `fate init`: looks, asks where it is to, writes, and tells what became of each. */
import { basename } from 'node:path';
import { ERRORS, FateError } from '../../errors.ts';
import { type Answer, ask, type Terminal } from './asking.ts';
import { decide } from './deciding.ts';
import { checkWritable, look } from './looking.ts';
import { type Action, type Done, isThere, type Plan, type Standing, type There, type Wanted } from './wanted.ts';
import { make, replace } from './writing.ts';

export interface Session {
  /** Null: no questions. */
  readonly terminal: Terminal | null;
  readonly prompts: boolean;
  readonly dryRun: boolean;
  /** Once `q` or Ctrl-C was answered nothing more is made, in any part. */
  stopped: 'quit' | 'interrupt' | null;
  tell(done: Done): void;
  fail(error: FateError): void;
}

export async function carryOut({ items }: Plan, session: Session): Promise<readonly Done[]> {
  const all: Done[] = [];
  let failed = false;
  for (const item of items) {
    const [leader] = all;
    const led = 'content' in item && 'link' in item.content && leader !== undefined;
    const follows = led ? isThere(leader) || leader.action === 'would make' : null;
    const done = await settle(item, session, failed, follows);
    failed ||= done.action === 'failed';
    session.tell(done);
    all.push(done);
  }
  return all;
}

async function settle(item: Wanted | There, session: Session, failed: boolean, leader: boolean | null): Promise<Done> {
  const { part, path } = item;
  const done = (action: Action, note: string | null = null): Done => ({ part, path, action, note, status: 0 });
  if (!('content' in item)) return done('there', item.there);
  try {
    const standing = await look(item);
    const step = decide(standing, { ...session, stopped: failed || session.stopped !== null }, leader);
    if (!['same', 'leave', 'skip'].includes(step)) await checkWritable(path, item.scope);
    switch (step) {
      case 'same':
        return done('same');
      case 'leave':
        return done('differs', whatOf(standing));
      case 'skip':
        return done('not made');
      case 'would make':
        return done('would make');
      case 'would ask':
        return done('would ask', whatOf(standing));
      case 'make':
        await make(item);
        return done('made');
    }
    const answer = await answered(item, standing, session);
    if (answer !== 'yes') return standing.is === 'missing' ? done('not made') : done('differs', whatOf(standing));
    if (step === 'ask to make') {
      await make(item);
      return done('made');
    }
    const old = await replace(item);
    return done('replaced', old === null ? null : `the old one is ${basename(old)}`);
  } catch (error) {
    if (!(error instanceof FateError)) throw error;
    // One failure of a part says it; what hangs on it fails for the same reason.
    if (failed) return done('not made');
    session.fail(error);
    return { ...done('failed', null), status: ERRORS[error.code].exit };
  }
}

async function answered(item: Wanted, standing: Standing, session: Session): Promise<Answer> {
  if (session.terminal === null) return 'no';
  const answer = await ask(item, standing, session.terminal);
  if (answer === 'quit' || answer === 'interrupt') session.stopped = answer;
  return answer;
}

const whatOf = (standing: Standing): string | null => (standing.is === 'differs' ? standing.what : null);
