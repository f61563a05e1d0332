/** What the control socket offers (SPEC 12): a table of paths, and the answer of each. docs/control.md describes them. */
import { FateError } from '../errors.ts';
import type { Asked, Steering } from '../types.ts';
import type { Reply } from './answer.ts';
import { askedJson, endedJson, errorJson, liveJson, restartingJson, statusHead, taskJson } from './json.ts';
import type { Wanted } from './request.ts';
import { answerSlices, listSlices } from './slices.ts';

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly fields: Wanted;
  /** What is asked for, for the log; null where it is only looked at. */
  readonly steers: ((fields: Fields) => string) | null;
  /** Whether the answer may take as long as a run does. */
  readonly waits?: (fields: Fields) => boolean;
  /** @throws FateError */
  reply(steering: Steering, fields: Fields, until: AbortSignal): Reply | Promise<Reply>;
}

type Fields = Readonly<Record<string, unknown>>;

/** Nothing is in there but the paths. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    '/v1/status',
    {
      method: 'GET',
      fields: {},
      steers: null,
      reply(steering) {
        const { running, waiting, ...status } = steering.status();
        const head = JSON.stringify(statusHead({ ...status, running: [], waiting: [] })).slice(0, -1);
        return {
          status: 200,
          parts: (async function* () {
            yield `${head},"running":`;
            yield* listSlices(running, liveJson);
            yield ',"waiting":';
            yield* listSlices(waiting, liveJson);
            yield '}\n';
          })(),
        };
      },
    },
  ],
  [
    '/v1/tasks',
    {
      method: 'GET',
      fields: {},
      steers: null,
      reply: (steering) => ({ status: 200, parts: listSlices(steering.list(), taskJson) }),
    },
  ],
  [
    '/v1/reload',
    {
      method: 'POST',
      fields: {},
      steers: () => 'a reload',
      async reply(steering) {
        return { status: 200, parts: answerSlices({ ...(await steering.reload()) }) };
      },
    },
  ],
  [
    '/v1/restart',
    {
      method: 'POST',
      fields: { when_idle: 'boolean' },
      steers: ({ when_idle: idle }) => (idle === true ? 'a restart when nothing runs' : 'a restart'),
      async reply(steering, fields) {
        return { status: 200, parts: answerSlices(restartingJson(await steering.restart(fields.when_idle === true))) };
      },
    },
  ],
  [
    '/v1/run',
    {
      method: 'POST',
      fields: { task: 'string', wait: 'boolean' },
      steers: ({ task }) => `a run of ${task}`,
      waits: ({ wait }) => wait === true,
      reply(steering, fields, until) {
        const task = String(fields.task);
        const asked = steering.run(task);
        if (fields.wait !== true) return { status: 200, parts: [`${JSON.stringify(askedJson(asked, task))}\n`] };
        return { status: 200, lines: true, parts: following(asked, task, until) };
      },
    },
  ],
  [
    '/v1/kill',
    {
      method: 'POST',
      fields: { what: 'string' },
      steers: ({ what }) => `the end of ${what}`,
      reply(steering, fields) {
        return { status: 200, parts: listSlices(steering.kill(String(fields.what)), liveJson) };
      },
    },
  ],
]);

/** Two lines: what was asked for, and what became of it. */
async function* following(asked: Asked, task: string, until: AbortSignal): AsyncGenerator<string> {
  yield `${JSON.stringify(askedJson(asked, task))}\n`;
  const stopped = new Promise<null>((resolve) => {
    if (until.aborted) resolve(null);
    else until.addEventListener('abort', () => resolve(null), { once: true });
  });
  const entry = await Promise.race([asked.done, stopped]);
  // One that still waits, for its turn or its next attempt, does so for the next daemon.
  const end =
    entry === null || (entry.phase !== 'ended' && entry.phase !== 'skipped')
      ? errorJson(new FateError('TEMPORARY', 'the daemon stops before the end of the run is known'))
      : endedJson(entry);
  yield `${JSON.stringify(end)}\n`;
}
