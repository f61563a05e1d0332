/** The programs of the examples, alone: odd names, odd files, and what a minimal host lacks. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { repo } from '../helpers/repo.ts';

const programs = join(repo, 'packaging/examples/bin');

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-example-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A small program that goes before the system's one of the same name. */
function replaceProgram(folder: string, name: string, script: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'bin', name), 0o755);
}

interface Finished {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly log: string;
  readonly state: string;
}

/** Runs an example with the descriptors that Fate gives a task. */
function runExample(folder: string, name: string, param: string, state = ''): Finished {
  writeFileSync(join(folder, 'state-in'), state);
  const given = openSync(join(folder, 'state-in'), 'r');
  const taken = openSync(join(folder, 'state-out'), 'w');
  const { status, stdout, stderr } = spawnSync(join(programs, name), [], {
    input: param,
    env: { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
    stdio: ['pipe', 'pipe', 'pipe', given, taken],
  });
  closeSync(given);
  closeSync(taken);
  return { status, stdout, log: stderr.toString(), state: readFileSync(join(folder, 'state-out'), 'utf8') };
}

const json = (finished: Finished) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(finished.stdout));

/** The records of a log, by level. */
const records = (log: string) =>
  log
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ level: Number(line[1]), text: line.slice(3) }));

test('fate-disk gives right JSON whatever the mounts are called, and warns from the percentages it is given', (t) => {
  const folder = scratch(t);
  const odd = '/mnt/a "b"  \\c\\n é';
  writeFileSync(
    join(folder, 'df'),
    Buffer.concat([
      Buffer.from('Type 1B-blocks Used Avail Inodes IUsed IFree Mounted on\n'),
      Buffer.from('ext4 1000 900 100 100 10 90 /\n'),
      Buffer.from(`fuse.x   1000   800    100    0     0     0 ${odd}`),
      Buffer.from([0xff, 0x0a]),
      Buffer.from('tmpfs 1000 0 1000 100 99 1 /run\n'),
      Buffer.from('proc 0 0 0 0 0 0 /proc\nvfat 1000 1 999 - - - /boot\n'),
    ]),
  );
  replaceProgram(folder, 'df', `cat '${join(folder, 'df')}'; echo 'df: /x: Permission denied' >&2; exit 1`);
  const finished = runExample(folder, 'fate-disk', 'warn = 88\nerror = 95\n');
  assert.equal(finished.status, 0);
  const disks = json(finished);
  assert.deepEqual(
    disks.map((disk: { mount: string }) => disk.mount),
    ['/', odd, '/run', '/boot'],
  );
  assert.deepEqual(disks[1].bytes, { total: 1000, used: 800, available: 100, used_percent: 88.9 });
  assert.deepEqual(disks[1].inodes, { total: 0, used: 0, available: 0, used_percent: null });
  assert.deepEqual(disks[3].inodes, { total: null, used: null, available: null, used_percent: null });
  const told = records(finished.log);
  assert.deepEqual(
    told.filter((record) => record.text.startsWith('{')).map(({ level, text }) => [level, JSON.parse(text).mount]),
    [
      [3, '/'],
      [3, odd],
      [4, '/run'],
    ],
  );
  assert.ok(told.some(({ level, text }) => level === 3 && text === 'df: /x: Permission denied'));
});

/** Self-signed, from 2020 to 2021. */
const EXPIRED = `-----BEGIN CERTIFICATE-----
MIIBFTCBvAIBATAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxwYXN0LmV4YW1wbGUw
HhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAXMRUwEwYDVQQDDAxwYXN0
LmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASmwf0/qNGZJxkUGFCE
7/0ChrVg/m4hnwYd912+1MfDcmddAHmtaGWt9f82SwTYeD0u+XufgEn5XByetXyd
iDEFMAoGCCqGSM49BAMCA0gAMEUCIE+7ubP6gbKujKcLS3WANXA53udLCWUlw6K4
f0DJ9ieGAiEA0ZJLdS4oJFnQ9QCE38p16mPhcpXtfHbVzOXnfgbMRMo=
-----END CERTIFICATE-----
`;

test('fate-certificates takes bundles apart, counts each certificate once and tells what expires', (t) => {
  const folder = scratch(t);
  const ssl = join(folder, 'ssl');
  mkdirSync(ssl);
  const make = (subject: string, days: number): string => {
    const arguments_ = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const out = ['-keyout', '/dev/null', '-subj', subject, '-utf8', '-days', String(days)];
    return execFileSync('openssl', [...arguments_, ...out], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  };
  const soon = make('/CN=so "on"/O=Höst', 10);
  const later = make('/CN=later', 400);
  writeFileSync(join(ssl, 'odd "name"\n.pem'), `some text\n${soon}${later}`);
  writeFileSync(join(ssl, 'same.crt'), later);
  writeFileSync(join(ssl, 'past.pem'), EXPIRED);
  writeFileSync(join(ssl, 'broken.pem'), '-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n');
  const finished = runExample(folder, 'fate-certificates', `folder = "${ssl}"\nwarn_days = 30\n`);
  assert.equal(finished.status, 0);
  const { checked, expired, soon: soonCount, certificates } = json(finished);
  assert.deepEqual([checked, expired, soonCount], [3, 1, 1]);
  assert.deepEqual(
    certificates.map((certificate: { subject: string }) => certificate.subject),
    ['CN=past.example', 'O=Höst,CN=so \\"on\\"', 'CN=later'],
  );
  assert.equal(certificates[0].not_after, '2021-01-01T00:00:00Z');
  assert.equal(certificates[0].days_left, Math.trunc((Date.UTC(2021, 0, 1) - Date.now()) / 86_400_000));
  assert.equal(certificates[1].file, join(ssl, 'odd "name"?.pem'));
  assert.ok([9, 10].includes(certificates[1].days_left));
  assert.deepEqual(
    records(finished.log).map(({ level }) => level),
    [3, 4, 3],
    'the broken one and the one that expires soon are warnings, the expired one is an error',
  );
});

test('fate-certificates has nothing to tell, and does not fail, where there is no folder', (t) => {
  const finished = runExample(scratch(t), 'fate-certificates', 'folder = "/nowhere"\n');
  assert.deepEqual([finished.status, finished.stdout.length], [0, 0]);
  assert.equal(records(finished.log)[0]?.level, 2);
});

test('fate-log-watch tells each line once: appended, unfinished, rotated and emptied files', (t) => {
  const folder = scratch(t);
  replaceProgram(folder, 'journalctl', 'exit 1');
  const auth = join(folder, 'auth.log');
  const failed = (n: number): string => `host sshd[1]: Failed password for "user\t${n}"\n`;
  let state = '';
  const texts = (): string[] => {
    const finished = runExample(folder, 'fate-log-watch', `folder = "${folder}"\nmost = 2\n`, state);
    assert.equal(finished.status, 0, finished.log);
    state = finished.state;
    if (finished.stdout.length === 0) return [];
    const { failed_logins: count, entries } = json(finished);
    return [`${count}`, ...entries.map((entry: { text: string }) => entry.text.replace(/.* /, ''))];
  };
  assert.deepEqual(texts(), [], 'no file at all');
  assert.equal(state, '');
  writeFileSync(auth, `${failed(1)}host cron[2]: fine\n${failed(2)}${failed(3)}`);
  assert.deepEqual(texts(), ['3', '2"', '3"'], 'all are counted, the latest listed');
  assert.deepEqual(texts(), [], 'nothing new');
  appendFileSync(auth, `${failed(4)}host sshd[1]: Failed pass`);
  assert.deepEqual(texts(), ['1', '4"'], 'an unfinished line is left');
  appendFileSync(auth, Buffer.concat([Buffer.from('word for '), Buffer.from([0xff, 0xfe]), Buffer.from('x\n')]));
  assert.deepEqual(texts(), ['1', 'x'], 'bytes that are no UTF-8 are dropped');
  appendFileSync(auth, failed(5));
  renameSync(auth, `${auth}.1`);
  writeFileSync(auth, failed(6));
  assert.deepEqual(texts(), ['2', '5"', '6"'], 'the rest of the rotated file, then the new one');
  truncateSync(auth);
  appendFileSync(auth, 'x Failed 7\n');
  assert.deepEqual(texts(), ['1', '7'], 'emptied and written anew');
  state = 'nonsense = [1, 2]\n';
  assert.deepEqual(texts(), ['1', '7'], 'a state that cannot be read is no state');
});

test('fate-log-watch reads the journal by its cursor, and starts anew where the cursor is of no use', (t) => {
  const folder = scratch(t);
  const entry = (cursor: string, priority: number, message: unknown): string =>
    JSON.stringify({ __CURSOR: cursor, PRIORITY: `${priority}`, SYSLOG_IDENTIFIER: 'sshd', MESSAGE: message });
  writeFileSync(
    join(folder, 'journal'),
    `${entry('s=1;i=1', 3, 'a "quoted" \\ text\nof two lines: "PRIORITY":"6"')}\n${entry('s=1;i=2', 6, 'Failed password')}\n` +
      `${entry('s=1;i=3', 6, 'Accepted')}\n${entry('s=1;i=4', 2, [255, 254])}\n`,
  );
  replaceProgram(
    folder,
    'journalctl',
    `case "$*" in
      *--lines=1*) echo something ;;
      *--after-cursor=s=1\\;i=4*) ;;
      *--after-cursor*) exit 1 ;;
      *--since=-24h*) cat '${join(folder, 'journal')}' ;;
    esac`,
  );
  const param = `folder = "${folder}"\n`;
  const first = runExample(folder, 'fate-log-watch', param);
  assert.deepEqual(
    json(first).entries.map(({ kind, text }: { kind: string; text: string }) => [kind, text]),
    [
      ['error', 'sshd: a "quoted" \\ text\nof two lines: "PRIORITY":"6"'],
      ['login', 'sshd: Failed password'],
      ['error', 'sshd: (not a text)'],
    ],
  );
  assert.equal(first.state, '"journal" = "s=1;i=4"\n');
  const second = runExample(folder, 'fate-log-watch', param, first.state);
  assert.deepEqual([second.stdout.length, second.state], [0, first.state]);
  const lost = runExample(folder, 'fate-log-watch', param, 'journal = "s=0;i=9"\n');
  assert.equal(json(lost).errors, 2);
});

test('fate-archive leaves out what others may not read, unless it is told otherwise', (t) => {
  const folder = scratch(t);
  const source = join(folder, 'my files');
  mkdirSync(join(source, 'closed'), { recursive: true });
  writeFileSync(join(source, 'open "x"\n'), 'open');
  writeFileSync(join(source, 'secret'), 'secret');
  writeFileSync(join(source, 'closed', 'inside'), 'inside');
  symlinkSync('secret', join(source, 'link'));
  for (const [path, mode] of [
    ['', 0o755],
    ['open "x"\n', 0o644],
    ['secret', 0o600],
    ['closed/inside', 0o644],
  ] as const)
    chmodSync(join(source, path), mode);
  chmodSync(join(source, 'closed'), 0o700);
  const unpack = (param: string): { summary: { files: number }; names: string[] } => {
    const finished = runExample(folder, 'fate-archive', `folder = "${source}"\n${param}`);
    assert.deepEqual([finished.status, finished.log], [0, '']);
    const out = mkdtempSync(join(folder, 'out-'));
    execFileSync('tar', ['-xf', '-', '-C', out], { input: finished.stdout });
    const names = ['.fate', 'my_files-checksums.txt', 'my_files-summary.json', 'my_files.tar.gz'];
    assert.deepEqual(readdirSync(out).sort(), names);
    execFileSync('tar', ['-xzf', 'my_files.tar.gz'], { cwd: out });
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'my_files-checksums.txt'], { cwd: out });
    const summary = JSON.parse(readFileSync(join(out, 'my_files-summary.json'), 'utf8'));
    return { summary, names: readdirSync(out).filter((name) => !names.includes(name)) };
  };
  const open = unpack('private = false\n');
  assert.deepEqual(open.names.sort(), ['link', 'open "x"\n']);
  assert.equal(open.summary.files, 2);
  const all = unpack('private = true\n');
  assert.deepEqual(all.names.sort(), ['closed', 'link', 'open "x"\n', 'secret']);
  assert.equal(all.summary.files, 4);
  assert.equal(runExample(folder, 'fate-archive', 'folder = "/nowhere"\n').status, 1);
});

test('fate-updates reads what apt would do', (t) => {
  const folder = scratch(t);
  const plan = [
    'Inst libc6 [2.36-9] (2.36-10 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64]) []',
    'Inst new-one (1:1.0~rc1+b2 Debian:12.15/oldstable [all])',
    'Conf libc6 (2.36-10 Debian:12.15/oldstable [amd64])',
  ];
  replaceProgram(folder, 'apt-get', `cat <<'END'\n${plan.join('\n')}\nEND`);
  assert.deepEqual(json(runExample(folder, 'fate-updates', '')), {
    pending: 2,
    security: 1,
    packages: [
      { package: 'libc6', from: '2.36-9', to: '2.36-10', security: true },
      { package: 'new-one', from: null, to: '1:1.0~rc1+b2', security: false },
    ],
  });
  replaceProgram(folder, 'apt-get', 'echo "E: broken" >&2; exit 100');
  const broken = runExample(folder, 'fate-updates', '');
  assert.deepEqual([broken.status, broken.stdout.length], [1, 0]);
  assert.ok(records(broken.log).some(({ level, text }) => level === 4 && text === 'E: broken'));
});
