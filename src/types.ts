/**
 * The plain records that the parts of Fate hand to each other. No behaviour lives here, and nothing is imported.
 * Times of day are `EpochMs`, lengths are `Ms`, sizes are `Bytes`; all three are whole numbers.
 */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;
/** A length of time in milliseconds. */
export type Ms = number;
export type Bytes = number;

// ---------------------------------------------------------------------------------------------- levels, logger

export const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

/** What kind of thing a record of Fate's own log tells; the `event` field of SPEC 10. */
export type LogEvent =
  | 'start'
  | 'stop'
  | 'reload'
  | 'restart'
  | 'config'
  | 'lock'
  | 'clock'
  | 'started'
  | 'ended'
  | 'skipped'
  | 'missed'
  | 'recovered'
  | 'log'
  | 'result'
  | 'state'
  | 'pass'
  | 'control'
  | 'systemd';

/** The fields of one record. `undefined` values are left out. A task's own fields come in `own`. */
export interface LogFields {
  readonly msg?: string | undefined;
  readonly task?: string | undefined;
  readonly run?: string | undefined;
  /** What a task wrote: a name that the scheduler uses itself gets the prefix `task_` (SPEC 10). */
  readonly own?: Readonly<Record<string, unknown>> | undefined;
  readonly [key: string]: unknown;
}

export interface Logger {
  log(level: Level, event: LogEvent, fields: LogFields): void;
  /** Whether any target would keep a record of this level; lets callers skip costly fields. */
  enabled(level: Level): boolean;
  /** Flushes and closes every target, for at most `limit` (1 s); never rejects. */
  close(limit?: Ms): Promise<void>;
}

// ---------------------------------------------------------------------------------------------- clock, host, zones

export interface Clock {
  /** Wall-clock time; may jump. */
  now(): EpochMs;
  /** Milliseconds from an arbitrary start; never runs backwards, stands still in suspend (CLOCK_MONOTONIC). */
  monotonic(): Ms;
  /** Calls `fire` once after `delay` ms (any length, also beyond setTimeout's 24.8 days); the result cancels it. */
  after(delay: Ms, fire: () => void): () => void;
}

/** Facts of the machine, read once. */
export interface Host {
  readonly name: string;
  /** /etc/machine-id, or '' where there is none. */
  readonly id: string;
  readonly cpus: number;
  /** Of the whole machine. */
  readonly memory: Bytes;
  readonly uid: number;
  readonly boot: Boot;
}

/** When and as what the machine, or the container, came up. */
export interface Boot {
  /** Of the kernel (random(4), boot_id): another one means that what was not synced may be gone. '' where unknown. */
  readonly kernel: string;
  /** Differs for each start of the machine or the container; for `@reboot`. */
  readonly id: string;
  readonly at: EpochMs;
}

/** Offsets of one time zone; instants are EpochMs. */
export interface Zone {
  /** IANA name, or `system` for /etc/localtime. */
  readonly name: string;
  /** Milliseconds to add to UTC to get the wall clock at this instant. */
  offsetAt(instant: EpochMs): Ms;
  /** The first instant after `instant` at which the offset changes, or null when it never does again. */
  nextTransition(instant: EpochMs): EpochMs | null;
}

export interface ZoneSource {
  /** `null` names the system's zone. Answers null for an unknown name. Cheap to call often. */
  zone(name: string | null): Zone | null;
  /** True when a zone file that was handed out has changed since it was last asked. */
  changed(): boolean;
}

// ---------------------------------------------------------------------------------------------- problems

/** One thing wrong with a configuration file: where, what was expected, what was found (SPEC 3). */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly kind: 'syntax' | 'value' | 'missing' | 'ambiguous' | 'unsafe';
  readonly file: string;
  /** 1-based. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** The text of the line, for syntax errors. */
  readonly excerpt?: string | undefined;
  /** Key path in the file, `['disk', 'format', 'result']`; empty for the whole file. */
  readonly path: readonly (string | number)[];
  /** The task it belongs to, where it belongs to one. */
  readonly task?: string | undefined;
  /** One sentence, which holds what was expected and what was found. No final full stop. */
  readonly message: string;
}

// ---------------------------------------------------------------------------------------------- schedules

export type MissedPolicy = 'once' | 'skip' | 'all';

/** A compiled schedule (SPEC 5). Pure: time comes in as an argument. */
export interface Schedule {
  /** `reboot`: due once per boot; it has no occurrences in time, so `next` and `latest` find none. */
  readonly kind: 'cron' | 'every' | 'reboot';
  /** As written. */
  readonly expression: string;
  /** Six fields, seconds first, after aliases, `H` and `U` were replaced; `@every 90s` and `@reboot` as such. */
  readonly normalized: string;
  /** IANA name, or null for the system's zone. */
  readonly timezone: string | null;
  /** Changes when the meaning of the schedule changes; keys the cursor (SPEC 5, "a task seen for the first time"). */
  readonly fingerprint: string;
  /** The first occurrence strictly after `after`, or null when there is none within the next 100 years. */
  next(after: EpochMs): EpochMs | null;
  /** The latest `limit` occurrences in (after, until], ascending. Its cost is bounded by `limit`, not by the span. */
  latest(after: EpochMs, until: EpochMs, limit: number): EpochMs[];
}

/** Due times from `from` on and before `until` (Infinity: until it is resumed) are skipped, and not missed (SPEC 12). */
export interface Pause {
  readonly from: EpochMs;
  readonly until: EpochMs;
}

/** What the scheduler remembers of a task's schedule, per task (SPEC 5, "The bookkeeping is per task"). */
export interface Cursor {
  readonly fingerprint: string;
  /** Every occurrence up to and including this instant is accounted for. */
  readonly seen: EpochMs;
  /** For `@reboot`: the boot (`Boot.id`) that is accounted for. */
  readonly boot?: string;
}

// ---------------------------------------------------------------------------------------------- tasks

/** What a template or condition may see (SPEC 4). Times are turned into Luxon DateTimes in `zone`. */
export interface Scope {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly taskName: string;
  readonly zone: string | null;
  readonly now: EpochMs;
  readonly due: EpochMs;
  readonly attempt: number;
  readonly runId: string;
  readonly host: Host;
}

/** What `path.result` sees besides. */
export interface ResultScope extends Scope {
  readonly endedAt: EpochMs;
  /** '' or a label. */
  readonly label: string;
  /** '' or '.json' and the like, with its dot. */
  readonly ext: string;
  readonly defaultPath: string;
}

/** A compiled template. `render` throws an Error with one clear sentence; it takes at most 1 s. */
export interface Template {
  readonly source: string;
  render(scope: Scope | ResultScope): string;
}

/** A compiled `if` or `unless`. */
export interface Condition {
  readonly source: string;
  readonly kind: 'if' | 'unless';
  /** True when the task shall run. Throws like Template.render. */
  holds(scope: Scope): boolean;
}

export type Command =
  /** argv[0] is looked up on PATH when it holds no `/`. */
  | { readonly kind: 'exec'; readonly argv: readonly Template[] }
  /** Runs `executable -c script`. */
  | { readonly kind: 'shell'; readonly executable: 'sh' | 'bash' | 'python'; readonly script: Template }
  /** One program on PATH, such as `fate-disk`. */
  | { readonly kind: 'command'; readonly program: string };

export const RESULT_FORMATS = ['csv', 'json', 'tar', 'toml', 'yaml'] as const;
export type ResultFormatName = (typeof RESULT_FORMATS)[number];
/** `raw`: as is, no suffix (null or '' in the file). `named`: tried in the order written (SPEC 8). */
export type ResultFormat =
  | { readonly kind: 'raw' | 'auto' | 'mixed' | 'archive' }
  | { readonly kind: 'named'; readonly names: readonly ResultFormatName[] };

export type TextFormat = 'json' | 'yaml' | 'toml';
export type LogFormat = TextFormat | 'auto' | 'text';
export type StateFormat = TextFormat | 'auto';
export type Separator = 'auto' | 'nul' | 'line';

export type Overlap = 'skip' | 'queue' | 'allow' | 'replace';

/** The ends after which another attempt is made: `retry` is exit 42, `signal` a death by a signal that Fate did not send. */
export const RETRY_CAUSES = ['retry', 'error', 'timeout', 'signal', 'failed', 'lost'] as const;
export type RetryCause = (typeof RETRY_CAUSES)[number];

/** SPEC 3.1 and 7. The n-th retry (from 0) comes min(maxDelay, delay × backoff^n) ± 10 % after the end before it. */
export interface Retry {
  /** Counts retries, not attempts; from 1. */
  readonly limit: number;
  readonly delay: Ms;
  readonly backoff: number;
  readonly maxDelay: Ms;
  readonly on: readonly RetryCause[];
}

export interface Keep {
  readonly count: number | null;
  readonly age: Ms | null;
  readonly size: Bytes | null;
}

/** What a task asks for its process (SPEC 3.1), as written: users, groups and files are looked up when a run starts. */
export interface ExecutionContext {
  /** In the order written, the defaults' first; `value` null removes the name. */
  readonly env: readonly { readonly name: string; readonly value: Template | null }[];
  /** Files in the format of systemd's EnvironmentFile=, in order; an `optional` one (`-` in front) may be missing. */
  readonly envFiles: readonly { readonly path: string; readonly optional: boolean }[];
  /** Null: the scheduler's. */
  readonly cwd: Template | null;
  /** A name or a number; null: the scheduler's. */
  readonly user: string | null;
  /** Null: the user's own, else the scheduler's. */
  readonly group: string | null;
  readonly umask: number | null;
  /** -20 to 19, as nice(2) sets it; null: the scheduler's. */
  readonly nice: number | null;
  /** `source` is an absolute path, or the name of a credential that systemd gave the scheduler. */
  readonly credentials: readonly { readonly name: string; readonly source: string }[];
}

/** What a run may use (SPEC 3.1, 7); null: no limit. */
export interface Limits {
  /** Of stdout: past it the run is ended. */
  readonly output: Bytes | null;
  /** Of stderr: what comes past it is dropped, and told. */
  readonly log: Bytes | null;
  /** Of the whole run together (MemoryMax= of systemd.resource-control(5)). */
  readonly memory: Bytes | null;
  /** In percent of one processor (CPUQuota=). */
  readonly cpu: number | null;
  readonly processes: number | null;
}

/** A task with every default and unit applied; frozen. Nobody else reads raw configuration (CONTRIBUTING, rule 4). */
export interface Task {
  readonly name: string;
  /** Position in the files; breaks ties within a cohort. */
  readonly order: number;
  /** Where it is written. */
  readonly file: string;
  readonly enabled: boolean;
  readonly description: string | null;
  readonly schedule: Schedule;
  readonly missed: MissedPolicy;
  readonly missedWithin: Ms | null;
  readonly command: Command;
  readonly condition: Condition | null;
  readonly timeout: Ms | null;
  readonly grace: Ms;
  /** Exit statuses that are good; 0 is always in. */
  readonly successExit: readonly number[];
  /** What fd 0 is given, already serialized; '' for nothing. */
  readonly param: string;
  readonly formatLog: LogFormat;
  readonly separator: Separator;
  readonly formatResult: ResultFormat;
  /** For both directions; `in` is how a stored structure is written to fd 3, `out` how fd 4 is read. */
  readonly formatState: { readonly in: TextFormat; readonly out: StateFormat };
  readonly resultPath:
    | { readonly kind: 'default' | 'none' }
    | { readonly kind: 'template'; readonly template: Template };
  readonly onConflict: 'rename' | 'replace';
  readonly keep: Keep;
  readonly tenancy: number;
  /** How a due time is treated while a run of the task goes or waits. */
  readonly overlap: Overlap;
  /** Tasks of one mutex name never run at the same time. */
  readonly mutex: string | null;
  /** A run that waited longer is given up. */
  readonly maxWait: Ms | null;
  readonly retry: Retry | null;
  readonly context: ExecutionContext;
  readonly limits: Limits;
}

export interface InvalidTask {
  readonly name: string;
  readonly file: string;
  readonly problems: readonly Problem[];
}

// ---------------------------------------------------------------------------------------------- configuration

export interface Rotation {
  readonly size: Bytes | null;
  readonly interval: Ms | null;
  /** Time of day, minutes after midnight on the system's wall clock. */
  readonly at: number | null;
}

/** One target of `path.log` (SPEC 10). */
export interface LogTarget {
  readonly kind: 'stdout' | 'stderr' | 'file';
  /** Absolute; for `file` only. A directory was already turned into a file in it. */
  readonly file: string | null;
  readonly level: Level;
  readonly format: 'text' | 'json';
  readonly rotation: Rotation | null;
  readonly retention: { readonly age: Ms | null; readonly count: number | null } | null;
  readonly compression: 'gz' | null;
}

/** A whole configuration, swapped as one (CONTRIBUTING, rule 4); frozen. */
export interface Configuration {
  /** Absolute paths of the files that were read, `tasks` and `defaults` first. */
  readonly files: readonly string[];
  /** Valid tasks in file order, the disabled ones too. */
  readonly tasks: readonly Task[];
  /** Set aside alone, with why. */
  readonly invalid: readonly InvalidTask[];
  /** All problems: errors of tasks and drop-ins that were set aside, and warnings. */
  readonly problems: readonly Problem[];
  readonly log: readonly LogTarget[];
  /** How long a run that tenancy alone keeps back may be overtaken (SPEC 6). */
  readonly patience: Ms;
  readonly history: History;
  /** `scheduling.cgroup`: whether each run has a control group of its own, where the scheduler may make them. */
  readonly controlGroups: boolean;
  /** `control.steer_group`: a group whose members may steer the daemon besides root and its own user. */
  readonly steerGroup: string | null;
}

/** What the ledger keeps of each task (SPEC 12). */
export interface History {
  /** Of runs that were good, and as many of due times that were not run. */
  readonly maxRuns: number;
  /** Of runs that were not good. */
  readonly maxFailures: number;
  readonly maxAge: Ms | null;
}

// ---------------------------------------------------------------------------------------------- runs

/** SPEC 7, the exit table. */
export type Status = 'OK' | 'Retry' | 'Error' | 'Killed' | 'Terminated' | 'Signaled' | 'Timeout' | 'Failed' | 'Lost';

/** What ended a run (SPEC 7). */
export type EndedBy = 'itself' | 'timeout' | 'stop' | 'kill' | 'replace' | 'limit' | 'lost';

/** One occurrence that shall run, as it waits and runs. */
export interface Run {
  readonly id: string;
  readonly task: Task;
  /** The instant it was due at; the latest, where it stands for several. */
  readonly due: EpochMs;
  /** From 1. */
  readonly attempt: number;
  /** How many earlier due times this run stands for as well (`missed: once`, or late together). */
  readonly collapsed: number;
}

/** How the process of a run came to its end. */
export interface Exit {
  /** Null when a signal ended it or it never started. */
  readonly code: number | null;
  /** As signal(7) names it; `SIGRTMIN+3` for one that has no name of its own. */
  readonly signal: string | null;
  readonly endedBy: EndedBy;
  /** With `limit`: which one, in a sentence; null otherwise. */
  readonly limit: string | null;
  /** Why it could not be started; null when it was. */
  readonly failure: string | null;
  readonly pid: number | null;
  readonly startedAt: EpochMs;
  readonly endedAt: EpochMs;
  readonly duration: Ms;
  /** Bytes written to the file for fd 1. */
  readonly stdoutBytes: Bytes;
  /** Why fd 1's output is not whole in the file (disk full and the like); null when it is. */
  readonly stdoutError: string | null;
  /** What came from fd 4; null when it was more than 16 MiB. */
  readonly state: Buffer | null;
  /** What came on fd 2 past `limits.log` and was dropped. */
  readonly stderrDropped: Bytes;
  /** Processes of its group that it left running. */
  readonly left: number;
  readonly usage: Usage;
}

/** What a run has used, null where nobody can tell. Of its control group; else of its own process and those it waited for. */
export interface Usage {
  /** The most memory it had at one time; without a control group, that of its largest process. */
  readonly memory: Bytes | null;
  /** Processor time, of all processors together. */
  readonly cpu: Ms | null;
  /** Processes that the kernel ended since the limit of memory was reached; 0 without a control group. */
  readonly outOfMemory: number;
}

/** One result file that was recorded. */
export interface RecordedResult {
  readonly path: string;
  readonly label: string;
  readonly ext: string;
  readonly size: Bytes;
}

/** What is remembered of a result file that was recorded, for `path.keep`. */
export interface KnownResult {
  readonly path: string;
  readonly size: Bytes;
  readonly at: EpochMs;
  /** The uid of the task's user, to whom it belongs; none where the task ran as the scheduler. */
  readonly owner?: number;
}

// ---------------------------------------------------------------------------------------------- what the scheduler tells

export const SKIP_REASONS = ['condition', 'overlap', 'missed', 'paused', 'max_wait', 'removed', 'kill'] as const;
/**
 * Why a due time was not run: its condition did not hold; a run of the task was going; nobody was there (or `missed_within`,
 * `missed: skip`); the task was paused; it waited for longer than `max_wait`; the task was removed, disabled or given
 * another schedule while it waited; `fate kill` told it not to run.
 */
export type SkipReason = (typeof SKIP_REASONS)[number];

/** What happened, as the scheduler yields it; the log and later the ledger are made from these. */
export type TaskEvent =
  | { readonly type: 'started'; readonly run: Run; readonly at: EpochMs; readonly pid: number }
  | {
      readonly type: 'ended';
      readonly run: Run;
      readonly status: Status;
      readonly level: Level;
      readonly exit: Exit;
      readonly results: readonly RecordedResult[];
      /** One sentence where there is more to say than the status does. */
      readonly reason: string | null;
      /** When the next attempt is due; null when none is to come. */
      readonly retryAt: EpochMs | null;
      /** The first 200 characters of what a run that was not good wrote (SPEC 7). */
      readonly stdout: string;
      readonly stderr: string;
    }
  | {
      readonly type: 'skipped';
      readonly id: string;
      readonly task: string;
      readonly due: EpochMs;
      /** How many due times this tells of; `due` is the latest of them. */
      readonly count: number;
      readonly level: Level;
      readonly reason: SkipReason;
      readonly detail: string;
    };

// ---------------------------------------------------------------------------------------------- the ledger

/**
 * - `planned`: its due time comes within seconds, or it is about to start; after a power cut it counts as started
 * - `waiting`: it is due, and certainly not started
 * - `started`: its process goes (written a little later than it starts)
 * - `retry`: an attempt has ended, the next one waits for its time
 * - `ended`, `skipped`: closed
 */
export type Phase = 'planned' | 'waiting' | 'started' | 'retry' | 'ended' | 'skipped';

/** What kept a run that was due from starting at once. */
export interface Waited {
  /** `overlap`: an earlier run of its own; `room`: a spool with less than 5 % free. */
  readonly for: 'tenancy' | 'patience' | 'mutex' | 'overlap' | 'room';
  /** For `mutex`, its name. */
  readonly mutex?: string;
  /** Names of the tasks that were in the way, at most 5. */
  readonly who: readonly string[];
}

/** How one attempt ended. */
export interface Ending {
  readonly attempt: number;
  readonly startedAt: EpochMs;
  readonly endedAt: EpochMs;
  readonly duration: Ms;
  readonly status: Status;
  readonly code: number | null;
  readonly signal: string | null;
  readonly endedBy: EndedBy;
  /** One sentence where there is more to say than the status does. */
  readonly reason: string | null;
  readonly memory: Bytes | null;
  readonly cpu: Ms | null;
}

/**
 * What the ledger knows of one occurrence, from planned to closed (SPEC 12). One entry may stand for several due times that
 * were collapsed; every due time of a task is in one entry's [first, due].
 */
export interface Entry {
  /** Of the run, whether it came to run or not. */
  readonly id: string;
  readonly task: string;
  readonly due: EpochMs;
  /** The earliest due time it stands for; `due` where it is the only one. */
  readonly first: EpochMs;
  /** How many due times it stands for, from 1; counted up to 10,000. */
  readonly count: number;
  readonly phase: Phase;
  /** The attempt that is planned, waits or goes, or was the last. */
  readonly attempt: number;
  /** When this entry was first written. */
  readonly plannedAt: EpochMs;
  /**
   * Why nobody was there at its due time: the scheduler was off, the clock jumped (or the machine slept), or the task could
   * not be read and was set aside.
   */
  readonly absent: 'off' | 'clock' | 'invalid' | null;
  /** One of several that were missed, which run one after the other, whatever `overlap` says. */
  readonly inTurn: boolean;
  /** Asked for with `fate run`, not by the schedule; `due` is when it was asked for. */
  readonly byHand: boolean;
  /** When it arrived and began to wait for its turn. */
  readonly queuedAt: EpochMs | null;
  /** Null when it could start as soon as it arrived. */
  readonly waited: Waited | null;
  /** Of the attempt that goes; null when none does. */
  readonly startedAt: EpochMs | null;
  readonly pid: number | null;
  /** Phase `retry`: when the next attempt is due. */
  readonly retryAt: EpochMs | null;
  /** How the last attempt ended; null before the first did. */
  readonly ending: Ending | null;
  /** The attempts before that one, oldest first; the latest 20. */
  readonly earlier: readonly Ending[];
  /** Phase `skipped`. */
  readonly skipped: { readonly reason: SkipReason; readonly detail: string; readonly at: EpochMs } | null;
  /** The first 100 results of the last attempt, and how many there were. */
  readonly results: readonly RecordedResult[];
  readonly resultCount: number;
  readonly stdoutBytes: Bytes;
  /** Processes that the task left running. */
  readonly left: number;
  /** The file in which the whole output of a run was kept that could not be recorded (7 days). */
  readonly kept: string | null;
}

/** The beginning and the end of a stream; the bytes between are gone. Nothing is missing while `size` is their sum. */
export interface Excerpt {
  /** At most 16 KiB. */
  readonly head: Buffer;
  /** What came after the head, of it at most the last 64 KiB. */
  readonly tail: Buffer;
  readonly size: Bytes;
}

/** What is kept of the output of a run that was not good (SPEC 7). */
export interface Output {
  readonly stdout: Excerpt;
  readonly stderr: Excerpt;
}

// ---------------------------------------------------------------------------------------------- what Node lacks

/** Calls of the C library that a run needs; platform/native.ts implements it, and it is handed to execution. */
export interface Native {
  /**
   * Starts a program: posix_spawn(3), which costs no copy of this process's tables. It gets `fds` as its 0, 1, 2 … and no
   * others, is the leader of a session and a process group of its own, and has every signal as at the start of a login.
   * @throws a system error of `syscall` posix_spawn: `ENOENT` and the like tell of `file` itself
   */
  spawn(request: SpawnRequest): Child;
  /** fchown(2) of a pipe or a memory file; @throws a system error */
  giveTo(fd: number, uid: number, gid: number): void;
  /** pipe2(2) with O_CLOEXEC: a real pipe, whose ends can be opened again by name. */
  pipe(): { readonly read: number; readonly write: number };
  /** memfd_create(2), filled, then opened again read-only at offset 0; close-on-exec. */
  memoryFile(name: string, content: string | Buffer): number;
  /** FIONREAD of ioctl_pipe: bytes that wait in a pipe. */
  bytesWaiting(fd: number): Bytes;
  /** F_SETPIPE_SZ of fcntl(2); never throws, a refusal leaves the size as it is. */
  enlargePipe(fd: number, size: Bytes): void;
}

export interface SpawnRequest {
  /** The file to run: absolute, or it holds a `/`. */
  readonly file: string;
  /** argv[0] first; may be another name than `file`. */
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly fds: readonly number[];
}

export interface Child {
  readonly pid: number;
  /** Resolves when it has ended and is reaped; never rejects. */
  readonly ended: Promise<WaitStatus>;
}

/** How a child ended: wait4(2). */
export interface WaitStatus {
  /** Null when a signal ended it. */
  readonly code: number | null;
  /** `SIGTERM`, `SIGRTMIN+3`; null when it exited. */
  readonly signal: string | null;
  /** ru_maxrss */
  readonly memory: Bytes;
  /** ru_utime + ru_stime */
  readonly cpu: Ms;
}

/** A user as getpwnam(3) knows it. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** The machine's users and groups (nsswitch.conf(5)); what was found is remembered for some seconds. */
export interface Accounts {
  /** By name, or by number; null for none. A number that no user has is a user all the same, without name and home. */
  user(name: string): Account | null;
  /** The number of a group, by name or number; null for none. */
  group(name: string): number | null;
  /** getgrouplist(3): all groups of a user, `gid` among them. */
  groupsOf(account: Account, gid: number): readonly number[];
}

// ---------------------------------------------------------------------------------------------- a run's process

/** What a run's process gets besides argv and environment, looked up and ready; null leaves a thing as the scheduler has it. */
export interface ProcessContext {
  readonly identity: Identity | null;
  readonly cwd: string | null;
  readonly umask: number | null;
  readonly nice: number | null;
}

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** The control group of one run: cgroups(7), version 2. No call throws. */
export interface RunGroup {
  /** Its folder, absolute; who writes `0` to its cgroup.procs is in it from then on. */
  readonly path: string;
  /** The processes that live in it, but those that this process cannot see. */
  pids(): readonly number[];
  /** SIGKILL to all in it at once, also to those that are being started (cgroup.kill). */
  kill(): void;
  /** Calls once when no process lives in it any more, at once where there is none; the result ends the waiting. */
  whenEmpty(empty: () => void): () => void;
  usage(): Usage;
  /** Removes it; one in which somebody lives is removed later. */
  close(): void;
}

/** Makes control groups where the scheduler has been given some (`Delegate=` of systemd.resource-control(5)). */
export interface ControlGroups {
  /** The group that was divided: the scheduler itself is in `main/` below it. */
  readonly path: string;
  /** Null where none can be had; why is said once. What cannot be held of the limits is said once, too. */
  make(run: string, limits: Limits): RunGroup | null;
  /** That of a run of an earlier scheduler, where it is still there. */
  find(run: string): RunGroup | null;
  /** What limits can be held. */
  readonly controllers: ReadonlySet<Controller>;
  /** Removes the groups in which somebody lived on after a run, and lives no more. */
  sweep(): void;
}

/** Those that limits need: cgroups(7). */
export type Controller = 'memory' | 'cpu' | 'pids';

// ---------------------------------------------------------------------------------------------- the journal

/** The native protocol of the journal: sd_journal_sendv(3), off the loop, one after the other. */
export interface JournalSender {
  /** Fields as `NAME=value`, each whole; resolves when the journal has them. Rejects with a system error. */
  send(fields: readonly Buffer[]): Promise<void>;
}

// ---------------------------------------------------------------------------------------------- steering

/** Who stands at the other end of a unix socket, as the kernel saw it when the connection was made. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Its supplementary groups. */
  readonly groups: readonly number[];
}

/** A run that goes or waits, for people. */
export interface LiveRow {
  readonly run: string;
  readonly task: string;
  readonly due: EpochMs;
  readonly attempt: number;
  readonly phase: 'waiting' | 'started' | 'retry';
  readonly byHand: boolean;
  readonly startedAt: EpochMs | null;
  readonly pid: number | null;
  /** What keeps it from starting. */
  readonly waited: Waited | null;
  readonly retryAt: EpochMs | null;
}

export interface DaemonStatus {
  readonly program: string;
  readonly version: string;
  readonly pid: number;
  readonly startedAt: EpochMs;
  readonly stopping: boolean;
  readonly files: readonly string[];
  readonly tasks: number;
  readonly invalid: number;
  readonly running: readonly LiveRow[];
  /** Those that wait for their turn, then those that wait for a retry. */
  readonly waiting: readonly LiveRow[];
  readonly next: { readonly task: string; readonly at: EpochMs } | null;
  /** Since the start. */
  readonly executions: number;
  readonly failures: number;
  /** Null before the first. */
  readonly reloaded: { readonly at: EpochMs; readonly ok: boolean } | null;
  /** A restart that was asked for and has not come yet. */
  readonly restart: PendingRestart | null;
}

/** A restart that waits until nothing runs, or is on its way. */
export interface PendingRestart {
  /** When it was asked for first. */
  readonly since: EpochMs;
  /** Why it could not be done the last time that nothing ran; null where nothing stood in its way. */
  readonly refused: string | null;
}

/** One line of `fate list`. */
export interface TaskRow {
  readonly task: string;
  readonly description: string | null;
  readonly state: 'enabled' | 'disabled' | 'paused' | 'invalid';
  /** The schedule as written; null for an invalid task. */
  readonly schedule: string | null;
  readonly next: EpochMs | null;
  readonly running: number;
  readonly waiting: number;
  /** The latest due time that is closed. */
  readonly last: {
    readonly run: string;
    readonly due: EpochMs;
    /** A status, or `skipped`. */
    readonly status: Status | 'skipped';
    readonly at: EpochMs;
  } | null;
}

/** What a reload changed: names of tasks. */
export interface Reloaded {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** A restart that was asked for. */
export interface Restarting {
  readonly whenIdle: boolean;
  /** Names of the tasks that run. */
  readonly running: readonly string[];
  /** Whether it begins now; else it waits for the end of what runs, or of what is due in this moment. */
  readonly restarting: boolean;
}

/** A run that was asked for. */
export interface Asked {
  readonly run: string;
  /** What keeps it from starting at once; null when it starts. */
  readonly waited: Waited | null;
  /** Its end, after the last attempt; also when it was not run. Never rejects. */
  readonly done: Promise<Entry>;
}

/** What the control socket offers (SPEC 12); the daemon implements it. All of it throws FateError and nothing else. */
export interface Steering {
  status(): DaemonStatus;
  /** Some at a time, so that many tasks hold nothing up. */
  list(): AsyncIterable<TaskRow>;
  /** @throws FateError with the problems for which the old configuration stays */
  reload(): Promise<Reloaded>;
  /**
   * A new start, with the programs as they are installed by then: now, as after a stop, or as soon as nothing runs.
   * @throws FateError TEMPORARY in a stop; without `whenIdle` also the reason for which the daemon goes on as it is
   */
  restart(whenIdle: boolean): Promise<Restarting>;
  /** @throws FateError TASK_UNKNOWN, CONF_INVALID for an invalid or disabled task, TEMPORARY in a stop */
  run(task: string): Asked;
  /** Ends what goes and drops what waits of a task, or one run by (the beginning of) its id. @throws FateError RUN_UNKNOWN */
  kill(what: string): readonly LiveRow[];
}

// ---------------------------------------------------------------------------------------------- a run as the loop sees it

/** What became of a run. */
export type Outcome = Omit<Extract<TaskEvent, { readonly type: 'ended' }>, 'type' | 'run'>;

/** An outcome with the entry as it stands in the ledger from then on: `ended`, or `retry` with the time of the next attempt. */
export interface Concluded {
  readonly outcome: Outcome;
  readonly entry: Entry;
}

/** A run that was started, or could not be: then `pid` is null and both promises resolve soon. */
export interface RunHandle {
  readonly pid: number | null;
  /** The process has ended: its place is free. Never rejects, and resolves before `done` does. */
  readonly over: Promise<void>;
  /** Result, state and ledger are recorded, or it was said why not. Never rejects. */
  readonly done: Promise<Concluded>;
  /** SIGTERM to its group, SIGKILL after its grace. */
  end(by: Extract<EndedBy, 'stop' | 'kill' | 'replace'>): void;
  /** SIGKILL to its group at once. */
  kill(): void;
}

/** What a pass, or a moment of the daemon in which something ran, came to. */
export interface Summary {
  readonly executions: number;
  /** Runs that did not end OK. */
  readonly failures: number;
  readonly next: { readonly at: EpochMs; readonly task: string } | null;
}
