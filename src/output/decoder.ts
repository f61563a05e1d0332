/**
 * Asks the decode worker, one question at a time, so that looking into an output never holds up the loop and never
 * takes more memory than one worker may. A worker that dies or takes too long means no. Ends when idle.
 */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { errnoOf } from '../errors.ts';
import type { Ms } from '../types.ts';
import type { Answer, Question } from './decode-worker.ts';

/** For one TOML or YAML of up to 4 MiB, which takes 1 s for each MiB on a slow machine. JSON and CSV are linear. */
const TIME_LIMIT: Ms = 10_000;
/** Until an idle worker is ended; a start costs some 50 ms of CPU. */
const IDLE: Ms = 2_000;
/** Dense YAML takes 150 MB for each MiB. */
const MEMORY_MB = 512;

interface Job {
  readonly question: Question;
  readonly timeLimit: Ms;
  readonly resolve: (found: boolean) => void;
}

const queue: Job[] = [];
/** The worker's program, once it was read. */
let program: string | URL | null = null;
let current: Job | null = null;
let worker: Worker | null = null;
let limit: NodeJS.Timeout | undefined;
let idle: NodeJS.Timeout | undefined;

/** Whether a file is of a format and more than a bare string. Never rejects. */
export function askDecoder(question: Question, timeLimit = TIME_LIMIT): Promise<boolean> {
  return new Promise((resolve) => {
    queue.push({ question, timeLimit, resolve });
    next();
  });
}

/** Reads the worker's program, so that workers start also when its file is gone: an upgrade under a daemon that runs. */
export function preloadDecoder(): void {
  program ??= readProgram();
}

/** In dist/ one file beside this module (packaging/scripts/bundle.mjs); as tsc compiles it, several. */
function readProgram(): string | URL {
  try {
    return readFileSync(new URL('./decode-worker.cjs', import.meta.url), 'utf8');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return new URL('./decode-worker.js', import.meta.url);
  }
}

function next(): void {
  if (current !== null) return;
  const job = queue.shift();
  if (job === undefined) {
    // An idle worker keeps no process alive, and is gone after a while.
    worker?.unref();
    idle = setTimeout(discard, IDLE).unref();
    return;
  }
  clearTimeout(idle);
  current = job;
  worker ??= start();
  worker.ref();
  worker.postMessage(job.question);
}

function start(): Worker {
  program ??= readProgram();
  const started = new Worker(program, {
    eval: typeof program === 'string',
    // The options of this process, such as --input-type, need not suit a worker.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB, maxYoungGenerationSizeMb: 32 },
  });
  const ofCurrent = (): boolean => worker === started;
  started.on('message', (answer: Answer) => {
    if (!ofCurrent() || current === null) return;
    if (answer !== 'ready') finish(answer);
    else if (current.question.format === 'toml' || current.question.format === 'yaml') {
      limit = setTimeout(() => {
        discard();
        finish(false);
      }, current.timeLimit);
    }
  });
  const died = (): void => {
    if (!ofCurrent()) return;
    worker = null;
    if (current !== null) finish(false);
  };
  started.on('error', died);
  started.on('exit', died);
  return started;
}

function finish(found: boolean): void {
  clearTimeout(limit);
  const job = current;
  current = null;
  job?.resolve(found);
  next();
}

function discard(): void {
  const ending = worker;
  worker = null;
  void ending?.terminate();
}
