/**
 * One record as an entry of the journal (SPEC 10, systemd.journal-fields(7)). Promises that every field is one that
 * the journal takes, whatever a task has written, and that nothing of a task comes in a field of the scheduler's. Pure.
 */
import type { LogRecord } from './record.ts';
import { PRIORITIES } from './text.ts';
import { escapeText, plainText, RECORD_BUDGET, render, TOML } from './values.ts';

/** Fields as `NAME=value`, in UTF-16. */
export type JournalEntry = readonly string[];

/** Of the name of a field; the journal drops those with a longer one. */
const NAME_LIMIT = 64;
/**
 * A task's further fields come together, as JSON, in FATE_FIELDS: the journal drops an entry of more than 1024 fields, and
 * sd_journal_sendv(3) makes up to five parts of each, of which sendmsg(2) takes 1024.
 */
const OWN_LIMIT = 100;

export function journalEntry(record: LogRecord, program: string): JournalEntry {
  const { level, event, session, task, run, rest, written, journal } = record;
  const budget = { left: RECORD_BUDGET };
  const entry = [
    `MESSAGE=${messageOf(record)}`,
    `PRIORITY=${PRIORITIES[level]}`,
    `SYSLOG_IDENTIFIER=${program}`,
    `FATE_EVENT=${event}`,
    `FATE_SESSION=${session}`,
  ];
  if (task !== undefined) entry.push(`FATE_TASK=${task}`);
  if (run !== undefined) entry.push(`FATE_RUN_ID=${run}`);
  const lengths = journal.lengths ?? {};
  for (const [name, value] of rest) {
    if (value === null || Object.hasOwn(lengths, name)) continue;
    entry.push(`${fieldName('FATE_', name)}=${plainText(value, budget)}`);
  }
  for (const [name, ms] of Object.entries(lengths)) {
    entry.push(`${fieldName('FATE_', `${name}_usec`)}=${Math.round(ms * 1000)}`);
  }
  const own = Object.entries(written).filter(([, value]) => value !== undefined && value !== null);
  for (const [name, value] of own.slice(0, OWN_LIMIT)) {
    entry.push(`${fieldName('FATE_FIELD_', name)}=${plainText(value, budget)}`);
  }
  const more = own.slice(OWN_LIMIT);
  if (more.length > 0) entry.push(`FATE_FIELDS=${plainText(new Map(more), budget)}`);
  return entry;
}

/**
 * Letters of ASCII as capitals, digits, and `_` for any other character; cut to what the journal takes. Names that become
 * the same one so are all kept: a field may be there more than once.
 */
export function fieldName(prefix: string, name: string): string {
  const legal = name.slice(0, 2 * NAME_LIMIT).replaceAll(/[^A-Za-z0-9]/gu, '_');
  return `${prefix}${legal.toUpperCase()}`.slice(0, NAME_LIMIT);
}

/** What `journalctl` shows of it. What a task says stands as it is; what is said of a task begins with its name. */
function messageOf({ event, task, msg, journal, rest, own }: LogRecord): string {
  const said = journal.message ?? msg;
  if (event === 'log' && said !== undefined) return said;
  const budget = { left: RECORD_BUDGET };
  const fields = said === undefined ? [...rest, ...own].filter(([, value]) => value !== null) : [];
  const shown = fields.map(([name, value]) => `${TOML.key(name)}=${render(value, TOML, budget)}`);
  const text = said ?? [event, ...shown].join(' ');
  return task === undefined ? text : `${escapeText(task)}: ${text}`;
}
