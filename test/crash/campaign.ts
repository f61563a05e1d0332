/**
 * A campaign against a real daemon under a real load: killed again and again, started again, stopped well now and then, and
 * then all that it left is checked. Promises its caller every fault that was found, and figures that were counted.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FAULT_POINTS } from '../../src/faults.ts';
import { openReader } from '../../src/state/reader.ts';
import type { EpochMs } from '../../src/types.ts';
import { makePrefix, type Prefix } from '../helpers/prefix.ts';
import { type Blow, between, blows, type Random, seeded } from './blows.ts';
import { check, type Fault, type Verdict } from './checker.ts';
import { type Exited, kill, type Started, startDaemon } from './daemon.ts';
import { gatherEvidence } from './evidence.ts';
import { configurationFiles, RULES } from './load.ts';
import { type LoadProcess, lives, loadProcesses } from './processes.ts';

export interface CampaignOptions {
  /** Ends after so many, or when every point was struck in so many rounds. */
  readonly kills: number;
  readonly rounds?: number;
  readonly seed: number;
  /** After so many kills there is a clean stop, and all is checked. */
  readonly stopEvery: number;
  /** Part of the kills that come at random moments, of those that could. */
  readonly share: number;
  /** Where the blows and the checks are told. */
  tell(text: string): void;
}

export interface Campaign {
  readonly faults: readonly Fault[];
  readonly figures: Verdict['figures'] & { readonly kills: number; readonly starts: number; readonly lostRuns: number };
  /** How often it died at each point. */
  readonly points: ReadonlyMap<string, number>;
  /** Where all is, when something was found; null when it was removed. */
  readonly kept: string | null;
}

/** Longer than any start, with what it has to end before: tasks with a grace of a second. */
const STARTS_WITHIN = 20_000;
/** A point that is not passed within this is given up. */
const POINT_WITHIN = 4_000;
/** With nobody there for longer, due times are missed, and not late (SPEC 5). */
const MISSED = 62_000;
const STOPS_WITHIN = 15_000;

export async function runCampaign(options: CampaignOptions): Promise<Campaign> {
  const cleanups: (() => unknown)[] = [];
  const root = mkdtempSync(join(tmpdir(), 'fate-crash-'));
  const log = join(root, 'log', 'fate.log');
  const prefix = makePrefix({ after: (cleanup) => cleanups.push(cleanup) }, configurationFiles(log));
  mkdirSync(join(root, 'work'));
  const campaign = new Fight(options, prefix, root);
  try {
    await campaign.run();
  } finally {
    await campaign.end();
    if (campaign.faults.length === 0) {
      for (const cleanup of cleanups) await cleanup();
      rmSync(root, { recursive: true, force: true });
    }
  }
  return {
    faults: campaign.faults,
    figures: campaign.figures,
    points: campaign.points,
    kept: campaign.faults.length === 0 ? null : `${prefix.root} and ${root}`,
  };
}

class Fight {
  readonly faults: Fault[] = [];
  readonly points = new Map<string, number>(FAULT_POINTS.map((point) => [point, 0]));
  figures: Campaign['figures'] = { kills: 0, dues: 0, entries: 0, attempts: 0, starts: 0, lostRuns: 0 };
  readonly #options: CampaignOptions;
  readonly #prefix: Prefix;
  readonly #journal: string;
  readonly #work: string;
  readonly #random: Random;
  #from: EpochMs | null = null;
  #sure: EpochMs | null = null;
  #daemon: Started | null = null;
  /** Processes of the load that were there when the daemon had died. */
  #survivors: readonly LoadProcess[] = [];

  constructor(options: CampaignOptions, prefix: Prefix, root: string) {
    this.#options = options;
    this.#prefix = prefix;
    this.#journal = join(root, 'journal');
    this.#work = join(root, 'work');
    this.#random = seeded(options.seed);
    writeFileSync(this.#journal, '');
  }

  async run(): Promise<void> {
    const { kills, rounds, stopEvery, share, tell } = this.#options;
    const plan = blows(this.#random, share, rounds);
    for (let next = plan.next(true); !next.done; ) {
      if (this.figures.kills >= kills || this.faults.length > 0) break;
      next = plan.next(await this.#strike(next.value));
      if (this.figures.kills % stopEvery !== 0 || this.figures.kills === kills) continue;
      await this.#stopAndCheck(between(this.#random, 500, 2_500));
      if (this.figures.kills === stopEvery * 5) {
        tell('nobody is there for a minute');
        await pause(MISSED);
      }
    }
    if (this.faults.length === 0) await this.#stopAndCheck(4_000);
  }

  /** Whatever happened: nothing goes on. */
  async end(): Promise<void> {
    if (this.#daemon !== null) {
      kill(this.#daemon);
      await this.#daemon.exited;
    }
    for (const { pid } of loadProcesses(this.#mark).filter(lives)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has gone meanwhile.
      }
    }
  }

  get #mark(): string {
    return `CRASH_JOURNAL=${this.#journal}`;
  }

  #start(fault: string | null): Started {
    this.#from ??= Date.now();
    const env = { ...this.#prefix.env, CRASH_JOURNAL: this.#journal, CRASH_WORK: this.#work };
    this.#daemon = startDaemon(this.#prefix.root, { ...env, ...(fault !== null && { FATE_FAULT: fault }) });
    return this.#daemon;
  }

  /** Starts the daemon and kills it as said; false where it did not come by that point. */
  async #strike(blow: Blow): Promise<boolean> {
    if (blow.absent > 0) await pause(blow.absent);
    const daemon = this.#start(blow.kind === 'point' ? `kill@${blow.point}:${blow.nth}` : null);
    const ready = this.#watch(daemon);
    let by: string = blow.kind;
    if (blow.kind === 'start') await within(daemon.exited, blow.after);
    else if ((await within(ready, STARTS_WITHIN)) === true) {
      const exited = await within(daemon.exited, blow.kind === 'ready' ? blow.after : POINT_WITHIN);
      by = blow.kind === 'point' && exited === null ? `${blow.point} was not passed` : by;
    }
    kill(daemon);
    this.#died(await daemon.exited, blow, by);
    return by === blow.kind;
  }

  #died({ code, signal }: Exited, blow: Blow, by: string): void {
    this.#survivors = loadProcesses(this.#mark);
    this.#look();
    if (signal !== 'SIGKILL') this.#fault('unexplained', `the daemon ended by itself: ${code} ${signal}`);
    this.figures = { ...this.figures, kills: this.figures.kills + 1 };
    if (blow.kind === 'point' && by === 'point') this.points.set(blow.point, (this.points.get(blow.point) ?? 0) + 1);
    const late = blow.absent > 0 ? `, after ${blow.absent} ms with nobody there` : '';
    const how = blow.kind === 'point' ? `${blow.point}:${blow.nth}` : `${blow.after} ms after ${blow.kind}`;
    this.#options.tell(`kill ${this.figures.kills}: ${how}${by === blow.kind ? '' : ` (${by})`}${late}`);
  }

  /** Once it schedules, no process of a run that was lost may live. */
  async #watch(daemon: Started): Promise<boolean> {
    const before = this.#survivors;
    const ready = await daemon.ready;
    if (!ready) return false;
    const living = before.filter(lives);
    this.#sure ??= Date.now();
    if (living.length === 0) return true;
    const reader = openReader(this.#prefix.stateFolder());
    for (const { pid, run } of living) {
      const entry = reader?.entry(run);
      // Those of a run that has ended by itself are left (SPEC 7).
      if (entry?.ending?.status === 'Lost')
        this.#fault('left over', `process ${pid} of ${entry.task} ${run}, which is lost`);
    }
    await reader?.close();
    return true;
  }

  async #stopAndCheck(after: number): Promise<void> {
    const daemon = this.#start(null);
    if ((await within(this.#watch(daemon), STARTS_WITHIN)) !== true) {
      this.#look();
      this.#fault('unexplained', `the daemon does not start:\n${daemon.lines.map(({ text }) => text).join('\n')}`);
      return;
    }
    await within(daemon.exited, after);
    const until = Date.now();
    kill(daemon, 'SIGTERM');
    if ((await within(daemon.exited, STOPS_WITHIN)) === null) this.#fault('unexplained', 'the daemon does not stop');
    kill(daemon);
    const { code, signal } = await daemon.exited;
    const to = Date.now();
    this.#look();
    if (code !== 0) this.#fault('unexplained', `the daemon did not stop well: ${code} ${signal}`);
    this.#survivors = [];
    const { paths } = this.#prefix;
    const places = { state: this.#prefix.stateFolder(), results: join(paths.data, 'result'), run: paths.run };
    // Set by the start above, at the latest.
    const span = { from: this.#from ?? to, sure: this.#sure ?? to, until, to };
    const names = RULES.map(({ name }) => name);
    const evidence = await gatherEvidence({ ...places, journal: this.#journal }, names, span);
    const { faults, figures } = check(evidence, RULES);
    this.faults.push(...faults);
    const lostRuns = evidence.closed.filter(({ ending }) => ending?.status === 'Lost').length;
    this.figures = { kills: this.figures.kills, ...figures, lostRuns };
    const { kills, dues, starts } = this.figures;
    this.#options.tell(
      `checked after ${kills} kills: ${dues} due times, ${starts} starts, ${this.faults.length} faults`,
    );
  }

  /** What the daemon said of errors that nobody made: it may complain of ends of runs, and of nothing else. */
  #look(): void {
    for (const { fields, text } of this.#daemon?.lines ?? []) {
      if (/^(error|critical)$/.test(fields.level ?? '') && fields.event !== 'ended') this.#fault('unexplained', text);
      // What is no record is an error that was never caught.
      else if (fields.level === undefined) this.#fault('unexplained', text);
    }
    this.#daemon = null;
  }

  #fault(sort: Fault['sort'], text: string): void {
    this.faults.push({ sort, text: `after ${this.figures.kills} kills: ${text}` });
  }
}

/** Null when it takes longer. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | null> {
  const over = new AbortController();
  try {
    return await Promise.race([work, pause(ms, null, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
