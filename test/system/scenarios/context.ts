/** What a task finds around it under the unit: environment, user, groups, folder, credentials. */
import assert from 'node:assert/strict';
import { type FateBox, NEVER, scenario } from '../fate-box.ts';

const TASKS = `
[plain]
schedule = "${NEVER}"
shell = "env -0"
[other]
schedule = "${NEVER}"
user = "worker"
umask = "0027"
nice = 7
cwd = "/srv"
env_file = "/etc/fate/env"
env = { GREETING = "hello <%= task_name %>", LATER = "env" }
credentials = { token = "/etc/fate/secret", given = "systems" }
shell = '''
echo "who=$(id -un):$(id -gn):$(id -Gn | tr ' ' '\\n' | sort | tr '\\n' ',')"
echo "home=$HOME:$USER:$LOGNAME:$SHELL"
echo "umask=$(umask) nice=$(nice) cwd=$(pwd)"
echo "env=$GREETING|$FROM_FILE|$LATER"
echo "mode=$(stat -c %a:%U "$CREDENTIALS_DIRECTORY/token")"
echo "secret=$(cat "$CREDENTIALS_DIRECTORY/token")+$(cat "$CREDENTIALS_DIRECTORY/given")"
echo "folder=$CREDENTIALS_DIRECTORY"
echo again >/dev/stderr && cat /dev/stdin >/dev/null && echo "streams=open"
'''
format.result = ''
[nobody-there]
schedule = "${NEVER}"
user = "no-such-user"
exec = ["true"]
`;

/** Names that systemd sets for the service itself (SPEC 7). */
const FORBIDDEN =
  /^(NOTIFY_SOCKET|WATCHDOG_|LISTEN_|JOURNAL_STREAM|INVOCATION_ID|SYSTEMD_EXEC_PID|MAINPID|MANAGERPID|CREDENTIALS_DIRECTORY|(RUNTIME|STATE|CACHE|LOGS|CONFIGURATION)_DIRECTORY)/;

export function context(box: () => FateBox): void {
  const output = (fate: FateBox, task: string): Promise<string> =>
    fate.sh(`cat "$(ls -t /var/log/fate/result/*-${task}* | head -n 1)"`);

  scenario('a task never sees what systemd set for the service itself', box, async (fate) => {
    await fate.start({ tasks: TASKS });
    assert.equal((await fate.runTask('plain')).status, 'OK');
    const names = (await output(fate, 'plain')).split('\0').map((line) => line.split('=')[0] ?? '');
    assert.deepEqual(
      names.filter((name) => FORBIDDEN.test(name)),
      [],
    );
    for (const name of ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'FATE_TASK', 'FATE_RUN_ID'])
      assert.ok(names.includes(name), name);
  });

  scenario('user, groups, umask, nice, folder, environment and credentials of a task', box, async (fate) => {
    await fate.sh(
      'id worker 2>/dev/null || { groupadd extra; useradd -m -s /bin/bash worker; usermod -aG extra worker; }',
    );
    await fate.fresh({ tasks: TASKS, dropIn: 'LoadCredential=systems:/etc/hostname' });
    fate.write('/etc/fate/env', '# a comment\nFROM_FILE="from the file"\nLATER=file\n', 0o600);
    fate.write('/etc/fate/secret', 's3cret', 0o600);
    await fate.sh('systemctl start fated');
    const run = await fate.runTask('other');
    assert.equal(run.status, 'OK', JSON.stringify(run));
    const told = Object.fromEntries(
      (await output(fate, 'other')).split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    const { folder, ...rest } = told as Record<string, string>;
    assert.deepEqual(rest, {
      who: 'worker:worker:extra,worker,',
      home: '/home/worker:worker:worker:/bin/bash',
      umask: '0027 nice=7 cwd=/srv',
      env: 'hello other|from the file|env',
      mode: '400:worker',
      secret: `s3cret+${await fate.sh('cat /etc/hostname')}`,
      streams: 'open',
    });
    assert.notEqual(folder, undefined);
    assert.notEqual((await fate.run(`test -e '${folder}'`)).status, 0, 'the credentials are gone with the run');
    assert.equal(
      (await fate.sh('journalctl -q -o export --after-cursor= 2>/dev/null | grep -c s3cret || true')).trim(),
      '0',
    );
    assert.equal(await fate.sh('stat -c %U $(ls -t /var/log/fate/result/*-other* | head -n 1)'), 'worker');
  });

  scenario('a user who is not there is Failed at the start, with the reason', box, async (fate) => {
    await fate.start({ tasks: TASKS });
    const run = await fate.runTask('nobody-there');
    assert.equal(run.status, 'Failed');
    assert.match(run.reason ?? '', /no-such-user/);
  });
}
