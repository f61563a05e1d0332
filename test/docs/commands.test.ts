/**
 * What the documents tell a reader to type, typed: every command of README.md and docs/, page by page, on a booted Debian 12
 * with the package installed and nothing configured. debian/tests/blocks says what runs, and how a page can say otherwise.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type DebBox, makeDebBox, PLAIN } from '../deb/deb-box.ts';
import { packageFile, whyNoPackage } from '../deb/package.ts';
import { repo } from '../helpers/repo.ts';
import { whyNot } from '../system/root-folder.ts';

const run = promisify(execFile);

/** What the pages use besides the package and a plain system. */
const USED = ['libpam-systemd', 'dbus-user-session', 'procps', 'curl', 'jq', 'cron', 'man-db', 'nano'];

/** README comes last: it ends with the package's removal. */
const pages = [
  ...readdirSync(join(repo, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
  'README.md',
];

/** As apt left it, but for an empty /etc/fate. */
const RESET = `set +e
  systemctl stop fated 2>/dev/null
  pkill -x cron; rm -rf /etc/fate /var/lib/fate /var/log/fate /run/fate /etc/systemd/system/fated.service* /usr/lib/fate/tasks.d/*
  rm -rf /root/.config /root/.local /srv/work /etc/cron.d/*; mkdir -p /etc/fate /srv/work
  systemctl daemon-reload; systemctl reset-failed; systemctl -q enable fated 2>/dev/null; true`;

/** The links of a page to files that are not there: `docs/x.md: y.md`. (What they say of headings, the unit tests see to.) */
function deadLinks(root: string, page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/\]\(([^)#\s]+)/g)].flatMap(([, path = '']) =>
    /^[a-z]+:/.test(path) || existsSync(join(root, dirname(page), path)) ? [] : [`${page}: ${path}`],
  );
}

const why = whyNoPackage() ?? (await whyNot('bookworm', 'systemd-nspawn', 'dpkg-deb'));

describe('the documents, tried on a booted Debian 12', { skip: why ?? false }, () => {
  let box: DebBox;
  before(
    async () => {
      box = await makeDebBox('bookworm', { packages: [...PLAIN, ...USED] });
      await box.boot();
      const file = box.place(packageFile());
      await box.sh(`dpkg -i ${file} || { dpkg -s fate; exit 1; }`, 120);
    },
    { timeout: 400_000 },
  );
  after(() => box?.remove(), { timeout: 60_000 });

  test('every link of the installed pages leads to a file of the package', async () => {
    const root = join(box.root, 'usr/share/doc/fate');
    const installed = [
      ...readdirSync(root).filter((name) => name.endsWith('.md')),
      ...readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [join('docs', name)] : [])),
    ];
    assert.ok(installed.length > 20, `${installed.length} pages`);
    assert.deepEqual(
      installed.flatMap((page) => deadLinks(root, page)),
      [],
    );
  });

  for (const page of pages) {
    test(`every command in ${page} can be typed as it stands there`, { timeout: 300_000 }, async () => {
      const inside = `/srv/docs/${basename(page, '.md')}`;
      const folder = join(box.root, inside);
      await run(join(repo, 'debian/tests/blocks'), [join(repo, page), folder]);
      await box.sh(RESET);
      const blocks = readdirSync(folder)
        .filter((name) => name.endsWith('.sh'))
        .sort();
      for (const block of blocks) {
        const { status, stdout, stderr } = await box.run(
          `cd /srv/work && exec bash ${inside}/${block} </dev/null`,
          100,
        );
        const words = readFileSync(join(folder, block), 'utf8');
        assert.equal(status, 0, `${words}\nstatus ${status}\n${stdout}\n${stderr}`);
      }
    });
  }

  test('of what is not run, each block says why, and they are few', async () => {
    const reasons = readdirSync(join(box.root, 'srv/docs')).flatMap((page) =>
      readdirSync(join(box.root, 'srv/docs', page))
        .filter((name) => name.endsWith('.not-run'))
        .map((name) => readFileSync(join(box.root, 'srv/docs', page, name), 'utf8').split('\n')[0] ?? ''),
    );
    const scripts = readdirSync(join(box.root, 'srv/docs')).flatMap((page) =>
      readdirSync(join(box.root, 'srv/docs', page)).filter((name) => name.endsWith('.sh')),
    );
    assert.ok(scripts.length > 40, `${scripts.length} blocks were run`);
    assert.ok(reasons.length <= scripts.length / 4, reasons.join('\n'));
  });
});
